"""A ledger that is forgotten with the run: what apply writes down, kept in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..model import Action, Address, Change, Outcome, Record


class ScratchLedger:
    """Remembers as the real ledger does: an intent stays open until its outcome is recorded."""

    lineage = "scratch"

    def __init__(self, records: Mapping[Address, Record] | None = None, key: bytes = b"") -> None:
        self.key = key
        self.serial = 0
        self._known = dict(records or {})
        self._open: dict[Address, list[Change]] = {}
        self._runs = 0

    def records(self) -> dict[Address, Record]:
        """Return what is known of every resource, those included of which only an unfinished intent is known."""
        found = dict(self._known)
        for address, changes in self._open.items():
            found[address] = _intended(found.get(address), changes)
        return dict(sorted(found.items()))

    def start_run(self, *about: Any, **more: Any) -> int:
        """Begin a run and return its number."""
        self._runs += 1
        return self._runs

    def intend(self, run: int, change: Change) -> None:
        """Remember what is about to be done."""
        self.serial += 1
        self._open.setdefault(change.address, []).append(change)

    def record(self, run: int, outcome: Outcome, record: Record | None) -> None:
        """Remember how a change ended, and end every intent of its address."""
        self.serial += 1
        self._open.pop(outcome.address, None)
        self._known.pop(outcome.address, None)
        if record is not None:
            self._known[outcome.address] = record

    def note(self, run: int, outcome: Outcome) -> None:
        """Take notice of an outcome of which nothing new is known."""

    def finish_run(self, run: int, result: str, rest: Iterable[Outcome] = ()) -> None:
        """End a run."""


def _intended(known: Record | None, changes: Sequence[Change]) -> Record:
    """Return what is known of a resource while intents about it are open."""
    last, wanted = changes[-1], tuple(change.desired or {} for change in changes)
    record = known or Record(last.address, None, wanted[-1], {})
    met = record.id if last.action is Action.ADOPT else last.id or record.id
    protect = record.protect or any(change.protect for change in changes)
    return replace(record, id=met, pending=last.action, attempted=(*record.attempted, *wanted), protect=protect)
