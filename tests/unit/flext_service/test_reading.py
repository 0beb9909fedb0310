"""What an object says about itself, in the words of its kind."""

from __future__ import annotations

import pytest

from flext_reconciler.errors import ErrorKind, ServiceError
from flext_reconciler.model import Presence

from .world import PLUGIN, TAP

NOWHERE = "11111111-2222-4333-8444-555555555555"


def add_step(world, pipeline, name, plugin, *depends_on):
    """Add a step by hand."""
    body = {"name": name, "plugin_id": plugin, "depends_on": list(depends_on)}
    return world.send("POST", f"/api/v1/pipelines/{pipeline}/steps", body).json()["data"]["step_id"]


def test_a_plugin_is_reported_without_what_the_service_owns(world):
    id = world.add_plugin("reader", author="me", ports=[{"name": "out", "type": "stream"}])
    actual = world.read("plugin")["reader"]
    assert (actual.id, actual.owned, actual.presence) == (id, None, Presence.PRESENT)
    assert actual.facts == {"status": "registered"}
    assert actual.spec == {
        **PLUGIN,
        "author": "me",
        "description": "",
        "dependencies": [],
        "ports": [{"name": "out", "type": "stream", "required": False, "description": "", "schema": {}}],
        "configuration": {},
    }


@pytest.mark.parametrize(
    ("status", "reported"), [("active", "active"), ("inactive", "inactive"), ("deprecated", None), ("pending", None)]
)
def test_a_status_is_reported_when_it_could_be_declared(world, status, reported):
    id = world.add_plugin("reader")
    world.send("PUT", f"/api/v1/plugins/{id}", {"status": status})
    actual = world.read_one("plugin", "reader", id)
    assert actual.spec.get("status") == reported
    assert actual.facts == {"status": status}


def test_a_pipeline_is_reported_with_names_for_ids(world):
    extract, load = world.add_plugin("extractor"), world.add_plugin("loader")
    id = world.add_pipeline("orders", tags=["b", "flext-managed", "a"], configuration={"rate": 1.0})
    first = add_step(world, id, "extract", extract)
    add_step(world, id, "load", load, first)
    actual = world.read("pipeline")["orders"]
    assert actual.owned is True
    assert actual.unreadable == frozenset()
    assert actual.spec == {
        "description": "",
        "tags": ["a", "b"],
        "configuration": {"rate": 1},
        "schedule": "",
        "active": False,
        "steps": [
            {"name": "extract", "plugin": "extractor", "configuration": {}, "depends_on": []},
            {"name": "load", "plugin": "loader", "configuration": {}, "depends_on": ["extract"]},
        ],
    }
    assert world.read_one("pipeline", "orders", id) == actual == world.read_one("pipeline", "orders")


def test_a_step_whose_plugin_is_gone_shows_the_id(world):
    plugin = world.add_plugin("extractor")
    id = world.add_pipeline("orders")
    add_step(world, id, "extract", plugin)
    world.send("DELETE", f"/api/v1/plugins/{plugin}")
    for actual in (world.read("pipeline")["orders"], world.read_one("pipeline", "orders", id)):
        assert actual.spec["steps"][0]["plugin"] == plugin


def test_a_plugin_that_was_just_replaced_keeps_its_name_in_steps(world):
    plugin = world.add_plugin("extractor")
    id = world.add_pipeline("orders")
    add_step(world, id, "extract", plugin)

    async def replace(writer):
        await writer.read_one("plugin", "extractor", plugin, frozenset())
        world.send("DELETE", f"/api/v1/plugins/{plugin}")
        return await writer.read_one("pipeline", "orders", id, frozenset({"steps"}))

    assert world.run(replace).spec["steps"][0]["plugin"] == "extractor"


def test_plugins_are_only_listed_for_steps_that_need_them(world):
    world.add_pipeline("empty")
    world.faults.log.clear()
    world.read("pipeline", {})
    assert world.requests("GET") == ["/api/v1/pipelines"]


def test_plugins_that_were_read_are_not_listed_again(world):
    plugin = world.add_plugin("extractor")
    add_step(world, world.add_pipeline("orders"), "extract", plugin)
    world.faults.log.clear()

    async def read(writer):
        await writer.read("plugin", {})
        await writer.read("pipeline", {})

    world.run(read)
    assert world.requests("GET") == ["/api/v1/plugins", "/api/v1/pipelines"]


def test_a_schedule_is_asked_for_where_it_is_compared(world):
    ids = {name: world.add_pipeline(name) for name in ("timed", "untimed", "foreign")}
    for id in ids.values():
        world.send("PUT", f"/api/v1/pipelines/{id}", {"schedule": "@daily"})
    world.faults.log.clear()
    actuals = world.read("pipeline", {"timed": frozenset({"schedule"}), "untimed": frozenset({"tags"})})
    assert actuals["timed"].spec["schedule"] == "@daily"
    assert actuals["timed"].unreadable == frozenset()
    for name in ("untimed", "foreign"):
        assert "schedule" not in actuals[name].spec
        assert actuals[name].unreadable == {"schedule"}
    assert world.requests("GET") == ["/api/v1/pipelines", f"/api/v1/pipelines/{ids['timed']}/status"]
    assert {actual.spec["schedule"] for actual in world.read("pipeline").values()} == {"@daily"}


