"""A whole ledger leaves as a document and comes back the same, into either store; anything else is refused."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flext_reconciler.errors import LedgerError
from flext_reconciler.ledger import open_ledger
from flext_reconciler.ledger.documents import COLUMNS, read_signed, sign
from flext_reconciler.ledger.exchange import LEDGER, export_ledger, import_ledger
from flext_reconciler.model import Action, Address, Change, Outcome, Plan, Reason, Record, Secret, Status
from strategies import addresses, changes, outcomes, plans, specs

WMS = Address("flexcore", "plugin", "wms")
TOKEN = Secret("${env:TOKEN}", "0123456789abcdef")


def fill(ledger):
    plan = Plan("dev", {}, changes=(Change(WMS, Action.CREATE, Reason.NEW, desired={"token": TOKEN}),))
    run = ledger.start_run("f", "me\0", plan, revision="abc")
    ledger.record(run, Outcome(WMS, Action.CREATE, Status.DONE, id="7"), Record(WMS, "7", {"token": TOKEN}, {"n": 1.5}))
    ledger.finish_run(run, "converged")
    ledger.intend(ledger.start_run("g", "you"), Change(WMS, Action.DELETE, Reason.UNDECLARED, id="7"))


def write(folder, content):
    path = folder / "ledger.json"
    path.write_bytes(content)
    return path


def bring_in(ledger, path):
    return import_ledger(ledger, path, read_signed(path, (LEDGER,)))


def elsewhere(folder, environment="dev"):
    return closing(open_ledger(folder / "elsewhere", environment))


def told(ledger):
    plans = [ledger.plan_of(run.id) for run in ledger.history()]
    return ledger.lineage, ledger.key, ledger.records(), ledger.history(), plans, ledger.serial


# ------------------------------------------------------------------------------------------------ there and back


def test_a_ledger_comes_back_the_same(ledger, store):
    fill(ledger)
    path = write(store.folder, export_ledger(ledger, with_key=True))
    with elsewhere(store.folder) as other:
        assert bring_in(other, path) is True
    with elsewhere(store.folder) as other:
        assert told(other) == told(ledger)
        assert export_ledger(other, with_key=True) == path.read_bytes()
        other.start_run("h", "me")


def test_a_ledger_moves_into_this_store(store):
    with elsewhere(store.folder) as other:
        fill(other)
        path = write(store.folder, export_ledger(other, with_key=True))
        with store.open() as ledger, ledger.lock("ledger import"):
            bring_in(ledger, path)
        with store.open() as ledger:
            assert told(ledger) == told(other)
            assert ledger.start_run("h", "me") == 3


entries = st.lists(
    addresses().flatmap(
        lambda address: st.tuples(
            changes(address),
            outcomes(st.just(address)),
            st.none() | st.builds(Record, st.just(address), st.none(), specs(), specs(), protect=st.booleans()),
        )
    ),
    max_size=4,
)


@given(plan=plans(), entries=entries)
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
def test_anything_that_a_ledger_can_hold_comes_back(plan, entries):
    with TemporaryDirectory() as folder, open_ledger(Path(folder), "dev") as ledger:
        run = ledger.start_run("f", "me", plan)
        for number, (change, outcome, record) in enumerate(entries):
            ledger.intend(run, change)
            if number % 2:
                ledger.record(run, outcome, record)
        path = write(Path(folder), export_ledger(ledger, with_key=True))
        with elsewhere(Path(folder)) as other:
            bring_in(other, path)
        with elsewhere(Path(folder)) as other:
            assert told(other) == told(ledger)
            assert export_ledger(other, with_key=True) == path.read_bytes()


def test_the_same_ledger_gives_the_same_bytes(ledger, store):
    fill(ledger)
    with store.open() as other:
        assert export_ledger(ledger) == export_ledger(other)


def test_a_document_of_a_time_before_protection_was_remembered_comes_in(ledger, store):
    fill(ledger)
    document = orjson.loads(export_ledger(ledger))
    for resource in document["resources"]:
        del resource["protect"]
    path = write(store.folder, sign(LEDGER, {name: document[name] for name in document if name != "fingerprint"}))
    with elsewhere(store.folder) as other:
        bring_in(other, path)
        assert other.records() == ledger.records()


# ------------------------------------------------------------------------------------------------ secrets


def test_the_key_stays_unless_it_is_asked_for(ledger, store):
    fill(ledger)
    bare = export_ledger(ledger)
    assert ledger.key.hex().encode() not in bare
    assert ledger.key.hex().encode() in export_ledger(ledger, with_key=True)
    assert b"${env:TOKEN}" in bare
    path = write(store.folder, bare)
    with elsewhere(store.folder) as other:
        assert bring_in(other, path) is False
    with elsewhere(store.folder) as other:
        assert other.lineage == ledger.lineage
        assert other.key != ledger.key


# ------------------------------------------------------------------------------------------------ what is refused


def test_a_ledger_that_holds_anything_is_not_filled(ledger, store):
    path = write(store.folder, export_ledger(ledger))
    fill(ledger)
    before = told(ledger)
    with pytest.raises(LedgerError, match="is not empty") as caught:
        bring_in(ledger, path)
    assert caught.value.hint
    assert told(ledger) == before


def test_a_document_of_another_environment_is_refused(ledger, store):
    path = write(store.folder, export_ledger(ledger))
    with elsewhere(store.folder, "prod") as other, pytest.raises(LedgerError, match="of the environment 'dev', not"):
        bring_in(other, path)


SPOILED = [
    (table, column, value)
    for table, columns in COLUMNS.items()
    for column in columns
    for value in ([1], -1, 2**40, {"a": 1}, "\x1b odd", None)
    if not (isinstance(columns[column], type) and isinstance(value, columns[column]) and columns[column] is dict)
]


def test_no_spoiled_row_is_taken_in(tmp_path):
    """Each value of each row, replaced by others: what is taken in can be read again, the rest changes nothing."""
    with open_ledger(tmp_path, "dev") as ledger:
        fill(ledger)
        document = orjson.loads(export_ledger(ledger))
    del document["fingerprint"]
    refused = 0
    for number, (table, column, value) in enumerate(SPOILED):
        rows = [dict(row) for row in document[table]]
        rows[0][column] = value
        path = write(tmp_path, sign(LEDGER, {**document, table: rows}))
        with open_ledger(tmp_path / str(number % 2), "dev") as other:
            try:
                bring_in(other, path)
            except LedgerError as error:
                refused += 1
                assert error.hint
                assert (other.serial, other.records(), other.history()) == (0, {}, ())
                continue
        with open_ledger(tmp_path / str(number % 2), "dev") as other:
            other.records()
            other.history()
        for leftover in (tmp_path / str(number % 2)).glob("dev.*"):
            leftover.unlink()
    assert refused > len(SPOILED) / 2
