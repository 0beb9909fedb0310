"""The embedded FlexCore says what the contract says (§1.2 to §1.4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from flext_providers.flexcore.embedded import make
from flext_providers.flexcore.faults import FAULTS
from flext_reconciler.sandbox import start
from unit.flexcore.world import CONFIG, Platform

ROOT = "/api/v1/plugins"
DEPLOY = {"plugin_id": "wms", "plugin_type": "meltano", "source_node_id": "test", "config": CONFIG}
ITEM = {"plugin_id", "name", "type", "version", "description", "author", "capabilities", "dependencies"}
TIMES = {"created_at", "updated_at"}

SHAPES = [
    ("GET", "/health", 200, {"status", "timestamp", "service", "version"}),
    (
        "GET",
        "/info",
        200,
        {"service", "version", "build_time", "commit", "environment", "debug", "port", "timestamp", "features"},
    ),
    ("GET", "/api/v1", 200, {"api_version", "service", "endpoints"}),
    ("GET", f"{ROOT}/list", 200, {"success", "plugins", "count", "node_id"}),
    ("GET", f"{ROOT}/wms/metadata", 200, {"success", "plugin_id", "metadata"}),
    ("GET", f"{ROOT}/wms/health", 200, {"success", "plugin_id", "health", "checked_at"}),
    ("GET", f"{ROOT}/wms/capabilities", 200, {"success", "plugin_id", "capabilities", "count"}),
    ("GET", f"{ROOT}/communication/status", 503, {"error"}),
    ("POST", f"{ROOT}/broadcast", 400, {"error", "details"}),
    ("POST", f"{ROOT}/wms/execute", 400, {"error", "details"}),
    ("GET", "/api/v1/node/info", 200, {"success", "node"}),
    ("GET", "/api/v1/node/status", 200, {"success", "plugin_health"}),
    ("POST", "/api/v1/node/register", 200, {"success", "message", "registered_at"}),
    ("DELETE", f"{ROOT}/wms", 200, {"success", "plugin_id", "unloaded_at", "message"}),
    *(
        (method, f"{ROOT}/other{rest}", 404, {"error", "plugin_id"})
        for method, rest in (
            ("DELETE", ""),
            ("GET", "/metadata"),
            ("GET", "/health"),
            ("GET", "/capabilities"),
            ("POST", "/execute"),
        )
    ),
]


@pytest.mark.parametrize(("method", "path", "status", "keys"), SHAPES)
def test_status_and_shape(client: httpx.Client, method: str, path: str, status: int, keys: set[str]) -> None:
    client.post(f"{ROOT}/deploy", json=DEPLOY)
    reply = client.request(method, path)
    assert (reply.status_code, set(reply.json())) == (status, keys)


def test_a_deploy_and_what_is_told_of_it(client: httpx.Client) -> None:
    deployed = client.post(f"{ROOT}/deploy", json=DEPLOY).json()
    assert set(deployed) == {
        "success",
        "plugin_id",
        "plugin_name",
        "plugin_type",
        "version",
        "capabilities",
        "deployed_at",
        "node_id",
        "message",
    }
    (item,) = client.get(f"{ROOT}/list").json()["plugins"]
    assert set(item) == ITEM | TIMES
    metadata = client.get(f"{ROOT}/wms/metadata").json()["metadata"]
    assert set(metadata) == (ITEM | TIMES | {"id", "config"}) - {"plugin_id"}
    assert metadata["id"] == "meltano-plugin"
    assert metadata["config"] == CONFIG


BAD = [
    (b"", 400),
    (b"[]", 400),
    (b"{", 400),
    ({"plugin_type": "meltano", "source_node_id": "x"}, 400),
    (DEPLOY | {"plugin_id": ""}, 400),
    (DEPLOY | {"plugin_type": 1}, 400),
    (DEPLOY | {"config": []}, 400),
    (DEPLOY | {"binary_data": "?"}, 400),
    (DEPLOY | {"binary_data": "eA=="}, 500),
    (DEPLOY | {"plugin_type": "airbyte"}, 500),
    (DEPLOY | {"config": None}, 500),
    (DEPLOY | {"config": {"api_token": "quoted"}}, 500),
    (DEPLOY | {"binary_url": "/opt/plugin"}, 500),
    (DEPLOY | {"plugin_type": "anything", "binary_url": "/opt/plugin.so", "unknown": 1}, 200),
]


@pytest.mark.parametrize(("body", "status"), BAD, ids=lambda value: str(value)[-40:])
def test_what_a_deploy_refuses(client: httpx.Client, body: Any, status: int) -> None:
    sent = {"content": body} if isinstance(body, bytes) else {"json": body}
    reply = client.post(f"{ROOT}/deploy", **sent)
    assert reply.status_code == status
    if status != 200:
        told = reply.json()
        assert told["error"] == ("Invalid request format" if status == 400 else "Failed to load plugin")
        assert "quoted" not in str(body) or "quoted" in told["details"]
        assert client.get(f"{ROOT}/list").json()["count"] == 0


def test_a_duplicate_is_noticed_before_anything_is_loaded(client: httpx.Client) -> None:
    client.post(f"{ROOT}/deploy", json=DEPLOY)
    reply = client.post(f"{ROOT}/deploy", json=DEPLOY | {"plugin_type": "airbyte"})
    assert (reply.status_code, reply.json()) == (409, {"error": "Plugin already deployed", "plugin_id": "wms"})


UNKNOWN = [
    ("GET", "/nothing"),
    ("GET", "/ready"),
    ("GET", ROOT),
    ("GET", f"{ROOT}/wms"),
    ("PUT", f"{ROOT}/wms"),
    ("GET", f"{ROOT}/deploy"),
    ("POST", "/health"),
    ("GET", f"{ROOT}/a%2Fb/metadata"),
]


@pytest.mark.parametrize(("method", "path"), UNKNOWN)
def test_an_unknown_path_or_method_is_plain_text(client: httpx.Client, method: str, path: str) -> None:
    reply = client.request(method, path)
    assert (reply.status_code, reply.text) == (404, "404 page not found")
    assert reply.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/list/", 301), ("POST", "/deploy/", 307)])
def test_a_trailing_slash_redirects(client: httpx.Client, method: str, path: str, status: int) -> None:
    reply = client.request(method, ROOT + path)
    assert (reply.status_code, reply.headers["location"]) == (status, ROOT + path[:-1])


def test_executing(client: httpx.Client) -> None:
    client.post(f"{ROOT}/deploy", json=DEPLOY)
    for operation, status in (("singer.tap.execute", 200), ("nothing", 500)):
        body = {"plugin_id": "another", "operation": operation}
        assert client.post(f"{ROOT}/wms/execute", json=body).status_code == status


def test_the_order_of_the_list_changes(client: httpx.Client) -> None:
    for number in range(10):
        client.post(f"{ROOT}/deploy", json=DEPLOY | {"plugin_id": f"plugin-{number}"})
    orders = {tuple(item["plugin_id"] for item in client.get(f"{ROOT}/list").json()["plugins"]) for _ in range(10)}
    assert len(orders) > 1


def test_a_restart_forgets_everything_and_a_file_remembers_between_processes(tmp_path: Path) -> None:
    counts = []
    for again in range(3):
        with start(make(tmp_path / "flexcore.db")) as running, httpx.Client(base_url=running.url) as http:
            counts.append(http.get(f"{ROOT}/list").json()["count"])
            if again == 0:
                http.post(f"{ROOT}/deploy", json=DEPLOY)
            else:
                http.post("/_sandbox/restart")
    assert counts == [0, 1, 0]


def test_a_node_starts_with_its_demo_plugins_and_a_restart_brings_them_back(
    platform: Platform, client: httpx.Client
) -> None:
    platform.faults.switch_on("node_variant")
    assert client.delete("/plugins/data-validator").json()["success"] is True
    assert client.delete("/plugins/data-validator").status_code == 500
    assert client.get("/plugins/data-validator").text == "plugin not found: data-validator"
    assert client.post("/plugins/event-processor", content="[]").status_code == 400
    assert client.get("/plugins/health").json()["plugins_health"].keys() == {"data-transformer", "event-processor"}
    platform.app.restart()
    assert client.get("/plugins/data-validator").json()["config"] == {"demo": True, "mode": "development"}


def test_the_canned_variant(platform: Platform, client: httpx.Client) -> None:
    platform.faults.switch_on("infra_variant")
    assert client.get("/health").json()["service"] == "flexcore-container"
    assert client.get("/api/v1/flexcore/plugins").json()["plugins"][0]["name"] == "flext-service"
    assert client.get(f"{ROOT}/list").text == "404 page not found"


def test_every_fault_is_described(platform: Platform) -> None:
    assert set(FAULTS) <= set(platform.faults.described)
    assert all(sentence.endswith(".") for sentence in FAULTS.values())
