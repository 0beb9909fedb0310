"""A ledger in PostgreSQL, for a team: one schema an environment, so that each can be granted to its own people.

Very slow to import; `open_ledger` does so when an environment names such a ledger.

An advisory lock of a session says that its process lives: the server lets go of it when the connection breaks. That
needs sessions of our own, so a pooler between flext and the server must not share them out by transaction.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import NullPool, TextClause, create_engine, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from ..errors import LedgerError, Locked
from . import migrations
from .directory import check_name
from .failures import NO_CONNECTION, explain
from .store import Row, Transaction, Value

_LONGEST_NAME = 57  # with the prefix, what PostgreSQL keeps of an identifier
_DEFAULTS = {"connect_timeout": "10", "tcp_user_timeout": "10000", "fallback_application_name": "flext"}

# A process that is paused in the middle of a transaction must not keep the others out for ever.
_SESSION = """
    SELECT set_config('search_path', %(path)s, false),
           set_config('lock_timeout', '10s', false),
           set_config('idle_in_transaction_session_timeout', '5s', false),
           set_config('synchronous_commit',
                      replace(current_setting('synchronous_commit'), 'off', 'on'), false)
"""


def open_postgres(url: str, environment: str) -> PostgresDatabase:
    """Open an environment's schema in the database of a URL, made when it is missing; raises LedgerError."""
    check_name(environment)
    if len(environment) > _LONGEST_NAME:
        raise LedgerError(
            f"{environment!r} cannot name a ledger in PostgreSQL",
            hint=f"Name the environment with at most {_LONGEST_NAME} characters.",
        )
    try:
        parameters = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.ProgrammingError:  # its text quotes the URL, the password included
        raise LedgerError(
            "the URL of the ledger cannot be read", hint="Write postgresql://user@host:port/database."
        ) from None
    database = PostgresDatabase(_DEFAULTS | parameters, f"flext_{environment}")
    with ExitStack() as stack:
        stack.callback(database.close)
        database.prepare()
        stack.pop_all()
    return database


class PostgresTransaction:
    """Statements on an open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, /, **values: Value) -> list[Row]:
        """Execute a statement and return its rows."""
        result = self._connection.execute(_text(statement), _stored(values))
        return [tuple(_read(value) for value in row) for row in result]

    def change(self, statement: str, /, **values: Value) -> int:
        """Execute a statement and return how many rows it touched."""
        return self._connection.execute(_text(statement), _stored(values)).rowcount

    def now(self) -> datetime:
        """Return the server's time."""
        ((now,),) = self.rows("SELECT clock_timestamp()")
        assert isinstance(now, datetime)
        return now.astimezone(UTC)


