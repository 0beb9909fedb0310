"""The statements that write the journal; each belongs into a writing transaction of the ledger."""

from __future__ import annotations

from ..model import Address, Change, Outcome, Record
from ..planfile.encode import dump_change, dump_spec
from .rows import dump_outcome
from .store import Transaction


def put_run(
    transaction: Transaction,
    at: str,
    who: str,
    plan: str,
    document: bytes | None = None,
    revision: str = "",
    undoes: int = 0,
) -> int:
    """Begin a run and return its number."""
    ((run,),) = transaction.rows(
        "INSERT INTO runs (id, started, who, plan, document, revision, undoes)"
        " VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM runs), :started, :who, :plan, :document, :revision, :undoes)"
        " RETURNING id",
        started=at,
        who=who,
        plan=plan,
        document=document,
        revision=revision,
        undoes=undoes,
    )
    return int(run)


def put_intent(transaction: Transaction, run: int, change: Change, at: str) -> None:
    """Write down an intent."""
    transaction.change(
        "INSERT INTO intents (id, run, address, action, change, at)"
        " VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM intents), :run, :address, :action, :change, :at)",
        run=run,
        address=str(change.address),
        action=change.action.value,
        change=dump_change(change),
        at=at,
    )


def put_outcome(transaction: Transaction, run: int, outcome: Outcome) -> None:
    """Write down how a change ended; the last word of a run on an address counts."""
    transaction.change(
        "INSERT INTO outcomes (run, address, action, status, id, message, hint, fields, seconds)"
        " VALUES (:run, :address, :action, :status, :id, :message, :hint, :fields, :seconds)"
        " ON CONFLICT (run, address) DO UPDATE SET action = excluded.action, status = excluded.status,"
        " id = excluded.id, message = excluded.message, hint = excluded.hint, fields = excluded.fields,"
        " seconds = excluded.seconds",
        **dump_outcome(run, outcome),
    )


def put_record(transaction: Transaction, run: int, address: Address, record: Record | None, at: str) -> None:
    """Write down what is known of a resource, or that nothing is, and finish its open intents."""
    transaction.change(
        "UPDATE intents SET finished_at = :at WHERE address = :address AND finished_at IS NULL",
        at=at,
        address=str(address),
    )
    if record is None:
        transaction.change("DELETE FROM resources WHERE address = :address", address=str(address))
        return
    transaction.change(
        "INSERT INTO resources (address, id, desired, observed, deletion, due, protect, serial, run)"
        " VALUES (:address, :id, :desired, :observed, :deletion, :due, :protect, (SELECT serial FROM meta), :run)"
        " ON CONFLICT (address) DO UPDATE SET id = excluded.id, desired = excluded.desired,"
        " observed = excluded.observed, deletion = excluded.deletion, due = excluded.due, protect = excluded.protect,"
        " serial = excluded.serial, run = excluded.run",
        address=str(address),
        id=record.id,
        desired=dump_spec(record.desired),
        observed=dump_spec(record.observed),
        deletion=record.deletion.value,
        due=record.due,
        protect=int(record.protect),
        run=run,
    )


def put_result(transaction: Transaction, run: int, result: str, at: str) -> None:
    """End a run."""
    transaction.change(
        "UPDATE runs SET ended = :ended, result = :result WHERE id = :run", ended=at, result=result, run=run
    )
