"""A ledger in one SQLite file: made whole or not at all, opened only when it is ours, every failure explained.

Slow to import; `open_ledger` does so when a ledger is opened.

The file is never opened but by SQLite: closing any other descriptor of it would drop SQLite's own locks.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path as FilePath

from ..errors import LedgerError
from ..planfile.files import sync_directory
from . import migrations
from .directory import check_file, database_path, prepare
from .flock import LockFile, is_locked
from .store import Row, Transaction, Value

_BUSY_SECONDS = 10.0

_EXPLANATIONS = {
    sqlite3.SQLITE_BUSY: ("is kept busy by another process", "Try again when that process has ended."),
    sqlite3.SQLITE_FULL: ("cannot grow: the disk is full", "Make room and run the command again."),
    sqlite3.SQLITE_IOERR: ("cannot be read or written: input/output error", "Check the disk and its space."),
    sqlite3.SQLITE_READONLY: ("cannot be written", "Check its permissions and those of its directory."),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "Check its permissions and those of its directory."),
}
_DAMAGED = (
    "is damaged, or not a ledger",
    "Move it aside: the next plan finds what carries our mark, and only history is lost.",
)


def open_sqlite(directory: FilePath, environment: str) -> SqliteDatabase:
    """Open the database of an environment, made when it is missing; raises LedgerError."""
    path = database_path(directory, environment)
    with _explained(path):
        prepare(directory)
        if not check_file(path):
            _create(path)
        return SqliteDatabase(path)


class SqliteTransaction:
    """Statements on an open connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, /, **values: Value) -> list[Row]:
        """Execute a statement and return its rows."""
        return self._connection.execute(statement, values).fetchall()

    def change(self, statement: str, /, **values: Value) -> int:
        """Execute a statement and return how many rows it touched."""
        return self._connection.execute(statement, values).rowcount

    def now(self) -> datetime:
        """Return this machine's time: the file is nobody else's."""
        return datetime.now(UTC)


class SqliteDatabase:
    """An open ledger file; every use is a transaction, synced to disk at its end."""

    def __init__(self, path: FilePath, *, any_thread: bool = False) -> None:
        self._path = path
        with ExitStack() as stack:
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw",  # never makes the file
                uri=True,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=not any_thread,
            )
            stack.callback(self._connection.close)
            _check_origin(self._connection, path)
            _configure(self._connection)
            _migrate(self._connection)
            stack.pop_all()

    @property
    def name(self) -> str:
        """The path of the file."""
        return str(self._path)

    @contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[SqliteTransaction]:
        """Do everything inside or nothing; raises LedgerError."""
        with _explained(self._path), _transaction(self._connection, "IMMEDIATE" if write else "DEFERRED"):
            yield SqliteTransaction(self._connection)

    def claim(self, number: int) -> FileClaim:
        """Lock a file under a number; only inside a writing transaction, as those that nobody locks are removed."""
        path = self._lock_path(number)
        claim = FileClaim(LockFile(path), self._path)
        prefix = self._lock_path("").name
        for old in path.parent.glob(f"{prefix}*"):
            if old.name.removeprefix(prefix).isdecimal() and not is_locked(old):
                old.unlink(missing_ok=True)
        return claim

    def is_claimed(self, transaction: Transaction, number: int) -> bool:
        """Tell whether a living process has locked the file of a number."""
        return is_locked(self._lock_path(number))

    def damaged(self, detail: object) -> LedgerError:
        """Return the error for content that no flext wrote."""
        return _error(self._path, *_DAMAGED, detail)

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        self._connection.close()

    def _lock_path(self, number: int | str) -> FilePath:
        return self._path.with_name(f"{self._path.stem}.lock-{number}")


class FileClaim:
    """A lock file, and a second connection to the ledger once somebody wants one."""

    def __init__(self, lock: LockFile, path: FilePath) -> None:
        self._lock = lock
        self._path = path
        self._database: SqliteDatabase | None = None

    def database(self) -> SqliteDatabase:
        """Return a connection for another thread."""
        if self._database is None:
            with _explained(self._path):
                self._database = SqliteDatabase(self._path, any_thread=True)
        return self._database

    def release(self) -> None:
        """Let go of the file."""
        if self._database is not None:
            self._database.close()
        self._lock.release()


@contextmanager
def _transaction(connection: sqlite3.Connection, mode: str) -> Iterator[None]:
    connection.execute(f"BEGIN {mode}")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def _explained(path: FilePath) -> Iterator[None]:
    try:
        yield
    except sqlite3.ProgrammingError:  # ours: a ledger that was closed before
        raise
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # without the extended part
        raise _error(path, *_EXPLANATIONS.get(code, _DAMAGED), error) from None
    except OSError as error:
        raise _error(path, "cannot be used", "Check the directory, its permissions and space.", error) from None


def _error(path: FilePath, what: str, hint: str, detail: object) -> LedgerError:
    return LedgerError(f"the ledger {path} {what} ({detail})", hint=hint)


# ------------------------------------------------------------------------------------------------ a new file


def _create(path: FilePath) -> None:
    """Build the database under another name and link it into place: nobody ever sees half of one."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    try:
        with closing(sqlite3.connect(name, isolation_level=None)) as connection:
            _configure(connection)
            _migrate(connection)
        with suppress(FileExistsError):  # another process was faster: its ledger is as good
            path.hardlink_to(name)
    finally:
        FilePath(name).unlink()
    sync_directory(path.parent)


# ------------------------------------------------------------------------------------------------ an existing file


def _check_origin(connection: sqlite3.Connection, path: FilePath) -> None:
    version = _version(connection)
    if _pragma(connection, "application_id") != migrations.APPLICATION_ID or version < 1:
        raise _error(path, *_DAMAGED, "it does not say that it is one")
    if version > len(migrations.MIGRATIONS):
        raise LedgerError(
            f"the ledger {path} was made by a newer flext (version {version}, this one reads up to "
            f"{len(migrations.MIGRATIONS)})",
            hint="Upgrade flext.",
        )


def _configure(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")


def _migrate(connection: sqlite3.Connection) -> None:
    if _version(connection) == len(migrations.MIGRATIONS):
        return
    with _transaction(connection, "IMMEDIATE"):
        version = _version(connection)  # again: another process may just have done it
        migrations.migrate(SqliteTransaction(connection), version)
        connection.execute(f"PRAGMA user_version = {len(migrations.MIGRATIONS)}")
        if version == 0:
            connection.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")


def _version(connection: sqlite3.Connection) -> int:
    return _pragma(connection, "user_version")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
