"""Reading: what becomes of silence, of lies, of twins, and of secrets."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_reconciler.errors import ErrorKind, ServiceError
from flext_reconciler.model import (
    Actual,
    Address,
    EventName,
    KindSupport,
    Presence,
    Record,
    Secret,
    Support,
    canonical,
)
from flext_reconciler.read import understand
from memory_provider import Fault, Gadget, MemoryService, Widget
from platform_under_test import FINGERPRINTER, memory_platform, resource

WIDGET = Address("memory", "widget", "a")


def read(platform, *resources, **options):
    return asyncio.run(platform.read(resources, **options))


def broken_probe():
    return ServiceError("connection refused", kind=ErrorKind.UNAVAILABLE, hint="start it")


def actual(**spec):
    return Actual(WIDGET, id="1", spec=spec)


def masked(value):
    return Secret("", FINGERPRINTER.of(value))


# ------------------------------------------------------------------------------------------------ what is read


def test_only_what_is_declared_or_recorded_is_read():
    service = MemoryService()
    platform = memory_platform(service)
    read(platform, resource("memory.widget/a", size=1))
    assert service.calls == {"probe": 1, "read": 1}
    platform.ledger.known[Address("memory", "gadget", "g")] = Record(Address("memory", "gadget", "g"), "1", {}, {})
    read(platform, resource("memory.widget/a", size=1))
    assert service.calls["read"] == 3


def test_a_service_that_nothing_is_declared_for_is_left_alone():
    service, idle = MemoryService("memory"), MemoryService("idle")
    read(memory_platform(service, idle), resource("memory.widget/a"))
    assert not idle.calls


def test_everything_is_read_on_request_declared_or_not():
    service = MemoryService()
    service.add("gadget", "g", {"note": "hello"})
    found = read(memory_platform(service), everything=True).found
    assert found[Address("memory", "gadget", "g")].spec == {"note": "hello"}


def test_each_kind_is_announced_and_reported():
    platform = memory_platform(MemoryService())
    read(platform, everything=True)
    told = [(event.name, event.text) for event in platform.events]
    assert told == [
        (name, f"memory.{kind}") for kind in ("widget", "gadget") for name in (EventName.READING, EventName.READ)
    ]


def test_the_wanted_fields_are_those_declared_now_and_those_applied_before():
    asked = {}

    class Reader:
        async def probe(self):
            return Support("fake", {"widget": KindSupport()})

        async def read(self, kind, wanted):
            asked[kind] = wanted
            return []

    platform = memory_platform(MemoryService())
    platform.ledger.known[WIDGET] = Record(WIDGET, "1", {"type": "x"}, {})
    from flext_reconciler.read import read_actuals

    declaration = platform.declaration([resource("memory.widget/a", size=1), resource("memory.widget/b", tags=[])])
    records = platform.ledger.records()
    asyncio.run(
        read_actuals(declaration, platform.providers, {"memory": Reader()}, records, FINGERPRINTER, lambda event: None)
    )
    assert asked == {"widget": {"a": {"size", "type"}, "b": {"tags"}}}


# ------------------------------------------------------------------------------------------------ silence


def test_a_service_that_does_not_answer_makes_everything_on_it_unknown():
    service = MemoryService(faults=[Fault("probe", broken_probe)])
    found = read(memory_platform(service), resource("memory.widget/a"))
    told = found.get(WIDGET)
    assert (told.presence, told.reason) == (Presence.UNKNOWN, "connection refused; start it")
    assert found.get(Address("memory", "gadget", "g")).presence is Presence.UNKNOWN
    assert "memory" not in found.support


def test_a_kind_that_cannot_be_listed_is_unknown_and_the_others_are_read():
    service = MemoryService(faults=[Fault("read", broken_probe, "widget")])
    found = read(memory_platform(service), resource("memory.widget/a"), resource("memory.gadget/g"))
    assert found.get(WIDGET).presence is Presence.UNKNOWN
    assert found.get(Address("memory", "gadget", "g")).presence is Presence.ABSENT


def test_one_service_that_fails_does_not_hide_another():
    broken, well = MemoryService("broken", faults=[Fault("probe", broken_probe)]), MemoryService("well")
    well.add("widget", "a", {})
    found = read(memory_platform(broken, well), resource("broken.widget/a"), resource("well.widget/a"))
    assert found.get(Address("well", "widget", "a")).presence is Presence.PRESENT
    assert found.get(Address("broken", "widget", "a")).presence is Presence.UNKNOWN


@pytest.mark.parametrize(
    ("kinds", "why"),
    [({"widget": KindSupport(supported=False, why="too old")}, "too old"), ({}, "this server has no widget")],
)
def test_a_kind_that_the_server_lacks_is_neither_read_nor_absent(kinds, why):
    service = MemoryService(support=Support("old", kinds))
    found = read(memory_platform(service), resource("memory.widget/a"))
    assert service.calls["read"] == 0
    assert (found.get(WIDGET).presence, found.get(WIDGET).reason) == (Presence.UNKNOWN, why)


@pytest.mark.parametrize("address", ["gone.widget/a", "memory.gizmo/a"])
def test_what_was_applied_where_nobody_looks_any_more_is_unknown(address):
    platform = memory_platform(MemoryService())
    address = Address.parse(address)
    platform.ledger.known[address] = Record(address, "1", {}, {})
    found = read(platform).get(address)
    assert found.presence is Presence.UNKNOWN
    assert "put it back" in found.reason or "which has no gizmo" in found.reason


def test_two_objects_of_one_name_are_unknown_and_both_are_named():
    service = MemoryService()
    for _ in range(2):
        service.add("widget", "a", {"size": 1})
    found = read(memory_platform(service), resource("memory.widget/a")).get(WIDGET)
    assert found.presence is Presence.UNKNOWN
    assert found.reason.startswith("two objects share this name: widget-1 and widget-2")


# ------------------------------------------------------------------------------------------------ what was read


def test_fields_that_the_kind_does_not_have_are_dropped_and_the_rest_is_normalised():
    found = understand(actual(tags=["b", "a"], created_at="now"), Widget, (), FINGERPRINTER)
    assert found.spec == {"tags": ["a", "b"]}


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [{1}, b"x", 2**70, "\ud800", object(), nested(900)],
    ids=["set", "bytes", "huge", "half a character", "object", "deep"],
)
def test_what_is_not_json_makes_its_resource_unknown(value):
    found = understand(actual(labels={"x": value}), Widget, (), FINGERPRINTER)
    assert found.presence is Presence.UNKNOWN
    assert "cannot be understood" in found.reason


# ------------------------------------------------------------------------------------------------ secrets

REF = Secret("${env:T}", FINGERPRINTER.of("hunter2"))


@pytest.mark.parametrize(
    ("models", "reported", "seen"),
    [
        pytest.param([{"labels": {"x": REF}}], {"x": "hunter2"}, {"x": masked("hunter2")}, id="declared secret"),
        pytest.param([{"labels": {"x": REF}}], {"x": "other"}, {"x": masked("other")}, id="declared secret, changed"),
        pytest.param([{}, {"labels": {"x": REF}}], {"x": "old"}, {"x": masked("old")}, id="was secret when applied"),
        pytest.param([], {"api_token": "t"}, {"api_token": masked("t")}, id="secret by name"),
        pytest.param([], {"Client-Secret": 5}, {"Client-Secret": masked(5)}, id="secret by name, a number"),
        pytest.param([], {"password": {"a": ["b"]}}, {"password": {"a": [masked("b")]}}, id="all below a secret name"),
        pytest.param([], {"password": None, "token": True}, {"password": None, "token": True}, id="nothing to hide"),
        pytest.param(
            [{"labels": {"password": "public"}}], {"password": "public"}, {"password": "public"}, id="declared in clear"
        ),
        pytest.param([{"labels": {"x": REF}}], {"x": {"y": "z"}}, {"x": {"y": masked("z")}}, id="secret became a map"),
        pytest.param(
            [{"labels": {"x": [REF, "plain"]}}],
            {"x": ["plain", "hunter2", "new"]},
            {"x": ["plain", masked("hunter2"), masked("new")]},
            id="a list in another order",
        ),
        pytest.param(
            [{"labels": {"x": [{"name": "s1", "key": REF}, {"name": "s2", "key": "plain"}]}}],
            {"x": [{"name": "s2", "key": "plain"}, {"name": "s1", "key": "hunter2"}]},
            {"x": [{"name": "s2", "key": "plain"}, {"name": "s1", "key": masked("hunter2")}]},
            id="maps in a list in another order",
        ),
        pytest.param(
            [{"labels": {"x": REF}}, {"labels": {"x": "hunter2"}}],
            {"x": "hunter2"},
            {"x": masked("hunter2")},
            id="was in clear, and is secret now",
        ),
        pytest.param(
            [{"labels": {"x": "hunter2"}}, {"labels": {"x": REF}}], {"x": "hunter2"}, {"x": "hunter2"}, id="the reverse"
        ),
        pytest.param(
            [{"labels": {"x": "new"}}, {"labels": {"x": REF}}],
            {"x": "hunter2"},
            {"x": masked("hunter2")},
            id="the reverse, not applied yet",
        ),
    ],
)
def test_secrets_are_masked_wherever_anything_points_to_one(models, reported, seen):
    found = understand(actual(labels=reported), Widget, tuple(models), FINGERPRINTER)
    assert found.spec == {"labels": seen}


def test_a_sensitive_field_is_masked_whatever_is_declared():
    assert understand(actual(token="t"), Widget, (), FINGERPRINTER).spec == {"token": masked("t")}


def test_facts_are_masked_by_name_too():
    reported = Actual(WIDGET, spec={}, facts={"version": "1", "api_key": "k"})
    assert understand(reported, Widget, (), FINGERPRINTER).facts == {"version": "1", "api_key": masked("k")}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "plain"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "y", "token"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(labels=st.dictionaries(st.sampled_from(["x", "password", "z"]), JSON, max_size=3), data=st.data())
def test_no_secret_of_a_declaration_survives_in_what_was_read(labels, data):
    """Put a canary anywhere, declare it there as a secret, and let the service shuffle what it likes."""
    canary = "canary-7f3a"
    paths = list(_leaves(labels))
    if not paths:
        return
    path = data.draw(st.sampled_from(paths))
    declared, reported = _put(labels, path, Secret("${env:C}", FINGERPRINTER.of(canary))), _put(labels, path, canary)
    found = understand(actual(labels=reported), Widget, ({"labels": declared},), FINGERPRINTER)
    assert found.presence is Presence.PRESENT
    assert canary.encode() not in canonical(found.spec)


@given(st.dictionaries(st.sampled_from(["x", "y"]), JSON.filter(lambda value: b"token" not in canonical(value))))
def test_what_is_not_secret_is_left_as_it_was_reported(labels):
    assert understand(actual(labels=labels), Widget, ({"labels": {"z": REF}},), FINGERPRINTER).spec == {
        "labels": labels
    }


def _leaves(value, path=()):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path


def _put(value, path, item):
    if not path:
        return item
    if isinstance(value, dict):
        return {**value, path[0]: _put(value[path[0]], path[1:], item)}
    return [*value[: path[0]], _put(value[path[0]], path[1:], item), *value[path[0] + 1 :]]


def test_an_absent_object_keeps_no_spec_of_its_own():
    gone = Actual(Address("memory", "gadget", "g"), Presence.ABSENT)
    assert understand(gone, Gadget, (), FINGERPRINTER) == gone
