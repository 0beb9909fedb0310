"""The ledger: what we did, what we are about to do, and who is doing it now. Evidence, never truth.

    <directory>/<environment>.db                    records, journal, history and lock, in SQLite
    <directory>/<environment>.lock-<number>         locked for as long as who took the lock lives
    <directory>/<environment>.rescue-<run>.json     what a failing ledger could not store; `flext ledger import` does

A team has all but the last in PostgreSQL, which the environment names: `ledger: postgresql://user@host/database`.

Losing it loses history and no resource: the next plan finds what carries our mark.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path as FilePath

from ..errors import LedgerError
from .lease import Lease, LeaseState, LostLock
from .ledger import Clock, Ledger, now
from .rescue import RescuingLedger
from .rows import Run
from .store import Database

__all__ = ["Lease", "LeaseState", "Ledger", "LostLock", "RescuingLedger", "Run", "open_ledger", "whoami"]


def open_ledger(directory: FilePath, environment: str, *, url: str = "", clock: Clock = now) -> Ledger:
    """Open an environment's ledger, made when it is missing; raises LedgerError.

    Without the URL of a PostgreSQL database it is a SQLite file in the directory.
    """
    return Ledger(_open_store(directory, environment, url), environment, clock, directory)


def _open_store(directory: FilePath, environment: str, url: str) -> Database:
    # Both are slow to import, and few commands need either.
    if not url:
        from .sqlite import open_sqlite

        return open_sqlite(directory, environment)
    try:
        from .postgres import open_postgres
    except ImportError as error:
        raise LedgerError(
            f"a ledger in PostgreSQL needs a package that is not installed: {error.name or 'psycopg'}",
            hint="Install flext with its extra: `pip install 'flext-reconciler[postgres]'`.",
        ) from None
    return open_postgres(url, environment)


def whoami(environ: Mapping[str, str]) -> str:
    """Return who is at work: `FLEXT_WHO`, or `user@host`."""
    import getpass
    import socket

    if given := environ.get("FLEXT_WHO", "").strip():
        return given.encode(errors="replace").decode()  # an environment may hold bytes that are no text
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        user = f"uid-{os.geteuid()}"
    return f"{user}@{socket.gethostname()}"
