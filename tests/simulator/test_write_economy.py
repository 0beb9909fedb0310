"""Every write request is counted: none when there is nothing to do, and what each change costs stands in one table.

A create of a pipeline is documented as one change although it takes a POST, one request a step and one PUT; a Singer
spec or a plugin that is declared otherwise than it is born takes a second request.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

import pytest

from flext_reconciler.model import Address, Deletion, Lifecycle
from flext_reconciler.plan import PlanOptions
from flext_reconciler.simulate.clock import run_timeless
from simulator.declare import Author, declaration
from simulator.trial import TODAY
from simulator.world import Process, World

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OPTIONS = PlanOptions(prune=True, today=TODAY)
NODE = {"flexcore_node_url": "http://127.0.0.1:8080"}
PLUGIN = {"type": "source", "version": "1.0.0", "entry_point": "run:main"}
TAP = {"version": "1.0.0", "executable": "tap"}
STEPS = [
    {"name": name, "plugin": "oracle-source", "configuration": {}, "depends_on": []} for name in ("first", "second")
]
EXTRACTOR = Address("flext-service", "plugin", "oracle-source")
SPECS, PLUGINS, PIPELINES = "/api/v1/singer/specs", "/api/v1/plugins", "/api/v1/pipelines"
CLEAN = "/api/v1/clean/pipelines"


@dataclass(frozen=True)
class Cost:
    """One change of one resource, and the requests that it takes, in order."""

    name: str
    address: str
    before: dict | None
    after: dict | None
    writes: tuple[str, ...]
    reads: int  # beside those of the plan and of the proof: probe of the writer, re-read, read-back, names of plugins
    lifecycle: Lifecycle = field(default_factory=Lifecycle)

    def __str__(self) -> str:
        return f"{self.address.partition('/')[0]}: {self.name}"


CORE = "flexcore.plugin/core-runtime"
DEPLOY, UNLOAD = "POST /api/v1/plugins/deploy", "DELETE /api/v1/plugins/core-runtime"
READER, TAPPER = "flext-service.plugin/wms-source", "flext-service.tap/tap-orders"
ORDERS = "flext-service.pipeline/orders"
AT_ONCE = Lifecycle(delete=Deletion.IMMEDIATE)
RUNNING = {"steps": STEPS, "schedule": "@daily", "active": True}

COSTS = [
    Cost("create", CORE, None, {"type": "ray", "config": NODE}, (DEPLOY,), 4),
    Cost("replace", CORE, {"type": "ray", "config": NODE}, {"type": "meltano", "config": NODE}, (UNLOAD, DEPLOY), 6),
    Cost("delete", CORE, {"type": "ray", "config": NODE}, None, (UNLOAD,), 5),
    Cost("create", READER, None, PLUGIN, (f"POST {PLUGINS}",), 1),
    Cost("create inactive", READER, None, {**PLUGIN, "status": "inactive"}, (f"POST {PLUGINS}", f"PUT {PLUGINS}/*"), 1),
    Cost("update", READER, PLUGIN, {**PLUGIN, "author": "ann", "status": "inactive"}, (f"PUT {PLUGINS}/*",), 2),
    Cost("replace", READER, PLUGIN, {**PLUGIN, "version": "2.0.0"}, (f"DELETE {PLUGINS}/*", f"POST {PLUGINS}"), 2),
    Cost("disable", READER, PLUGIN, None, (f"PUT {PLUGINS}/*",), 2),
    Cost("delete", READER, PLUGIN, None, (f"DELETE {PLUGINS}/*",), 2, AT_ONCE),
    Cost("create", TAPPER, None, TAP, (f"POST {SPECS}",), 1),
    Cost("create inactive", TAPPER, None, {**TAP, "active": False}, (f"POST {SPECS}", f"POST {SPECS}/*/deactivate"), 1),
    Cost("update", TAPPER, TAP, {**TAP, "author": "ann"}, (f"PUT {SPECS}/*",), 2),
    Cost("switch off", TAPPER, TAP, {**TAP, "active": False}, (f"POST {SPECS}/*/deactivate",), 2),
    Cost("replace", TAPPER, TAP, {**TAP, "version": "2.0.0"}, (f"DELETE {SPECS}/*", f"POST {SPECS}"), 2),
    Cost("delete", TAPPER, TAP, None, (f"DELETE {SPECS}/*",), 2, AT_ONCE),
    Cost("create", ORDERS, None, {}, (f"POST {PIPELINES}",), 1),
    Cost(
        "create with steps", ORDERS, None, RUNNING,
        (f"POST {PIPELINES}", f"POST {PIPELINES}/*/steps", f"POST {PIPELINES}/*/steps", f"PUT {PIPELINES}/*"), 3,
    ),
    Cost("update", ORDERS, {"steps": STEPS}, {"steps": STEPS, "description": "moves", "tags": ["red"]},
         (f"PUT {PIPELINES}/*",), 3),
    Cost("add a step", ORDERS, {"steps": STEPS[:1]}, {"steps": STEPS}, (f"POST {PIPELINES}/*/steps",), 4),
    Cost("replace", ORDERS, {"steps": STEPS}, {"steps": STEPS[1:]},
         (f"DELETE {CLEAN}/*", f"POST {PIPELINES}", f"POST {PIPELINES}/*/steps"), 3),
    Cost("disable", ORDERS, RUNNING, None, (f"PUT {PIPELINES}/*",), 5),
    Cost("delete", ORDERS, {}, None, (f"DELETE {CLEAN}/*",), 2, AT_ONCE),
]  # fmt: skip


def wished(cost, spec):
    """The resource beside a plugin that is always there."""
    specs = {EXTRACTOR: PLUGIN} | ({} if spec is None else {Address.parse(cost.address): spec})
    return declaration(specs, dict.fromkeys(specs, cost.lifecycle))


def reads_of(process):
    return [ID.sub("*", path) for path in process.asked]


@pytest.mark.parametrize("cost", COSTS, ids=str)
def test_a_change_costs_what_the_table_says(cost):
    async def scene():
        world = World(0)
        await Process(world).run(wished(cost, cost.before), OPTIONS)
        looking = Process(world)
        planned = await looking.look(wished(cost, cost.after), OPTIONS)
        assert [str(change.address) for change in planned.plan.changes] == [cost.address]
        process = Process(world)
        ended = await process.run(wished(cost, cost.after), OPTIONS)
        assert ended.report.converged, ended.report
        proof = Process(world)
        await proof.look(wished(cost, cost.after), OPTIONS)
        return looking, process, proof

    looking, process, proof = run_timeless(scene())
    assert tuple(ID.sub("*", request) for _, request in process.sent) == cost.writes
    extra = len(process.asked) - len(looking.asked) - len(proof.asked)
    assert extra == cost.reads, (reads_of(process), reads_of(looking), reads_of(proof))


def everything(seed=0):
    """Something of every kind."""
    world = World(seed)
    author = Author(world, random.Random(seed))
    specs = {}
    while len({address[:2] for address in specs}) < 5:
        specs = author.declare()
    return world, declaration(specs, dict.fromkeys(specs, Lifecycle()))


@pytest.mark.parametrize("seed", range(5))
def test_nothing_to_do_writes_nothing_and_reads_pages_and_details(seed):
    async def scene():
        world, declared = everything(seed)
        await Process(world).run(declared, OPTIONS)
        process = Process(world)
        ended = await process.run(declared, OPTIONS)
        assert not ended.report.outcomes
        return declared, process

    declared, process = run_timeless(scene())
    assert process.sent == []
    wanted = [resource for resource in declared.resources if resource.spec.get("enabled") is not False]
    deployed = sum(1 for resource in wanted if resource.address.service == "flexcore")
    timed = sum(1 for resource in wanted if "schedule" in resource.spec)
    probes, pages = 5 + 2, 4 + 1  # of the FLEXT Service, and of FlexCore
    assert len(process.asked) <= probes + pages + 2 * deployed + timed
