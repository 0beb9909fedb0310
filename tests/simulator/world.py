"""One simulated platform: the embedded services, a ledger on disk, time that nobody waits for, processes that die."""

from __future__ import annotations

import asyncio
import itertools
import random
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flext_providers.flexcore.embedded import make as make_flexcore
from flext_providers.flexcore.provider import FlexCore
from flext_providers.flext_service.embedded.app import make as make_flext
from flext_providers.flext_service.provider import FlextServiceProvider
from flext_reconciler.errors import FlextError, LedgerError
from flext_reconciler.http import TRANSPORT
from flext_reconciler.ledger import open_ledger
from flext_reconciler.model import Address, Declaration, Event, Report, Secret, Service
from flext_reconciler.plan import PlanOptions
from flext_reconciler.references import Fingerprinter
from flext_reconciler.sandbox import Sandbox
from flext_reconciler.simulate.ledger import ScratchLedger
from flext_reconciler.simulate.stage import Made, Stage
from flext_reconciler.simulate.watch import Announcing

from .faults import FAIR, Weather
from .wire import ORIGIN, Answer, Wire, at_once, serve

PROVIDERS = {"flexcore": FlexCore(), "flext-service": FlextServiceProvider()}
SERVICES = {name: Service(name, name, ORIGIN, timeout=30.0) for name in PROVIDERS}
FINGERPRINTER = Fingerprinter(b"k" * 32)
KEPT = 8  # snapshots of an answer
# Synced writes cost nothing in memory; that they are synced is the ledger's own test.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class Crash(BaseException):
    """The process died."""


@dataclass
class Ended:
    """How a process ended: with a report, with an error, or dead."""

    planned: Made | None = None
    there: frozenset[Address] = frozenset()  # what really was there when it was planned
    report: Report | None = None
    error: FlextError | None = None
    died: str = ""


