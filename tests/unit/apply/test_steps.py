"""One change: its states, what it refuses, what it makes of errors, and what the ledger keeps of it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest

from flext_reconciler.apply import Session
from flext_reconciler.apply.judge import with_uncleared
from flext_reconciler.apply.known import Known
from flext_reconciler.apply.requests import Run
from flext_reconciler.apply.states import NEXT, State
from flext_reconciler.apply.step import Step
from flext_reconciler.errors import ErrorKind, FlextError, ServiceError
from flext_reconciler.model import (
    ABSENT,
    Action,
    Actual,
    Address,
    Deferred,
    FieldDiff,
    KindSupport,
    Presence,
    Reason,
    Record,
    Secret,
    Status,
    Support,
)
from memory_provider import Fault, MemoryService, broken, lost_reply, refused
from platform_under_test import FINGERPRINTER, NEVER, memory_platform, resource

A = Address("memory", "widget", "a")
G = Address("memory", "gadget", "g")


def widget(**spec):
    return resource("memory.widget/a", **spec)


def conflict():
    return ServiceError("a exists", kind=ErrorKind.CONFLICT)


class Case:
    """A platform on which `before` was applied, and the plan for `after`."""

    def __init__(self, *after, before=(), faults=(), **options):
        self.service = MemoryService()
        self.platform = memory_platform(self.service, settle_seconds=options.pop("settle_seconds", 0.0))
        if before:
            assert asyncio.run(self.platform.apply(before)).converged
        self.before = self.service.calls.copy()
        self.after = after
        self.options = options
        self.plan = asyncio.run(self.platform.plan(after, **options))
        self.service.faults += faults
        self.service.calls.clear()

    def apply(self, **more):
        """Apply the plan as it was made, and return the only outcome."""
        self.report = asyncio.run(self.platform.apply(self.after, self.plan, **{**self.options, **more}))
        (outcome,) = self.report.outcomes
        return outcome

    @property
    def written(self):
        """How often what was requested."""
        return {name: self.service.calls[name] for name in ("create", "update", "delete") if self.service.calls[name]}

    @property
    def record(self):
        """What the ledger holds of the widget."""
        return self.platform.ledger.records().get(A)


# ------------------------------------------------------------------------------------------------ the table of states


def test_every_state_but_the_last_leads_somewhere_and_every_one_but_the_first_is_reached():
    assert set(NEXT) == set(State)
    assert [state for state, after in NEXT.items() if not after] == [State.ENDED]
    assert set().union(*NEXT.values()) == set(State) - {State.RECHECK}


STEPS = {
    "create": ((), (widget(size=1),), {}, "recheck intend create read_back record"),
    "update": ((widget(size=1),), (widget(size=2),), {}, "recheck intend update read_back record"),
    "replace": ((widget(type="x"),), (widget(type="y"),), {}, "recheck intend delete create read_back record"),
    "delete": ((widget(size=1),), (), {"prune": True}, "recheck intend delete read_back record"),
}


@pytest.mark.parametrize(("before", "after", "options", "states"), STEPS.values(), ids=STEPS)
def test_a_change_can_be_stopped_between_any_two_of_its_states(before, after, options, states):
    case = Case(*after, before=before, **options)
    platform, passed, requests = case.platform, [], []

    async def go():
        step = await started(case)
        while step.state is not State.ENDED:
            passed.append(step.state)
            sent = sum(case.written.values())
            await step.advance()
            requests.append(sum(case.written.values()) - sent)
        return step

    step = asyncio.run(go())
    assert passed == [State(name) for name in states.split()]
    assert max(requests) == 1, "a state sends one request at most"
    assert step.outcome.status is Status.DONE
    assert platform.ledger.outcomes


async def started(case):
    """The only change of a case, not begun yet."""
    platform = case.platform
    provider = platform.providers["memory"]
    async with provider.writer(platform.services["memory"], platform.resolve) as writer:
        session = Session(
            writers={"memory": writer},
            traits={"memory": provider.traits},
            kinds=platform.kinds,
            ledger=platform.ledger,
            records=platform.ledger.records(),
            actuals={},
            resolve=platform.resolve,
            fingerprinter=FINGERPRINTER,
            replan=None,
            stop=NEVER,
            who="tester",
            plan_fingerprint="",
        )
    (change,) = case.plan.changes
    return Step(change, Run(1, session, Known({})), lambda text: None)


def test_the_intent_is_written_before_the_first_request_and_the_record_after_the_last():
    case = Case(widget(type="y"), before=[widget(type="x")])
    places = []
    case.service.at = case.platform.ledger.at = places.append
    case.apply()
    assert [place for place in places if "after reply" not in place and "after send" not in place] == [
        "before start_run",
        f"before intend {A}",
        f"after intent: {A}",
        f"before send: delete {A}",
        f"before send: create {A}",
        f"before record {A}",
        f"after record: {A}",
        "before finish_run",
    ]


# ------------------------------------------------------------------------------------------------ refusing what moved


def test_what_moved_since_the_plan_is_refused_with_three_sides_and_nothing_is_written():
    case = Case(widget(size=2, tags=["a"]), before=[widget(size=1, tags=["a"])])
    case.service.objects[0].spec |= {"size": 7}
    outcome = case.apply()
    assert (outcome.status, outcome.message) == (Status.STALE, "it moved since the plan was made: size")
    (field,) = outcome.fields
    assert (field.path, field.before, field.after, field.wanted) == (("size",), 1, 7, 2)
    assert case.written == {}
    assert case.platform.ledger.results == {1: "converged", 2: "stale"}
    assert case.record.pending is None


def test_what_moved_in_a_secret_is_refused_without_showing_it():
    case = Case()
    case.platform.secrets["T"] = "first"
    asyncio.run(case.platform.apply([widget(token=case.platform.secret("T"), size=1)]))
    case.after = (widget(token=case.platform.secret("T"), size=2),)
    case.plan = asyncio.run(case.platform.plan(case.after))
    case.service.objects[0].spec["token"] = "stolen"
    outcome = case.apply()
    assert outcome.status is Status.STALE
    assert "first" not in repr(outcome)
    assert "stolen" not in repr(outcome)
    assert outcome.fields[0].secret


def test_what_is_gone_or_was_made_again_is_refused_too():
    case = Case(widget(size=2), before=[widget(size=1)])
    case.service.remove("widget", "a")
    assert case.apply().message == "it is gone since the plan was made"
    case = Case(widget(size=2), before=[widget(size=1)])
    case.service.remove("widget", "a")
    case.service.add("widget", "a", {"size": 1})
    outcome = case.apply()
    assert outcome.status is Status.STALE
    assert case.written == {}


def test_a_delete_of_what_is_gone_is_done_without_a_request():
    case = Case(before=[widget(size=1)], prune=True)
    case.service.remove("widget", "a")
    assert case.apply().status is Status.DONE
    assert case.written == {}
    assert case.record is None


def test_fields_that_are_nobodys_business_may_move_freely():
    case = Case(widget(size=2), before=[widget(size=1)])
    case.service.objects[0].spec["labels"] = {"new": 1}
    assert case.apply().status is Status.DONE


def test_a_create_of_a_saved_plan_looks_first():
    case = Case(widget(size=1))
    case.service.add("widget", "a", {"size": 5})
    outcome = case.apply(recheck_creates=True)
    assert (outcome.status, outcome.message) == (
        Status.STALE,
        "it exists now, and did not when the plan was made",
    )
    assert case.written == {}


def test_a_change_that_an_interrupted_run_carried_out_is_done_without_a_request():
    case = Case(widget(size=2), before=[widget(size=1)])
    (change,) = case.plan.changes
    case.platform.ledger.open[A] = change
    case.service.objects[0].spec["size"] = 2
    assert case.apply().status is Status.DONE
    assert case.written == {}
    assert case.record.pending is None


def test_what_cannot_be_read_again_is_not_touched():
    case = Case(widget(size=2), before=[widget(size=1)], faults=[Fault("read_one", broken)])
    outcome = case.apply()
    assert (outcome.status, outcome.message) == (Status.FAILED, "not touched: it broke")
    assert case.written == {}


# ------------------------------------------------------------------------------------------------ unknown outcomes

NOT_CARRIED_OUT = Fault("create", lost_reply)
CARRIED_OUT = Fault("create", lost_reply, carried_out=True)


@pytest.mark.parametrize(
    ("faults", "creates", "status"),
    [
        ([CARRIED_OUT], 1, Status.DONE),
        ([NOT_CARRIED_OUT], 2, Status.DONE),
        ([replace(NOT_CARRIED_OUT, times=2)], 2, Status.FAILED),
        ([NOT_CARRIED_OUT, replace(CARRIED_OUT)], 2, Status.DONE),
    ],
)
def test_a_create_that_nobody_answered_is_looked_for_and_sent_at_most_twice(faults, creates, status):
    case = Case(widget(size=1), faults=[replace(fault) for fault in faults])
    assert case.apply().status is status
    assert case.written == {"create": creates}
    assert len(case.service.objects) == (status is Status.DONE)


def test_a_create_that_comes_into_being_late_is_found_by_the_conflict():
    case = Case(widget(size=1), faults=[Fault("create", lost_reply)])
    reads = []

    def late(place):
        reads.append(place)
        if place == f"before send: create {A}" and len(reads) > 1:
            case.service.add("widget", "a", {"size": 1})

    case.service.at = late
    assert case.apply().status is Status.DONE
    assert len(case.service.objects) == 1


def test_a_service_that_works_on_is_given_its_time():
    case = Case(widget(size=1), faults=[Fault("create", lost_reply, times=2)], settle_seconds=10.0)
    case.apply()
    assert sum(case.platform.sleeps) == 10.0
    assert len(case.platform.sleeps) <= 8
    assert case.written == {"create": 2}


@pytest.mark.parametrize("carried_out", [True, False])
def test_an_update_that_nobody_answered_is_read_back_and_never_sent_again(carried_out):
    case = Case(widget(size=2), before=[widget(size=1)], faults=[Fault("update", lost_reply, carried_out=carried_out)])
    outcome = case.apply()
    assert outcome.status is (Status.DONE if carried_out else Status.FAILED)
    assert case.written == {"update": 1}
    assert case.record.pending is (None if carried_out else Action.UPDATE)


def test_an_update_that_nobody_answered_and_that_cannot_be_seen_is_not_believed():
    case = Case(
        widget(recipe="new"), before=[widget(recipe="old")], faults=[Fault("update", lost_reply, carried_out=True)]
    )
    assert case.apply().status is Status.FAILED
    assert case.record.desired == {"recipe": "old"}
    assert case.record.pending is Action.UPDATE
    assert asyncio.run(case.platform.apply(case.after)).converged


def test_a_refused_update_of_what_cannot_be_seen_is_not_believed_either():
    case = Case(widget(recipe="new"), before=[widget(recipe="old")], faults=[Fault("update", refused)])
    assert case.apply().status is Status.FAILED


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_delete_that_nobody_answered_is_looked_for(carried_out):
    fault = Fault("delete", lost_reply, carried_out=carried_out)
    case = Case(before=[widget(size=1)], faults=[fault], prune=True)
    assert case.apply().status is (Status.DONE if carried_out else Status.FAILED)
    assert case.written == {"delete": 1}


def test_when_nobody_answers_and_nothing_can_be_read_the_intent_stays_open():
    faults = [Fault("create", lost_reply, carried_out=True), Fault("read_one", broken)]
    case = Case(widget(size=1), faults=faults)
    outcome = case.apply()
    assert outcome.message == "no answer; whether it was carried out could not be read: it broke"
    assert case.record == Record(A, None, {"size": 1}, {}, Action.CREATE)
    assert asyncio.run(case.platform.apply(case.after)).converged
    assert len(case.service.objects) == 1


# ------------------------------------------------------------------------------------------------ refusals, conflicts


def test_a_refusal_leaves_the_ledger_as_it_was():
    case = Case(widget(size=2), before=[widget(size=1)], faults=[Fault("update", refused)])
    before = case.record
    outcome = case.apply()
    assert (outcome.status, outcome.message) == (Status.FAILED, "refused")
    assert case.record == before
    case = Case(widget(size=2), faults=[Fault("create", refused)])
    assert case.apply().status is Status.FAILED
    assert case.record is None


@pytest.mark.parametrize(
    ("found", "status", "message"),
    [
        ({"size": 1}, Status.DONE, ""),
        ({"size": 2}, Status.FAILED, "somebody else made one of this name (id widget-1), which differs in size"),
    ],
)
def test_a_create_that_meets_another_adopts_it_only_when_it_is_equal(found, status, message):
    case = Case(widget(size=1))
    case.service.at = lambda place: place.startswith("before send") and case.service.add("widget", "a", found)
    outcome = case.apply()
    assert (outcome.status, outcome.message) == (status, message)
    assert len(case.service.objects) == 1
    assert (case.record is not None) is (status is Status.DONE)


def test_a_create_that_meets_another_that_hides_something_does_not_guess():
    case = Case(widget(size=1, recipe="r"))
    case.service.at = lambda place: place.startswith("before send") and case.service.add("widget", "a", {"size": 1})
    assert case.apply().message.endswith("which hides recipe")


def test_a_create_that_meets_an_equal_one_without_our_mark_leaves_it_alone():
    case = Case(resource("memory.gadget/g", note="n"))
    case.service.at = lambda place: place.startswith("before send") and case.service.add("gadget", "g", {"note": "n"})
    assert case.apply().message.endswith("which differs in note")


def test_half_a_create_is_ours_and_finished_by_the_next_run():
    case = Case(widget(size=1), faults=[Fault("create", broken, carried_out=True)])
    case.service.stores = lambda kind, spec: spec.update(size=0)
    assert case.apply().status is Status.FAILED
    assert case.record.pending is Action.CREATE
    case.service.stores = lambda kind, spec: None
    assert asyncio.run(case.platform.apply(case.after)).converged
    assert len(case.service.objects) == 1


# ------------------------------------------------------------------------------------------------ reading back


def test_a_service_that_stores_something_else_is_caught():
    case = Case(widget(size=3, type="x"))
    case.service.stores = lambda kind, spec: spec.update(size=4)
    outcome = case.apply()
    assert outcome.message == "the service stored a different value for size"
    assert [(field.path, field.before, field.after) for field in outcome.fields] == [(("size",), 4, 3)]
    assert (case.record.id, case.record.observed["size"]) == ("widget-1", 4)
    assert not case.report.converged


def test_what_a_service_did_not_clear_is_not_forgotten():
    case = Case(resource("memory.widget/a", type="x"), before=[widget(type="x", size=3)])
    case.service.at = lambda place: case.service.objects[0].spec.update(size=3)
    assert case.apply().message == "the service stored a different value for size"
    assert [change.action for change in case.report.residual.changes] == [Action.UPDATE]
    case.service.at = lambda place: None
    assert asyncio.run(case.platform.apply(case.after)).converged
    assert case.service.objects[0].spec["size"] == 0


def test_a_key_that_a_service_did_not_clear_is_not_forgotten():
    previous = Record(Address("memory", "widget", "a"), "1", {"size": 1, "labels": {"a": 1, "b": 2}}, {})
    unmet = [FieldDiff(("labels", "b"), 2, ABSENT), FieldDiff(("size",), 1, 3)]
    assert with_uncleared({"size": 3}, unmet, previous) == {"size": 3, "labels": {"b": 2}}
    assert with_uncleared({"size": 3}, unmet, None) == {"size": 3}


def test_what_a_service_adds_is_not_held_against_it():
    case = Case(widget(labels={"a": 1}))
    case.service.stores = lambda kind, spec: spec.update(labels={"a": 1, "server": 2})
    assert case.apply().status is Status.DONE


def test_a_field_that_is_no_longer_declared_must_be_cleared():
    case = Case(resource("memory.widget/a", type="x"), before=[widget(type="x", size=3)])
    case.service.stores = lambda kind, spec: None
    assert case.apply().status is Status.DONE
    assert case.service.objects[0].spec["size"] == 0


def test_a_service_that_only_pretends_is_caught():
    case = Case(widget(size=1))
    case.service.at = lambda place: place.startswith("after reply") and case.service.objects.clear()
    assert case.apply().message == "the service accepted it, and does not show it"
    case = Case(before=[widget(size=1)], prune=True)
    case.service.at = lambda place: place.startswith("after reply") and case.service.objects.append(kept)
    kept = case.service.objects[0]
    assert case.apply().message == "the service said that it is deleted, and still shows it"


def test_what_was_sent_and_cannot_be_verified_is_not_called_done():
    case = Case(widget(size=1), faults=[Fault("read_one", broken)])
    outcome = case.apply()
    assert (outcome.status, outcome.message) == (Status.FAILED, "sent, and could not be verified: it broke")
    assert case.record.pending is Action.CREATE


# ------------------------------------------------------------------------------------------------ replacing


def replacing(*faults, before=None):
    return Case(
        widget(type="y", recipe="new"),
        before=[before or widget(type="x", recipe="old")],
        faults=list(faults),
    )


def test_a_replace_that_cannot_make_the_new_one_puts_the_old_one_back():
    case = replacing(Fault("create", refused))
    outcome = case.apply()
    assert (outcome.status, outcome.message) == (Status.FAILED, "refused; the old one was put back")
    (stored,) = case.service.objects
    assert stored.spec == {"size": 0, "type": "x", "recipe": "old"}
    assert (case.record.id, case.record.pending) == (stored.id, None)
    assert case.record.desired == {"type": "x", "recipe": "old"}
    assert case.written == {"delete": 1, "create": 2}


def test_a_replace_whose_old_one_cannot_be_put_back_says_so():
    case = replacing(Fault("create", refused, times=2))
    assert case.apply().message == "refused; the old one is gone and could not be put back: refused"
    assert case.record.pending is Action.REPLACE
    assert asyncio.run(case.platform.apply(case.after)).converged


def test_a_replace_of_something_that_flext_never_applied_says_that_it_is_lost():
    case = Case()
    case.service.add("widget", "a", {"type": "x"})
    case.after, case.options = (widget(type="y"),), {"adopt": True}
    case.plan = asyncio.run(case.platform.plan(case.after, adopt=True))
    case.service.faults.append(Fault("create", refused))
    assert case.apply().message == "refused; the old one is gone, and what it held is not known"


def test_a_replace_whose_delete_is_refused_changes_nothing():
    case = replacing(Fault("delete", refused))
    assert case.apply().message == "refused"
    assert case.service.objects[0].spec["type"] == "x"
    assert case.record.pending is None


@pytest.mark.parametrize("operation", ["delete", "create"])
@pytest.mark.parametrize("carried_out", [True, False])
def test_a_replace_survives_a_lost_reply_where_evidence_allows(operation, carried_out):
    case = replacing(Fault(operation, lost_reply, carried_out=carried_out))
    done = carried_out or operation == "create"
    assert case.apply().status is (Status.DONE if done else Status.FAILED)
    assert len(case.service.objects) == 1
    assert asyncio.run(case.platform.apply(case.after)).converged


def test_an_old_one_whose_secret_is_no_longer_known_is_not_put_back_with_another():
    case = Case()
    case.platform.secrets["T"] = "first"
    asyncio.run(case.platform.apply([widget(type="x", token=case.platform.secret("T"))]))
    case.platform.secrets["T"] = "second"
    case.after = (widget(type="y", token=case.platform.secret("T")),)
    case.plan = asyncio.run(case.platform.plan(case.after))
    case.service.faults.append(Fault("create", refused))
    assert "could not be put back: ${env:T} is not what it was" in case.apply().message
    assert case.service.objects == []


# ------------------------------------------------------------------------------------------------ references, secrets


def test_secrets_are_filled_in_for_the_request_only_and_verified_by_fingerprint():
    case = Case()
    case.platform.secrets["T"] = "hunter2"
    case.after = (widget(token=case.platform.secret("T")),)
    case.plan = asyncio.run(case.platform.plan(case.after))
    assert case.apply().status is Status.DONE
    (write,) = case.service.seen
    assert (write.spec, write.carries_secret) == ({"token": "hunter2"}, True)
    told = repr((case.report, case.platform.ledger.known, case.platform.events))
    assert "hunter2" not in told


@pytest.mark.parametrize("now", ["rotated", None])
def test_a_secret_that_changed_since_the_plan_was_made_is_refused_before_anything_is_written(now):
    case = Case(before=[widget(type="x")])
    case.platform.secrets["T"] = "reviewed"
    case.after = (widget(type="y", token=case.platform.secret("T")),)
    case.plan = asyncio.run(case.platform.plan(case.after))
    if now is None:
        del case.platform.secrets["T"]
    else:
        case.platform.secrets["T"] = now
    outcome = asyncio.run(case.platform.apply(case.after, case.plan, replan=_no_plan)).outcomes[0]
    assert outcome.status is Status.FAILED
    assert outcome.message.startswith("not touched: ")
    assert len(case.service.objects) == 1
    assert case.written == {}


async def _no_plan():
    raise ServiceError("nobody plans here", kind=ErrorKind.UNAVAILABLE)


def test_a_reference_to_what_this_run_creates_is_filled_in_when_it_is_known():
    made = Deferred("${ref:memory.widget/a.id}", A, ("id",))
    gadget = resource("memory.gadget/g", after=["memory.widget/a"], note=made)
    platform = memory_platform(service := MemoryService())
    report = asyncio.run(platform.apply([widget(size=1), gadget]))
    assert report.converged, report
    assert service.named("gadget", "g")[0].spec["note"] == "widget-1"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (("colour",), "${ref:x} cannot be filled in: memory.widget/a has no colour"),
        (("token",), "${ref:x} is a secret that is not read back"),
    ],
)
def test_a_reference_that_has_no_value_says_which(path, message):
    known = Known({})
    known.note(Actual(A, id="1", spec={"size": 1, "token": Secret("", "f" * 16)}))
    with pytest.raises(FlextError, match=re.escape(message)):
        known.settle({"note": [Deferred("${ref:x}", A, path)]})


def test_ids_are_found_within_one_service_and_only_of_what_is_there():
    other = Address("other", "widget", "a")
    known = Known({A: Actual(A, id="1"), other: Actual(other, id="2"), G: Actual(G, Presence.ABSENT, id="3")})
    find = known.id_of("memory")
    assert (find("widget", "a"), find("gadget", "g"), find("widget", "b")) == ("1", None, None)


# ------------------------------------------------------------------------------------------------ adopting


def test_adopting_what_is_equal_writes_nothing_and_remembers_it():
    case = Case()
    case.service.add("widget", "a", {"size": 1})
    case.after = (widget(size=1),)
    case.plan = asyncio.run(case.platform.plan(case.after))
    assert [(change.action, change.reason) for change in case.plan.changes] == [(Action.ADOPT, Reason.FOUND)]
    assert case.apply().status is Status.DONE
    assert case.written == {}
    assert case.record == Record(A, "widget-1", {"size": 1}, {"size": 1})
    assert case.platform.ledger.calls[:2] == ["start_run", f"record {A}"]


def test_adopting_what_differs_updates_it_and_puts_our_mark_on_it():
    case = Case()
    case.service.add("gadget", "g", {"note": "theirs"})
    case.after, case.options = (resource("memory.gadget/g", note="ours"),), {"adopt": True}
    case.plan = asyncio.run(case.platform.plan(case.after, adopt=True))
    assert case.apply().status is Status.DONE
    assert case.written == {"update": 1}
    assert case.service.objects[0].marked


def test_what_this_server_lacks_is_never_requested():
    service = MemoryService(support=Support("old", {"widget": KindSupport(supported=False, why="too old")}))
    report = asyncio.run(memory_platform(service).apply([widget(size=1)]))
    assert report.outcomes == ()
    assert service.calls["create"] == 0
