"""What PostgreSQL's error codes mean for a ledger, and what to do about them."""

from __future__ import annotations

from ..errors import LedgerError

NO_CONNECTION = "08000"
"""Stands for a failure without a code: libpq passes none on when it gets no connection, whatever the reason."""

_UNREACHABLE = (
    "cannot be reached",
    "Check that the server runs, and that address, database, user and password are right.",
)
_BUSY = ("is kept busy by another process", "Try again when that process has ended.")
_FULL = ("cannot grow: the server's disk is full", "Make room and run the command again.")
_DAMAGED = (
    "is damaged, or not a ledger",
    "Restore its schema, or drop it: the next plan finds what carries our mark, and only history is lost.",
)

_EXPLANATIONS = {
    "08": _UNREACHABLE,
    "57P": _UNREACHABLE,  # the server goes down, or is not up yet
    "25P03": _UNREACHABLE,  # we were paused for so long that the server gave us up
    "42501": ("may not be used by this user", "Grant its schema, or the right to make it, to the user."),
    "25006": ("cannot be written", "The server is a read-only copy; name the one that can be written."),
    "40": _BUSY,
    "55P03": _BUSY,
    "57014": _BUSY,
    "53100": _FULL,
    "53": ("has no room for us: the server is out of connections or memory", "Try again later."),
    "58": ("cannot be read or written: the server's disk fails", "Check the server's disk."),
}
"""By code, or by the beginning of one."""


def explain(name: str, code: str, detail: object) -> LedgerError:
    """Return the error for a code of the server."""
    known = (_EXPLANATIONS[code[:size]] for size in (5, 3, 2) if code[:size] in _EXPLANATIONS)
    what, hint = next(known, _DAMAGED)
    return LedgerError(f"the ledger {name} {what} ({detail})", hint=hint)
