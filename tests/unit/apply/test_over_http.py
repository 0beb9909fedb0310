"""What only the real providers can show of an apply: gates, conflicts that are our own, removals in two phases."""

from __future__ import annotations

import httpx
import pytest

from flext_reconciler.model import Action, Reason, Status
from http_world import HttpWorld, Wire
from stop_scenarios import pipeline, plugin, runtime


@pytest.fixture
def world():
    with HttpWorld() as made:
        yield made


def apply(world, resources, saved=None, **options):
    return world.run(world.platform.apply(resources, saved, **options))


def plan(world, resources, **options):
    return world.run(world.platform.plan(resources, **options))


def gated(world):
    return [runtime(world, "a1", expect_version="9.9.9")]


def test_what_came_out_otherwise_than_expected_is_removed_and_failed(world):
    (outcome,) = apply(world, gated(world)).outcomes
    assert outcome.status is Status.FAILED
    assert "9.9.9 is expected, so it was removed again" in outcome.message
    assert world.ledger.records() == {}
    assert plan(world, gated(world)).changes[0].action is Action.CREATE


def test_what_came_out_otherwise_and_cannot_be_removed_is_not_called_done(world):
    world.apps["flexcore"].faults.switch_on("http_500", method="DELETE")
    (outcome,) = apply(world, gated(world)).outcomes
    assert outcome.status is Status.FAILED
    assert "could not be removed again" in outcome.message
    world.apps["flexcore"].faults.switch_off()
    (again,) = plan(world, gated(world)).changes
    assert (again.action, again.reason) == (Action.REPLACE, Reason.INTERRUPTED)
    (outcome,) = apply(world, gated(world)).outcomes
    assert outcome.status is Status.FAILED
    assert apply(world, [runtime(world, "a1", expect_version="2.0.0")]).converged


def test_a_conflict_after_the_first_request_is_no_sign_of_somebody_else(world, monkeypatch):
    send = Wire.handle_async_request

    async def refusing(wire, request):
        if request.url.path.endswith("/steps"):
            return httpx.Response(409, json={"error": "busy"}, request=request)
        return await send(wire, request)

    declared = [plugin(world, "a1"), pipeline(world, "a1")]
    with monkeypatch.context() as patch:
        patch.setattr(Wire, "handle_async_request", refusing)
        failed = {outcome.address.kind: outcome for outcome in apply(world, declared).outcomes}["pipeline"]
    assert failed.status is Status.FAILED
    assert "somebody else" not in failed.message
    (rest,) = plan(world, declared).changes
    assert (rest.action, rest.reason) == (Action.UPDATE, Reason.INTERRUPTED)
    assert apply(world, declared).converged


def test_what_lost_its_mark_is_disabled_all_the_same(world):
    apply(world, [plugin(world, "a1"), pipeline(world, "a1", active=True)])
    pipelines = world.apps["flext-service"].store.collection("pipelines")
    (id,) = pipelines
    pipelines[id] = {**pipelines[id], "tags": []}
    report = apply(world, [plugin(world, "a1")], prune=True)
    assert report.converged, report
    assert pipelines[id]["is_active"] is False
    (record,) = (record for record in world.ledger.records().values() if record.address.kind == "pipeline")
    assert (record.due, record.desired["active"], len(record.desired["steps"])) == ("2026-02-07", False, 1)


def test_a_disabling_that_the_service_did_not_take_is_not_called_done(world, monkeypatch):
    apply(world, [plugin(world, "a1")])
    send = Wire.handle_async_request

    async def ignoring(wire, request):
        if request.method == "PUT":
            return httpx.Response(200, json={"success": True, "data": {}}, request=request)
        return await send(wire, request)

    with monkeypatch.context() as patch:
        patch.setattr(Wire, "handle_async_request", ignoring)
        (outcome,) = apply(world, [], prune=True).outcomes
    assert outcome.status is Status.FAILED
    assert "status" in outcome.message
    assert apply(world, [], prune=True).converged
    assert [record.due for record in world.ledger.records().values()] == ["2026-02-07"]


def test_what_a_saved_plan_relies_on_must_be_as_it_was(world):
    one = [plugin(world, "a1"), plugin(world, "b2"), pipeline(world, "a1"), pipeline(world, "b2")]
    assert apply(world, one).converged
    two = [*one[:2], pipeline(world, "a1", active=True), pipeline(world, "b2", active=True)]
    saved = plan(world, two)
    plugins = world.apps["flext-service"].store.collection("plugins")
    id = next(id for id, item in plugins.items() if item["name"] == "a1-source")
    plugins[id] = {**plugins[id], "description": "somebody else's words"}
    ended = {item.address.name: item for item in apply(world, two, saved, recheck_creates=True).outcomes}
    assert ended["a1-orders"].status is Status.STALE
    assert ended["a1-orders"].message == "flext-service.plugin/a1-source, on which it depends, moved since the plan"
    assert ended["b2-orders"].status is Status.DONE
