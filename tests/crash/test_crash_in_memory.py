"""Apply killed at every write boundary, over services that are dicts: thousands of points in seconds."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import pytest

from crash_points import Crash, Points, Scenario, every_pair, every_point
from flext_reconciler.model import Address
from memory_provider import Fault, MemoryService, broken, lost_reply
from platform_under_test import Platform, memory_platform, resource


@dataclass
class MemoryWorld:
    """One or two services, and a ledger, all of them dicts."""

    first: MemoryService
    second: MemoryService
    points: Points = field(default_factory=Points)
    platform: Platform = field(init=False)

    def __post_init__(self) -> None:
        self.platform = memory_platform(self.first, self.second, parallel_writes=1, settle_seconds=2.0)
        self.platform.secrets["TOKEN"] = "open sesame"
        self._parts = (self.first, self.second, self.platform.ledger)
        for part in self._parts:
            part.at = self.points.at

    def save(self) -> Any:
        return copy.deepcopy([{k: v for k, v in vars(part).items() if not callable(v)} for part in self._parts])

    def restore(self, saved: Any) -> None:
        for part, state in zip(self._parts, copy.deepcopy(saved), strict=True):
            vars(part).update(state)

    def heal(self) -> None:
        self.first.faults.clear()
        self.second.faults.clear()

    def state(self) -> Any:
        return self.first.state(), self.second.state()

    def ids(self) -> dict[Address, str]:
        return {
            Address(service.name, stored.kind, stored.name): stored.id
            for service in (self.first, self.second)
            for stored in service.objects
        }

    def writes(self) -> int:
        return len(self.first.writes) + len(self.second.writes)


def world(*, names_its_ids: bool = False) -> MemoryWorld:
    return MemoryWorld(
        MemoryService("one", names_its_ids=names_its_ids), MemoryService("two", names_its_ids=names_its_ids)
    )


def widget(world, name="a", /, service="one", after=(), **spec):
    spec = {"type": "steel", "size": 1, "token": world.platform.secret("TOKEN")} | spec
    return resource(f"{service}.widget/{name}", after=after, **spec)


def gadget(name="g", /, widget="a", service="one", **spec):
    return resource(f"{service}.gadget/{name}", after=[f"{service}.widget/{widget}"], widget=widget, **spec)


def applied(declare):
    """Start from a platform that was applied once."""

    async def prepare(world):
        report = await world.platform.apply(declare(world))
        assert report.converged, report

    return prepare


async def _found_something_equal(world):
    world.first.add("widget", "a", {"type": "steel", "size": 1, "token": "open sesame"})
    world.first.add("gadget", "g", {"widget": "widget-1"})


async def _lost_a_reply(world):
    world.first.faults += [Fault("create", lost_reply, times=1), Fault("create", lost_reply, "b", carried_out=True)]


async def _failing(world):
    await applied(lambda w: [widget(w)])(world)
    world.first.faults += [Fault("create", broken, "a"), Fault("update", lost_reply)]


def killed(place, declare):
    """Start from a platform whose first apply died at a place."""

    async def prepare(world):
        world.points.revive(die_at=place)
        with pytest.raises(Crash):
            await world.platform.apply(declare(world))
        world.points.revive()

    return prepare


async def _killed_update(world):
    """Something that cannot be read back was sent, nobody knows it, and the declaration went back to what it was."""
    await applied(_widget(recipe="r"))(world)
    await killed("after send: update one.widget/a", _widget(recipe="s"))(world)


def _sized(world):
    return [resource("one.widget/a", type="steel", size=3)]


def _chain(world):
    return [
        widget(world, "a"),
        widget(world, "b", after=["one.widget/a"]),
        gadget("g", "b"),
        widget(world, "c", after=["one.gadget/g"]),
    ]


def _on_two_services(world):
    return [widget(world), gadget(), widget(world, "x", service="two"), gadget("y", "x", service="two")]


def _everything(world):
    return [
        widget(world, "a", size=2),
        widget(world, "b", type="glass"),
        widget(world, "d"),
        gadget("g", "b"),
        gadget("h", "a", note="new"),
        widget(world, "x", service="two"),
        gadget("y", "x", service="two"),
    ]


def _something(world):
    return [
        widget(world, "a"),
        widget(world, "b"),
        widget(world, "c"),
        gadget("g", "b"),
        gadget("i", "c"),
        widget(world, "z", service="two"),
    ]


def _widget(*names, **spec):
    return lambda world: [widget(world, name, **spec) for name in names or ("a",)]


def _used(name="a", **spec):
    return lambda world: [widget(world, name, **spec), gadget("g", name)]


SCENARIOS = [
    Scenario("create", _widget()),
    Scenario("create something that cannot be read back", _widget(recipe="r")),
    Scenario("create what carries our mark", _used()),
    Scenario("update", _widget(size=2), applied(_widget())),
    Scenario("update what cannot be read back", _widget(recipe="s"), applied(_widget(recipe="r"))),
    Scenario("clear a field", lambda world: [resource("one.widget/a", type="steel")], applied(_sized)),
    Scenario("replace", _widget(type="glass"), applied(_widget())),
    Scenario("replace what cannot be read back", _widget(type="glass", recipe="s"), applied(_widget(recipe="r"))),
    Scenario("replace what is used", _used(type="glass"), applied(_used())),
    Scenario("delete", _widget(), applied(lambda world: [widget(world), *_used("b")(world)]), {"prune": True}),
    Scenario("disable", lambda world: [widget(world), gadget(enabled=False)], applied(_used())),
    Scenario("adopt", _used(), _found_something_equal, {"adopt": True}),
    Scenario("adopt and change", _used(size=4), _found_something_equal, {"adopt": True}),
    Scenario("a chain", _chain),
    Scenario("two services", _on_two_services),
    Scenario("everything at once", _everything, applied(_something), {"prune": True}),
    Scenario("lost replies", _widget("a", "b"), _lost_a_reply),
    Scenario("a failure, and again", _widget("a", "b", type="glass"), _failing),
    Scenario(
        "declared anew after a crash",
        lambda world: [widget(world, size=5), gadget("h", note="late")],
        killed("after send: create one.widget/a", _used()),
    ),
    Scenario("taken back after a crash", _widget(recipe="r"), _killed_update),
    Scenario(
        "no longer declared after a crash",
        _widget(),
        killed("after send: create one.gadget/g", _used()),
        {"prune": True},
    ),
]
BIG = {"everything at once"}


@pytest.mark.parametrize("names_its_ids", [False, True], ids=["new ids", "names as ids"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_every_crash_is_mended_by_the_next_run(scenario, names_its_ids):
    assert every_point(world(names_its_ids=names_its_ids), scenario) >= 4


@pytest.mark.parametrize("scenario", [each for each in SCENARIOS if each.name not in BIG], ids=str)
def test_a_crash_while_mending_a_crash_is_mended_too(scenario):
    assert every_pair(world(), scenario) >= 8


@pytest.mark.nightly
@pytest.mark.parametrize("scenario", [each for each in SCENARIOS if each.name in BIG], ids=str)
def test_a_crash_while_mending_a_crash_is_mended_on_a_big_platform(scenario):
    assert every_pair(world(), scenario) >= 1000
