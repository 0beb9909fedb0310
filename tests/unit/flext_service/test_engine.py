"""The provider under the real engine: what a plan promises is what the service holds, and then nothing is left."""

from __future__ import annotations

import asyncio
import time

import pytest

from flext_providers.flext_service.provider import PROVIDER
from flext_reconciler.model import Action, BlockCode, Status
from platform_under_test import Platform, resource

from .world import PLUGIN, World

STEP = {"name": "extract", "plugin": "extractor", "configuration": {}, "depends_on": []}


def platform_of(world):
    """A platform of the one service."""
    return Platform({"flext": PROVIDER}, {"flext": world.service})


def declared(version="1.0.0", **pipeline):
    """A plugin, and a pipeline that uses it."""
    return [
        resource("flext.plugin/extractor", **{**PLUGIN, "version": version}),
        resource("flext.pipeline/orders", after=["flext.plugin/extractor"], **{"steps": [STEP], **pipeline}),
    ]


def settle(platform, resources):
    """Apply until the proof is made; the report of the first run."""
    first = report = asyncio.run(platform.apply(resources))
    for _ in range(3):
        if report.converged:
            break
        report = asyncio.run(platform.apply(resources))
    assert report.converged, (report.residual.blocked, report.residual.changes, report.outcomes)
    assert asyncio.run(platform.plan(resources)).is_empty
    return first


def actions(platform, resources):
    """What a fresh plan would do, by kind."""
    plan = asyncio.run(platform.plan(resources))
    return {change.address.kind: change.action for change in plan.changes}


def test_a_replaced_plugin_takes_its_pipelines_along(world):
    platform = platform_of(world)
    settle(platform, declared(active=True))
    assert actions(platform, declared("2.0.0", active=True)) == {"plugin": Action.REPLACE, "pipeline": Action.REPLACE}
    assert settle(platform, declared("2.0.0", active=True)).converged
    assert world.read("pipeline")["orders"].spec["steps"] == [STEP]


EFFECTS = [
    ({"configuration": {"a": 1, "b": 2}}, {"configuration": {"a": 1}}, Action.REPLACE),
    ({"configuration": {"a": 1}}, {"configuration": {"a": 2, "b": 2}}, Action.UPDATE),
    ({"configuration": {"a": 1}}, {}, Action.REPLACE),
    ({"steps": [STEP]}, {"steps": []}, Action.REPLACE),
    ({"steps": [STEP]}, {"steps": [STEP, {**STEP, "name": "load", "depends_on": ["extract"]}]}, Action.UPDATE),
    ({"steps": [STEP]}, {"steps": [{**STEP, "configuration": {"a": 1}}]}, Action.REPLACE),
    ({"steps": [STEP, {**STEP, "name": "load"}]}, {"steps": [STEP]}, Action.REPLACE),
    ({"steps": [STEP, {**STEP, "name": "load"}]}, {"steps": [{**STEP, "name": "load"}, STEP]}, Action.REPLACE),
    ({"schedule": "@daily"}, {}, Action.UPDATE),
    ({"active": True}, {}, Action.UPDATE),
    ({"tags": ["a"]}, {"tags": []}, Action.UPDATE),
]


@pytest.mark.parametrize(("before", "after", "action"), EFFECTS)
def test_what_the_service_cannot_take_back_replaces_the_pipeline(world, before, after, action):
    platform = platform_of(world)
    settle(platform, declared(**before))
    assert actions(platform, declared(**after)) == {"pipeline": action}
    assert settle(platform, declared(**after)).converged


def test_a_server_without_delete_is_known_before_anything_is_written():
    with World("echo") as world:
        platform = platform_of(world)
        settle(platform, declared(configuration={"a": 1, "b": 2}))
        plan = asyncio.run(platform.plan(declared(configuration={"a": 1})))
        assert [(blocked.code, blocked.address.kind) for blocked in plan.blocked] == [
            (BlockCode.UNSUPPORTED, "pipeline")
        ]
        assert "cannot delete pipelines" in plan.blocked[0].message


