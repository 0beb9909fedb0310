"""Writes that nobody answered, and names that are taken: nothing is made twice, nothing is overwritten."""

from __future__ import annotations

import pytest

from flext_reconciler.errors import ErrorKind, ServiceError
from flext_reconciler.model import Presence

from .world import PLUGIN, TAP

KINDS = [("plugin", PLUGIN), ("tap", TAP), ("target", TAP), ("pipeline", {"tags": ["a"]})]
STEPS = [{"name": "extract", "plugin": "extractor"}, {"name": "load", "plugin": "extractor", "depends_on": ["extract"]}]

CARRIED_OUT = ["lost_reply", "truncated"]
NOT_CARRIED_OUT = ["reset_before", "down", "http_502", "http_504", "html", "wrong_type", "redirect"]


@pytest.mark.parametrize(("kind", "spec"), KINDS)
@pytest.mark.parametrize("fault", CARRIED_OUT)
def test_a_create_whose_reply_is_lost_is_found_by_name(world, kind, spec, fault):
    world.faults.switch_on(fault, times=1, method="POST")
    id = world.create(kind, "thing", **spec)
    assert world.read_one(kind, "thing").id == id
    assert len(world.requests("POST")) == 1


@pytest.mark.parametrize(("kind", "spec"), KINDS)
@pytest.mark.parametrize("fault", NOT_CARRIED_OUT)
def test_a_create_that_did_not_happen_is_left_to_the_engine(world, kind, spec, fault):
    world.faults.switch_on(fault, times=1, method="POST")
    with pytest.raises(ServiceError) as caught:
        world.create(kind, "thing", **spec)
    assert caught.value.outcome_unknown is (fault != "redirect")
    assert len(world.requests("POST")) == 1
    assert world.read_one(kind, "thing").presence is Presence.ABSENT


@pytest.mark.parametrize("fault", ["wrong_shape"])
def test_a_create_that_tells_no_id_is_not_known_to_have_happened(world, fault):
    world.faults.switch_on(fault, times=1, method="POST")
    with pytest.raises(ServiceError, match="did not tell its id") as caught:
        world.create("pipeline", "thing")
    assert caught.value.outcome_unknown


@pytest.mark.parametrize(("kind", "spec"), KINDS[:3])
def test_a_name_that_is_taken_is_a_conflict(world, kind, spec):
    world.create(kind, "thing", **spec)
    with pytest.raises(ServiceError) as caught:
        world.create(kind, "thing", **{**spec, "description": "mine"})
    assert caught.value.kind is ErrorKind.CONFLICT
    assert world.read_one(kind, "thing").spec["description"] == ""


def test_an_internal_error_over_a_taken_name_is_a_conflict(world):
    id = world.create("plugin", "thing", **PLUGIN)
    world.faults.switch_on("http_500", method="POST")
    with pytest.raises(ServiceError, match=f"already .*{id}") as caught:
        world.create("plugin", "thing", **{**PLUGIN, "version": "9.0.0"})
    assert caught.value.kind is ErrorKind.CONFLICT


def test_an_internal_error_after_the_deed_is_no_conflict(world):
    id = world.create("plugin", "thing", **PLUGIN)
    world.faults.switch_on("http_500", method="POST")
    assert world.create("plugin", "thing", **PLUGIN) == id


def test_an_internal_error_over_a_free_name_is_one(world):
    world.faults.switch_on("http_500", method="POST")
    with pytest.raises(ServiceError) as caught:
        world.create("plugin", "thing", **PLUGIN)
    assert (caught.value.kind, caught.value.outcome_unknown) == (ErrorKind.SERVER_ERROR, False)


@pytest.mark.parametrize("fault", ["lost_step_reply", "lost_reply", "truncated"])
def test_a_step_whose_reply_is_lost_is_not_added_twice(world, fault):
    world.add_plugin("extractor")
    world.faults.log.clear()
    world.faults.switch_on(
        fault, times=1, **({} if fault == "lost_step_reply" else {"path": "/api/v1/pipelines/", "method": "POST"})
    )
    id = world.create("pipeline", "orders", steps=STEPS, active=True)
    pipeline = world.pipeline(id)
    assert [step["name"] for step in pipeline["steps"]] == ["extract", "load"]
    assert pipeline["steps"][1]["depends_on"] == [pipeline["steps"][0]["id"]]
    assert pipeline["is_active"] is True
    assert len(world.requests("POST")) == 3


def test_a_step_that_was_not_added_is_left_to_the_engine_and_added_by_an_update(world):
    world.add_plugin("extractor")
    world.faults.switch_on("reset_before", times=1, method="POST", path="/api/v1/pipelines/")
    with pytest.raises(ServiceError) as caught:
        world.create("pipeline", "orders", steps=STEPS, active=True)
    assert caught.value.outcome_unknown
    found = world.read_one("pipeline", "orders")
    assert (found.owned, found.spec["steps"], found.spec["active"]) == (True, [], False)
    world.update("pipeline", "orders", found.id, {}, steps=STEPS, active=True)
    assert [step["name"] for step in world.pipeline(found.id)["steps"]] == ["extract", "load"]
    assert world.read_one("pipeline", "orders").spec["active"] is True


@pytest.mark.parametrize(("method", "fault"), [("PUT", "lost_reply"), ("PUT", "truncated"), ("DELETE", "lost_reply")])
def test_other_writes_without_an_answer_say_so(world, method, fault):
    id = world.create("pipeline", "orders", description="a")
    world.faults.switch_on(fault, times=1, method=method)
    with pytest.raises(ServiceError) as caught:
        if method == "PUT":
            world.update("pipeline", "orders", id, {"description": "a"}, description="b")
        else:
            world.delete("pipeline", "orders", id)
    assert caught.value.outcome_unknown
    assert len(world.requests(method)) == 1


def test_a_depended_step_that_is_gone_is_a_conflict(world):
    world.add_plugin("extractor")
    id = world.create("pipeline", "orders")

    async def append(writer):
        write = world.write("update", "pipeline", "orders", {}, id)
        await writer._append(write, id, [STEPS[1]], {})

    with pytest.raises(ServiceError, match="lacks a step") as caught:
        world.run(append)
    assert caught.value.kind is ErrorKind.CONFLICT