class PostgresDatabase:
    """A session on the server; every use is a transaction, durable at its end."""

    def __init__(self, parameters: Mapping[str, str], schema: str, *, claiming: int | None = None) -> None:
        self._parameters = parameters
        self._schema = schema
        self._claiming = claiming
        self._engine = create_engine(
            "postgresql+psycopg://", creator=self._connect, poolclass=NullPool, use_native_hstore=False
        )
        with self._explained():
            self._connection = self._engine.connect()

    @property
    def name(self) -> str:
        """The database's URL without user and password, and the schema."""
        host, port, database = (self._parameters.get(key, "") for key in ("host", "port", "dbname"))
        place = "" if host.startswith("/") else host + (f":{port}" if port else "")
        return f"postgresql://{place}/{database} ({self._schema})"

    @contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[PostgresTransaction]:
        """Do everything inside or nothing; raises LedgerError."""
        with self._explained(), self._connection.begin():
            transaction = PostgresTransaction(self._connection)
            if not write:
                transaction.change("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield transaction

    def claim(self, number: int) -> SessionClaim:
        """Take an advisory lock on a session of its own."""
        return SessionClaim(PostgresDatabase(self._parameters, self._schema, claiming=self._key(f"claim {number}")))

    def is_claimed(self, transaction: Transaction, number: int) -> bool:
        """Tell whether a living session holds the advisory lock of a number."""
        key = self._key(f"claim {number}") % 2**64
        found = transaction.rows(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
            " AND CAST(classid AS bigint) = :high AND CAST(objid AS bigint) = :low"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            high=key >> 32,
            low=key & 0xFFFFFFFF,
        )
        return bool(found)

    def damaged(self, detail: object) -> LedgerError:
        """Return the error for content that no flext wrote."""
        return explain(self.name, "", detail)

    def close(self) -> None:
        """End the session; closing twice is harmless."""
        self._connection.close()
        self._engine.dispose()

    # -------------------------------------------------------------------------------------------- the schema

    def prepare(self) -> None:
        """Bring the schema up to date, made when it is missing; raises LedgerError."""
        with self.transaction() as transaction:
            version = self._version(transaction)
        if version == len(migrations.MIGRATIONS):
            return
        with self.transaction(write=True) as transaction:
            transaction.rows("SELECT pg_advisory_xact_lock(:key)", key=self._key("migrate"))
            version = self._version(transaction)  # again: another process may just have done it
            if not transaction.rows("SELECT 1 FROM pg_namespace WHERE nspname = :schema", schema=self._schema):
                transaction.change(f'CREATE SCHEMA "{self._schema}"')
            if version == 0:
                transaction.change("CREATE TABLE version (version INTEGER NOT NULL)")
                transaction.change("INSERT INTO version VALUES (0)")
            migrations.migrate(transaction, version)
            transaction.change("UPDATE version SET version = :version", version=len(migrations.MIGRATIONS))

    def _version(self, transaction: PostgresTransaction) -> int:
        # Not `to_regclass`, which may answer from what the session knew before it waited.
        tables = "SELECT 1 FROM pg_tables WHERE schemaname = :schema AND tablename = 'version'"
        if not transaction.rows(tables, schema=self._schema):
            return 0
        found = transaction.rows("SELECT version FROM version")
        if len(found) != 1 or not isinstance(found[0][0], int):
            raise self.damaged("it does not say that it is one")
        version = found[0][0]
        if version > len(migrations.MIGRATIONS):
            raise LedgerError(
                f"the ledger {self.name} was made by a newer flext (version {version}, this one reads up to "
                f"{len(migrations.MIGRATIONS)})",
                hint="Upgrade flext.",
            )
        return version

    # -------------------------------------------------------------------------------------------- the session

    def _connect(self) -> psycopg.Connection:
        with ExitStack() as stack:
            connection = psycopg.connect(**self._parameters)  # type: ignore[arg-type]  # libpq's names, all texts
            stack.callback(connection.close)
            connection.execute(_SESSION, {"path": f'"{self._schema}"'})
            if self._claiming is not None:
                claimed = connection.execute("SELECT pg_try_advisory_lock(%s)", (self._claiming,)).fetchone()
                if claimed != (True,):
                    raise Locked("the lock is just being taken by another process", hint="Run the command again.")
            connection.commit()
            stack.pop_all()
        return connection

    def _key(self, purpose: str) -> int:
        """Name an advisory lock: they are shared by all who use the database, whatever for."""
        digest = hashlib.sha256(f"flext {self._schema} {purpose}".encode()).digest()
        return int.from_bytes(digest[:8], signed=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, psycopg.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            detail = " ".join(str(cause).split()).replace(self._parameters.get("password") or "\0", "…")
            raise explain(self.name, getattr(cause, "sqlstate", None) or NO_CONNECTION, detail) from None


class SessionClaim:
    """A session that holds an advisory lock, and takes it again when it has to connect anew."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def database(self) -> PostgresDatabase:
        """Return the session."""
        return self._database

    def release(self) -> None:
        """End the session, and the lock with it."""
        self._database.close()


@cache
def _text(statement: str) -> TextClause:
    return text(statement)


# PostgreSQL keeps no NUL in a text, and names may hold one: it stands as \x01 and 0, and \x01 itself is doubled.

_KEPT = re.compile("\x01(.)")


def _stored(values: Mapping[str, Value]) -> dict[str, Value]:
    return {
        key: value.replace("\x01", "\x01\x01").replace("\0", "\x010") if isinstance(value, str) else value
        for key, value in values.items()
    }


def _read(value: Value) -> Value:
    if not isinstance(value, str) or "\x01" not in value:
        return value
    return _KEPT.sub(lambda match: "\0" if match[1] == "0" else match[1], value)
