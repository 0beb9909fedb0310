"""Stopping an apply at every boundary that it passes, and running the next ones to the end.

A reference run keeps the whole state at each boundary, which is what a process leaves behind that is killed there.
From each of them ordinary runs follow, until a plan is empty; then everything must be as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

from flext_reconciler.model import Actuals, Address, Plan, Report, Resource, Status
from flext_reconciler.plan.resume import rest_of
from http_world import HttpWorld, Stop

RUNS = 2
"""After a crash the platform must be as declared after this many runs at most."""


@dataclass(frozen=True)
class Scenario:
    """A platform as it is found, and what is declared for it."""

    name: str
    declare: Callable[[HttpWorld], list[Resource]]
    prepare: Callable[[HttpWorld], Awaitable[None]] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


class End(NamedTuple):
    """Everything that two runs agree on that did the same: ids and times left out."""

    services: Mapping[Address, Any]
    ledger: Mapping[Address, Any]


def boundaries(world: HttpWorld, scenario: Scenario) -> int:
    """Return how many boundaries the run passes that nothing disturbs."""
    stops, _ = world.run(_reference(world, scenario))
    return len(stops)


def every_stop(world: HttpWorld, scenario: Scenario, *, resume: bool = False) -> int:
    """Stop at each boundary, recover, and compare with the run that nothing disturbed; return how many states it had.

    Between two writes of anybody a state has several boundaries: it is recovered from once.
    """
    stops, expected = world.run(_reference(world, scenario))
    states = 0
    for state, places in _states(stops):
        states += 1
        world.restore(state)
        story = f"{scenario}, stopped {places[0]}"
        found = world.run((_resumed if resume else _recovered)(world, scenario, story))
        assert not _apart(found, expected), f"{scenario}, stopped {' / '.join(places)}: {_apart(found, expected)}"
    return states


def _apart(found: End, expected: End) -> dict[str, Any]:
    """Return what was lost, duplicated, orphaned or is remembered otherwise."""
    return {
        f"{where} {address}": (now.get(address), then.get(address))
        for where, now, then in zip(End._fields, found, expected, strict=True)
        for address in sorted(now.keys() | then.keys())
        if now.get(address) != then.get(address)
    }


def _states(stops: list[Stop]) -> Iterator[tuple[Any, list[str]]]:
    """What lies between two writes of anybody is one state, by whatever name it was passed."""
    for state, same in groupby(stops, key=lambda stop: stop.state):
        yield state, [stop.place for stop in same]


async def _reference(world: HttpWorld, scenario: Scenario) -> tuple[list[Stop], End]:
    if scenario.prepare is not None:
        await scenario.prepare(world)
    world.stops = []
    await _run(world, scenario)
    stops, world.stops = world.stops, None
    world.lost.clear()
    return stops, await _recovered(world, scenario, f"{scenario}, undisturbed")


async def _recovered(world: HttpWorld, scenario: Scenario, story: str) -> End:
    """Run until there is nothing to do, which a further run must find, too."""
    for _ in range(RUNS):
        if await _run(world, scenario) is None:
            break
    return await _settled(world, scenario, story)


async def _resumed(world: HttpWorld, scenario: Scenario, story: str) -> End:
    """Finish the plan that was kept with the run, which must leave nothing else to do."""
    (run,) = world.ledger.history(1)
    kept = world.ledger.plan_of(run.id)
    assert kept is not None
    actuals, _ = await _planned(world, scenario)
    done = {outcome.address for outcome in run.outcomes if outcome.status is Status.DONE}
    plan = rest_of(kept, done, actuals, world.ledger.records(), world.platform.kinds)
    report = await world.platform.carry_out(plan, actuals, _unproven, _ignore, recheck_creates=True)
    assert report.counts[Status.DONE] == len(plan.changes), f"{story}: {report.outcomes}"
    return await _settled(world, scenario, story)


async def _settled(world: HttpWorld, scenario: Scenario, story: str) -> End:
    before = world.carried_out
    actuals, plan = await _planned(world, scenario)
    assert plan.is_empty, f"{story}: still to do {plan.changes} {plan.blocked}"
    assert world.carried_out == before, f"{story}: a further run writes"
    return _end(world, actuals, story)


async def _run(world: HttpWorld, scenario: Scenario) -> Report | None:
    """Plan and apply once; nothing when there is nothing to do. The next one's reading proves it."""
    actuals, plan = await _planned(world, scenario)
    world.plan = plan
    return None if plan.is_empty else await world.platform.carry_out(plan, actuals, _unproven, _ignore)


async def _planned(world: HttpWorld, scenario: Scenario) -> tuple[Actuals, Plan]:
    resources = scenario.declare(world)
    actuals = await world.platform.read(resources, everything=True)
    assert not actuals.failures
    return actuals, world.platform.decide(resources, actuals, **scenario.options)


async def _unproven() -> Plan:
    return Plan("test", {})


def _ignore(event: object) -> None:
    pass


def _end(world: HttpWorld, actuals: Actuals, story: str) -> End:
    assert not world.apps["flexcore"].faults.violations, story
    records = world.ledger.records()
    for address, record in records.items():
        assert record.id == actuals.get(address).id, f"{story}: the ledger holds {record}"
    return End(
        {address: (actual.presence, actual.spec, actual.owned) for address, actual in actuals.found.items()},
        {
            address: (record.desired, record.pending, record.deletion, record.protect, record.due)
            for address, record in records.items()
        },
    )
