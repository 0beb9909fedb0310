"""Telling the variants of the service apart without changing anything."""

from __future__ import annotations

import asyncio

import httpx
import pytest
import respx

from flext_providers.flext_service.provider import PROVIDER
from flext_reconciler.errors import ErrorKind, ServiceError
from flext_reconciler.model import EVERY_ACTION, Action, Service

from .world import World

ALL = {"plugin", "tap", "target", "pipeline"}

VARIANTS = [
    ("clean", "flext-clean", ALL, True),
    ("echo", "flext-v1", ALL, False),
    ("partial", "flext-partial", ALL - {"pipeline"}, False),
    ("control_panel", "flext-control-panel", set(), False),
]


@pytest.mark.parametrize(("variant", "named", "supported", "deletes"), VARIANTS)
def test_a_variant_is_told_by_what_it_answers(variant, named, supported, deletes):
    with World(variant) as world:
        support = world.run(lambda writer: writer.probe())
        assert support.variant == named
        assert {kind for kind, able in support.kinds.items() if able.supported} == supported
        assert {able.why for kind, able in support.kinds.items() if kind not in supported} <= {
            "unsupported by this server"
        }
        pipeline = support.kinds["pipeline"]
        if "pipeline" in supported:
            assert ({Action.DELETE, Action.REPLACE} <= pipeline.actions) is deletes
            assert deletes or "cannot delete" in pipeline.why
        assert {entry.method for entry in world.faults.log} == {"GET"}
        assert len(world.faults.log) == 5


def test_the_variant_can_change_under_a_running_service(world):
    world.faults.switch_on("variant_echo")
    assert world.run(lambda writer: writer.probe()).variant == "flext-v1"


NOT_BELIEVED = {
    "html": "answered HTML",
    "wrong_type": "answered text/plain",
    "scalar": "neither an object nor an array",
    "wrong_shape": "is not a FLEXT Service",
    "oversize": "answered more than 32 MB",
    "foreign_redirect": "tried to redirect",
}


@pytest.mark.parametrize("fault", NOT_BELIEVED)
def test_what_is_no_flext_service_is_not_believed_and_the_cause_is_told(world, fault):
    world.faults.switch_on(fault)
    with pytest.raises(ServiceError) as caught:
        world.run(lambda writer: writer.probe())
    assert caught.value.kind is ErrorKind.UNTRUSTED
    assert NOT_BELIEVED[fault] in caught.value.message
    assert caught.value.hint or fault == "oversize"


def test_a_service_that_is_broken_is_not_taken_for_another(world):
    world.faults.switch_on("http_500")
    with pytest.raises(ServiceError, match="HTTP 500") as caught:
        world.run(lambda writer: writer.probe())
    assert caught.value.kind is ErrorKind.SERVER_ERROR


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("down", ErrorKind.UNAVAILABLE),
        ("http_503", ErrorKind.UNAVAILABLE),
        ("http_401", ErrorKind.UNAUTHORIZED),
        ("http_403", ErrorKind.FORBIDDEN),
        ("http_429", ErrorKind.RATE_LIMITED),
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/v1/pipelines", "/api/v1/clean"])
def test_a_service_that_does_not_answer_is_not_one_that_lacks_something(world, fault, kind, path):
    world.faults.switch_on(fault, path=path)
    with pytest.raises(ServiceError) as caught:
        world.run(lambda writer: writer.probe())
    assert caught.value.kind is kind


@pytest.mark.parametrize("fault", ["fallback_data", "error_in_200", "http_500", "html"])
@pytest.mark.parametrize("path", ["/api/v1/pipelines", "/api/v1/plugins", "/api/v1/singer/specs"])
def test_a_list_that_lies_is_there_all_the_same(world, fault, path):
    world.faults.switch_on(fault, path=path)
    support = world.run(lambda writer: writer.probe())
    assert all(able.supported for able in support.kinds.values())


@pytest.mark.parametrize("fault", ["fallback_data", "error_in_200", "http_500", "html"])
def test_a_clean_path_that_lies_deletes_nothing(world, fault):
    world.faults.switch_on(fault, path="/api/v1/clean")
    support = world.run(lambda writer: writer.probe())
    assert support.kinds["pipeline"].actions == EVERY_ACTION - {Action.DELETE, Action.REPLACE}


ANSWERS = [
    ({"service": "flexcore", "status": "ok"}, "but flexcore", None),
    ({"service": "grafana"}, "not a FLEXT Service", None),
    ({"service": "flext-control-panel"}, None, "flext-control-panel"),
    ({"service": "flext"}, None, "flext-control-panel"),
    ({"service": 7}, "not a FLEXT Service", None),
]


@pytest.mark.parametrize(("health", "said", "variant"), ANSWERS)
def test_health_names_the_service_when_no_list_answers(health, said, variant):
    async def probe():
        service = Service("flext", "flext-service", "http://127.0.0.1:1")
        async with PROVIDER.reader(service, lambda secret: "") as reader:
            return await reader.probe()

    with respx.mock(base_url="http://127.0.0.1:1") as routes:
        routes.get("/health").mock(return_value=httpx.Response(200, json=health))
        routes.route().mock(return_value=httpx.Response(404, text="404 page not found"))
        if said:
            with pytest.raises(ServiceError, match=said) as caught:
                asyncio.run(probe())
            assert caught.value.kind is ErrorKind.UNTRUSTED
        else:
            assert asyncio.run(probe()).variant == variant


HEALTH = [
    ({"status": "ok", "service": "flext", "version": "2.0.0"}, "healthy"),
    ({"status": "Healthy"}, "healthy"),
    ({"status": "unhealthy"}, "unhealthy"),
    ({"status": "running"}, "unknown"),
    ({}, "unknown"),
]


@pytest.mark.parametrize(("body", "status"), HEALTH)
def test_the_words_for_health_are_brought_to_three(body, status):
    async def ask():
        service = Service("flext", "flext-service", "http://127.0.0.1:1")
        async with PROVIDER.reader(service, lambda secret: "") as reader:
            return await reader.health()

    with respx.mock(base_url="http://127.0.0.1:1") as routes:
        routes.get("/health").mock(return_value=httpx.Response(200, json=body))
        health = asyncio.run(ask())
    assert (health.service_name, health.status) == ("flext", status)
    assert health.response_time_ms >= 0
    assert dict(health.details) == {name: body[name] for name in ("service", "version") if name in body}


def test_a_service_that_cannot_be_asked_is_unknown(world):
    world.faults.switch_on("down")
    health = world.run(lambda writer: writer.health())
    assert health.status == "unknown"
    assert "lost the connection" in health.details["error"]
