"""The imitation behaves as the contract says the real service does, hazards included."""

from __future__ import annotations

import httpx
import pytest

from flext_providers.flext_service.embedded.app import make
from flext_providers.flext_service.provider import PROVIDER
from flext_reconciler.sandbox import start

from .world import PLUGIN, TAP, World

NOWHERE = "11111111-2222-4333-8444-555555555555"

REPLIES = [
    # what is asked, the status, and the code or text of the error
    ("GET", "/api/v1/plugins/1", None, 400, "BAD_REQUEST"),
    ("GET", f"/api/v1/plugins/{NOWHERE}", None, 404, "NOT_FOUND"),
    ("PUT", f"/api/v1/plugins/{NOWHERE}", {}, 404, "NOT_FOUND"),
    ("DELETE", f"/api/v1/plugins/{NOWHERE}", None, 404, "NOT_FOUND"),
    ("POST", "/api/v1/plugins", {"name": "x"}, 400, "VALIDATION_ERROR"),
    ("POST", "/api/v1/plugins", {**PLUGIN, "name": "x", "type": "extractor"}, 400, "BAD_REQUEST"),
    ("POST", "/api/v1/plugins", {**PLUGIN, "name": "taken"}, 500, "INTERNAL_SERVER_ERROR"),
    ("POST", "/api/v1/plugins", {**PLUGIN, "name": 7}, 400, "BAD_REQUEST"),
    ("POST", "/api/v1/plugins", [], 400, "BAD_REQUEST"),
    ("POST", "/api/v1/pipelines", {"name": "x" * 101}, 400, "VALIDATION_ERROR"),
    ("GET", f"/api/v1/pipelines/{NOWHERE}", None, 404, "NOT_FOUND"),
    ("GET", f"/api/v1/pipelines/{NOWHERE}/status", None, 404, "NOT_FOUND"),
    ("GET", "/api/v1/pipelines/one", None, 400, "BAD_REQUEST"),
    ("POST", f"/api/v1/pipelines/{NOWHERE}/steps", {}, 404, "NOT_FOUND"),
    ("DELETE", f"/api/v1/clean/pipelines/{NOWHERE}", None, 404, 404),
    ("DELETE", "/api/v1/clean/pipelines/one", None, 400, 400),
    ("GET", "/api/v1/clean/pipelines?limit=1001", None, 400, 400),
    ("POST", "/api/v1/clean/pipelines", {"name": "taken"}, 409, 409),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), REPLIES)
def test_errors_have_the_status_and_the_code_of_the_contract(world, method, path, body, status, code):
    world.add_plugin("taken")
    world.add_pipeline("taken")
    reply = world.send(method, path, body)
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert {"error", "message"} <= reply.json().keys()


SPEC_REPLIES = [
    ("GET", f"/{NOWHERE}", None, 404, "specification not found"),
    ("GET", "/one", None, 400, "Invalid spec ID"),
    ("DELETE", f"/{NOWHERE}", None, 500, "specification not found"),
    ("PUT", f"/{NOWHERE}", {}, 500, "specification not found"),
    ("POST", "", {"name": "x"}, 400, "required"),
    ("POST", "", {"name": "x", "type": "sink", **TAP}, 400, "type"),
    ("POST", "", {"name": "taken", "type": "target", **TAP}, 500, "already exists"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "error"), SPEC_REPLIES)
def test_specs_answer_errors_of_one_word(world, method, path, body, status, error):
    world.send("POST", "/api/v1/singer/specs", {"name": "taken", "type": "tap", **TAP})
    reply = world.send(method, f"/api/v1/singer/specs{path}", body)
    assert reply.status_code == status
    assert error in reply.json()["error"]
    assert reply.json().keys() == {"error"}


def test_the_two_kinds_of_404_differ(world):
    assert world.send("GET", "/api/v1/nothing").json() == {"message": "Not Found"}
    assert world.send("DELETE", "/api/v1/plugins").status_code == 405
    world.faults.switch_on("variant_control_panel")
    assert world.send("GET", "/api/v1/plugins").text == "404 page not found"


PAGES = [("", 10), ("?page_size=0", 10), ("?page_size=7", 7), ("?page_size=500", 100), ("?page=2&page_size=100", 20)]


@pytest.mark.parametrize(("query", "count"), PAGES)
def test_pages_hold_ten_unless_asked_and_a_hundred_at_most(world, query, count):
    world.add_many("/api/v1/plugins", ({"name": f"p{number:03d}", **PLUGIN} for number in range(120)))
    body = world.send("GET", f"/api/v1/plugins{query}").json()
    assert len(body["data"]) == count
    assert body["pagination"]["total"] == 120
    assert body.keys() == {"data", "pagination", "success", "timestamp", "request_id"}


@pytest.mark.parametrize(
    ("query", "names"),
    [("?type=target", ["b"]), ("?author=me", ["a"]), ("?status=active", []), ("?type=source&author=me", ["a"])],
)
def test_plugins_are_filtered(world, query, names):
    world.add_plugin("a", author="me")
    world.add_plugin("b", type="target")
    assert [item["name"] for item in world.send("GET", f"/api/v1/plugins{query}").json()["data"]] == names


@pytest.mark.parametrize(("query", "names"), [("?tags=x", ["a", "b"]), ("?tags=x,y", ["b"]), ("?active=true", [])])
def test_pipelines_are_filtered(world, query, names):
    world.add_pipeline("a", tags=["x"])
    world.add_pipeline("b", tags=["x", "y"])
    data = world.send("GET", f"/api/v1/pipelines{query}").json()["data"]
    assert [item["name"] for item in data["pipelines"]] == names