def test_a_server_without_pipelines_says_so():
    with World("partial") as world:
        plan = asyncio.run(platform_of(world).plan(declared()))
        assert [blocked.address.kind for blocked in plan.blocked] == ["pipeline"]
        assert "unsupported by this server" in plan.blocked[0].message


@pytest.mark.parametrize("fault", ["fallback_data", "error_in_200", "html", "wrong_shape", "http_500"])
@pytest.mark.parametrize("path", ["/api/v1/plugins", "/api/v1/pipelines"])
def test_an_answer_that_proves_nothing_stops_its_kind_and_nothing_else(world, fault, path):
    platform = platform_of(world)
    settle(platform, declared())
    world.faults.switch_on(fault, path=path)
    plan = asyncio.run(platform.plan(declared(description="changed")))
    kind = path.removeprefix("/api/v1/")[:-1]
    assert {blocked.address.kind for blocked in plan.blocked} >= {kind}
    assert not [change for change in plan.changes if change.address.kind == kind or change.action is not Action.UPDATE]


def test_a_mark_that_somebody_removed_is_put_back(world):
    platform = platform_of(world)
    settle(platform, declared(tags=["a"]))
    id = world.read("pipeline")["orders"].id
    world.send("PUT", f"/api/v1/pipelines/{id}", {"tags": ["a", "theirs"]})
    settle(platform, declared(tags=["a"]))
    assert sorted(world.pipeline(id)["tags"]) == ["a", "flext-managed"]


class Until(list):
    """Stands for the engine's sleeps: each ends when something has come about."""

    def __init__(self, came_about):
        self._came_about = came_about

    def append(self, seconds):
        deadline = time.monotonic() + 10
        while not self._came_about() and time.monotonic() < deadline:
            time.sleep(0.001)
        super().append(seconds)


BOUNDARIES = [  # and what is to be seen in the service once such a write was carried out
    ("POST", "/api/v1/plugins", lambda world: world.send("GET", "/api/v1/plugins").json()["data"]),
    ("POST", "/api/v1/pipelines", lambda world: world.pipelines()),
    ("POST", "/api/v1/pipelines/", lambda world: any(item["steps"] for item in world.pipelines())),
    ("PUT", "/api/v1/pipelines/", lambda world: any(item["is_active"] for item in world.pipelines())),
]


def check_one_of_each(world, platform):
    """Apply until the proof is made, and find nothing twice."""
    settle(platform, declared(active=True, schedule="@daily", tags=["a"]))
    assert [len(world.run(lambda writer, kind=kind: writer.read(kind))) for kind in ("plugin", "pipeline")] == [1, 1]
    assert world.read("pipeline")["orders"].spec["steps"] == [STEP]


@pytest.mark.parametrize("fault", ["lost_reply", "reset_before", "truncated", "http_504", "http_500", "html"])
@pytest.mark.parametrize(("method", "path"), [boundary[:2] for boundary in BOUNDARIES])
def test_an_answer_that_is_lost_anywhere_ends_with_one_of_each(world, fault, method, path):
    world.faults.switch_on(fault, times=1, method=method, path=path)
    check_one_of_each(world, platform_of(world))


@pytest.mark.parametrize(("method", "path", "seen"), BOUNDARIES)
def test_a_write_that_is_carried_out_late_ends_with_one_of_each(world, method, path, seen):
    platform = platform_of(world)
    platform.sleeps = Until(lambda: seen(world))
    world.faults.switch_on("late_commit", times=1, method=method, path=path, seconds=0.01)
    check_one_of_each(world, platform)


@pytest.mark.parametrize("born", [True, False])
def test_a_pipeline_of_somebody_else_is_left_alone(world, born):
    if born:
        world.faults.switch_on("born_active")
    id = world.add_pipeline("orders", description="theirs")
    report = asyncio.run(platform_of(world).apply(declared(description="ours")))
    assert {outcome.address.kind: outcome.status for outcome in report.outcomes} == {"plugin": Status.DONE}
    assert world.pipeline(id)["description"] == "theirs"
