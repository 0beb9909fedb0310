"""The ledger's tables, as the steps that make them from nothing, in the SQL that both stores understand."""

from __future__ import annotations

import secrets
import uuid

from .store import Transaction

APPLICATION_ID = 0x666C7874
"""Tells a flext ledger from any other SQLite database."""

_FIRST = (
    """CREATE TABLE meta (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        lineage TEXT NOT NULL,
        serial BIGINT NOT NULL,
        key BYTEA NOT NULL
    )""",
    """CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        started TEXT NOT NULL,
        ended TEXT,
        who TEXT NOT NULL,
        plan TEXT NOT NULL,
        result TEXT NOT NULL DEFAULT ''
    )""",
    """CREATE TABLE resources (
        address TEXT PRIMARY KEY,
        id TEXT,
        desired BYTEA NOT NULL,
        observed BYTEA NOT NULL,
        serial BIGINT NOT NULL,
        run INTEGER NOT NULL REFERENCES runs(id)
    )""",
    """CREATE TABLE intents (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs(id),
        address TEXT NOT NULL,
        action TEXT NOT NULL,
        change BYTEA NOT NULL,
        at TEXT NOT NULL,
        finished_at TEXT
    )""",
    "CREATE INDEX open_intents ON intents(address) WHERE finished_at IS NULL",
    """CREATE TABLE outcomes (
        run INTEGER NOT NULL REFERENCES runs(id),
        address TEXT NOT NULL,
        action TEXT NOT NULL,
        status TEXT NOT NULL,
        id TEXT,
        message TEXT NOT NULL,
        hint TEXT NOT NULL,
        fields BYTEA NOT NULL,
        seconds DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (run, address)
    )""",
)

_SHARED = (
    "ALTER TABLE meta ADD COLUMN fence BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE runs ADD COLUMN revision TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE runs ADD COLUMN document BYTEA",  # the plan; as bytes, for a column of JSON would rewrite its numbers
    """CREATE TABLE leases (
        fence BIGINT PRIMARY KEY,
        id TEXT NOT NULL,
        owner TEXT NOT NULL,
        host TEXT NOT NULL,
        pid INTEGER NOT NULL,
        purpose TEXT NOT NULL,
        taken_at TEXT NOT NULL,
        heartbeat_at TEXT NOT NULL,
        ttl DOUBLE PRECISION NOT NULL
    )""",
)

_TWO_PHASE = (
    "ALTER TABLE resources ADD COLUMN deletion TEXT NOT NULL DEFAULT 'two-phase'",
    "ALTER TABLE resources ADD COLUMN due TEXT NOT NULL DEFAULT ''",
)

_PROTECTED = ("ALTER TABLE resources ADD COLUMN protect INTEGER NOT NULL DEFAULT 0",)

_ROLLBACKS = (
    "ALTER TABLE runs ADD COLUMN undoes INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX intents_of_runs ON intents(run, address)",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _SHARED, _TWO_PHASE, _PROTECTED, _ROLLBACKS)
"""Step n brings a database of version n to n + 1; steps are only ever added."""


def migrate(transaction: Transaction, version: int) -> None:
    """Bring the tables up to date; a new ledger gets its identity. The store remembers the version."""
    for step in MIGRATIONS[version:]:
        for statement in step:
            transaction.change(statement)
    if version == 0:
        transaction.change(
            "INSERT INTO meta (id, lineage, serial, key) VALUES (1, :lineage, 0, :key)",
            lineage=str(uuid.uuid4()),
            key=secrets.token_bytes(32),
        )
