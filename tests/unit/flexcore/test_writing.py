"""Deploying, configuring and removing, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from flext_reconciler.errors import ErrorKind, ServiceError
from flext_reconciler.model import Action, Actual, Presence
from unit.flexcore.world import CONFIG, Platform, write


def failing(work: Callable[[], Any]) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        work()
    return caught.value


def remove(platform: Platform, name: str) -> None:
    platform.write(lambda writer: writer.delete(write(name, {}, Action.DELETE)))


def test_a_deploy_is_one_request_with_the_words_of_the_contract(platform: Platform) -> None:
    assert platform.deploy("wms", enabled=True, health_limit=1, binary_url="/opt/wms.so") == "wms"
    assert platform.asked("POST") == ["/api/v1/plugins/deploy"]
    assert platform.app.store.collection("plugins")["wms"]["config"] == CONFIG


def test_what_is_there_is_never_overwritten(platform: Platform) -> None:
    platform.deploy("wms")
    error = failing(lambda: platform.deploy("wms", config=CONFIG | {"other": 1}))
    assert (error.kind, error.outcome_unknown) == (ErrorKind.CONFLICT, False)
    assert platform.app.store.collection("plugins")["wms"]["config"] == CONFIG


def test_removing_what_is_gone_is_success(platform: Platform) -> None:
    platform.deploy("wms")
    remove(platform, "wms")
    remove(platform, "wms")
    assert platform.names() == []


def test_removing_through_a_path_that_is_not_there_is_not(platform: Platform) -> None:
    platform.deploy("wms")
    platform.faults.switch_on("http_500", method="DELETE")
    assert failing(lambda: remove(platform, "wms")).kind is ErrorKind.SERVER_ERROR
    assert platform.names() == ["wms"]


REFUSED = {
    "no factory": ("no_factories", {}, ErrorKind.SERVER_ERROR),
    "unknown type": (None, {"type": "airbyte"}, ErrorKind.SERVER_ERROR),
    "no config": (None, {"config": {}}, ErrorKind.SERVER_ERROR),
    "no such binary": (None, {"binary_url": "/opt/wms"}, ErrorKind.SERVER_ERROR),
}


@pytest.mark.parametrize(("fault", "spec", "kind"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_is_certain_and_leaves_nothing(
    platform: Platform, fault: str | None, spec: dict[str, Any], kind: ErrorKind
) -> None:
    if fault:
        platform.faults.switch_on(fault)
    error = failing(lambda: platform.deploy("wms", **spec))
    assert (error.kind, error.outcome_unknown) == (kind, False)
    assert platform.names() == []


def test_no_secret_of_the_config_is_in_the_message(platform: Platform) -> None:
    error = failing(lambda: platform.deploy("wms", config={"api_token": "hunter2", "dsn": "x"}))
    assert "hunter2" not in error.message + error.hint
    assert "flexcore_node_url is required" in error.message


UNKNOWN = {"lost_reply": True, "reset_before": False, "slow_deploy": True, "late_commit": True, "truncated": True}


@pytest.mark.parametrize(("fault", "arrives"), UNKNOWN.items())
def test_an_unknown_outcome_is_said_and_nothing_is_sent_twice(platform: Platform, fault: str, arrives: bool) -> None:
    async def deploy_and_look(writer: Any) -> tuple[ServiceError, Actual]:
        with pytest.raises(ServiceError) as caught:
            await writer.create(write("wms", {"type": "meltano", "config": CONFIG}))
        while arrives and not platform.names():
            await asyncio.sleep(0)
        return caught.value, await writer.read_one("plugin", "wms", None, frozenset({"type", "config"}))

    platform.faults.switch_on(fault, times=1, method="POST", seconds=0)
    error, actual = platform.write(deploy_and_look)
    assert error.outcome_unknown
    assert actual.presence is (Presence.PRESENT if arrives else Presence.ABSENT)
    assert len(platform.asked("POST")) == 1


# ------------------------------------------------------------------------------------------------ expectations


def test_another_version_than_expected_is_removed_again(platform: Platform) -> None:
    assert platform.deploy("right", expect_version="2.0.0") == "right"
    error = failing(lambda: platform.deploy("wrong", expect_version="2.1.0"))
    assert error.message == "core: wrong came up with version 2.0.0; 2.1.0 is expected, so it was removed again"
    assert not error.outcome_unknown
    assert platform.names() == ["right"]


GATES = [
    (None, "healthy", True),
    ("degraded", "degraded", True),
    ("degraded", "healthy", False),
    ("unhealthy", "degraded", False),
    ("health_fails", "degraded", False),
    ("unhealthy", "none", True),
]


@pytest.mark.parametrize(("fault", "gate", "passes"), GATES)
def test_the_health_gate(platform: Platform, fault: str | None, gate: str, passes: bool) -> None:
    if fault:
        platform.faults.switch_on(fault)
    if passes:
        platform.deploy("wms", health_gate=gate)
        assert platform.slept == []
        return
    error = failing(lambda: platform.deploy("wms", health_gate=gate, health_limit=3))
    assert "after 3 s" in error.message
    assert platform.slept == [1.0, 1.0, 1.0]
    assert platform.names() == []


def test_a_plugin_that_recovers_within_its_limit_stays(platform: Platform) -> None:
    platform.faults.switch_on("unhealthy")
    platform.on_sleep = platform.faults.switch_off
    platform.deploy("wms", health_gate="healthy", health_limit=1)
    assert (platform.slept, platform.names()) == ([1.0], ["wms"])


def test_a_limit_of_nothing_looks_once(platform: Platform) -> None:
    platform.faults.switch_on("unhealthy")
    failing(lambda: platform.deploy("wms", health_gate="healthy", health_limit=0))
    assert platform.slept == []


def test_a_plugin_is_not_removed_because_it_could_not_be_looked_at(platform: Platform) -> None:
    platform.faults.switch_on("http_500", path="/api/v1/plugins/wms/metadata")
    error = failing(lambda: platform.deploy("wms", expect_version="9.9.9"))
    assert error.kind is ErrorKind.SERVER_ERROR
    assert platform.names() == ["wms"]


# ------------------------------------------------------------------------------------------------ flexcore-node

DEMOS = ["data-transformer", "data-validator", "event-processor"]


@pytest.fixture
def node(platform: Platform) -> Platform:
    platform.faults.switch_on("node_variant")
    return platform


def test_a_node_lists_its_plugins_and_its_config_tells_nothing(node: Platform) -> None:
    found = node.read(lambda reader: reader.read("plugin"))
    assert sorted(actual.id or "" for actual in found) == DEMOS
    assert {tuple(actual.spec) for actual in found} == {("type",)}
    assert {actual.unreadable for actual in found} == {frozenset({"config", "binary_url"})}
    assert {actual.facts["health"] for actual in found} == {"healthy"}
    assert node.asked("GET") == ["/health", "/plugins/list", "/plugins/list"]


def test_a_node_configures_in_place(node: Platform) -> None:
    config = {"mode": "production"}
    node.write(lambda writer: writer.update(write("data-validator", {"config": config}, Action.UPDATE)))
    assert node.app.store.collection("node")["data-validator"]["configured"] == config
    one = node.read(lambda reader: reader.read_one("plugin", "data-validator", None, frozenset({"config"})))
    assert one.presence is Presence.PRESENT


def test_a_node_removes_and_what_is_gone_is_success(node: Platform) -> None:
    for _ in range(2):
        remove(node, "data-validator")
    found = node.read(lambda reader: reader.read("plugin"))
    assert sorted(actual.id or "" for actual in found) == [name for name in DEMOS if name != "data-validator"]


def test_a_node_deploys_nothing_and_flexcore_changes_nothing_in_place(platform: Platform) -> None:
    error = failing(lambda: platform.write(lambda writer: writer.update(write("wms", {"config": {}}, Action.UPDATE))))
    assert "in place" in error.message
    platform.faults.switch_on("node_variant")
    assert "deploys none" in failing(lambda: platform.deploy("wms")).message
    assert platform.asked("POST") == []


# ------------------------------------------------------------------------------------------------ the crash detector


def test_a_write_that_overlaps_anything_kills_flexcore_until_it_is_restarted(
    platform: Platform, client: httpx.Client
) -> None:
    async def race() -> None:
        async with httpx.AsyncClient(base_url=platform.url, trust_env=False, verify=False) as http:
            body = {"plugin_id": "wms", "plugin_type": "meltano", "source_node_id": "x", "config": CONFIG}
            deploy = asyncio.create_task(http.post("/api/v1/plugins/deploy", json=body))
            while "slow_commit" in platform.faults.active:
                await asyncio.sleep(0)
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                await http.get("/api/v1/plugins/list")
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                await deploy

    platform.faults.switch_on("slow_commit", times=1, seconds=0.05)
    asyncio.run(race())
    (violation,) = platform.faults.violations
    assert violation == "concurrent map access: list during deploy of wms"
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        client.get("/health")
    platform.app.restart()
    platform.faults.violations.clear()
    assert client.get("/api/v1/plugins/list").json()["count"] == 0
