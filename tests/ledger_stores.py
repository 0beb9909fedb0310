"""The two places that a ledger can be kept in, each empty for one test."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from flext_reconciler.ledger import Ledger, open_ledger
from flext_reconciler.model import Action, Address, Change, Outcome, Reason, Record, Status
from postgres_server import PostgresServer


class SqliteStore:
    """A folder of SQLite files."""

    url = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, environment: str = "dev", **more: Any) -> Ledger:
        """Open a ledger."""
        return open_ledger(self.folder, environment, url=self.url, **more)

    def execute(self, statement: str, environment: str = "dev") -> list[tuple[Any, ...]]:
        """Execute a statement behind the ledger's back."""
        with closing(sqlite3.connect(self.folder / f"{environment}.db", isolation_level=None)) as connection:
            return connection.execute(statement).fetchall()

    def version(self, number: int) -> None:
        """Let the ledger say that it has another version."""
        self.execute(f"PRAGMA user_version = {number}")

    def blob(self, content: bytes) -> str:
        """Write bytes as a literal."""
        return f"x'{content.hex()}'"

    def hurry(self, ledger: Ledger) -> None:
        """Let a ledger not wait for others."""
        ledger._database._connection.execute("PRAGMA busy_timeout = 0")


class PostgresStore(SqliteStore):
    """A database of a server."""

    def __init__(self, folder: Path, server: PostgresServer) -> None:
        super().__init__(folder)
        self.server = server
        self.url = server.url
        server.empty()

    def execute(self, statement: str, environment: str = "dev") -> list[tuple[Any, ...]]:
        """Execute a statement behind the ledger's back."""
        return self.server.execute(f'SET search_path TO "flext_{environment}"; {statement}')

    def version(self, number: int) -> None:
        """Let the ledger say that it has another version."""
        self.execute(f"UPDATE version SET version = {number}")

    def blob(self, content: bytes) -> str:
        """Write bytes as a literal."""
        return f"CAST('\\x{content.hex()}' AS bytea)"

    def hurry(self, ledger: Ledger) -> None:
        """Let a ledger not wait for others."""
        with ledger.reading() as transaction:
            transaction.rows("SELECT set_config('lock_timeout', '1ms', false)")


def fill(ledger: Ledger, count: int = 50) -> int:
    """Write a run of creates that all went well, and return its number."""
    run = ledger.start_run("f", "me")
    for at in range(count):
        address = Address("flexcore", "plugin", f"plugin-{at}")
        ledger.intend(run, Change(address, Action.CREATE, Reason.NEW, desired={"type": "meltano"}))
        outcome = Outcome(address, Action.CREATE, Status.DONE, message="x" * 100)
        ledger.record(run, outcome, Record(address, str(at), {"type": "meltano"}, {"text": "y" * 100}))
    return run
