"""A ledger that fails in the middle of a run: nothing more is begun, nothing is lost, and it all comes back."""

import asyncio
import stat
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count

import orjson
import pytest

from flext_reconciler.errors import LedgerError
from flext_reconciler.ledger import LostLock, RescuingLedger
from flext_reconciler.ledger.documents import read_signed, sign
from flext_reconciler.ledger.rescue import RESCUE, Returned, import_rescue
from flext_reconciler.model import Action, Address, Change, Outcome, Plan, Reason, Record, Secret, Status
from memory_provider import MemoryService
from platform_under_test import memory_platform, resource

A, B, C = (Address("memory", "widget", name) for name in "abc")
RECORD = Record(A, "1", {"token": Secret("${env:T}", "ab"), "n": 1.0}, {"n": 1})
DONE = Outcome(A, Action.CREATE, Status.DONE, id="1", seconds=0.1 + 0.2)
PLAN = Plan("dev", {}, revision="abc123")


class FailingDatabase:
    """A store whose disk fails at the end of the writing transactions that it is told to fail in."""

    def __init__(self, inner):
        self._inner = inner
        self._numbers = count(1)
        self.fails = lambda number: False

    def __getattr__(self, name):
        return getattr(self._inner, name)

    @contextmanager
    def transaction(self, *, write=False):
        with self._inner.transaction(write=write) as transaction:
            yield transaction
            if write and self.fails(next(self._numbers)):
                raise LedgerError("the disk is full", hint="Make room.")


class Journal(RescuingLedger):
    """What a session needs, and what a platform of the tests needs beside it."""

    def __init__(self, ledger, directory):
        super().__init__(ledger, PLAN, directory)
        self.records = ledger.records


@pytest.fixture
def failing(ledger):
    ledger._database = FailingDatabase(ledger._database)
    return ledger._database


@pytest.fixture
def state(store):
    return store.folder / "state"


def rescued(state):
    (path,) = state.glob("dev.rescue-*.json")
    return path


def take_back(ledger, path):
    document = read_signed(path, (RESCUE,))
    return import_rescue(ledger, path, document, datetime.now(UTC).isoformat())


def lose_record(ledger, failing, state):
    """Let a run lose what came of its one change; return the run."""
    journal = RescuingLedger(ledger, PLAN, state)
    run = journal.start_run("f", "me")
    journal.intend(run, Change(A, Action.CREATE, Reason.NEW, desired={}))
    failing.fails = lambda number: True
    with pytest.raises(LedgerError, match="the disk is full; what it could not store is in"):
        journal.record(run, DONE, RECORD)
    failing.fails = lambda number: False
    return run


# ------------------------------------------------------------------------------------------------ a whole apply


def widgets():
    return [resource(str(address), size=1) for address in (A, B, C)]


@pytest.mark.parametrize("broken", range(1, 9))
def test_an_apply_whose_ledger_fails_stops_and_everything_comes_back(broken, ledger, failing, state):
    """The writes of an apply of three creates are: start, then intent and record of each, then the end."""
    service = MemoryService()
    platform = memory_platform(service, parallel_writes=1)
    platform.ledger = Journal(ledger, state)
    failing.fails = lambda number: number >= broken
    report = asyncio.run(platform.apply(widgets()))
    sent = len(service.writes)
    assert sent == (broken - 1) // 2
    assert "the disk is full" in report.message or broken == 8
    failing.fails = lambda number: False
    files = list(state.glob("*.json")) if state.exists() else []
    assert len(files) == (broken in (3, 5, 7, 8))  # an intent that was not written was not begun either
    for path in files:
        assert broken == 8 or str(path) in report.message
        returned = take_back(ledger, path)
        assert returned.stored == (() if broken == 8 else ((A, B, C)[sent - 1],))
        (run,) = ledger.history()
        assert (run.result, run.revision) == ("converged" if broken == 8 else "rescued", "abc123")
    assert {address for address, record in ledger.records().items() if not record.pending} == {A, B, C}.intersection(
        (A, B, C)[:sent]
    )
    platform.ledger = Journal(ledger, state)
    assert asyncio.run(platform.apply(widgets())).residual.is_empty
    assert service.writes == [f"create {address}" for address in (A, B, C)]


