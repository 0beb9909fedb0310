"""What the ledger tells of a past run: what it touched, what it never began, and what nobody knows the end of."""

from __future__ import annotations

from flext_reconciler.ledger.documents import read_signed, sign
from flext_reconciler.ledger.exchange import LEDGER, export_ledger, import_ledger
from flext_reconciler.model import Action, Address, Change, Outcome, Plan, Reason, Record, Status, Touch

A, B, C, D, E = (Address("memory", "widget", name) for name in "abcde")


def begin(ledger, run, address, action=Action.CREATE):
    ledger.intend(run, Change(address, action, Reason.NEW, desired={}))


def end(ledger, run, address, status, action=Action.CREATE, id="1"):
    ledger.record(run, Outcome(address, action, status, id=id), Record(address, id, {}, {}))


def test_a_run_touched_what_it_began_and_what_it_adopted_and_nothing_else(ledger):
    run = ledger.start_run("f", "me")
    begin(ledger, run, A)
    end(ledger, run, A, Status.DONE)
    begin(ledger, run, B)
    end(ledger, run, C, Status.DONE, Action.ADOPT)
    ledger.note(run, Outcome(D, Action.UPDATE, Status.FAILED, message="not touched"))
    ledger.finish_run(run, "partial", [Outcome(E, Action.CREATE, Status.BLOCKED)])
    assert set(ledger.touches(run)) == {
        Touch(run, A, Action.CREATE, Status.DONE, "1"),
        Touch(run, B, Action.CREATE),
        Touch(run, C, Action.ADOPT, Status.DONE, "1"),
    }
    assert ledger.touches(run + 1) == ()


def test_later_runs_are_told_where_they_came_by(ledger):
    first = ledger.start_run("f", "me")
    begin(ledger, first, A)  # and is killed
    later = ledger.start_run("f", "me", Plan("dev", {}, undoes=first))
    for address in (A, B):
        begin(ledger, later, address, Action.REPLACE)
        end(ledger, later, address, Status.DONE, Action.REPLACE, "2")
    assert set(ledger.touches(first)) == {
        Touch(first, A, Action.CREATE),
        Touch(later, A, Action.REPLACE, Status.DONE, "2", undoes=first),
    }


def test_the_history_keeps_every_outcome_and_what_was_in_flight(ledger):
    run = ledger.start_run("f", "me", Plan("dev", {}, undoes=7))
    begin(ledger, run, A)
    begin(ledger, run, B)
    end(ledger, run, B, Status.DONE)
    ledger.finish_run(run, "interrupted", [Outcome(C, Action.CREATE, Status.NOT_STARTED)])
    (kept,) = ledger.history()
    assert kept.undoes == 7
    assert [(outcome.address, outcome.status) for outcome in kept.outcomes] == [
        (B, Status.DONE),
        (C, Status.NOT_STARTED),
    ]
    assert kept.unknown == {A: Action.CREATE}
    end(ledger, ledger.start_run("g", "you"), A, Status.DONE)
    assert ledger.run(run).unknown == {A: Action.CREATE}, "a later run knows better; this one still never knew"


def test_a_document_from_before_rollbacks_were_marked_is_taken(ledger, store, tmp_path):
    ledger.start_run("f", "me", Plan("dev", {}, undoes=7))
    path = tmp_path / "ledger.json"
    path.write_bytes(export_ledger(ledger))
    document = read_signed(path, (LEDGER,))
    del document["fingerprint"]
    for run in document["runs"]:
        del run["undoes"]
    path.write_bytes(sign(LEDGER, document))
    with store.open("elsewhere") as other:
        import_ledger(other, path, {**read_signed(path, (LEDGER,)), "environment": "elsewhere"})
        assert other.run(1).undoes == 0


def test_rescue_files_wait_until_they_are_taken_back(ledger, store):
    for name in (
        "dev.rescue-12-0a1b.json",
        "dev.rescue-9-ffff.json",
        "dev.rescue-1-ffff.json.imported",
        "dev.rescue-x-ffff.json",
        "development.rescue-1-ffff.json",
        "dev.rescue-1-ffff.json~",
    ):
        (store.folder / name).touch()
    assert [path.name for path in ledger.waiting] == ["dev.rescue-9-ffff.json", "dev.rescue-12-0a1b.json"]
