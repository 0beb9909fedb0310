"""One trial: trouble first, then the faults stop and the declaration stays, and everything has to come right.

Eventually stable reconciliation: at most two runs later the platform is as declared, and further runs write nothing.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flext_reconciler.model import Action, Address, BlockCode, Declaration, Deletion, Lifecycle, Plan, Presence, Status
from flext_reconciler.plan import PlanOptions
from flext_reconciler.simulate.clock import run_timeless

from .declare import Author, declaration
from .edits import STRANGERS, Outsiders
from .faults import FAIR, FAULTS, Weather
from .truth import is_disabled, is_wanted, lacks, things
from .world import MEMORY, Ended, Process, World

TODAY, MUCH_LATER = "2026-01-01", "2027-01-01"

RUNS = 2
"""After the faults have stopped, the platform must be as declared after this many runs at most."""

BOUNDARIES = 40
"""A process that dies does so at one of its first this many boundaries."""


class Violated(AssertionError):
    """A promise was broken."""


@dataclass
class Trial:
    """A world, who works on it, and what was found out."""

    world: World
    chance: random.Random
    further: int
    author: Author = field(init=False)
    outsiders: Outsiders = field(init=False)
    faults: int = 0
    adoptable: set[Address] = field(default_factory=set)  # whatever was ever allowed to be taken over

    def __post_init__(self) -> None:
        self.author = Author(self.world, self.chance)
        self.outsiders = Outsiders(self.world, self.chance, self.author)

    async def run(self) -> None:
        """Make trouble, then end it and look whether everything comes right."""
        chance = self.chance
        options = PlanOptions(prune=chance.random() < 0.5, adopt=chance.random() < 0.25, today=TODAY)
        specs = self.author.declare()
        wished = self._declare(specs)
        if chance.random() < 0.5:
            await self._run(Process(self.world), wished, options)
        crashes = chance.choice((0, 0, 1, 1, 2, 3))
        for number in range(max(crashes, chance.randint(1, 2))):
            if chance.random() < 0.4:
                specs = self.author.declare(specs)
                wished = self._declare(specs)
            for _ in range(chance.choice((0, 0, 1, 2))):
                await self.outsiders.act()
            await self._trouble(wished, options, crashes=number < crashes)
            await asyncio.sleep(chance.choice((0, 0, 1, 10, 100)))
        await self.world.calm()
        self.world.tell("the faults have stopped")
        await self._comes_right(wished, options)

    def _declare(self, specs: Mapping[Address, Any]) -> Declaration:
        wished = declaration(specs, {address: self._lifecycle() for address in specs})
        self.adoptable |= {resource.address for resource in wished.resources if resource.lifecycle.adopt}
        return wished

    def _lifecycle(self) -> Lifecycle:
        immediate = self.chance.random() < 0.2
        return Lifecycle(
            adopt=self.chance.random() < 0.1, delete=Deletion.IMMEDIATE if immediate else Deletion.TWO_PHASE
        )

    # ------------------------------------------------------------------------------------------------ trouble

    async def _trouble(self, wished: Declaration, options: PlanOptions, *, crashes: bool) -> None:
        chance = self.chance
        die_at = chance.randint(1, BOUNDARIES) if crashes else None
        full_at = chance.randint(1, BOUNDARIES) if chance.random() < 0.08 else None
        process = Process(self.world, self._weather(), die_at=die_at, full_at=full_at)
        saved = chance.choice((0.0, 60.0)) if chance.random() < 0.15 else None
        stop_after = chance.uniform(0.0, 3.0) if chance.random() < 0.08 else None
        meddles = chance.random() < 0.2
        meddling = asyncio.create_task(self._meddle()) if meddles else None
        doubtful = self.world.late > 0 or meddles
        ended = await self._run(process, wished, options, saved=saved, stop_after=stop_after, doubtful=doubtful)
        if meddling is not None:
            await meddling
        assert ended is not None

    async def _meddle(self) -> None:
        await asyncio.sleep(self.chance.uniform(0.0, 2.0))
        await self.outsiders.act()

    def _weather(self) -> Weather:
        chance = self.chance
        kind = chance.random()
        if kind < 0.3:
            return (
                FAIR
                if kind < 0.15
                else Weather(1.0, self._some(1), first=chance.randint(0, 30), count=chance.randint(1, 12))
            )
        return Weather(chance.choice((0.01, 0.03, 0.1)), FAULTS if kind < 0.7 else self._some(chance.randint(1, 5)))

    def _some(self, count: int) -> dict[str, Any]:
        return {name: FAULTS[name] for name in self.chance.sample(sorted(FAULTS), count)}

    async def _run(
        self, process: Process, wished: Declaration, options: PlanOptions, *, doubtful: bool = False, **more: Any
    ) -> Ended:
        ended = await process.run(wished, options, look_behind=self._there, **more)
        self.faults += process.weather.struck
        self._check_plan(ended, wished, doubtful or process.weather.lied)
        if not (doubtful or process.weather.lied):
            self._check_outcomes(ended, wished)
        return ended

    def _there(self) -> frozenset[Address]:
        return frozenset(thing.address for thing in things(self.world))

    # ------------------------------------------------------------------------------------------------ oracles

    def _check_plan(self, ended: Ended, wished: Declaration, doubtful: bool) -> None:
        """Silence is never absence, and nothing is deleted that was not asked for."""
        if ended.planned is None:
            return
        wanted = {resource.address for resource in wished.resources if is_wanted(resource)}
        for change in ended.planned.plan.changes:
            actual = ended.planned.inputs.actuals.get(change.address)
            forgets = change.action is Action.DELETE and not change.writes
            missed = change.address in ended.there and (forgets or change.action is Action.CREATE)
            self._demand(doubtful or not missed, f"{change.address} is there, and is planned as if it were not")
            if change.action is Action.CREATE:
                self._demand(actual.presence is Presence.ABSENT, f"{change.address} is {actual.presence}, not absent")
            elif change.writes or change.action is not Action.DELETE:  # one that writes nothing forgets what is gone
                self._demand(actual.presence is Presence.PRESENT, f"{change.address} is {actual.presence}, not present")
            if change.action is Action.DELETE:
                self._demand(change.address not in wanted, f"{change.address} is declared, and was to be deleted")

    def _check_outcomes(self, ended: Ended, wished: Declaration) -> None:
        """What is said to be done is done."""
        if ended.report is None or ended.planned is None:
            return
        planned = [change.address for change in ended.planned.plan.changes]
        self._demand([outcome.address for outcome in ended.report.outcomes] == planned, "an outcome for each change")
        resources = {resource.address: resource for resource in wished.resources}
        present = {thing.address for thing in things(self.world)}
        for outcome in ended.report.outcomes:
            if outcome.status is not Status.DONE:
                continue
            if outcome.action is Action.DELETE:
                self._demand(outcome.address not in present, f"{outcome.address} was deleted, and is there")
            elif outcome.address not in resources:
                self._demand(is_disabled(self.world, outcome.address), f"{outcome.address} was disabled, and works")
            else:
                wrong = lacks(self.world, resources[outcome.address])
                self._demand(not wrong, f"{outcome.address} was done, and {wrong}")

    async def _comes_right(self, wished: Declaration, options: PlanOptions) -> None:
        plan = await self._converged(wished, options)
        blocked = {item.address for item in plan.blocked}
        self._check_blocked(plan.blocked, wished)
        for resource in wished.resources:
            if resource.address not in blocked:
                wrong = lacks(self.world, resource)
                self._demand(not wrong, f"{resource.address}: {wrong}")
        self._check_nothing_orphaned(wished, set(plan.prunable) | self._disabled())
        self._check_theirs(options)
        await self._check_against_reference(wished, blocked)
        await self._stays(wished, options)
        if self._disabled():
            self.world.tell("a year goes by")
            plan = await self._converged(wished, replace(options, prune=True, today=MUCH_LATER))
            self._check_nothing_orphaned(wished, set(plan.prunable))
        for name, app in self.world.apps.items():
            self._demand(not app.faults.violations, f"{name} did not survive: {app.faults.violations}")

    async def _converged(self, wished: Declaration, options: PlanOptions) -> Plan:
        left: Plan | None = None
        for _ in range(RUNS):
            ended = await self._run(Process(self.world), wished, options)
            left = ended.report.residual if ended.report is not None else None
            if left is not None and not left.changes:
                return left
        raise Violated(f"not as declared after {RUNS} runs: {left and left.changes}, {ended.error}")

    def _disabled(self) -> set[Address]:
        """What is disabled, and will be deleted when its day has come."""
        with self.world.open_ledger() as ledger:
            due = {address for address, record in ledger.records().items() if record.due}
        return {address for address in due if is_disabled(self.world, address)}

    def _check_blocked(self, blocked: Any, wished: Declaration) -> None:
        """Only what others own stands in the way, and what that holds up."""
        excused = set(self.outsiders.intruded)
        for resource in reversed(wished.resources):
            if resource.address in excused:
                excused |= set(resource.depends_on)
        for item in blocked:
            fine = item.code is BlockCode.FOREIGN and item.address in excused
            self._demand(fine, f"{item.address} is blocked: {item.message}")

    def _check_nothing_orphaned(self, wished: Declaration, prunable: set[Address]) -> None:
        known = {resource.address for resource in wished.resources if is_wanted(resource)} | prunable
        seen: set[Address] = set()
        for thing in things(self.world):
            self._demand(thing.address not in seen, f"{thing.address} is there twice")
            seen.add(thing.address)
            theirs = (thing.address, thing.id) in self.outsiders.made or thing.address in self.outsiders.touched
            self._demand(thing.address in known or theirs, f"{thing.address} is an orphan")

    def _check_theirs(self, options: PlanOptions) -> None:
        """What is not ours is as its owners left it."""
        now = {(thing.address, thing.id): thing.fields for thing in things(self.world)}
        for (address, id), fields in self.outsiders.made.items():
            kept = address.kind == "pipeline" and not options.adopt and address not in self.adoptable
            strict = kept or address.name in STRANGERS
            if strict:
                self._demand((address, id) in now, f"{address} was somebody else's, and is gone")
                self._demand(now[address, id] == fields, f"{address} is somebody else's, and was changed")

    async def _check_against_reference(self, wished: Declaration, blocked: set[Address]) -> None:
        """What nobody else touched is as if nothing had ever gone wrong."""
        exempt = blocked | self.outsiders.touched
        world = World(self.world.seed)
        ended = await Process(world).run(wished, PlanOptions(today=TODAY))
        self._demand(ended.report is not None and ended.report.converged, f"the reference run: {ended}")
        expected = comparable(world)
        found = comparable(self.world)
        for address in sorted(expected.keys() - exempt):
            self._demand(
                found.get(address) == expected[address],
                f"{address} differs from the reference: {found.get(address)} instead of {expected[address]}",
            )

    async def _stays(self, wished: Declaration, options: PlanOptions) -> None:
        for _ in range(self.further):
            process = Process(self.world)
            ended = await process.run(wished, options)
            self._demand(not process.sent, f"a further run writes: {ended}")
            self._demand(ended.report is not None and not ended.report.outcomes, f"a further run finds {ended}")

    def _demand(self, holds: bool, what: str) -> None:
        if not holds:
            raise Violated(what)


def comparable(world: World) -> dict[Address, Any]:
    """Everything that is there, ids replaced by what they stand for."""
    everything = things(world)
    names = {thing.id: f"the id of {thing.address}" for thing in everything if thing.address.service != "flexcore"}
    return {thing.address: (thing.marked, _renamed(thing.fields, names)) for thing in everything}


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


@contextmanager
def _world(seed: int, on_disk: bool) -> Iterator[World]:
    if not on_disk:
        yield World(seed)
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as directory:
        yield World(seed, Path(directory))


@dataclass(frozen=True)
class Told:
    """How a trial went."""

    seed: int
    failure: str
    trace: tuple[str, ...]
    processes: int
    faults: int


def run_trial(seed: int, *, further: int = 1, on_disk: bool = False) -> Told:
    """Run the trial of a seed, and tell how it went; `further` runs follow when everything is right.

    With `on_disk` the ledger is the real one, which changes nothing but the speed.
    """
    before = random.getstate()
    random.seed(seed)
    failure = ""
    try:
        with _world(seed, on_disk) as world:
            trial = Trial(world, random.Random(seed), further)
            try:
                run_timeless(trial.run())
            except Violated as violated:
                failure = str(violated)
            except Exception:  # noqa: BLE001 - whatever a trial ends with, its seed is told
                failure = f"a mistake: {traceback.format_exc()}"
            return Told(seed, failure, tuple(world.trace), world.processes, trial.faults)
    finally:
        random.setstate(before)
