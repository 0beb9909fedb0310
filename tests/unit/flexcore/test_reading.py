"""What the reader makes of FlexCore, over a real socket."""

from __future__ import annotations

import pytest

from flext_reconciler.errors import ServiceError
from flext_reconciler.model import Presence
from flext_reconciler.provider import Health
from unit.flexcore.world import CONFIG, Platform

ODD_NAMES = ["a b", "a%2Fb", "ü", "a?b#c", "a+b", "...", "x" * 300]
LOST_NAMES = ["a/b", ".", "..", "x" * 3000]


def test_an_empty_flexcore_has_no_plugins(platform: Platform) -> None:
    assert platform.read(lambda reader: reader.read("plugin")) == []


def test_everything_is_read_with_config_in_clear_and_nothing_that_the_server_owns(platform: Platform) -> None:
    config = CONFIG | {"api_token": "s3cret", "depth": {"list": [1, 1.5, None, True]}}
    platform.deploy("wms", config=config)
    (actual,) = platform.read(lambda reader: reader.read("plugin"))
    assert str(actual.address) == "core.plugin/wms"
    assert (actual.presence, actual.id, actual.owned) == (Presence.PRESENT, "wms", None)
    assert actual.spec == {"type": "meltano", "config": config}
    assert actual.unreadable == {"binary_url"}
    assert actual.facts == {"version": "2.0.0", "health": "healthy"}


def test_the_random_order_of_the_list_means_nothing(platform: Platform) -> None:
    names = [f"plugin-{number}" for number in range(20)]
    for name in names:
        platform.deploy(name)
    found = platform.read(lambda reader: reader.read("plugin"))
    assert sorted(actual.address.name for actual in found) == sorted(names)
    assert {actual.spec["config"]["flexcore_node_url"] for actual in found} == {"http://localhost:8080"}


def test_only_what_is_wanted_costs_a_request(platform: Platform) -> None:
    for name in ("one", "two", "three"):
        platform.deploy(name)
    platform.faults.log.clear()
    found = platform.read(lambda reader: reader.read("plugin", {"two": frozenset({"config"}), "four": frozenset()}))
    by_name = {actual.address.name: actual for actual in found}
    assert by_name["two"].spec["config"] == CONFIG
    assert by_name["one"].unreadable == {"binary_url", "config"}
    assert by_name["one"].spec == {"type": "meltano"}
    assert "four" not in by_name
    assert [path for path in platform.asked("GET") if "/two/" in path or "/one/" in path] == [
        "/api/v1/plugins/two/metadata",
        "/api/v1/plugins/two/health",
    ]


def test_a_config_that_is_not_reported_is_unreadable_and_not_empty(platform: Platform) -> None:
    platform.deploy("wms")
    platform.faults.switch_on("config_not_reported")
    (actual,) = platform.read(lambda reader: reader.read("plugin"))
    assert actual.unreadable == {"config", "binary_url"}
    assert "config" not in actual.spec


def test_the_type_of_a_binary_is_unreadable(platform: Platform) -> None:
    platform.deploy("wms", type="anything", binary_url="/opt/wms.so")
    fields = frozenset({"type", "binary_url"})
    (listed,) = platform.read(lambda reader: reader.read("plugin", {"wms": fields}))
    one = platform.read(lambda reader: reader.read_one("plugin", "wms", "wms", fields))
    assert listed == one
    assert one.unreadable == {"type", "binary_url"}
    assert one.spec == {"config": CONFIG}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_are_encoded_in_paths(platform: Platform, name: str) -> None:
    platform.deploy(name)
    (actual,) = platform.read(lambda reader: reader.read("plugin"))
    assert actual.address.name == name
    assert actual.spec["config"] == CONFIG


@pytest.mark.parametrize("name", LOST_NAMES)
def test_a_plugin_that_no_path_reaches_is_unknown_and_hides_no_other(platform: Platform, name: str) -> None:
    platform.deploy("wms")
    platform.deploy(name)
    found = {actual.id: actual for actual in platform.read(lambda reader: reader.read("plugin"))}
    assert found[name].presence is Presence.UNKNOWN
    assert found["wms"].presence is Presence.PRESENT


def test_reading_one(platform: Platform) -> None:
    platform.deploy("wms")
    one = platform.read(lambda reader: reader.read_one("plugin", "wms", None, frozenset({"config"})))
    assert one.spec == {"type": "meltano", "config": CONFIG}
    gone = platform.read(lambda reader: reader.read_one("plugin", "wmt", "wmt", frozenset()))
    assert (gone.presence, gone.address.name) == (Presence.ABSENT, "wmt")


HEALTH_WORDS = [("unhealthy", "unhealthy"), ("degraded", "degraded"), ("health_fails", "unknown"), (None, "healthy")]


@pytest.mark.parametrize(("fault", "word"), HEALTH_WORDS)
def test_health_is_a_fact_and_never_a_failure(platform: Platform, fault: str | None, word: str) -> None:
    platform.deploy("wms")
    if fault:
        platform.faults.switch_on(fault)
    (actual,) = platform.read(lambda reader: reader.read("plugin"))
    assert actual.facts["health"] == word


LIES = ["html", "wrong_type", "scalar", "wrong_shape", "http_500", "http_401", "redirect", "truncated", "lost_reply"]
PATHS = ["/health", "/api/v1/plugins/list", "/api/v1/plugins/wms/metadata"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("fault", LIES)
def test_what_is_no_evidence_is_an_error_and_never_an_absence(platform: Platform, fault: str, path: str) -> None:
    platform.deploy("wms")
    platform.faults.switch_on(fault, path=path)
    with pytest.raises(ServiceError):
        platform.read(lambda reader: reader.read("plugin"))
    if path != "/api/v1/plugins/list":
        with pytest.raises(ServiceError):
            platform.read(lambda reader: reader.read_one("plugin", "wms", "wms", frozenset()))


@pytest.mark.parametrize("fault", ["slow", "html", "http_503", "down"])
def test_the_service_is_asked_how_it_is_without_an_exception(platform: Platform, fault: str) -> None:
    assert platform.read(lambda reader: reader.health()).status is Health.HEALTHY
    platform.faults.switch_on(fault, seconds=0)
    health = platform.read(lambda reader: reader.health())
    assert health.status is (Health.HEALTHY if fault == "slow" else Health.UNKNOWN)
    assert health.service_name == "core"
    assert health.details
