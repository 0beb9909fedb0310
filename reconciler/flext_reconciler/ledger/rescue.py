"""What a ledger could not store in the middle of a run, kept in a file until it can be stored after all.

    record ──fails──→ rescue file ──flext ledger import──→ recorded
                 └──→ nothing more is begun

What was under way is in the journal as open intents anyway, so that even without the file the next plan finds out by
reading how it ended; the file saves it from having to.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path as FilePath

import orjson

from ..errors import LedgerError
from ..model import Address, Change, Json, Outcome, Plan, Record
from ..planfile.encode import dump_spec
from ..planfile.files import write_whole
from .directory import prepare
from .documents import document_row, malformed, require, row_document, sign
from .journal import put_outcome, put_record, put_result
from .lease import LostLock
from .ledger import Ledger
from .rows import RECORD, dump_outcome, read_outcome, read_record
from .store import Transaction

RESCUE = "flext-rescue"
"""The kind of the document."""

RESCUED = "rescued"
"""The result of a run that ended with a rescue file."""


class RescuingLedger:
    """The journal of one run of a plan; what the ledger fails to store goes into a rescue file."""

    def __init__(self, ledger: Ledger, plan: Plan, directory: FilePath) -> None:
        self._ledger = ledger
        self._plan = plan
        self._directory = directory
        self._path: FilePath | None = None
        self._entries: list[Json] = []
        self._result: str | None = None
        self._failed = ""

    def start_run(self, plan_fingerprint: str, who: str) -> int:
        """Begin a run, whose plan is kept."""
        return self._ledger.start_run(plan_fingerprint, who, self._plan, revision=self._plan.revision)

    def intend(self, run: int, change: Change) -> None:
        """Write down what is about to be done; refused once anything could not be stored."""
        if self._failed:
            raise LedgerError(self._failed, hint="Nothing more is begun.")
        self._ledger.intend(run, change)

    def record(self, run: int, outcome: Outcome, record: Record | None) -> None:
        """Write down how a change ended and what is known of its resource now."""
        entry = {**_entry(run, outcome), "settled": True, "record": None if record is None else _record(record)}
        self._store(run, lambda: self._ledger.record(run, outcome, record), entry)

    def note(self, run: int, outcome: Outcome) -> None:
        """Write down how a change ended of which nothing new is known."""
        self._store(run, lambda: self._ledger.note(run, outcome), _noted(run, outcome))

    def finish_run(self, run: int, result: str, rest: Iterable[Outcome] = ()) -> None:
        """End the run, and note the `rest`: what it never began."""
        self._result, noted = result, tuple(rest)
        entries = [_noted(run, outcome) for outcome in noted]
        self._store(run, lambda: self._ledger.finish_run(run, result, noted), *entries)

    def _store(self, run: int, write: Callable[[], None], *entries: Json) -> None:
        try:
            write()
        except LostLock:  # whoever has the lock now goes by the journal; what we know is not news to them
            raise
        except LedgerError as error:
            self._entries += entries
            self._failed = f"{error.message}; {self._rescue(run)}"
            raise LedgerError(self._failed, hint=error.hint) from None

    def _rescue(self, run: int) -> str:
        content = sign(
            RESCUE,
            {
                "environment": self._ledger.environment,
                "lineage": self._ledger.lineage,
                "serial": self._ledger.serial,
                "run": run,
                "result": self._result or RESCUED,
                "entries": self._entries,
            },
        )
        name = f"{self._ledger.environment}.rescue-{run}-{secrets.token_hex(2)}.json"
        for place in (self._usual, _elsewhere):
            try:
                path = place(name)
                write_whole(path, content)
            except (OSError, LedgerError):
                continue
            self._path = path
            return f"what it could not store is in {path}, for `flext ledger import`"
        return "no rescue file could be written either, so the next plan has to find out what was done"

    def _usual(self, name: str) -> FilePath:
        prepare(self._directory)
        return self._path or self._directory / name


def _elsewhere(name: str) -> FilePath:
    """A disk that is full for the ledger is so for its directory, but rarely for everything."""
    return FilePath(tempfile.mkdtemp(prefix="flext-rescue-")) / name


def _entry(run: int, outcome: Outcome) -> dict[str, Json]:
    return {"outcome": row_document("outcomes", tuple(dump_outcome(run, outcome).values()))}


def _noted(run: int, outcome: Outcome) -> dict[str, Json]:
    return {**_entry(run, outcome), "settled": False, "record": None}


def _record(record: Record) -> dict[str, Json]:
    return {
        "id": record.id,
        "desired": orjson.loads(dump_spec(record.desired)),
        "observed": orjson.loads(dump_spec(record.observed)),
        "deletion": record.deletion.value,
        "due": record.due,
        "protect": int(record.protect),
    }


# ------------------------------------------------------------------------------------------------ taking it back


@dataclass(frozen=True, slots=True)
class Returned:
    """What became of a rescue file."""

    stored: tuple[Address, ...] = ()
    known: tuple[Address, ...] = ()  # stored already, by an earlier import or before the ledger failed
    superseded: tuple[Address, ...] = ()  # later runs know better


@dataclass(frozen=True, slots=True)
class _Entry:
    outcome: Outcome
    settled: bool
    record: Record | None


def import_rescue(ledger: Ledger, path: FilePath, document: dict[str, Json], at: str) -> Returned:
    """Store what a run of this very ledger could not; what is stored already, or known better, stays as it is."""
    require(
        document.get("lineage") == ledger.lineage,
        f"{path} belongs to another ledger than {ledger.name}",
        "Choose its environment with -e; a ledger that was started anew has no use for it.",
    )
    try:
        run, result = int(document["run"]), str(document["result"])
        entries = [_read(entry) for entry in document["entries"]]
    except (KeyError, TypeError, ValueError) as error:
        raise malformed(path, error) from None
    ledger.records()
    with ledger.reading() as transaction:
        runs = transaction.rows("SELECT ended FROM runs WHERE id = :run", run=run)
        states = {entry.outcome.address: _state(transaction, run, entry) for entry in entries}
    require(bool(runs), f"{path} is of run {run}, which {ledger.name} does not have", "It was brought back to earlier.")
    returned = Returned(*(tuple(sorted(a for a in states if states[a] == state)) for state in _STATES))
    if returned.stored or runs == [(None,)]:
        with ledger.writing() as transaction:
            for entry in entries:
                if entry.outcome.address in returned.stored:
                    _put(transaction, run, entry, at)
            if runs == [(None,)]:
                put_result(transaction, run, result, at)
    return returned


_STATES = ("stored", "known", "superseded")


def _state(transaction: Transaction, run: int, entry: _Entry) -> str:
    address = str(entry.outcome.address)
    later = transaction.rows(
        "SELECT 1 FROM outcomes WHERE address = :address AND run > :run AND status NOT IN ('blocked', 'not_started')"
        " UNION ALL SELECT 1 FROM intents WHERE address = :address AND run > :run"
        " UNION ALL SELECT 1 FROM runs WHERE plan = '' AND id > :run",  # somebody made it forget something
        address=address,
        run=run,
    )
    if later:
        return "superseded"
    columns = dump_outcome(run, entry.outcome)
    held = transaction.rows(
        f"SELECT {', '.join(columns)} FROM outcomes WHERE address = :address AND run = :run",  # noqa: S608 - our names
        address=address,
        run=run,
    )
    return "known" if held == [tuple(columns.values())] else "stored"


def _put(transaction: Transaction, run: int, entry: _Entry, at: str) -> None:
    put_outcome(transaction, run, entry.outcome)
    if entry.settled:
        put_record(transaction, run, entry.outcome.address, entry.record, at)


def _read(document: Json) -> _Entry:
    row = document_row("outcomes", document["outcome"])
    outcome = read_outcome(tuple(value for column, value in row.items() if column != "run"))
    return _Entry(outcome, document["settled"] is True, _read_record(outcome.address, document["record"]))


def _read_record(address: Address, document: Json) -> Record | None:
    if document is None:
        return None
    row = document_row("resources", {**document, "address": str(address), "serial": 0, "run": 0})
    return read_record(tuple(row[name] for name in RECORD))
