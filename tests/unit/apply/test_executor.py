"""A whole plan: order, lanes, what is blocked, interruptions, a ledger that fails, and the proof."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_reconciler.errors import ErrorKind, FlextError, ServiceError
from flext_reconciler.model import (
    Action,
    Address,
    BlockCode,
    Blocked,
    Change,
    EventName,
    Plan,
    Reason,
    Status,
)
from memory_provider import Fault, MemoryService, refused
from platform_under_test import memory_platform, resource


def widget(name, /, *after, service="memory", **spec):
    return resource(
        f"{service}.widget/{name}", after=[f"{service}.widget/{each}" for each in after], **({"size": 1} | spec)
    )


def address(name, service="memory"):
    return Address(service, "widget", name)


def apply(platform, *resources, **options):
    return asyncio.run(platform.apply(resources, **options))


def statuses(report):
    return {outcome.address.name: outcome.status for outcome in report.outcomes}


def stop_after(count, platform):
    """Something that asks to stop once so many changes have ended."""
    return SimpleNamespace(is_set=lambda: sum(event.name is EventName.ENDED for event in platform.events) >= count)


# ------------------------------------------------------------------------------------------------ order


def test_a_change_starts_when_everything_it_depends_on_is_done():
    service = MemoryService()
    report = apply(memory_platform(service), widget("a", "b"), widget("b", "c"), widget("c"))
    assert service.writes == ["create memory.widget/c", "create memory.widget/b", "create memory.widget/a"]
    assert report.converged
    assert report.run == 1


def test_deletes_come_last_and_users_before_what_they_use():
    service = MemoryService()
    platform = memory_platform(service)
    gadget = resource("memory.gadget/g", after=["memory.widget/a"], widget="a")
    apply(platform, widget("a"), gadget)
    service.writes.clear()
    report = apply(platform, widget("b"), prune=True)
    assert service.writes == ["create memory.widget/b", "delete memory.gadget/g", "delete memory.widget/a"]
    assert report.converged
    assert [outcome.address for outcome in report.outcomes] == sorted(outcome.address for outcome in report.outcomes)


def test_a_plan_whose_changes_wait_for_each_other_is_refused_before_anything_is_written():
    service = MemoryService()
    platform = memory_platform(service)
    changes = tuple(
        Change(address(name), Action.CREATE, Reason.NEW, desired={}, depends_on=(address(other),))
        for name, other in (("a", "b"), ("b", "a"))
    )
    with pytest.raises(FlextError, match="wait for each other"):
        asyncio.run(platform.apply([], Plan("test", {}, changes)))
    assert platform.ledger.calls == []


# ------------------------------------------------------------------------------------------------ failures


def test_a_failure_blocks_what_depends_on_it_and_nothing_else():
    service = MemoryService(faults=[Fault("create", refused, "a")])
    report = apply(memory_platform(service), widget("a"), widget("b", "a"), widget("c", "b"), widget("d"))
    assert statuses(report) == {"a": Status.FAILED, "b": Status.BLOCKED, "c": Status.BLOCKED, "d": Status.DONE}
    told = {outcome.address.name: outcome.message for outcome in report.outcomes}
    assert told["b"] == "depends on memory.widget/a, which failed"
    assert told["c"] == "depends on memory.widget/b, which is blocked itself"
    assert not report.converged
    assert len(report.residual.changes) == 3


def test_nothing_is_deleted_while_something_that_builds_is_not_done():
    service = MemoryService(faults=[Fault("create", refused, "b")])
    platform = memory_platform(service)
    apply(platform, widget("a"))
    report = apply(platform, widget("b"), widget("c"), prune=True)
    assert statuses(report) == {"a": Status.BLOCKED, "b": Status.FAILED, "c": Status.DONE}
    assert report.outcomes[0].message == "nothing is removed while memory.widget/b is not as declared"
    assert service.calls["delete"] == 0


def test_a_failed_delete_blocks_the_delete_of_what_it_uses():
    service = MemoryService(faults=[Fault("delete", refused, "g")])
    platform = memory_platform(service)
    apply(platform, widget("a"), resource("memory.gadget/g", after=["memory.widget/a"], widget="a"))
    report = apply(platform, prune=True)
    assert statuses(report) == {"g": Status.FAILED, "a": Status.BLOCKED}


def test_a_mistake_in_a_provider_ends_one_change_and_shows_no_secret():
    def mistake():
        return ZeroDivisionError("hunter2")

    service = MemoryService(faults=[Fault("create", mistake, "a")])
    platform = memory_platform(service)
    report = apply(platform, widget("a"), widget("b"))
    assert statuses(report) == {"a": Status.FAILED, "b": Status.DONE}
    assert "ZeroDivisionError at memory_provider.py:" in report.outcomes[0].message
    assert "hunter2" not in repr(report)
    assert platform.ledger.records()[address("a")].pending is Action.CREATE
    assert apply(platform, widget("a"), widget("b")).converged


# ------------------------------------------------------------------------------------------------ lanes


def test_a_service_that_bears_one_writer_is_neither_read_nor_written_meanwhile():
    one, two = MemoryService("one"), MemoryService("two")
    platform = memory_platform(one, two, parallel_writes=1)
    resources = [widget(f"w{number}", service=name) for name in ("one", "two") for number in range(6)]
    assert apply(platform, *resources).converged
    assert (one.most_writing, one.overlaps) == (1, 0)
    assert (two.most_writing, two.overlaps) == (1, 0)


def test_services_are_worked_on_at_once_and_each_as_widely_as_it_bears():
    one, two = MemoryService("one"), MemoryService("two")
    at_once = []
    for service in (one, two):
        service.at = lambda place: at_once.append((one.writing > 0) + (two.writing > 0))
    platform = memory_platform(one, two, parallel_writes=3)
    apply(platform, *(widget(f"w{number}", service=name) for name in ("one", "two") for number in range(9)))
    assert (one.most_writing, two.most_writing) == (3, 3)
    assert max(at_once) == 2


# ------------------------------------------------------------------------------------------------ interruptions


def test_a_signal_lets_running_changes_end_and_starts_nothing_new():
    service = MemoryService()
    platform = memory_platform(service, parallel_writes=1)
    report = apply(platform, widget("a"), widget("b"), widget("c", "a"), stop=stop_after(1, platform))
    assert statuses(report) == {"a": Status.DONE, "b": Status.NOT_STARTED, "c": Status.NOT_STARTED}
    assert (report.interrupted, report.residual) == (True, None)
    assert platform.ledger.results == {1: "interrupted"}
    assert platform.ledger.open == {}
    assert apply(platform, widget("a"), widget("b"), widget("c", "a")).converged


def test_a_signal_during_the_last_change_interrupts_nothing():
    platform = memory_platform(MemoryService())
    report = apply(platform, widget("a"), stop=stop_after(1, platform))
    assert (report.interrupted, report.converged) == (False, True)


def test_a_signal_before_the_first_request_leaves_no_trace():
    service = MemoryService()
    platform = memory_platform(service)
    report = apply(platform, widget("a"), stop=SimpleNamespace(is_set=lambda: True))
    assert statuses(report) == {"a": Status.NOT_STARTED}
    assert service.calls["create"] == 0
    assert platform.ledger.calls == ["start_run", "finish_run"]


def test_a_signal_between_the_look_and_the_intent_is_heard():
    asked = iter([False])
    platform = memory_platform(service := MemoryService())
    report = apply(platform, widget("a"), stop=SimpleNamespace(is_set=lambda: next(asked, True)))
    assert statuses(report) == {"a": Status.NOT_STARTED}
    assert service.calls["create"] == 0


def test_cancelling_ends_everything_at_once_and_the_next_run_finds_out():
    class Stopped(BaseException):
        pass

    service = MemoryService()
    platform = memory_platform(service)

    def die(place):
        if place == "after send: create memory.widget/b":
            raise Stopped

    service.at = die
    with pytest.raises(Stopped):
        apply(platform, *(widget(name) for name in "abc"))
    service.at = lambda place: None
    assert apply(platform, *(widget(name) for name in "abc")).converged
    assert Counter(stored.name for stored in service.objects) == {"a": 1, "b": 1, "c": 1}


# ------------------------------------------------------------------------------------------------ the ledger fails


def test_a_ledger_that_cannot_begin_a_run_stops_everything():
    service = MemoryService()
    platform = memory_platform(service)
    platform.ledger.fails = lambda call: True
    report = apply(platform, widget("a"))
    assert statuses(report) == {"a": Status.NOT_STARTED}
    assert report.message == "the ledger cannot be written: the disk is full"
    assert service.calls["create"] == 0


def test_a_ledger_that_fails_before_a_request_stops_that_request_and_all_that_follow():
    service = MemoryService()
    platform = memory_platform(service, parallel_writes=1)
    platform.ledger.fails = lambda call: call == f"intend {address('b')}"
    report = apply(platform, widget("a"), widget("b"), widget("c"))
    assert statuses(report) == {"a": Status.DONE, "b": Status.NOT_STARTED, "c": Status.NOT_STARTED}
    assert service.writes == ["create memory.widget/a"]
    assert report.residual is None
    assert report.message == "the ledger cannot be written: the disk is full"


def test_a_ledger_that_fails_after_a_request_says_that_it_was_carried_out():
    service = MemoryService()
    platform = memory_platform(service, parallel_writes=1)
    platform.ledger.fails = lambda call: call == f"record {address('a')}"
    report = apply(platform, widget("a"), widget("b"))
    assert statuses(report) == {"a": Status.FAILED, "b": Status.NOT_STARTED}
    assert report.outcomes[0].message == "done and verified; the ledger could not be written after it: the disk is full"
    platform.ledger.fails = lambda call: False
    assert apply(platform, widget("a"), widget("b")).converged
    assert service.writes.count("create memory.widget/a") == 1


def test_a_run_that_cannot_be_closed_is_reported_all_the_same():
    platform = memory_platform(MemoryService())
    platform.ledger.fails = lambda call: call == "finish_run"
    report = apply(platform, widget("a"))
    assert report.converged
    assert any("could not be closed" in event.text for event in platform.events)


# ------------------------------------------------------------------------------------------------ the proof


def test_a_platform_that_moves_right_after_is_not_called_converged():
    service = MemoryService()
    platform = memory_platform(service)

    async def replan():
        service.objects[0].spec["size"] = 9
        return await platform.plan([widget("a")])

    report = apply(platform, widget("a"), replan=replan)
    assert [change.address for change in report.residual.changes] == [address("a")]
    assert not report.converged
    assert platform.ledger.results == {1: "not converged"}


def test_a_proof_that_cannot_be_made_says_why():
    async def replan():
        raise ServiceError("connection refused", kind=ErrorKind.UNAVAILABLE)

    report = apply(memory_platform(MemoryService()), widget("a"), replan=replan)
    assert statuses(report) == {"a": Status.DONE}
    assert (report.residual, report.converged) == (None, False)
    assert report.message == "whether the platform is as declared could not be verified: connection refused"


def test_an_empty_plan_writes_nothing_anywhere():
    service = MemoryService()
    platform = memory_platform(service)
    apply(platform, widget("a"))
    calls, writes = list(platform.ledger.calls), list(service.writes)
    report = apply(platform, widget("a"))
    assert (report.outcomes, report.converged) == ((), True)
    assert (platform.ledger.calls, service.writes) == (calls, writes)


def test_a_plan_of_nothing_but_blocks_is_its_own_residual():
    blocked = Plan("test", {}, blocked=(Blocked(address("a"), BlockCode.FOREIGN, "not ours"),))
    report = asyncio.run(memory_platform(MemoryService()).apply([], blocked))
    assert report.residual == blocked
    assert not report.converged


@pytest.mark.parametrize(
    ("prepare", "result"),
    [
        (lambda service: None, "converged"),
        (lambda service: service.faults.append(Fault("create", refused, "a")), "partial"),
        (lambda service: service.faults.append(Fault("read", refused, "widget", skip=1)), "not converged"),
    ],
)
def test_the_run_ends_in_the_ledger_with_one_word(prepare, result):
    service = MemoryService()
    platform = memory_platform(service)
    prepare(service)
    apply(platform, widget("a"), widget("b"))
    assert platform.ledger.results == {1: result}


# ------------------------------------------------------------------------------------------------ events


def test_events_tell_of_every_change_and_how_far_the_run_is():
    platform = memory_platform(MemoryService(), parallel_writes=1)
    apply(platform, widget("a"), widget("b", "a"))
    told = [
        (event.name, event.address and event.address.name, event.done, event.total)
        for event in platform.events
        if event.name not in (EventName.READING, EventName.READ)
    ]
    assert told == [
        (EventName.STARTED, "a", 0, 2),
        (EventName.ENDED, "a", 1, 2),
        (EventName.STARTED, "b", 1, 2),
        (EventName.ENDED, "b", 2, 2),
        (EventName.VERIFYING, None, 2, 2),
    ]


# ------------------------------------------------------------------------------------------------ any plan at all

NAMES = [f"w{number}" for number in range(7)]
GRAPHS = st.fixed_dictionaries(
    {name: st.sets(st.sampled_from(NAMES[:index])) if index else st.just(set()) for index, name in enumerate(NAMES)}
)


@given(
    graph=GRAPHS,
    existing=st.sets(st.sampled_from([*NAMES, "old1", "old2"])),
    failing=st.dictionaries(st.sampled_from([*NAMES, "old1"]), st.sampled_from(["create", "update", "delete"])),
    width=st.integers(1, 3),
    stop=st.none() | st.integers(0, 9),
)
def test_whatever_happens_every_change_ends_once_and_nothing_runs_out_of_turn(graph, existing, failing, width, stop):
    service = MemoryService()
    platform = memory_platform(service, parallel_writes=width)
    apply(platform, *(widget(name, size=0) for name in sorted(existing)))
    service.writes.clear()
    platform.events.clear()
    service.faults = [Fault(operation, refused, name, times=9) for name, operation in failing.items()]
    resources = [widget(name, *sorted(needed)) for name, needed in graph.items()]
    plan = asyncio.run(platform.plan(resources, prune=True))
    signal = stop_after(stop, platform) if stop is not None else SimpleNamespace(is_set=lambda: False)
    report = asyncio.run(platform.apply(resources, plan, prune=True, stop=signal))

    assert [outcome.address for outcome in report.outcomes] == [change.address for change in plan.changes]
    ended = {outcome.address: outcome.status for outcome in report.outcomes}
    order = [event.outcome.address for event in platform.events if event.name is EventName.ENDED]
    started = [event.address for event in platform.events if event.name is EventName.STARTED]
    for change in plan.changes:
        if change.address in started:
            assert all(ended[needed] is Status.DONE for needed in change.depends_on)
            assert all(order.index(needed) < order.index(change.address) for needed in change.depends_on)
    building = [change.address for change in plan.changes if change.action is not Action.DELETE]
    if any(write.startswith("delete") for write in service.writes):
        assert all(ended[each] is Status.DONE for each in building)
    assert service.most_writing <= width
    assert report.converged == (set(ended.values()) <= {Status.DONE})
    assert all(count == 1 for count in Counter(service.writes).values())

    service.faults.clear()
    assert asyncio.run(platform.apply(resources, prune=True)).converged
