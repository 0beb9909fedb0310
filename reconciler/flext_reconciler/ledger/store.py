"""What the ledger asks of the place that it is kept in; `sqlite` and `postgres` offer it.

Statements are written once, in the SQL that both understand: named parameters, ON CONFLICT, RETURNING.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from ..errors import LedgerError

Row = tuple[Any, ...]
Value = str | int | float | bytes | None


class Transaction(Protocol):
    """Statements of which all take effect or none."""

    def rows(self, statement: str, /, **values: Value) -> list[Row]:
        """Execute a statement and return its rows."""

    def change(self, statement: str, /, **values: Value) -> int:
        """Execute a statement and return how many rows it touched."""

    def now(self) -> datetime:
        """Return the time by the one clock that everybody who shares the store goes by."""


class Database(Protocol):
    """An open store of one environment's ledger; every failure is a `LedgerError`."""

    @property
    def name(self) -> str:
        """The store, as messages show it."""

    def transaction(self, *, write: bool = False) -> AbstractContextManager[Transaction]:
        """Do everything inside or nothing, durably: from one snapshot, or as the only writer."""

    def claim(self, number: int) -> Claim:
        """Show that this process lives, under a number that nobody else uses; raises Locked when somebody does."""

    def is_claimed(self, transaction: Transaction, number: int) -> bool:
        """Tell whether the process that claimed a number still lives."""

    def damaged(self, detail: object) -> LedgerError:
        """Return the error for content that no flext wrote."""

    def close(self) -> None:
        """Close the store; closing twice is harmless."""


class Claim(Protocol):
    """Held by a process for as long as it lives, and by nothing else."""

    def database(self) -> Database:
        """Return a connection of its own, for another thread; opened when it is first asked for."""

    def release(self) -> None:
        """Give the number up."""
