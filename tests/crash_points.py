"""Crashing an apply at every write boundary of a scenario, and running the next ones to the end.

A reference run lists the boundaries. For each of them the same run starts again from the same state and dies there;
what it started goes on in the service, nothing of it goes on in flext. Then ordinary runs follow until a plan is empty.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from flext_reconciler.model import Address, Report, Resource
from platform_under_test import Platform

RUNS = 2
"""After a crash the platform must be as declared after this many runs at most."""


class Crash(BaseException):
    """The process died."""


@dataclass
class Points:
    """Counts boundaries and dies at the chosen one; what is dead stays dead until it is revived."""

    die_at: int | str | None = None  # how many boundaries may be passed, or the name of one
    passed: list[str] = field(default_factory=list)
    dead: bool = False

    def at(self, place: str) -> None:
        """Pass a boundary, or die there."""
        if self.dead:
            raise Crash
        self.passed.append(place)
        if self.die_at in (place, len(self.passed) - 1):
            self.dead = True
            raise Crash(place)

    def revive(self, die_at: int | str | None = None) -> None:
        """Begin a new process."""
        self.die_at, self.passed, self.dead = die_at, [], False


class World(Protocol):
    """A platform whose whole state, services and ledger, can be saved, restored and compared."""

    platform: Platform
    points: Points

    def save(self) -> Any:
        """Return the state."""

    def restore(self, saved: Any) -> None:
        """Bring a saved state back, and the faults with it."""

    def heal(self) -> None:
        """End every fault."""

    def state(self) -> Any:
        """Return what the services hold, ids left out."""

    def ids(self) -> dict[Address, str]:
        """Return the id of everything that the services hold."""

    def writes(self) -> int:
        """Return how many writes the services carried out."""


Declare = Callable[[Any], list[Resource]]


@dataclass(frozen=True)
class Scenario:
    """A platform as it is found, and what is declared for it."""

    name: str
    declare: Declare
    prepare: Callable[[Any], Awaitable[None]] | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Reference:
    """The run that nothing disturbed."""

    start: Any
    points: tuple[str, ...]
    state: Any


def run(world: World, scenario: Scenario) -> Report:
    """Plan and apply once."""
    return asyncio.run(world.platform.apply(scenario.declare(world), **scenario.options))


def reference(world: World, scenario: Scenario) -> Reference:
    """Prepare a scenario and run it undisturbed."""
    if scenario.prepare is not None:
        asyncio.run(scenario.prepare(world))
    start = world.save()
    world.points.revive()
    report = run(world, scenario)
    points = tuple(world.points.passed)
    if not report.converged:  # e.g. a fault of the scenario made a change fail: the next run mends it
        world.heal()
        report = run(world, scenario)
    assert report.converged, report
    return Reference(start, points, world.state())


def crash(world: World, scenario: Scenario, start: Any, point: int) -> str:
    """Run from a start until the process dies at a point; return the point's name."""
    world.restore(start)
    world.points.revive(die_at=point)
    try:
        run(world, scenario)
    except Crash as death:
        place = str(death) or world.points.passed[-1]
    else:
        place = ""
    world.points.revive()
    return place


def check_recovery(world: World, scenario: Scenario, expected: Reference, story: str) -> None:
    """Run to the end, and compare with the run that nothing disturbed."""
    world.heal()
    for _ in range(RUNS):
        report = run(world, scenario)
        if report.converged:
            break
    assert report.converged, f"{story}: still to do {report.residual}, {report.outcomes} {report.message}"
    assert world.state() == expected.state, f"{story}: something was lost, duplicated or orphaned"
    before = world.writes()
    again = run(world, scenario)
    assert not again.outcomes and again.converged, f"{story}: a further run finds {again}"
    assert world.writes() == before, f"{story}: a further run writes"
    _check_ledger(world, scenario, story)


def _check_ledger(world: World, scenario: Scenario, story: str) -> None:
    """What is declared and there is remembered under its id, nothing is waited for, and what is gone is forgotten."""
    ids = world.ids()
    for address, record in world.platform.ledger.records().items():
        assert (record.id, record.pending) == (ids.get(address), None), f"{story}: the ledger holds {record}"
    declared = {declared.address for declared in scenario.declare(world)} & ids.keys()
    assert declared <= world.platform.ledger.records().keys(), f"{story}: not remembered"


def every_point(world: World, scenario: Scenario) -> int:
    """Crash at each point once; return how many there were."""
    expected = reference(world, scenario)
    for point, _ in enumerate(expected.points):
        place = crash(world, scenario, expected.start, point)
        check_recovery(world, scenario, expected, f"{scenario}, died {place}")
    return len(expected.points)


def every_pair(world: World, scenario: Scenario) -> int:
    """Crash at each point, and the run after it at each of its own points in turn."""
    expected = reference(world, scenario)
    count = 0
    for first, _ in enumerate(expected.points):
        place = crash(world, scenario, expected.start, first)
        world.heal()
        halfway = world.save()
        for second, again in _until_it_survives(world, scenario, halfway):
            count += 1
            check_recovery(world, scenario, expected, f"{scenario}, died {place}, then at {second}: {again}")
    return count


def _until_it_survives(world: World, scenario: Scenario, start: Any) -> Iterator[tuple[int, str]]:
    point = 0
    while place := crash(world, scenario, start, point):
        yield point, place
        point += 1
