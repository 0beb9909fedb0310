"""What the trials have found, each as the shortest story that shows it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

import httpx
import pytest

from flext_reconciler.model import Address, Lifecycle, Status
from flext_reconciler.plan import PlanOptions
from flext_reconciler.simulate.clock import run_timeless
from simulator.declare import declaration
from simulator.faults import FAULTS, Fault
from simulator.trial import TODAY
from simulator.truth import things
from simulator.world import Process, World

OPTIONS = PlanOptions(today=TODAY)
CORE = Address("flexcore", "plugin", "core-runtime")
READER = Address("flext-service", "plugin", "oracle-source")
TAP = Address("flext-service", "tap", "tap-orders")
ORDERS = Address("flext-service", "pipeline", "orders")
NODE = {"flexcore_node_url": "http://127.0.0.1:8080"}
PLUGIN = {"type": "source", "version": "1.0.0", "entry_point": "run:main"}
LIST = r"GET /api/v1/pipelines\?page=1&page_size=100"  # what the plan reads; the probe asks for less
STEP = {"name": "one", "plugin": READER.name, "configuration": {}, "depends_on": []}


async def late(asked, chance):
    """Nobody answers, and the write is carried out after three seconds."""
    asked.carry_out_later(3.0)
    raise httpx.ReadError("reset", request=asked.request)


KNOWN = {**FAULTS, "late": Fault("late", late)}


@dataclass
class Plot:
    """A weather that strikes chosen requests, each once: a pattern of `METHOD path` → the name of a fault."""

    strikes_at: dict[str, str]
    lied: bool = False
    struck: int = 0
    left: dict[str, str] = field(init=False)

    def __post_init__(self):
        self.left = dict(self.strikes_at)

    def strikes(self, asked, chance):
        told = f"{asked.request.method} {asked.target.decode()}"
        found = next((pattern for pattern in self.left if re.fullmatch(pattern, told)), None)
        return None if found is None else KNOWN[self.left.pop(found)]


def wished(specs):
    return declaration(specs, dict.fromkeys(specs, Lifecycle()))


async def run(world, specs, plot=None, **more):
    process = Process(world, Plot(plot or {}), **more)
    ended = await process.run(wished(specs), OPTIONS)
    assert not process.weather.left, process.weather.left
    return ended


async def killed(world, specs, place):
    """Run until the process dies where a line of its story begins so."""
    count = 0
    while True:  # the boundary's number is not known, so every earlier one is looked at in a copy of the story
        count += 1
        probe = World(world.seed)
        await replayed(probe, world)
        process = Process(probe, die_at=count)
        ended = await process.run(wished(specs), OPTIONS)
        assert ended.died, f"it never comes to {place}"
        if ended.died.startswith(place):
            break
    ended = await Process(world, die_at=count).run(wished(specs), OPTIONS)
    assert ended.died.startswith(place)


async def replayed(probe, world):
    for specs in world.__dict__.get("story", ()):
        await run(probe, specs)


async def applied(*stories):
    """A platform to which declarations were applied, one after the other."""
    world = World(0)
    world.story = stories
    await replayed(world, world)
    return world


async def comes_right(world, specs):
    """Two further runs, then everything is there once and as declared."""
    for _ in range(2):
        ended = await run(world, specs)
        await world.calm()
    assert ended.report is not None
    assert not ended.report.outcomes, ended.report
    assert not ended.planned.plan.blocked, ended.planned.plan.blocked
    found = [thing.address for thing in things(world)]
    assert sorted(found) == sorted(specs)
    return {thing.address: thing.fields for thing in things(world)}


@pytest.mark.parametrize("status", [409, 412])
def test_what_was_made_stays_ours_when_the_rest_of_a_create_is_refused(status):
    async def story():
        world = await applied()
        specs = {READER: {**PLUGIN, "status": "inactive"}}
        ended = await run(world, specs, {"PUT /api/v1/plugins/.*": f"http_{status}"})
        assert [outcome.status for outcome in ended.report.outcomes] == [Status.FAILED]
        fields = await comes_right(world, specs)
        assert fields[READER]["status"] == "inactive"

    run_timeless(story())


def test_an_error_after_the_deed_is_no_conflict_with_somebody_else():
    async def story():
        world = await applied({READER: {**PLUGIN, "status": "inactive"}})
        specs = {READER: {**PLUGIN, "version": "2.0.0", "status": "inactive"}}
        await run(world, specs, {"POST /api/v1/plugins": "http_500_after_commit"})
        await comes_right(world, specs)

    run_timeless(story())


@pytest.mark.parametrize("answer", ["http_404", "wrong_schema"])
def test_a_delete_that_did_not_happen_makes_no_second_pipeline(answer):
    async def story():
        before, after = {READER: PLUGIN, ORDERS: {"steps": [STEP]}}, {READER: PLUGIN, ORDERS: {"steps": []}}
        world = await applied(before)
        await run(world, after, {"DELETE /api/v1/clean/pipelines/.*": answer})
        assert len([thing for thing in things(world) if thing.address == ORDERS]) == 1
        await comes_right(world, after)

    run_timeless(story())


@pytest.mark.parametrize("answer", ["http_404", "wrong_schema"])
def test_an_old_plugin_is_not_taken_for_the_new_one(answer):
    async def story():
        world = await applied({CORE: {"type": "ray", "config": {**NODE, "extra": 1}}})
        specs = {CORE: {"type": "ray", "config": NODE}}
        plot = {"DELETE /api/v1/plugins/core-runtime": answer, "POST /api/v1/plugins/deploy": "lost_reply"}
        process = Process(world, Plot(plot))
        ended = await process.run(wished(specs), OPTIONS)
        present = {thing.address: thing.fields for thing in things(world)}
        done = ended.report.outcomes[0].status is Status.DONE
        assert not (done and "extra" in present[CORE]["config"])
        fields = await comes_right(world, specs)
        assert fields[CORE]["config"] == NODE

    run_timeless(story())


def test_a_pipeline_that_a_stale_list_lacks_is_not_made_again():
    async def story():
        world = await applied({READER: PLUGIN}, {READER: PLUGIN, ORDERS: {}})
        specs = {READER: PLUGIN, ORDERS: {"description": "edited"}}
        ended = await run(world, specs, {LIST: "empty_list"})
        assert ended.planned.plan.blocked == ()
        await comes_right(world, specs)

    run_timeless(story())


def test_a_create_that_a_killed_run_left_under_way_is_waited_for():
    async def story():
        world = await applied()
        specs = {ORDERS: {"description": "moves"}}
        process = Process(world, Plot({"POST /api/v1/pipelines": "late"}))
        dying = asyncio.create_task(process.run(wished(specs), OPTIONS))
        while not process.sent:
            await asyncio.sleep(0.001)
        process.die()
        await dying
        assert world.late == 1
        fields = await comes_right(world, specs)
        assert fields[ORDERS]["description"] == "moves"

    run_timeless(story())


def test_a_create_that_is_no_longer_declared_is_not_forgotten_while_it_is_under_way():
    async def story():
        world = await applied()
        process = Process(world, Plot({"POST /api/v1/singer/specs": "late"}))
        specs = {READER: PLUGIN}
        tapped = {**specs, TAP: {"version": "1.0.0", "executable": "tap"}}
        dying = asyncio.create_task(process.run(wished(tapped), OPTIONS))
        while world.late == 0:
            await asyncio.sleep(0.001)
        process.die()
        await dying
        ended = None
        for _ in range(2):
            ended = await run(world, specs)
        await world.calm()
        ended = await run(world, specs)
        assert ended.planned.plan.prunable == (TAP,)

    run_timeless(story())


@pytest.mark.parametrize("place", ["after reply: PUT", "before record"])
def test_what_an_interrupted_update_set_is_cleared_when_it_is_no_longer_declared(place):
    async def story():
        plain = {READER: PLUGIN}
        world = await applied(plain)
        await killed(world, {READER: {**PLUGIN, "author": "ann"}}, place)
        fields = await comes_right(world, plain)
        assert fields[READER]["author"] == ""

    run_timeless(story())


def test_what_a_lost_update_should_have_cleared_is_not_forgotten():
    async def story():
        world = await applied({ORDERS: {"tags": ["blue"]}})
        specs = {ORDERS: {}}
        await run(world, specs, {"PUT /api/v1/pipelines/.*": "wrong_schema"})
        fields = await comes_right(world, specs)
        assert fields[ORDERS]["tags"] == []

    run_timeless(story())
