"""Killed before any SQL statement, the ledger is readable, holds what was promised, and is not locked."""

import subprocess
import sys
from pathlib import Path

from flext_reconciler.model import Action, Address, Change, Outcome, Reason, Record, Status

WMS = Address("flexcore", "plugin", "wms")
CHANGE = Change(WMS, Action.CREATE, Reason.NEW, desired={"type": "meltano"})
DONE = Outcome(WMS, Action.CREATE, Status.DONE, id="7")
RECORD = Record(WMS, "7", {"type": "meltano"}, {"type": "meltano"})
ATTEMPTED = ({"type": "meltano"},)
PENDING = Record(WMS, None, {"type": "meltano"}, {}, Action.CREATE, attempted=ATTEMPTED)

STEPS = (
    lambda ledger: ledger.start_run("f", "me"),
    lambda ledger: ledger.intend(1, CHANGE),
    lambda ledger: ledger.record(1, DONE, RECORD),
    lambda ledger: ledger.intend(1, CHANGE),
    lambda ledger: ledger.record(1, DONE, None),
    lambda ledger: ledger.finish_run(1, "converged"),
)
# After each number of steps: the records and how many runs there are, ended or not.
STATES = (
    ({}, []),
    ({}, [""]),
    ({WMS: PENDING}, [""]),
    ({WMS: RECORD}, [""]),
    ({WMS: Record(WMS, "7", RECORD.desired, RECORD.observed, Action.CREATE, attempted=ATTEMPTED)}, [""]),
    ({}, [""]),
    ({}, ["converged"]),
)

# Forks children that open a new ledger, or take the steps in an empty one, and kill themselves just before a statement.
# What each left behind is printed: which statement, after how many steps, and what the ledger holds.
DRIVER = """
import os, pathlib, signal, sys
folder, url = pathlib.Path(sys.argv[1]), sys.argv[2]
sys.path[:0] = sys.argv[3:]
from flext_reconciler.ledger import open_ledger
from test_crash import STEPS
progress = folder / "progress"

def watch(tell):
    if url:
        from sqlalchemy import Engine, event
        event.listen(Engine, "before_cursor_execute", lambda *_: tell())
        event.listen(Engine, "commit", lambda _: tell())
        return
    import sqlite3
    connect = sqlite3.connect

    def traced(*given, **named):
        connection = connect(*given, **named)
        connection.set_trace_callback(lambda _: tell())
        return connection

    sqlite3.connect = traced

def is_killed(doomed, work):
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] != 0
    left = doomed

    def tell():
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    watch(tell)
    work()
    os._exit(0)

def take_steps():
    with open_ledger(folder, "dev", url=url) as ledger, ledger.lock("apply"):
        for number, step in enumerate(STEPS, 1):
            step(ledger)
            progress.write_text(str(number))

def look(environment):
    with open_ledger(folder, environment, url=url) as ledger, ledger.lock("check", timeout=1):
        print(progress.read_text(), repr((ledger.records(), [run.result for run in ledger.history()])))
        ledger.start_run("f", "the next one")

def clear():
    progress.write_text("0")
    with open_ledger(folder, "dev", url=url) as ledger, ledger.writing() as transaction:
        for table in ("outcomes", "intents", "resources", "runs", "leases"):
            transaction.change(f"DELETE FROM {table}")

clear()
doomed = 0
while is_killed(doomed, lambda: open_ledger(folder, f"new-{doomed}", url=url)):
    look(f"new-{doomed}")
    doomed += 5
doomed = 0
while is_killed(doomed, take_steps):
    look("dev")
    clear()
    doomed += 1
"""


def test_a_kill_before_any_statement_loses_nothing(store):
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(store.folder), store.url, str(Path(__file__).parent)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) > 40
    for number, line in enumerate(lines):
        promised, _, state = line.partition(" ")
        assert state in [repr(known) for known in STATES[int(promised) :][:2]], f"kill {number}"