# ------------------------------------------------------------------------------------------------ the file


def test_the_file_holds_what_was_lost_and_is_private(ledger, failing, state):
    run = lose_record(ledger, failing, state)
    path = rescued(state)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    document = orjson.loads(path.read_bytes())
    assert (document["run"], document["lineage"], document["environment"]) == (run, ledger.lineage, "dev")
    assert document["serial"] == ledger.serial
    (entry,) = document["entries"]
    assert (entry["outcome"]["address"], entry["outcome"]["seconds"]) == (str(A), 0.1 + 0.2)
    assert ledger.records()[A].pending is Action.CREATE
    assert take_back(ledger, path) == Returned(stored=(A,))
    assert ledger.records() == {A: RECORD}
    assert ledger.run(run).outcomes == (DONE,)


def test_everything_that_is_lost_stands_in_one_file(ledger, failing, state):
    journal = RescuingLedger(ledger, PLAN, state)
    run = journal.start_run("f", "me")
    failing.fails = lambda number: True
    for write in (
        lambda: journal.record(run, DONE, RECORD),
        lambda: journal.record(run, Outcome(B, Action.DELETE, Status.DONE), None),
        lambda: journal.note(run, Outcome(C, Action.UPDATE, Status.FAILED, message="m\0\x1b")),
    ):
        with pytest.raises(LedgerError):
            write()
    failing.fails = lambda number: False
    with pytest.raises(LedgerError, match=r"dev[.]rescue") as caught:
        journal.intend(run, Change(B, Action.CREATE, Reason.NEW, desired={}))
    assert "Nothing more" in caught.value.hint
    assert take_back(ledger, rescued(state)) == Returned(stored=(A, B, C))
    assert [outcome.message for outcome in ledger.run(run).outcomes] == ["", "", "m\0\x1b"]
    assert ledger.records() == {A: RECORD}


def test_what_the_ledger_could_store_in_the_end_is_known_already(ledger, failing, state):
    run = lose_record(ledger, failing, state)
    ledger.record(run, DONE, RECORD)  # the answer of the store was lost, not the write
    assert take_back(ledger, rescued(state)) == Returned(known=(A,))
    assert ledger.run(run).result == "rescued"


def test_taking_back_twice_changes_nothing(ledger, failing, state):
    lose_record(ledger, failing, state)
    take_back(ledger, rescued(state))
    serial, records = ledger.serial, ledger.records()
    assert take_back(ledger, rescued(state)) == Returned(known=(A,))
    assert (ledger.serial, ledger.records()) == (serial, records)


def later_outcome(ledger):
    ledger.record(ledger.start_run("f", "me"), Outcome(A, Action.CREATE, Status.DONE), Record(A, "2", {}, {}))


def later_intent(ledger):
    ledger.intend(ledger.start_run("f", "me"), Change(A, Action.UPDATE, Reason.EDITED, desired={}))


def test_what_a_later_run_never_came_to_is_no_news(ledger, failing, state):
    lose_record(ledger, failing, state)
    later = ledger.start_run("f", "me")
    ledger.finish_run(later, "interrupted", [Outcome(A, Action.UPDATE, Status.BLOCKED)])
    assert take_back(ledger, rescued(state)) == Returned(stored=(A,))


def test_a_run_whose_end_was_lost_gets_all_its_outcomes_back(ledger, failing, state):
    journal = RescuingLedger(ledger, PLAN, state)
    run = journal.start_run("f", "me")
    failing.fails = lambda number: True
    never = Outcome(B, Action.CREATE, Status.NOT_STARTED, message="the run was interrupted first")
    with pytest.raises(LedgerError):
        journal.finish_run(run, "interrupted", [never])
    failing.fails = lambda number: False
    assert take_back(ledger, rescued(state)) == Returned(stored=(B,))
    assert (ledger.run(run).result, ledger.run(run).outcomes) == ("interrupted", (never,))


