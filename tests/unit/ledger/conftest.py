"""Every test of the ledger runs on both stores unless it is about one of them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ledger_stores import PostgresStore, SqliteStore

# Synced writes cost nothing in memory; that they are asked for has a test of its own.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


@pytest.fixture(params=["sqlite", "postgres"])
def store(request):
    with TemporaryDirectory(prefix="flext-", dir=MEMORY) as folder:
        if request.param == "sqlite":
            yield SqliteStore(Path(folder))
        else:
            yield PostgresStore(Path(folder), request.getfixturevalue("postgres"))


@pytest.fixture
def ledger(store):
    with store.open() as ledger:
        yield ledger


@pytest.fixture
def synced(postgres):
    """Let the server's commits reach the disk."""
    with postgres.synced():
        yield
