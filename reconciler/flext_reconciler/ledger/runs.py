"""The statements that read the history."""

from __future__ import annotations

from collections import defaultdict

from .store import Row, Transaction

_RUNS = "SELECT id, started, ended, who, plan, result, revision FROM runs"
_OUTCOMES = "SELECT run, address, action, status, id, message, hint, fields, seconds FROM outcomes"


def find_runs(transaction: Transaction, *, limit: int = 1, id: int | None = None) -> list[tuple[Row, list[Row]]]:
    """Return the rows of one run, or of the latest ones, newest first; each with those of its outcomes."""
    if id is None:
        runs = transaction.rows(f"{_RUNS} ORDER BY id DESC LIMIT :limit", limit=limit)
    else:
        runs = transaction.rows(f"{_RUNS} WHERE id = :id", id=id)
    if not runs:
        return []
    outcomes: defaultdict[int, list[Row]] = defaultdict(list)
    first, last = runs[-1][0], runs[0][0]
    for run, *columns in transaction.rows(f"{_OUTCOMES} WHERE run BETWEEN :first AND :last", first=first, last=last):
        outcomes[run].append(tuple(columns))
    return [(row, outcomes[row[0]]) for row in runs]


def find_document(transaction: Transaction, run: int) -> bytes | None:
    """Return the plan document of a run."""
    found = transaction.rows("SELECT document FROM runs WHERE id = :run", run=run)
    return found[0][0] if found else None