def later_forgetting(ledger):
    ledger.forget([A], "me")


@pytest.mark.parametrize("happen", [later_outcome, later_intent, later_forgetting])
def test_what_later_runs_know_better_stays(happen, ledger, failing, state):
    lose_record(ledger, failing, state)
    happen(ledger)
    records = ledger.records()
    assert take_back(ledger, rescued(state)) == Returned(superseded=(A,))
    assert ledger.records() == records


def test_a_run_that_could_not_be_ended_is_ended_later(ledger, failing, state):
    journal = RescuingLedger(ledger, PLAN, state)
    run = journal.start_run("f", "me")
    failing.fails = lambda number: True
    with pytest.raises(LedgerError, match=r"dev[.]rescue"):
        journal.finish_run(run, "converged")
    failing.fails = lambda number: False
    assert take_back(ledger, rescued(state)) == Returned()
    assert ledger.run(run).result == "converged"


# ------------------------------------------------------------------------------------------------ where it goes


def test_a_full_state_directory_sends_the_file_elsewhere(ledger, failing, state, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    state.touch()  # stands in its own way
    lose_record(ledger, failing, state)
    (path,) = tmp_path.glob("flext-rescue-*/dev.rescue-*.json")
    assert take_back(ledger, path) == Returned(stored=(A,))


def test_without_any_place_for_the_file_that_is_said(ledger, failing, state, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    state.touch()
    journal = RescuingLedger(ledger, PLAN, state)
    run = journal.start_run("f", "me")
    failing.fails = lambda number: True
    with pytest.raises(LedgerError, match="no rescue file could be written either"):
        journal.record(run, DONE, RECORD)


def test_a_lost_lock_leaves_no_file(ledger, store, state):
    journal = RescuingLedger(ledger, PLAN, state)
    with ledger.lock("apply") as lease:
        run = journal.start_run("f", "me")
        with store.open() as other:
            other.unlock(lease.id, force=True)
        with pytest.raises(LostLock):
            journal.record(run, DONE, RECORD)
    assert not state.exists()


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.fixture
def document(ledger, failing, state):
    lose_record(ledger, failing, state)
    return orjson.loads(rescued(state).read_bytes())


def test_every_edit_that_means_anything_is_refused(document, state):
    path = rescued(state)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            assert read_signed(path, (RESCUE,)) == document, at  # e.g. the last digit of a number beyond its precision
        except LedgerError as error:
            assert error.hint == "Nothing was taken over."


def test_a_file_of_another_ledger_is_refused(document, store, state):
    with store.open("prod") as prod, pytest.raises(LedgerError, match="belongs to another ledger"):
        take_back(prod, rescued(state))


@pytest.mark.parametrize(
    "edit",
    [
        {"run": 99},
        {"run": "one"},
        {"entries": None},
        {"entries": [{}]},
        {"entries": [{"outcome": {}, "settled": True, "record": None}]},
    ],
)
def test_a_signed_file_that_no_flext_wrote_is_refused(edit, document, ledger, state):
    del document["fingerprint"]
    rescued(state).write_bytes(sign(RESCUE, document | edit))
    serial = ledger.serial
    with pytest.raises(LedgerError) as caught:
        take_back(ledger, rescued(state))
    assert caught.value.hint
    assert ledger.serial == serial


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"document":"flext-plan"}', b"\xff"])
def test_what_is_no_document_is_refused(content, tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(LedgerError):
        read_signed(path, (RESCUE,))
    with pytest.raises(LedgerError, match="cannot read"):
        read_signed(tmp_path / "missing.json", (RESCUE,))


def test_a_document_of_another_format_is_refused(document, state):
    path = rescued(state)
    path.write_bytes(path.read_bytes().replace(b'"format_version":"1.', b'"format_version":"2.'))
    with pytest.raises(LedgerError, match="does not read"):
        read_signed(path, (RESCUE,))
