"""Sieve's three patterns, enumerated from a reference run that nothing disturbed (Sun et al., OSDI 2022).

    intermediate    flext dies between two of its writes
    stale           one of its readings comes from before the run
    unobserved      somebody changes something and changes it back while it is not looking

Each execution is held against the reference: the same end, and no more writes than the disturbance explains.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass

import orjson
import pytest

from flext_reconciler.model import Declaration, Deletion, Lifecycle, Status
from flext_reconciler.plan import PlanOptions
from flext_reconciler.simulate.clock import run_timeless
from simulator.declare import Author, declaration
from simulator.faults import FAULTS, Weather
from simulator.trial import TODAY, comparable
from simulator.truth import things
from simulator.world import Process, World

OPTIONS = PlanOptions(prune=True, today=TODAY)
LIFECYCLE = Lifecycle(delete=Deletion.IMMEDIATE)
NEXT_RUNS = 2


@dataclass(frozen=True)
class Reference:
    """What a run does that nothing disturbs."""

    boundaries: int
    reads: int
    writes: Counter
    state: dict


def declared(seed: int, world: World) -> tuple[Declaration, Declaration]:
    """What was applied before, and what is declared now."""
    author = Author(world, random.Random(seed))
    before = author.declare()
    after = author.declare(before)
    return tuple(declaration(specs, dict.fromkeys(specs, LIFECYCLE)) for specs in (before, after))


async def started(seed: int) -> tuple[World, Declaration]:
    """A platform to which the earlier declaration was applied, and the later one."""
    world = World(seed)
    before, after = declared(seed, world)
    ended = await Process(world).run(before, OPTIONS)
    assert ended.report.converged, ended
    return world, after


async def reference(seed: int) -> Reference:
    world, wished = await started(seed)
    process = Process(world)
    ended = await process.run(wished, OPTIONS)
    assert ended.report.converged, ended
    return Reference(process.boundaries, len(process.asked), written(process), comparable(world))


def written(*processes: Process) -> Counter:
    return Counter(str(address) for process in processes for address, _ in process.sent)


async def comes_right(world: World, wished: Declaration, expected: Reference) -> list[Process]:
    """Run until nothing is left to do, and hold the end against the reference."""
    processes = []
    for _ in range(NEXT_RUNS):
        processes.append(Process(world))
        ended = await processes[-1].run(wished, OPTIONS)
        assert ended.report is not None, ended
        if ended.report.converged:
            break
    assert ended.report.converged, ended.report
    assert comparable(world) == expected.state
    return processes


# ------------------------------------------------------------------------------------------------ the patterns


async def intermediate(seed: int, point: float) -> None:
    """Die at a boundary; what was done and written down is not done again."""
    expected = await reference(seed)
    world, wished = await started(seed)
    process = Process(world, die_at=1 + int(point * expected.boundaries))
    ended = await process.run(wished, OPTIONS)
    with world.open_ledger() as ledger:
        open_intents = {str(address) for address, record in ledger.records().items() if record.pending is not None}
    after = await comes_right(world, wished, expected)
    total = written(process, *after)
    for address in total | expected.writes:
        again = expected.writes[address] if address in open_intents else 0
        assert total[address] <= expected.writes[address] + again, (address, ended.died, total, expected.writes)


async def stale(seed: int, point: float) -> None:
    """Look at an old snapshot once; nothing is sent that the reference does not send, and what is done stays done."""
    expected = await reference(seed)
    world, wished = await started(seed)
    number = int(point * expected.reads)
    process = Process(world, Weather(1.0, {"stale": FAULTS["stale"]}, first=number, count=1))
    await process.run(wished, OPTIONS)
    after = await comes_right(world, wished, expected)
    # The plan may have been made from the past, so that something was left for the next run; but nothing twice.
    assert written(process, *after) == expected.writes
    settled = Process(world, Weather(1.0, {"stale": FAULTS["stale"]}, first=number, count=1))
    ended = await settled.run(wished, OPTIONS)
    assert not settled.sent, (settled.sent, ended.report)
    assert comparable(world) == expected.state


async def unobserved(seed: int, point: float) -> None:
    """Let somebody change something for a moment; flext either never sees it, or leaves it for the next run."""
    expected = await reference(seed)
    world, wished = await started(seed)
    chance = random.Random(f"{seed}/{point}")
    process = Process(world)
    meddling = asyncio.create_task(_for_a_moment(world, chance, begin=point * 1.5, seconds=chance.uniform(0.01, 0.3)))
    ended = await process.run(wished, OPTIONS)
    await meddling
    done = {str(outcome.address) for outcome in ended.report.outcomes if outcome.status is Status.DONE}
    after = await comes_right(world, wished, expected)
    total = written(process, *after)
    for address in total | expected.writes:
        again = 0 if address in done else expected.writes[address]
        assert total[address] <= expected.writes[address] + again + 1, (address, total, expected.writes)


async def _for_a_moment(world: World, chance: random.Random, *, begin: float, seconds: float) -> None:
    await asyncio.sleep(begin)
    paths = {"plugin": "/api/v1/plugins", "pipeline": "/api/v1/pipelines"}
    found = [thing for thing in things(world) if thing.address.service != "flexcore"]
    if not found:
        return
    thing = chance.choice(found)
    path = f"{paths.get(thing.address.kind, '/api/v1/singer/specs')}/{thing.id}"
    await world.outside("flext-service", "PUT", path, orjson.dumps({"description": "for a moment"}))
    await asyncio.sleep(seconds)
    before = orjson.dumps({"description": thing.fields["description"]})
    await world.outside("flext-service", "PUT", path, before)


PATTERNS = {"intermediate": intermediate, "stale": stale, "unobserved": unobserved}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_does_no_harm(pattern):
    for seed in range(10):
        check(pattern, seed, (seed * 7 % 10) / 10)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_does_no_harm_anywhere(pattern, seed):
    for step in range(10):
        check(pattern, 100 + seed, step / 10)


def check(pattern, seed, point):
    before = random.getstate()
    random.seed(seed)
    try:
        run_timeless(PATTERNS[pattern](seed, point))
    except AssertionError as error:
        raise AssertionError(f"{pattern}, seed {seed} at {point}: {error}") from error
    finally:
        random.setstate(before)
