"""Both embedded services behind the real HTTP client, and the real ledger in memory: a platform that can be stopped.

The requests are real ones; only the socket and the disk are left out. Every write passes a boundary before it is sent,
when it was carried out and when its reply has arrived; so does every line of the journal. At each boundary the whole
state can be kept: it is what a process leaves behind that is killed there.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from flext_providers.flexcore.embedded import make as make_flexcore
from flext_providers.flexcore.provider import FlexCore
from flext_providers.flext_service.embedded.app import make as make_flext
from flext_providers.flext_service.provider import FlextServiceProvider
from flext_reconciler.http import TRANSPORT
from flext_reconciler.ledger import Ledger
from flext_reconciler.ledger.ledger import now
from flext_reconciler.ledger.sqlite import SqliteDatabase, _migrate
from flext_reconciler.model import Address, Change, Outcome, Plan, Record, Service
from flext_reconciler.sandbox import Sandbox
from platform_under_test import Platform

KEPT = {"flexcore": ("plugins",), "flext-service": ("plugins", "pipelines", "specs")}
"""What the services remember, by service."""


class MemoryDatabase(SqliteDatabase):
    """The ledger's own statements and tables on a SQLite database that is never written to disk."""

    def __init__(self) -> None:
        self._path = Path("memory")
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        _migrate(self._connection)

    def save(self) -> bytes:
        """Return the whole database."""
        return self._connection.serialize()

    def restore(self, saved: bytes) -> None:
        """Bring a saved database back."""
        self._connection.deserialize(saved)


class Stop(NamedTuple):
    """A boundary that a run passed, and everything as it stood there."""

    place: str
    state: Any


class Wire(httpx.AsyncBaseTransport):
    """Carries requests to an embedded service; the replies of some writes may get lost."""

    def __init__(self, world: HttpWorld, name: str) -> None:
        self._inner = httpx.ASGITransport(world.apps[name])
        self._world = world

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return await self._inner.handle_async_request(request)
        world, told = self._world, f"{request.method} {request.url.path}"
        world.at(f"before send: {told}")
        response = await self._inner.handle_async_request(request)
        world.carried_out += 1
        world.at(f"after send: {told}")
        if world.lost and world.lost[0] in told:
            world.lost.pop(0)
            raise httpx.ReadTimeout("nobody answered", request=request)
        world.at(f"after reply: {told}")
        return response


class Watched:
    """The real ledger, with a boundary before and after each of its writes."""

    def __init__(self, world: HttpWorld) -> None:
        self._world = world

    def records(self) -> dict[Address, Record]:
        return self._world.ledger.records()

    def start_run(self, plan_fingerprint: str, who: str) -> int:
        return self._world.ledger.start_run(plan_fingerprint, who, self._world.plan)

    def intend(self, run: int, change: Change) -> None:
        self._do(f"intent {change.address}", "intend", run, change)

    def record(self, run: int, outcome: Outcome, record: Record | None) -> None:
        self._do(f"record {outcome.address}", "record", run, outcome, record)

    def note(self, run: int, outcome: Outcome) -> None:
        self._do(f"note {outcome.address}", "note", run, outcome)

    def finish_run(self, run: int, result: str, rest: Iterable[Outcome] = ()) -> None:
        self._do("finish", "finish_run", run, result, rest)

    def _do(self, told: str, name: str, *values: Any) -> None:
        self._world.at(f"before {told}")
        getattr(self._world.ledger, name)(*values)
        self._world.at(f"after {told}")


class HttpWorld:
    """A platform whose whole state, services and ledger, can be saved and restored; also a context manager."""

    def __init__(self, variant: str = "clean") -> None:
        self.apps: dict[str, Sandbox] = {}
        self.lost: list[str] = []  # what the writes look like whose replies will get lost
        self.carried_out = 0
        self.stops: list[Stop] | None = None
        self.plan: Plan | None = None  # kept with the next run
        self._variant = variant
        self._numbers = itertools.count(1)
        self._database = MemoryDatabase()
        self._stack = ExitStack()
        providers = {"flexcore": FlexCore(_sleepless), "flext-service": FlextServiceProvider()}
        services = {name: Service(name, name, "http://127.0.0.1:9") for name in providers}
        self.platform = Platform(providers, services, ledger=Watched(self))
        self.platform.secrets["TOKEN"] = "open sesame"
        self._start()

    def __enter__(self) -> HttpWorld:
        before = TRANSPORT.set(lambda service: Wire(self, service.name))
        self._stack.callback(TRANSPORT.reset, before)
        self.run = self._stack.enter_context(asyncio.Runner()).run  # its loop keeps the context of now
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._database.close()

    def _start(self) -> None:
        self.apps["flexcore"] = make_flexcore()
        self.apps["flext-service"] = make_flext(None, variant=self._variant, new_id=self._new_id)
        self.ledger = Ledger(self._database, "test", now, Path("nowhere"))

    def _new_id(self) -> str:
        return f"00000000-0000-4000-8000-{next(self._numbers):012}"

    def at(self, place: str) -> None:
        """Pass a boundary."""
        if self.stops is not None:
            self.stops.append(Stop(place, self.save()))

    def save(self) -> Any:
        """Return the state; what the services hold is replaced and never changed in place."""
        stores = {
            name: {each: dict(app.store.collection(each)) for each in KEPT[name]} for name, app in self.apps.items()
        }
        return stores, self._database.save()

    def restore(self, saved: Any) -> None:
        """Bring a saved state back: services and flext start anew, and find what they had."""
        stores, ledger = saved
        self._database.restore(ledger)
        self._start()
        for name, collections in stores.items():
            for each, items in collections.items():
                self.apps[name].store.collection(each).update(items)

    def forget(self) -> None:
        """Lose the ledger."""
        self._database.close()
        self._database = MemoryDatabase()
        self.ledger = Ledger(self._database, "test", now, Path("nowhere"))


async def _sleepless(seconds: float) -> None:
    """Nobody waits in a test."""
