"""Creates, updates and deletes, seen from the service."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from flext_providers.flext_service.kinds import KINDS
from flext_reconciler.errors import ErrorKind, ServiceError
from flext_reconciler.model import Action, FieldDiff, Presence
from flext_reconciler.spec import field_rules

from .specs import PLUGINS, SPECS, specs_of
from .world import EVERYTHING, PLUGIN, TAP

STEP = {"name": "extract", "plugin": "extractor"}


@pytest.fixture
def platform(world):
    """A service with the plugins that steps use."""
    world.add_many("/api/v1/plugins", ({"name": name, **PLUGIN} for name in PLUGINS))
    return world


@given(case=specs_of(SPECS))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_created_is_what_is_read(platform, case):
    kind, spec = case
    id = platform.create(kind, "thing", **spec)
    actual = platform.read_one(kind, "thing", id)
    normal = KINDS[kind].normalise(spec)
    try:
        assert {name: actual.spec[name] for name in normal} == normal
        assert actual.owned is (True if kind == "pipeline" else None)
        assert platform.read(kind, {"thing": EVERYTHING})["thing"] == actual
    finally:
        platform.delete(kind, "thing", id)
    assert platform.read_one(kind, "thing", id).presence is Presence.ABSENT


def test_a_pipeline_is_made_in_the_order_that_the_service_needs(platform):
    steps = [STEP, {"name": "load", "plugin": "loader", "depends_on": ["extract"]}]
    id = platform.create("pipeline", "orders", steps=steps, schedule="@daily", active=True, tags=["a"])
    path = f"/api/v1/pipelines/{id}"
    writes = [(entry.method, entry.path) for entry in platform.faults.log if entry.method != "GET"]
    assert writes == [
        ("POST", "/api/v1/pipelines"),
        ("POST", f"{path}/steps"),
        ("POST", f"{path}/steps"),
        ("PUT", path),
    ]
    pipeline = platform.pipeline(id)
    assert sorted(pipeline["tags"]) == ["a", "flext-managed"]
    first, second = pipeline["steps"]
    assert second["depends_on"] == [first["id"]]


@pytest.mark.parametrize("spec", [{}, {"tags": []}, {"description": "x"}])
def test_every_pipeline_of_ours_is_marked(platform, spec):
    id = platform.create("pipeline", "orders", **spec)
    assert platform.pipeline(id)["tags"] == ["flext-managed"]
    assert platform.requests("PUT") == []


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("born", [True, False])
def test_a_pipeline_ends_as_active_as_it_is_declared(platform, active, born):
    if born:
        platform.faults.switch_on("born_active")
    id = platform.create("pipeline", "orders", steps=[STEP], active=active, schedule="@daily")
    actual = platform.read_one("pipeline", "orders", id)
    assert (actual.spec["active"], actual.spec["schedule"]) == (active, "@daily")


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("kind", ["tap", "target"])
def test_a_spec_ends_as_active_as_it_is_declared(world, kind, active):
    id = world.create(kind, "thing", **TAP, active=active)
    assert world.read_one(kind, "thing", id).spec["active"] is active
    assert len(world.requests("POST")) == (1 if active else 2)


def test_the_id_of_a_plugin_is_asked_of_the_engine_first(platform):
    plugin = platform.add_plugin("hidden")
    platform.faults.log.clear()
    write = platform.write(Action.CREATE, "pipeline", "orders", {"steps": [{"name": "a", "plugin": "new"}]})
    write = replace(write, id_of=lambda kind, name: plugin)
    id = platform.run(lambda writer: writer.create(write))
    assert platform.pipeline(id)["steps"][0]["plugin_id"] == plugin
    assert "/api/v1/plugins" not in platform.requests("GET")


def test_a_step_without_its_plugin_is_refused_by_name(world):
    with pytest.raises(ServiceError, match="step extract of pipeline orders needs plugin extractor") as caught:
        world.create("pipeline", "orders", steps=[STEP])
    assert caught.value.kind is ErrorKind.INVALID
    assert not caught.value.outcome_unknown


CHANGES = [
    ("pipeline", {"description": "a"}, {"description": "b"}),
    ("pipeline", {"description": "a"}, {}),
    ("pipeline", {"tags": ["a", "b"]}, {"tags": ["b", "c"]}),
    ("pipeline", {"tags": ["a"]}, {}),
    ("pipeline", {"schedule": "@daily"}, {"schedule": "0 * * * *"}),
    ("pipeline", {"schedule": "@daily"}, {}),
    ("pipeline", {"schedule": "@daily"}, {"schedule": ""}),
    ("pipeline", {"configuration": {"a": 1}}, {"configuration": {"a": 2, "b": {"c": 3}}}),
    ("pipeline", {"steps": [STEP]}, {"steps": [STEP, {"name": "b", "plugin": "loader", "depends_on": ["extract"]}]}),
    ("pipeline", {"steps": [STEP]}, {"steps": [STEP], "active": True}),
    ("pipeline", {"steps": [STEP], "active": True}, {"steps": [STEP], "active": False}),
    ("pipeline", {"steps": [STEP], "active": True}, {"steps": [STEP]}),
    ("pipeline", {}, {"steps": [STEP], "active": True, "schedule": "@daily", "description": "all at once"}),
    ("plugin", {**PLUGIN, "description": "a", "author": "me"}, {**PLUGIN, "description": "b", "status": "inactive"}),
    ("plugin", {**PLUGIN, "status": "inactive"}, PLUGIN),
    ("tap", {**TAP, "description": "a"}, {**TAP, "description": "b", "author": "me"}),
    ("tap", {**TAP, "active": False}, TAP),
    ("tap", TAP, {**TAP, "active": False}),
    ("tap", {**TAP, "config_template": {"a": 1, "b": 2}}, {**TAP, "config_template": {"a": 1}}),
    ("tap", {**TAP, "config_template": {"a": {"b": 1, "c": 2}}}, {**TAP, "config_template": {"a": {"b": 3}}}),
    ("tap", {**TAP, "environment_vars": {"A": "1"}}, {**TAP, "environment_vars": {"A": "2"}}),
    ("target", {**TAP, "environment_vars": {"A": "1"}}, TAP),
    ("target", {**TAP, "settings": {"properties": {"a": {"type": "string"}}}}, TAP),
    ("target", {**TAP, "capabilities": {"state": True}}, {**TAP, "capabilities": {"catalog": True}}),
]


@pytest.mark.parametrize(("kind", "before", "after"), CHANGES)
def test_an_update_leaves_what_is_declared(platform, kind, before, after):
    id = platform.create(kind, "thing", **before)
    for _ in range(2):  # doing it again does no harm
        platform.update(kind, "thing", id, before, **after)
        spec, rules = platform.read_one(kind, "thing", id).spec, KINDS[kind].normalise(after)
        assert {name: spec[name] for name in rules} == rules
        for name in before.keys() - after.keys():
            assert spec[name] == field_rules(KINDS[kind])[name].cleared


def test_an_update_sends_only_what_differs(platform):
    spec = {"description": "a", "configuration": {"k": 1}, "schedule": "@daily"}
    id = platform.create("pipeline", "orders", **spec)
    platform.send("PUT", f"/api/v1/pipelines/{id}", {"schedule": "@weekly"})  # somebody else's edit, not in the plan
    field = FieldDiff(("description",), "a", "b")
    write = platform.write(Action.UPDATE, "pipeline", "orders", {**spec, "description": "b"}, id, (field,))
    platform.run(lambda writer: writer.update(write))
    actual = platform.read_one("pipeline", "orders", id)
    assert (actual.spec["description"], actual.spec["schedule"]) == ("b", "@weekly")


@pytest.mark.parametrize("kind", ["tap", "target"])
def test_an_update_of_a_map_keeps_keys_that_are_not_ours(world, kind):
    id = world.create(kind, "thing", **TAP, config_template={"ours": 1, "deep": {"x": 1}})
    theirs = {"ours": 1, "deep": {"x": 1, "theirs": 2}, "theirs": 3}
    world.send("PUT", f"/api/v1/singer/specs/{id}", {"config_template": theirs})
    world.update(kind, "thing", id, {**TAP, "config_template": {"ours": 1, "deep": {"x": 1}}},
                 **TAP, config_template={"ours": 5, "deep": {"x": 6}})  # fmt: skip
    assert world.read_one(kind, "thing", id).spec["config_template"] == {
        "ours": 5, "deep": {"x": 6, "theirs": 2}, "theirs": 3
    }  # fmt: skip


def test_an_update_of_configuration_keeps_keys_that_are_not_ours(platform):
    id = platform.create("pipeline", "orders", configuration={"db": {"host": "a"}})
    platform.send("PUT", f"/api/v1/pipelines/{id}", {"configuration": {"db": {"host": "a", "port": 1}, "x": 2}})
    platform.update(
        "pipeline", "orders", id, {"configuration": {"db": {"host": "a"}}}, configuration={"db": {"host": "b"}}
    )
    assert platform.pipeline(id)["configuration"] == {"db": {"host": "b", "port": 1}, "x": 2}


@pytest.mark.parametrize(("spec", "kept"), [({}, ["theirs"]), ({"tags": ["ours"]}, ["ours"])])
def test_adopting_a_pipeline_marks_it(platform, spec, kept):
    id = platform.add_pipeline("orders", tags=["theirs"])
    mark = FieldDiff(("tags",), ["theirs"], spec.get("tags", ["theirs"]))
    write = platform.write(Action.ADOPT, "pipeline", "orders", spec, id, (mark,))
    platform.run(lambda writer: writer.update(write))
    actual = platform.read_one("pipeline", "orders", id)
    assert (actual.owned, actual.spec["tags"]) == (True, kept)


def test_a_create_stays_in_doubt_while_nobody_can_look(world):
    world.faults.switch_on("lost_reply", method="POST")
    world.faults.switch_on("http_500", method="GET")
    with pytest.raises(ServiceError) as caught:
        world.create("pipeline", "orders")
    assert caught.value.outcome_unknown


def test_a_step_stays_in_doubt_while_nobody_can_look(platform):
    platform.faults.switch_on("lost_step_reply")
    platform.faults.switch_on("http_500", method="GET", path="/api/v1/pipelines/")
    with pytest.raises(ServiceError) as caught:
        platform.create("pipeline", "orders", steps=[STEP])
    assert (caught.value.outcome_unknown, bool(caught.value.made)) == (True, True)


@pytest.mark.parametrize("kind", ["plugin", "tap", "target", "pipeline"])
def test_deleting_what_is_gone_is_done(world, kind):
    id = world.create(kind, "thing", **{"plugin": PLUGIN, "pipeline": {}}.get(kind, TAP))
    world.delete(kind, "thing", id)
    world.delete(kind, "thing", id)
    assert world.read(kind) == {}


def test_a_busy_pipeline_is_a_conflict(world):
    id = world.create("pipeline", "orders")
    world.faults.switch_on("busy_pipeline")
    with pytest.raises(ServiceError, match="busy or running") as caught:
        world.delete("pipeline", "orders", id)
    assert caught.value.kind is ErrorKind.CONFLICT
    assert caught.value.hint


def test_a_pipeline_of_a_server_without_delete_stays(world):
    id = world.create("pipeline", "orders")
    world.faults.switch_on("variant_echo")
    with pytest.raises(ServiceError) as caught:
        world.delete("pipeline", "orders", id)
    assert caught.value.kind is ErrorKind.PATH_UNKNOWN
    assert world.read_one("pipeline", "orders", id).presence is Presence.PRESENT


@pytest.mark.parametrize("fault", ["http_500", "http_503", "html"])
@pytest.mark.parametrize("kind", ["plugin", "tap", "pipeline"])
def test_a_delete_that_fails_is_told(world, kind, fault):
    id = world.create(kind, "thing", **{"plugin": PLUGIN, "pipeline": {}}.get(kind, TAP))
    world.faults.switch_on(fault, method="DELETE")
    with pytest.raises(ServiceError):
        world.delete(kind, "thing", id)


def test_a_secret_is_told_to_the_client(world, monkeypatch):
    write = world.write(Action.CREATE, "pipeline", "orders", {"configuration": {"token": "s3cret"}})
    write = replace(write, carries_secret=True)
    sent = []

    async def create(writer):
        send = writer._http.send

        async def watched(*args, **options):
            sent.append(options.get("secret"))
            return await send(*args, **options)

        monkeypatch.setattr(writer._http, "send", watched)
        return await writer.create(write)

    world.run(create)
    assert sent == [True]
