"""The states of one change, and every way between them.

    RECHECK ──→ INTEND ─┬─→ DELETE ─┬─→ CREATE ─→ READ_BACK ─→ RECORD ─→ ENDED
       │                ├─→ CREATE  └─→ READ_BACK (a delete)     ↑
       │                └─→ UPDATE ───→ READ_BACK               │
       └──(stale, unreadable, nothing to write)─────────────────┤    (INTEND ─→ ENDED when a signal came first)
    DELETE, CREATE, UPDATE ─(an error)─→ LOOK ─┬─→ CREATE (once)│
                                               ├─→ RESTORE ─────┤
                                               └─(evidence)─────┘

A state sends at most one request that changes anything, and INTEND comes before all of them: a run may die between any
two states, or inside one, and the next run finds out from the journal and the service what is left to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where a change stands; the name says what happens next."""

    RECHECK = "recheck"  # read it again: it must be as it was when the plan was made
    INTEND = "intend"  # journal what is about to be requested
    DELETE = "delete"
    CREATE = "create"
    UPDATE = "update"
    LOOK = "look"  # a request failed or its outcome is unknown: read before anything else
    RESTORE = "restore"  # a replace lost the old one and could not make the new one: put the old one back
    READ_BACK = "read_back"  # verify that the service holds what was sent
    RECORD = "record"  # write down how it ended
    ENDED = "ended"


NEXT: Mapping[State, frozenset[State]] = {
    State.RECHECK: frozenset({State.INTEND, State.RECORD}),
    State.INTEND: frozenset({State.DELETE, State.CREATE, State.UPDATE, State.ENDED}),
    State.DELETE: frozenset({State.CREATE, State.READ_BACK, State.LOOK}),
    State.CREATE: frozenset({State.READ_BACK, State.LOOK}),
    State.UPDATE: frozenset({State.READ_BACK, State.LOOK}),
    State.LOOK: frozenset({State.LOOK, State.CREATE, State.RESTORE, State.RECORD}),
    State.RESTORE: frozenset({State.READ_BACK, State.RECORD}),
    State.READ_BACK: frozenset({State.RECORD}),
    State.RECORD: frozenset({State.ENDED}),
    State.ENDED: frozenset(),
}
