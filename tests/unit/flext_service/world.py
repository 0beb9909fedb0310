"""One embedded FLEXT Service on a real socket, and the provider in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any, TypeVar

import httpx

from flext_providers.flext_service.embedded.app import make
from flext_providers.flext_service.provider import PROVIDER
from flext_providers.flext_service.writer import FlextWriter
from flext_reconciler.diff import compare
from flext_reconciler.model import (
    Action,
    Actual,
    Address,
    Change,
    FieldDiff,
    Json,
    KindSupport,
    Reason,
    Record,
    Service,
)
from flext_reconciler.provider import Wanted, Write
from flext_reconciler.sandbox import start

R = TypeVar("R")

EVERYTHING = frozenset({"schedule", "steps", "tags"})
PLUGIN = {"type": "source", "version": "1.0.0", "entry_point": "run:main"}
TAP = {"version": "1.0.0", "executable": "tap-thing"}


class World:
    """A service to talk to, behind the provider's back too."""

    def __init__(self, variant: str = "clean") -> None:
        numbers = count(1)
        self.app = make(
            None,
            variant=variant,
            new_id=lambda: f"00000000-0000-4000-8000-{next(numbers):012d}",
            now=lambda: "2026-01-01T00:00:00Z",
        )
        self.faults = self.app.faults

    def __enter__(self) -> World:
        self._running = start(self.app)
        self.service = Service("flext", "flext-service", self._running.url, timeout=5)
        self._http = httpx.Client(base_url=self._running.url, verify=False)  # reading the authorities takes 30 ms
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._running.stop()

    # ------------------------------------------------------------------------------------------ behind its back

    def send(self, method: str, path: str, body: Json = None) -> httpx.Response:
        """Ask the service itself, unimpressed by faults of lists."""
        return self._http.request(method, path, json=body)

    def add_plugin(self, name: str, **fields: Json) -> str:
        """Register a plugin by hand."""
        return self.send("POST", "/api/v1/plugins", {"name": name, **PLUGIN, **fields}).json()["data"]["id"]

    def add_pipeline(self, name: str, **fields: Json) -> str:
        """Create a pipeline by hand."""
        return self.send("POST", "/api/v1/pipelines", {"name": name, **fields}).json()["data"]["id"]

    def add_many(self, path: str, bodies: Iterable[Json]) -> None:
        """Create by hand without the socket, which a test that needs hundreds would wait for."""

        async def post() -> None:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
                for body in bodies:
                    assert (await http.post(path, json=body)).status_code == 201

        asyncio.run(post())
        self.faults.log.clear()

    def pipeline(self, id: str) -> dict[str, Any]:
        """Show a pipeline as it is."""
        return self.send("GET", f"/api/v1/pipelines/{id}").json()["data"]

    def pipelines(self) -> list[dict[str, Any]]:
        """Show the first pipelines as they are."""
        return self.send("GET", "/api/v1/pipelines").json()["data"]["pipelines"]

    def requests(self, method: str) -> list[str]:
        """The paths that were asked so far with a method."""
        return [entry.path for entry in self.faults.log if entry.method == method]

    # ------------------------------------------------------------------------------------------ through the provider

    def run(self, call: Callable[[FlextWriter], Awaitable[R]]) -> R:
        """Call a fresh writer."""

        async def go() -> R:
            async with PROVIDER.writer(self.service, lambda secret: "") as writer:
                return await call(writer)

        return asyncio.run(go())

    def read(self, kind: str, wanted: Wanted | None = None) -> dict[str, Actual]:
        """Read a kind, by name."""
        return {actual.address.name: _normal_actual(actual) for actual in self.run(lambda it: it.read(kind, wanted))}

    def read_one(self, kind: str, name: str, id: str | None = None, fields: Iterable[str] = EVERYTHING) -> Actual:
        """Read one object."""
        return _normal_actual(self.run(lambda writer: writer.read_one(kind, name, id, frozenset(fields))))

    def create(self, kind: str, name: str, **spec: Json) -> str:
        """Create one object."""
        return self.run(lambda writer: writer.create(self.write(Action.CREATE, kind, name, spec)))

    def update(self, kind: str, name: str, id: str, before: Mapping[str, Json], **spec: Json) -> None:
        """Bring one object from what was declared before to what is declared now, as a plan would."""
        actual = self.read_one(kind, name, id)
        record = Record(actual.address, id, _normal(kind, before), actual.spec)
        fields = compare(PROVIDER.kinds[kind], _normal(kind, spec), actual, record, KindSupport()).fields
        self.run(lambda writer: writer.update(self.write(Action.UPDATE, kind, name, spec, id, fields)))

    def delete(self, kind: str, name: str, id: str) -> None:
        """Delete one object."""
        self.run(lambda writer: writer.delete(self.write(Action.DELETE, kind, name, {}, id)))

    def write(
        self,
        action: Action,
        kind: str,
        name: str,
        spec: Mapping[str, Json],
        id: str | None = None,
        fields: tuple[FieldDiff, ...] = (),
    ) -> Write:
        """The write that the engine hands over."""
        change = Change(Address("flext", kind, name), action, Reason.NEW, fields=fields, id=id)
        return Write(change, _normal(kind, spec), id, lambda kind, name: None)


def _normal(kind: str, spec: Mapping[str, Json]) -> dict[str, Json]:
    return PROVIDER.kinds[kind].normalise(spec)


def _normal_actual(actual: Actual) -> Actual:
    return replace(actual, spec=_normal(actual.address.kind, actual.spec))