class World:
    """What outlives a process."""

    def __init__(self, seed: int, directory: Path | None = None) -> None:
        self.seed = seed
        self.secrets = {"TOKEN": "open sesame"}
        self.trace: list[str] = []
        self.busy: Counter[str] = Counter()  # writes under way, by service
        self._directory = directory
        self._ids = itertools.count(1)
        self._past: dict[tuple[str, bytes], list[Answer]] = {}
        self._going: set[asyncio.Task[Any]] = set()
        self.processes = 0
        self.late = 0  # writes that are still to be carried out
        self.apps: Mapping[str, Sandbox] = {
            "flexcore": make_flexcore(),
            "flext-service": make_flext(None, new_id=self._new_id, now=lambda: self.now().isoformat()),
        }
        self._memory = ScratchLedger()
        if directory is not None:
            (directory / "sim.db").write_bytes(_empty_ledger())

    def _new_id(self) -> str:
        return f"00000000-0000-4000-8000-{next(self._ids):012}"

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())

    def tell(self, what: str) -> None:
        """Add a line to the story."""
        self.trace.append(f"{asyncio.get_running_loop().time():9.3f}  {what}")

    def chance(self, name: str) -> random.Random:
        """The chances of one event: they depend on its name and the seed, never on what else happened meanwhile."""
        return random.Random(f"{self.seed}/{name}")

    # ------------------------------------------------------------------------------------------------ the services

    def keep(self, service: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let a service finish something although nobody may wait for it."""

        async def busy() -> Any:
            self.busy[service] += 1
            try:
                return await work
            finally:
                self.busy[service] -= 1

        task = asyncio.get_running_loop().create_task(busy())
        self._going.add(task)
        task.add_done_callback(self._going.discard)
        return task

    def later(self, service: str, seconds: float, work: Coroutine[Any, Any, Any], told: str) -> None:
        """Have something done at once, a while later, when the service is not at work on anything else."""

        async def wait() -> None:
            await asyncio.sleep(seconds)
            while self.busy[service]:
                await asyncio.sleep(0.01)
            answer = at_once(work)
            self.late -= 1
            self.tell(f"carried out late: {told} → {answer and answer.status}")

        self.late += 1
        task = asyncio.get_running_loop().create_task(wait())
        self._going.add(task)
        task.add_done_callback(self._going.discard)

    async def calm(self) -> None:
        """Wait until nothing is under way any more."""
        while self._going:
            await asyncio.wait(set(self._going))

    async def outside(self, service: str, method: str, path: str, body: bytes = b"") -> Answer | None:
        """Do something behind flext's back, at once."""
        while self.busy[service]:
            await asyncio.sleep(0.01)
        answer: Answer | None = at_once(serve(self.apps[service], method, path.encode(), body))
        self.tell(f"somebody else: {method} {service}{path} → {answer and answer.status}")
        return answer

    def remember(self, service: str, target: bytes, answer: Answer) -> None:
        """Keep an answer, for whoever looks into the past."""
        past = self._past.setdefault((service, target), [])
        past.append(answer)
        del past[:-KEPT]

    def past(self, service: str, target: bytes) -> list[Answer]:
        """Earlier answers to the same question."""
        return self._past.get((service, target), [])

    # ------------------------------------------------------------------------------------------------ processes

    def secret(self, name: str) -> Secret:
        """The reference to a secret, as the loader makes it."""
        return Secret(f"${{env:{name}}}", FINGERPRINTER.of(self.secrets[name]))

    def resolve(self, secret: Secret) -> str:
        """The value behind a reference."""
        return self.secrets[secret.text.removeprefix("${env:").removesuffix("}")]

    def open_ledger(self) -> AbstractContextManager[Any]:
        """Open the ledger as every process does: on disk when there is a directory for it."""
        if self._directory is None:
            return nullcontext(self._memory)
        return open_ledger(self._directory, "sim", clock=self.now)


class Process:
    """One run of flext: what it sends, what it writes down, and where it dies."""

    def __init__(
        self, world: World, weather: Weather = FAIR, *, die_at: int | None = None, full_at: int | None = None
    ) -> None:
        self.world = world
        self.weather = weather
        self.sent: list[tuple[Address | None, str]] = []  # writes, and for whom
        self.asked: list[str] = []  # reads
        self.boundaries = 0
        world.processes += 1
        self._number = world.processes
        self._die_at = die_at
        self._full_at = full_at
        self._dead = False
        self._counted: Counter[str] = Counter()

    def tell(self, what: str) -> None:
        self.world.tell(f"#{self._number} {what}")

    def name(self, what: str) -> str:
        """Name an event of this process, the same in every replay."""
        self._counted[what] += 1
        return f"{self._number}/{what}/{self._counted[what]}"

    def at(self, place: str, counts: bool = True) -> None:
        """Pass a boundary, or die there; what is dead stays dead."""
        if self._dead:
            raise Crash
        if not counts:
            return
        self.boundaries += 1
        if self.boundaries == self._die_at:
            self._dead = True
            self.tell(f"died {place}")
            raise Crash(place)

    def die(self) -> None:
        """Die at once."""
        self._dead = True
        self.tell("died")

    def fill(self) -> bool:
        """Whether the disk is full by now."""
        return self._full_at is not None and self.boundaries >= self._full_at

    async def run(
        self,
        declaration: Declaration,
        options: PlanOptions,
        *,
        saved: float | None = None,
        stop_after: float | None = None,
        look_behind: Callable[[], frozenset[Address]] = frozenset,
    ) -> Ended:
        """Plan and apply; with `saved`, the plan is kept for so many seconds before it is applied.

        `look_behind` is asked for what really is there, as soon as there is a plan.
        """
        return await asyncio.create_task(self._run(declaration, options, saved, stop_after, look_behind))

    async def _run(
        self,
        declaration: Declaration,
        options: PlanOptions,
        saved: float | None,
        stop_after: float | None,
        look_behind: Callable[[], frozenset[Address]],
    ) -> Ended:
        TRANSPORT.set(lambda service: Wire(self, service.name))
        loop = asyncio.get_running_loop()
        began = loop.time()
        stop = SimpleNamespace(is_set=lambda: stop_after is not None and loop.time() > began + stop_after)
        ended = Ended()
        try:
            with self.world.open_ledger() as ledger:
                stage = self._stage(declaration, ledger, options)
                fresh = ended.planned = await stage.look(self._observe)
                ended.there = look_behind()
                if saved is not None:
                    await asyncio.sleep(saved)
                    fresh = await stage.look(self._observe)
                chosen = fresh._replace(plan=ended.planned.plan)
                ended.report = await stage.carry_out(chosen, self._observe, stop, recheck_creates=saved is not None)
        except (Crash, BaseExceptionGroup) as crash:
            if not self._dead:
                raise
            ended.died = str(crash) or "with the rest of its process"
        except FlextError as error:
            ended.error = error
        self._dead = True
        self.tell(self._summary(ended))
        return ended

    async def look(self, declaration: Declaration, options: PlanOptions) -> Made:
        """Only plan."""
        with self.world.open_ledger() as ledger:
            token = TRANSPORT.set(lambda service: Wire(self, service.name))
            made = await self._stage(declaration, ledger, options).look(self._observe)
            TRANSPORT.reset(token)
            return made

    def _stage(self, declaration: Declaration, ledger: Any, options: PlanOptions) -> Stage:
        watched: Any = Watched(self, ledger)
        return Stage(
            declaration, PROVIDERS, SERVICES, watched, FINGERPRINTER, self.world.resolve, options, seen_by=Announcing
        )

    def _observe(self, event: Event) -> None:
        if event.outcome is not None:
            ended = event.outcome
            self.tell(
                f"{ended.status} {ended.action} {ended.address}" + (f": {ended.message}" if ended.message else "")
            )

    def _summary(self, ended: Ended) -> str:
        if ended.died:
            return f"is dead ({ended.died})"
        if ended.error is not None:
            return f"ended with an error: {ended.error}"
        assert ended.report is not None
        left = ended.report.residual
        return f"ended: {'converged' if ended.report.converged else f'left {left and (left.changes, left.blocked)}'}"


class Watched:
    """The real ledger, with a boundary before and after each of its writes, and a disk that may be full."""

    WRITES = frozenset({"start_run", "intend", "record", "note", "finish_run"})

    def __init__(self, process: Process, ledger: Any) -> None:
        self._process = process
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._ledger, name)
        return self._watched(name, found) if name in self.WRITES else found

    def _watched(self, name: str, method: Any) -> Any:
        def call(*values: Any) -> Any:
            self._process.at(f"before {name}")
            if self._process.fill():
                self._process.tell(f"{name}: the disk is full")
                raise LedgerError("the disk is full", hint="make room")
            result = method(*values)
            self._process.at(f"after {name}")
            return result

        return call


@cache
def _empty_ledger() -> bytes:
    """A ledger that is always the same one, to be copied."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        open_ledger(Path(name), "sim").close()
        path = Path(name, "sim.db")
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("UPDATE meta SET key = ?, lineage = 'simulated'", (b"k" * 32,))
            connection.commit()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path.read_bytes()
