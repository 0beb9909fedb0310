"""The ledger itself: records, journal, lock.

intend ─commit→ request ─reply→ record      a crash in between leaves an open intent, and the next plan says so
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path as FilePath
from types import TracebackType

import orjson

from ..errors import LedgerError
from ..model import Action, Address, Change, Outcome, Plan, Record, Touch
from ..planfile import dump, from_json
from .directory import rescue_files
from .journal import put_intent, put_outcome, put_record, put_result, put_run
from .lease import TTL, Hold, Lease, Wish, look, take, unlock
from .rows import RECORD, Intent, Run, read_identity, read_intents, read_record, read_run, read_touch
from .runs import find_document, find_runs, find_touches
from .store import Database, Transaction

Clock = Callable[[], datetime]


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


class Ledger:
    """What flext did in one environment; open it with `open_ledger`, as a context manager.

    Each write is one durable transaction that succeeds only when nobody else wrote since this ledger was opened, or
    since `records` was last called: what was decided from old records is never carried out. Inside `lock` it fails as
    well once the lock is lost. Failures are LedgerError.
    """

    lineage: str
    """Names this ledger for ever; another one, even of the same environment, has another."""

    key: bytes
    """Made once, for the fingerprints of this environment's secrets."""

    def __init__(self, database: Database, environment: str, clock: Clock, directory: FilePath) -> None:
        self.environment = environment
        self._database = database
        self._clock = clock
        self._directory = directory
        self._hold: Hold | None = None
        with ExitStack() as stack:
            stack.callback(database.close)
            with database.transaction() as transaction:
                found = transaction.rows("SELECT lineage, serial, key FROM meta")
            with self.decoding():
                self.lineage, self._serial, self.key = read_identity(found)
            stack.pop_all()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the ledger; closing twice is harmless."""
        self._database.close()

    @property
    def name(self) -> str:
        """Where the ledger is, for people."""
        return self._database.name

    @property
    def serial(self) -> int:
        """The number of writes so far, as of the last `records` or write of this ledger."""
        return self._serial

    @property
    def waiting(self) -> tuple[FilePath, ...]:
        """The files with what an earlier run could not store and nobody has taken back yet."""
        return rescue_files(self._directory, self.environment)

    # -------------------------------------------------------------------------------------------- the lock

    @contextmanager
    def lock(self, purpose: str, timeout: float = 0.0, *, who: str = "", ttl: float = TTL) -> Iterator[Lease]:
        """Hold the environment's lock, waiting up to `timeout` seconds; raises Locked, naming the holder.

        It dies with the process that holds it, and is anybody's when that process does not run for `ttl` seconds.
        Call `records` inside: they may have changed while waiting.
        """
        hold = take(self._database, Wish(self.environment, purpose, who, ttl, timeout))
        self._hold = hold
        try:
            yield hold.lease
        finally:
            self._hold = None
            hold.release(self._database)

    def lease(self) -> Lease | None:
        """Return who holds the lock, dead or alive."""
        return look(self._database)

    def unlock(self, id: str, *, force: bool = False) -> Lease:
        """Take the lock of that id away from whoever holds it; raises Locked when it is alive and not forced."""
        return unlock(self._database, id, force=force)

    # -------------------------------------------------------------------------------------------- reading

    def records(self) -> dict[Address, Record]:
        """Return what is known of every resource, those included of which only an unfinished intent is known."""
        with self._database.transaction() as transaction:
            ((serial,),) = transaction.rows("SELECT serial FROM meta")
            rows = transaction.rows(f"SELECT {', '.join(RECORD)} FROM resources")  # noqa: S608 - our own names
            intents = transaction.rows(
                "SELECT address, action, change FROM intents WHERE finished_at IS NULL ORDER BY id"
            )
        with self.decoding():
            pending: dict[str, list[Intent]] = {}
            for text, action, change in intents:
                pending.setdefault(text, []).append((Action(action), change))
            found = [read_record(row, pending.pop(row[0], ())) for row in rows]
            found += [read_intents(text, intents) for text, intents in pending.items()]
        self._serial = serial
        return {record.address: record for record in sorted(found, key=lambda record: record.address)}

    def in_flight(self) -> dict[Address, Action]:
        """Return what was begun and of which nobody wrote down how it ended."""
        with self._database.transaction() as transaction:
            rows = transaction.rows("SELECT address, action FROM intents WHERE finished_at IS NULL ORDER BY id")
        with self.decoding():
            return {Address.parse(text): Action(action) for text, action in rows}

    def history(self, limit: int = 20) -> tuple[Run, ...]:
        """Return the latest runs, newest first."""
        return self._runs(limit=limit)

    def run(self, id: int) -> Run | None:
        """Return one run."""
        return next(iter(self._runs(id=id)), None)

    def touches(self, run: int) -> tuple[Touch, ...]:
        """Return what a run touched, and what later ones did to any of that; what it never began is not in it."""
        with self._database.transaction() as transaction:
            found = find_touches(transaction, run)
        with self.decoding():
            return tuple(map(read_touch, found))

    def plan_of(self, run: int) -> Plan | None:
        """Return the plan of a run, when it was kept; raises PlanFileError when this flext cannot read it."""
        with self._database.transaction() as transaction:
            document = find_document(transaction, run)
        with self.decoding():
            return None if document is None else from_json(orjson.loads(document))

    def _runs(self, **wanted: int) -> tuple[Run, ...]:
        with self._database.transaction() as transaction:
            found = find_runs(transaction, **wanted)
        with self.decoding():
            return tuple(read_run(*rows) for rows in found)

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Turn what no flext wrote into a LedgerError."""
        try:
            yield
        except (KeyError, TypeError, ValueError) as error:
            raise self._database.damaged(error) from None

    # -------------------------------------------------------------------------------------------- writing

    def start_run(self, plan_fingerprint: str, who: str, plan: Plan | None = None, *, revision: str = "") -> int:
        """Begin a run and return its number; its plan is kept, and the revision of what it was made from."""
        document, undoes = (None, 0) if plan is None else (dump(plan), plan.undoes)
        with self.writing() as transaction:
            return put_run(transaction, self._time(), who, plan_fingerprint, document, revision, undoes)

    def intend(self, run: int, change: Change) -> None:
        """Write down what is about to be done; on disk when this returns."""
        with self.writing() as transaction:
            put_intent(transaction, run, change, self._time())

    def record(self, run: int, outcome: Outcome, record: Record | None) -> None:
        """Write down how a change ended and what is known of its resource now; None forgets the resource.

        Finishes every open intent of the address, those of earlier runs included.
        """
        with self.writing() as transaction:
            put_outcome(transaction, run, outcome)
            put_record(transaction, run, outcome.address, record, self._time())

    def note(self, run: int, outcome: Outcome) -> None:
        """Write down how a change ended of which nothing new is known: never begun, or still in doubt.

        Leaves the record and an open intent as they are.
        """
        with self.writing() as transaction:
            put_outcome(transaction, run, outcome)

    def finish_run(self, run: int, result: str, rest: Iterable[Outcome] = ()) -> None:
        """End a run, and note the `rest`: what it never began. One that was killed never gets here."""
        with self.writing() as transaction:
            for outcome in rest:
                put_outcome(transaction, run, outcome)
            put_result(transaction, run, result, self._time())

    def forget(self, addresses: Iterable[Address], who: str) -> int:
        """Remove what is known of some addresses, as a run of its own; raises LedgerError when one is unknown."""
        wanted = sorted(set(addresses))
        unknown = [str(address) for address in wanted if address not in self.records()]
        if unknown:
            raise LedgerError(
                f"the ledger holds nothing about {', '.join(unknown)}", hint="`flext ledger show` lists what it holds."
            )
        with self.writing() as transaction:
            run = put_run(transaction, self._time(), who, "")
            for address in wanted:
                put_record(transaction, run, address, None, self._time())
            put_result(transaction, run, "forgot " + ", ".join(map(str, wanted)), self._time())
        return run

    def reading(self) -> AbstractContextManager[Transaction]:
        """Read everything from one snapshot."""
        return self._database.transaction()

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """Write as the only one, unless the ledger moved or the lock was lost; counts as one write."""
        with self._database.transaction(write=True) as transaction:
            moved = transaction.change(
                "UPDATE meta SET serial = serial + 1 WHERE serial = :serial", serial=self._serial
            )
            if self._hold is not None:  # after the update: who wants to take the lock over waits for it
                self._hold.check(transaction)
            if moved != 1:
                raise LedgerError(
                    f"the ledger {self.name} was changed by another process",
                    hint="Run the command again: it starts from what that process did.",
                )
            yield transaction
        self._serial += 1

    def _time(self) -> str:
        return self._clock().isoformat(timespec="milliseconds")
