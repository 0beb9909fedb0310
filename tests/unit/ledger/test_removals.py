"""What the ledger remembers for the day when something is no longer declared, and what is in flight."""

from __future__ import annotations

from flext_reconciler.model import Action, Address, Change, Deletion, Outcome, Reason, Record, Status

TAP = Address("flext-service", "tap", "tap-orders")
DONE = Outcome(TAP, Action.UPDATE, Status.DONE)


def test_how_when_and_whether_something_goes_is_remembered(store):
    specs = {"active": False}, {"active": False}
    going = Record(TAP, "1", *specs, deletion=Deletion.IMMEDIATE, protect=True, due="2026-02-07")
    with store.open() as ledger:
        run = ledger.start_run("f", "me")
        ledger.record(run, DONE, going)
        assert ledger.records() == {TAP: going}
    with store.open() as ledger:
        assert ledger.records() == {TAP: going}
        back = Record(TAP, "1", {"active": True}, {"active": True})
        ledger.record(run, DONE, back)
        assert ledger.records() == {TAP: back}


def test_what_is_in_flight_is_told_until_its_end_is_written_down(store):
    with store.open() as ledger:
        run = ledger.start_run("f", "me")
        assert ledger.in_flight() == {}
        ledger.intend(run, Change(TAP, Action.CREATE, Reason.NEW, desired={}))
        assert ledger.in_flight() == {TAP: Action.CREATE}
        ledger.note(run, Outcome(TAP, Action.CREATE, Status.FAILED))
        assert ledger.in_flight() == {TAP: Action.CREATE}
        ledger.record(run, DONE, None)
        assert ledger.in_flight() == {}