@pytest.mark.parametrize("fault", ["html", "http_500", "wrong_shape"])
def test_one_schedule_that_cannot_be_read_leaves_the_others(world, fault):
    ids = {name: world.add_pipeline(name) for name in ("broken", "fine")}
    world.faults.switch_on(fault, path=f"/api/v1/pipelines/{ids['broken']}/status")
    actuals = world.read("pipeline")
    assert actuals["broken"].presence is Presence.UNKNOWN
    assert "schedule" in actuals["broken"].reason
    assert actuals["fine"].spec["schedule"] == ""


def test_a_service_that_goes_away_fails_the_whole_kind(world):
    world.add_pipeline("orders")
    world.faults.switch_on("http_503", path="/api/v1/pipelines/")
    with pytest.raises(ServiceError) as caught:
        world.read("pipeline")
    assert caught.value.kind is ErrorKind.UNAVAILABLE


@pytest.mark.parametrize("kind", ["tap", "target"])
def test_a_spec_is_reported_with_go_s_nulls_filled(world, kind):
    body = {"name": "thing", "type": kind, **TAP, "capabilities": {"state": True}, "environment_vars": {"A": "1"}}
    id = world.send("POST", "/api/v1/singer/specs", body).json()["id"]
    actual = world.read(kind)["thing"]
    assert actual == world.read_one(kind, "thing", id) == world.read_one(kind, "thing")
    assert (actual.id, actual.owned) == (id, None)
    assert actual.spec["settings"] == {"properties": {}, "required": []}
    assert actual.spec["capabilities"]["state"] is True
    assert actual.spec["capabilities"]["catalog"] is False
    assert actual.spec["capabilities"]["supported_formats"] == []
    assert actual.spec["environment_vars"] == {"A": "1"}
    assert actual.spec["active"] is True
    assert actual.spec.keys() == {
        *TAP, "description", "author", "settings", "capabilities", "config_template", "environment_vars", "active"
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["plugin", "pipeline", "tap", "target"])
def test_what_is_not_there_is_absent(world, kind):
    assert world.read_one(kind, "nothing", NOWHERE).presence is Presence.ABSENT
    assert world.read_one(kind, "nothing").presence is Presence.ABSENT


@pytest.mark.parametrize("kind", ["plugin", "pipeline", "tap"])
def test_a_path_that_is_not_there_is_not_an_absence(kind, world):
    world.faults.switch_on("variant_control_panel")
    for id in (NOWHERE, None):
        with pytest.raises(ServiceError) as caught:
            world.read_one(kind, "nothing", id)
        assert caught.value.kind is ErrorKind.PATH_UNKNOWN


def test_echo_s_unknown_path_is_not_an_absence(world):
    world.faults.switch_on("variant_partial")
    with pytest.raises(ServiceError) as caught:
        world.read_one("pipeline", "nothing", NOWHERE)
    assert caught.value.kind is ErrorKind.PATH_UNKNOWN


def test_an_id_that_is_none_is_an_error(world):
    with pytest.raises(ServiceError) as caught:
        world.read_one("pipeline", "nothing", "../plugins")
    assert caught.value.kind is not ErrorKind.NOT_FOUND


def test_what_was_renamed_is_gone_under_its_old_name(world):
    id = world.add_pipeline("before")
    world.send("PUT", f"/api/v1/pipelines/{id}", {"name": "after"})
    assert world.read_one("pipeline", "before", id).presence is Presence.ABSENT
    assert world.read_one("pipeline", "after", id).id == id


GOOD = {"id": "1", "name": "orders", "is_active": False, "steps": [], "tags": [], "configuration": {}, "version": 1}
STEP = {"id": "s", "name": "a", "plugin_id": "p", "configuration": {}, "order": 1, "depends_on": []}
SENSELESS = [
    {"tags": "a"},
    {"tags": {"a": 1}},
    {"is_active": None},
    {"is_active": "true"},
    {"description": 7},
    {"configuration": []},
    {"steps": {}},
    {"steps": ["a"]},
    {"steps": [{**STEP, "order": "first"}]},
    {"steps": [{name: value for name, value in STEP.items() if name != "plugin_id"}]},
    {"steps": [{**STEP, "depends_on": 3}]},
    {"steps": [{**STEP, "plugin_id": ["p"]}]},
]


@pytest.mark.parametrize("wrong", SENSELESS)
def test_an_object_of_wrong_types_is_not_believed(answering, wrong):
    body = {"success": True, "data": {"pipelines": [{**GOOD, **wrong}], "total": 1}}
    with pytest.raises(ServiceError) as caught:
        answering(body)
    assert caught.value.kind is ErrorKind.UNTRUSTED


def test_nulls_for_what_is_empty_are_believed(answering):
    nothing = {"steps": None, "tags": None, "configuration": None, "description": None}
    (actual,) = answering({"success": True, "data": {"pipelines": [{**GOOD, **nothing}], "total": 1}})
    assert actual.spec == {"steps": [], "tags": [], "configuration": {}, "description": "", "active": False}
    assert actual.owned is False
