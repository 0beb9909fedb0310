"""What both stores owe the ledger: tables of its own version, nothing odd believed, everybody served."""

import subprocess
import sys

import pytest

from flext_reconciler.errors import LedgerError
from flext_reconciler.ledger import migrations
from flext_reconciler.model import Action, Address, Change, Reason, Record
from ledger_stores import fill

WMS = Address("flexcore", "plugin", "wms")
CHANGE = Change(WMS, Action.CREATE, Reason.NEW, desired={"type": "meltano"})


# ------------------------------------------------------------------------------------------------ versions


def test_a_ledger_of_a_newer_flext_is_refused_and_untouched(store):
    store.open().close()
    store.version(99)
    with pytest.raises(LedgerError, match="made by a newer flext") as caught:
        store.open()
    assert caught.value.hint == "Upgrade flext."
    store.version(len(migrations.MIGRATIONS))
    store.open().close()


def test_the_oldest_ledger_is_migrated(store, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:1])
        with store.open() as old:
            identity = (old.lineage, old.key)
    store.execute("INSERT INTO runs (id, started, who, plan) VALUES (7, '2026-01-02T03:04:05+00:00', 'me', 'f')")
    spec = store.blob(b'{"a":1}')
    store.execute(
        "INSERT INTO resources (address, id, desired, observed, serial, run)"
        f" VALUES ('{WMS}', '1', {spec}, {spec}, 0, 7)"
    )
    for _ in range(2):
        with store.open() as ledger:
            assert (ledger.lineage, ledger.key) == identity
            assert ledger.records() == {WMS: Record(WMS, "1", {"a": 1}, {"a": 1})}
            assert ledger.plan_of(7) is None
    with store.open() as ledger, ledger.lock("apply"):
        assert ledger.start_run("f", "me") == 8


def test_a_failed_migration_leaves_the_ledger_as_it_was(store, monkeypatch):
    store.open().close()
    steps = ("ALTER TABLE runs ADD COLUMN extra TEXT", "ALTER TABLE nothing ADD COLUMN x TEXT")
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, steps))
        with pytest.raises(LedgerError):
            store.open()
    with store.open() as ledger:
        ledger.start_run("f", "me")
    with pytest.raises(Exception, match="extra"):
        store.execute("SELECT extra FROM runs")


def test_a_ledger_of_ones_own_imports_nothing_of_a_shared_one(tmp_path):
    program = (
        "import pathlib, sys; from flext_reconciler.ledger import open_ledger\n"
        "with open_ledger(pathlib.Path(sys.argv[1]), 'dev') as ledger, ledger.lock('apply'):\n"
        "    ledger.start_run('f', 'me')\n"
        "print({'sqlalchemy', 'psycopg'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# ------------------------------------------------------------------------------------------------ contents


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM meta",
        "UPDATE meta SET key = <00>",
        "UPDATE resources SET desired = <7b>",
        "UPDATE resources SET observed = <5b5d>",
        "UPDATE resources SET address = 'nowhere'",
        "UPDATE resources SET desired = <7b2261223a7b2224736563726574223a317d7d>",  # {"a":{"$secret":1}}
        "UPDATE intents SET action = 'explode'",
        "UPDATE intents SET change = <7b7d>",
        "UPDATE outcomes SET status = 'odd'",
        "UPDATE outcomes SET fields = <5b7b2270617468223a337d5d>",  # [{"path":3}]
        "UPDATE runs SET started = 'yesterday'",
        "UPDATE runs SET document = <7b>",
        "UPDATE leases SET heartbeat_at = 'now'",
        "UPDATE leases SET ttl = 1e300",
    ],
)
def test_rows_that_no_flext_wrote_are_refused(statement, store):
    with store.open() as ledger, ledger.lock("apply"):
        run = fill(ledger, 1)
        ledger.intend(run, CHANGE)
        before, _, rest = statement.partition("<")
        blob, _, after = rest.partition(">")
        store.execute(before + store.blob(bytes.fromhex(blob)) + after if rest else statement)
        with pytest.raises(LedgerError, match="is damaged") as caught, store.open() as other:
            other.records()
            other.history()
            other.plan_of(run)
            other.lease()
        assert caught.value.hint


# ------------------------------------------------------------------------------------------------ several at once


def test_a_busy_ledger_is_explained(store):
    with store.open() as mine, store.open() as other:
        store.hurry(mine)
        with other.writing(), pytest.raises(LedgerError, match="kept busy by another"):
            mine.start_run("f", "me")
        mine.records()
        mine.start_run("f", "me")


def test_reading_does_not_wait_for_a_writer(store):
    with store.open() as mine, store.open() as other:
        store.hurry(mine)
        with other.writing():
            assert mine.records() == {}
            assert mine.lease() is None


def test_a_transaction_that_fails_leaves_nothing(store):
    with store.open() as ledger:
        serial = ledger.serial
        with pytest.raises(RuntimeError), ledger.writing() as transaction:
            transaction.change("UPDATE meta SET lineage = 'x'")
            raise RuntimeError
        assert ledger.serial == serial
        with store.open() as other:
            assert (other.lineage, other.serial) == (ledger.lineage, serial)


OPEN = """
import pathlib, sys
from flext_reconciler.ledger import open_ledger
sys.stdin.readline()
print(open_ledger(pathlib.Path(sys.argv[1]), "dev", url=sys.argv[2]).lineage)
"""


def test_processes_that_open_at_once_share_one_ledger(store):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, str(store.folder), store.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    lineages = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 4
    assert len(lineages) == 1
    assert sorted(path.name for path in store.folder.iterdir()) == ([] if store.url else [".gitignore", "dev.db"])
