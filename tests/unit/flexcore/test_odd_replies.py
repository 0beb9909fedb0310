"""Replies that the embedded FlexCore does not give: probing, and lists that cannot be believed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest

from flext_providers.flexcore.provider import PROVIDER
from flext_reconciler.errors import ErrorKind, ServiceError
from flext_reconciler.http import TRANSPORT
from flext_reconciler.model import Action, Actual, Presence, Service, Support
from flext_reconciler.provider import Health, Writer
from unit.flexcore.world import write

SERVICE = Service("core", "flexcore", "http://127.0.0.1:8080")
GIN_404 = (404, "404 page not found")
ECHO_404 = (404, {"message": "Not Found"})
NO_PLUGIN = (404, {"error": "Plugin not found", "plugin_id": "wms"})
V1 = {"/health": (200, {"status": "ok", "service": "flexcore"})}
LIST = "/api/v1/plugins/list"
NODE = {"/health": (200, {"status": "healthy", "node_id": "node-1"})}

Replies = Mapping[str, Any]


def listing(*ids: str) -> tuple[int, Any]:
    return 200, {"success": True, "plugins": [{"plugin_id": id, "type": "meltano"} for id in ids], "count": len(ids)}


def metadata(**fields: Any) -> tuple[int, Any]:
    return 200, {"success": True, "plugin_id": "wms", "metadata": {"type": "meltano", "config": {}, **fields}}


def ask(replies: Replies, work: Callable[[Writer], Any]) -> Any:
    """Call the provider in front of a server that knows these paths; an iterator gives one reply after the other."""

    def answer(request: httpx.Request) -> httpx.Response:
        reply = replies.get(request.url.path, GIN_404)
        status, body = next(reply) if isinstance(reply, Iterator) else reply
        return httpx.Response(status, text=body) if isinstance(body, str) else httpx.Response(status, json=body)

    async def run() -> Any:
        async with PROVIDER.writer(SERVICE, lambda _: "") as writer:
            return await work(writer)

    before = TRANSPORT.set(lambda _: httpx.MockTransport(answer))
    try:
        return asyncio.run(run())
    finally:
        TRANSPORT.reset(before)


# ------------------------------------------------------------------------------------------------ probing

PROBED = [
    (V1 | {LIST: listing()}, "flexcore-v1", True),
    (V1 | {LIST: (200, {"plugins": None, "count": 0})}, "flexcore-v1", True),
    (NODE | {"/plugins/list": (200, {"plugins": None, "count": 0, "node_id": "node-1"})}, "flexcore-node", True),
    ({"/health": (200, {"status": "healthy", "service": "flexcore-container"})}, "flexcore-infra", False),
]


@pytest.mark.parametrize(("replies", "variant", "supported"), PROBED, ids=lambda value: str(value)[:20])
def test_what_flexcore_is(replies: Replies, variant: str, supported: bool) -> None:
    support: Support = ask(replies, lambda writer: writer.probe())
    assert (support.variant, support.kinds["plugin"].supported) == (variant, supported)
    assert supported or "canned" in support.kinds["plugin"].why


def test_a_node_configures_in_place_and_creates_nothing() -> None:
    replies = NODE | {"/plugins/list": (200, {"plugins": [], "count": 0})}
    able = ask(replies, lambda writer: writer.probe()).kinds["plugin"]
    assert able.in_place == {"config"}
    assert able.actions == {Action.UPDATE, Action.DELETE, Action.ADOPT}
    assert "deploys none" in able.why


NOT_FLEXCORE = {
    "the FLEXT Service": {"/health": (200, {"status": "ok", "service": "flext"})},
    "nothing of ours": {"/health": (200, {"status": "ok"})},
    "an array": {"/health": (200, [])},
    "no health, gin": {},
    "no health, echo": {"/health": ECHO_404},
    "a page": {"/health": (200, "<!doctype html><p>hello")},
    "another list": V1 | {LIST: (200, {"items": []})},
    "a bare list": V1 | {LIST: (200, [])},
}


@pytest.mark.parametrize("replies", NOT_FLEXCORE.values(), ids=NOT_FLEXCORE)
def test_what_is_not_flexcore(replies: Replies) -> None:
    for work in (lambda writer: writer.probe(), lambda writer: writer.read("plugin")):
        with pytest.raises(ServiceError) as caught:
            ask(replies, work)
        assert caught.value.kind is ErrorKind.UNTRUSTED
        assert caught.value.hint


def test_a_flexcore_without_plugin_endpoints_is_an_error_and_not_an_empty_one() -> None:
    with pytest.raises(ServiceError) as caught:
        ask(V1, lambda writer: writer.read("plugin"))
    assert caught.value.kind is ErrorKind.PATH_UNKNOWN


def test_a_canned_flexcore_is_neither_read_nor_written() -> None:
    replies = {"/health": (200, {"service": "flexcore-container"})}
    for work in (lambda writer: writer.read("plugin"), lambda writer: writer.create(write("wms", {"type": "ray"}))):
        with pytest.raises(ServiceError, match="canned"):
            ask(replies, work)


WORDS = [("ok", "healthy"), ("OK", "healthy"), ("Healthy", "healthy"), ("degraded", "unhealthy"), ("up", "unknown")]


@pytest.mark.parametrize(("word", "health"), [*WORDS, (None, "unknown"), (1, "unknown")])
def test_health_words(word: Any, health: str) -> None:
    replies = {"/health": (200, {"status": word, "service": "flexcore"})}
    assert ask(replies, lambda writer: writer.health()).status is Health(health)


# ------------------------------------------------------------------------------------------------ reading

BAD_LISTS = {
    "count missing": {"plugins": []},
    "count too high": {"plugins": [], "count": 1},
    "no list": {"plugins": {}, "count": 0},
    "null and not empty": {"plugins": None, "count": 2},
    "plugins missing": {"count": 0},
    "not an object": {"plugins": ["wms"], "count": 1},
    "no id": {"plugins": [{"name": "wms"}], "count": 1},
    "empty id": {"plugins": [{"plugin_id": ""}], "count": 1},
    "id of another type": {"plugins": [{"plugin_id": 7}], "count": 1},
}


@pytest.mark.parametrize("body", BAD_LISTS.values(), ids=BAD_LISTS)
def test_a_list_that_is_not_whole_is_no_evidence(body: Any) -> None:
    with pytest.raises(ServiceError) as caught:
        ask(V1 | {LIST: (200, body)}, lambda writer: writer.read("plugin"))
    assert caught.value.kind is ErrorKind.UNTRUSTED


METADATA = "/api/v1/plugins/wms/metadata"
BAD_METADATA = {
    "missing": (200, {"success": True}),
    "an array": (200, {"metadata": []}),
    "no type": (200, {"metadata": {"config": {}}}),
    "config of another type": metadata(config=[1]),
    "an error in a success": (200, {"error": "no"}),
    "unknown path, gin": GIN_404,
    "unknown path, echo": ECHO_404,
}


@pytest.mark.parametrize("reply", BAD_METADATA.values(), ids=BAD_METADATA)
def test_metadata_that_is_no_evidence(reply: Any) -> None:
    replies = V1 | {LIST: listing("wms"), METADATA: reply}
    for work in (
        lambda writer: writer.read("plugin"),
        lambda writer: writer.read_one("plugin", "wms", "wms", frozenset()),
    ):
        with pytest.raises(ServiceError) as caught:
            ask(replies, work)
        assert caught.value.kind in (ErrorKind.UNTRUSTED, ErrorKind.PATH_UNKNOWN)


def test_a_missing_plugin_is_absent_only_when_flexcore_says_so() -> None:
    replies = V1 | {LIST: listing(), METADATA: NO_PLUGIN}
    actual: Actual = ask(replies, lambda writer: writer.read_one("plugin", "wms", "wms", frozenset()))
    assert actual.presence is Presence.ABSENT


def test_no_config_is_unreadable_and_an_empty_one_is_not() -> None:
    for config, readable in ((None, False), ({}, True)):
        replies = V1 | {LIST: listing("wms"), METADATA: metadata(config=config)}
        (actual,) = ask(replies, lambda writer: writer.read("plugin"))
        assert ("config" in actual.spec, "config" in actual.unreadable) == (readable, not readable)


def test_a_plugin_that_goes_while_it_is_listed_is_listed_again() -> None:
    replies = V1 | {LIST: iter([listing(), listing("wms"), listing()]), METADATA: NO_PLUGIN}
    assert ask(replies, lambda writer: writer.read("plugin")) == []


def test_plugins_that_come_and_go_for_ever_are_no_evidence() -> None:
    with pytest.raises(ServiceError, match="come and go"):
        ask(V1 | {LIST: listing("wms"), METADATA: NO_PLUGIN}, lambda writer: writer.read("plugin"))


def test_two_plugins_of_one_id_are_both_returned() -> None:
    replies = V1 | {LIST: listing("wms", "wms"), METADATA: metadata()}
    found = ask(replies, lambda writer: writer.read("plugin"))
    assert [actual.id for actual in found] == ["wms", "wms"]