def test_markup_in_a_plugin_comes_back_changed(world):
    id = world.add_plugin("a", description=" <b>bold</b> ")
    assert world.send("GET", f"/api/v1/plugins/{id}").json()["data"]["description"] == "bold"


def test_a_plugin_is_updated_without_the_envelope(world):
    id = world.add_plugin("a")
    body = world.send(
        "PUT", f"/api/v1/plugins/{id}", {"description": "x", "version": "9.9.9", "status": "active"}
    ).json()
    assert (body["description"], body["version"], body["status"]) == ("x", "1.0.0", "active")
    assert "success" not in body
    assert world.send("PUT", f"/api/v1/plugins/{id}", {"status": "broken"}).status_code == 400


def test_a_pipeline_only_grows(world):
    plugin, id = world.add_plugin("a"), world.add_pipeline("p", configuration={"a": 1, "b": 1.0})
    assert world.add_pipeline("p") != id
    path = f"/api/v1/pipelines/{id}"
    assert world.send("PUT", path, {"is_active": True}).status_code == 400
    for _ in range(2):
        assert world.send("POST", f"{path}/steps", {"name": "s", "plugin_id": plugin}).status_code == 201
    world.send("PUT", path, {"configuration": {"b": 2}, "schedule": "@daily", "is_active": True})
    pipeline = world.pipeline(id)
    assert [(step["name"], step["order"]) for step in pipeline["steps"]] == [("s", 1), ("s", 2)]
    assert pipeline["configuration"] == {"a": 1, "b": 2}
    assert (pipeline["schedule"], pipeline["is_active"], pipeline["version"]) == (None, True, 4)
    assert world.send("GET", f"{path}/status").json()["data"]["metrics"]["schedule"] == "@daily"
    assert world.send("PUT", path, {"is_active": True}).status_code == 500


def test_a_step_needs_ids(world):
    id = world.add_pipeline("p")
    steps = f"/api/v1/pipelines/{id}/steps"
    assert world.send("POST", steps, {"name": "s", "plugin_id": "a"}).status_code == 400
    assert world.send("POST", steps, {"name": "s", "plugin_id": NOWHERE, "depends_on": [NOWHERE]}).status_code == 404


def test_pipelines_are_paused_resumed_and_run(world):
    id = world.add_pipeline("p")
    path = f"/api/v1/pipelines/{id}"
    assert world.send("POST", f"{path}/pause", {}).status_code == 400
    assert world.send("POST", f"{path}/pause", {"paused_by": "me"}).status_code == 500
    world.send("POST", f"{path}/steps", {"name": "s", "plugin_id": NOWHERE})
    assert world.send("POST", f"{path}/resume", {"resumed_by": "me"}).json()["data"]["is_active"] is True
    assert world.send("POST", f"{path}/pause", {"paused_by": "me"}).json()["data"]["is_active"] is False
    assert world.send("POST", f"{path}/execute", {}).status_code == 202


def test_an_offset_past_the_end_of_specs_is_not_looked_at(world):
    world.add_many("/api/v1/singer/specs", ({"name": f"t{n}", "type": "tap", **TAP} for n in range(5)))
    for query, count in (("", 5), ("?limit=2", 2), ("?limit=2&offset=4", 1), ("?offset=9", 5), ("?type=target", 0)):
        assert len(world.send("GET", f"/api/v1/singer/specs{query}").json()["specs"]) == count


def test_the_clean_variant_lists_and_shows_the_same_pipelines(world):
    id = world.add_pipeline("p")
    assert [item["id"] for item in world.send("GET", "/api/v1/clean/pipelines").json()["pipelines"]] == [id]
    assert world.send("GET", f"/api/v1/clean/pipelines/{id}").json()["name"] == "p"
    assert world.send("POST", "/api/v1/clean/pipelines", {"name": "q"}).status_code == 201


@pytest.mark.parametrize("path", ["/health", "/api/v1/health", "/api/v1/status", "/api/v1/info"])
@pytest.mark.parametrize("variant", ["clean", "echo", "partial", "control_panel"])
def test_every_variant_says_what_it_is(variant, path):
    with World(variant) as world:
        assert world.send("GET", path).json()["service"].startswith("flext")


@pytest.mark.parametrize("path", ["/meltano/projects", "/singer/taps", "/singer/targets", "/dbt/models"])
def test_the_control_panel_invents(path):
    with World("control_panel") as world:
        assert world.send("GET", f"/api/v1{path}").json()["source"] == "fallback"


def test_a_file_keeps_everything_and_a_restart_forgets_on_demand(tmp_path):
    for _ in range(2):
        app = make(tmp_path / "flext.db")
        with start(app) as running, httpx.Client(base_url=running.url) as http:
            http.post("/api/v1/plugins", json={"name": "kept", **PLUGIN})
            http.post("/api/v1/pipelines", json={"name": "kept"})
            app.restart()
    app = make(tmp_path / "flext.db")
    with start(app) as running, httpx.Client(base_url=running.url) as http:
        assert http.get("/api/v1/plugins").json()["pagination"]["total"] == 1
        assert http.get("/api/v1/pipelines").json()["data"]["total"] == 2
        app.faults.switch_on("forget")
        app.restart()
        assert http.get("/api/v1/plugins").json()["pagination"]["total"] == 0
        assert http.post("/api/v1/plugins", json={"name": "kept", **PLUGIN}).status_code == 201


def test_the_provider_starts_it():
    assert PROVIDER.embedded is not None
    with start(PROVIDER.embedded.make(None)) as running:
        assert httpx.get(f"{running.url}/health").json()["service"] == "flext"
        assert PROVIDER.embedded.faults.keys() <= httpx.get(f"{running.url}/_sandbox/faults").json()["faults"].keys()
