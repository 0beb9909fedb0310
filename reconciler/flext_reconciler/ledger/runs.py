"""The statements that read the history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from .store import Row, Transaction

_RUNS = "SELECT id, started, ended, who, plan, result, revision, undoes FROM runs"
_OUTCOMES = "SELECT run, address, action, status, id, message, hint, fields, seconds FROM outcomes"
_UNKNOWN = (
    "SELECT run, address, action FROM intents WHERE run BETWEEN :first AND :last AND NOT EXISTS"
    " (SELECT 1 FROM outcomes WHERE outcomes.run = intents.run AND outcomes.address = intents.address)"
)

# What was done without a request, like adopting, left no intent; what was tried in vain, no outcome that says so.
_TOUCHES = """
    WITH touched AS (
        SELECT intents.run, intents.address, intents.action, outcomes.status, outcomes.id FROM intents
        LEFT JOIN outcomes ON outcomes.run = intents.run AND outcomes.address = intents.address
        WHERE intents.run >= :run
        UNION SELECT run, address, action, status, id FROM outcomes WHERE run >= :run AND status = 'done'
    )
    SELECT touched.run, touched.address, touched.action, touched.status, touched.id, runs.undoes FROM touched
    JOIN runs ON runs.id = touched.run
    WHERE touched.address IN (SELECT address FROM touched WHERE run = :run)
"""


class Found(NamedTuple):
    """The rows of a run, of its outcomes, and of what it began and nobody wrote down the end of."""

    run: Row
    outcomes: list[Row]
    unknown: list[Row]


def find_runs(transaction: Transaction, *, limit: int = 1, id: int | None = None) -> list[Found]:
    """Return the rows of one run, or of the latest ones, newest first."""
    if id is None:
        runs = transaction.rows(f"{_RUNS} ORDER BY id DESC LIMIT :limit", limit=limit)
    else:
        runs = transaction.rows(f"{_RUNS} WHERE id = :id", id=id)
    if not runs:
        return []
    within = {"first": runs[-1][0], "last": runs[0][0]}
    outcomes = _by_run(transaction.rows(f"{_OUTCOMES} WHERE run BETWEEN :first AND :last", **within))
    unknown = _by_run(transaction.rows(_UNKNOWN, **within))
    return [Found(row, outcomes[row[0]], unknown[row[0]]) for row in runs]


def _by_run(rows: Iterable[Row]) -> defaultdict[int, list[Row]]:
    found: defaultdict[int, list[Row]] = defaultdict(list)
    for run, *columns in rows:
        found[run].append(tuple(columns))
    return found


def find_touches(transaction: Transaction, run: int) -> list[Row]:
    """Return the rows of everything that a run touched, and of what later runs did to any of that."""
    return transaction.rows(_TOUCHES, run=run)


def find_document(transaction: Transaction, run: int) -> bytes | None:
    """Return the plan document of a run."""
    found = transaction.rows("SELECT document FROM runs WHERE id = :run", run=run)
    return found[0][0] if found else None
