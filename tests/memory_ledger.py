"""A ledger that is a dict: what apply needs of the real one, with crash points and failures injected."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from flext_reconciler.errors import LedgerError
from flext_reconciler.model import Action, Address, Change, Outcome, Record


@dataclass
class MemoryLedger:
    """Remembers as the real ledger does: an intent stays open until its outcome is recorded."""

    known: dict[Address, Record] = field(default_factory=dict)
    open: dict[Address, Change] = field(default_factory=dict)
    outcomes: dict[tuple[int, Address], Outcome] = field(default_factory=dict)
    results: dict[int, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    at: Callable[[str], None] = lambda place: None
    fails: Callable[[str], bool] = lambda call: False
    runs: int = 0

    def records(self) -> dict[Address, Record]:
        """What is known, intents included that never came to an end."""
        found = dict(self.known)
        for address, change in self.open.items():
            record = found.get(address) or Record(address, None, change.desired or {}, {})
            known = record.id if change.action is Action.ADOPT else change.id or record.id
            protect = record.protect or change.protect
            found[address] = replace(record, id=known, pending=change.action, protect=protect)
        return found

    def start_run(self, plan_fingerprint: str, who: str) -> int:
        """Begin a run."""
        self._call("start_run")
        self.runs += 1
        return self.runs

    def intend(self, run: int, change: Change) -> None:
        """Remember an intent."""
        self._call(f"intend {change.address}")
        self.open[change.address] = change
        self.at(f"after intent: {change.address}")

    def record(self, run: int, outcome: Outcome, record: Record | None) -> None:
        """Close the intents of an address and remember what came of it."""
        self._call(f"record {outcome.address}")
        self.open.pop(outcome.address, None)
        self.outcomes[run, outcome.address] = outcome
        self.known.pop(outcome.address, None)
        if record is not None:
            self.known[outcome.address] = record
        self.at(f"after record: {outcome.address}")

    def note(self, run: int, outcome: Outcome) -> None:
        """Remember an outcome only."""
        self._call(f"note {outcome.address}")
        self.outcomes[run, outcome.address] = outcome
        self.at(f"after note: {outcome.address}")

    def finish_run(self, run: int, result: str, rest: Iterable[Outcome] = ()) -> None:
        """End a run."""
        self._call("finish_run")
        self.outcomes |= {(run, outcome.address): outcome for outcome in rest}
        self.results[run] = result

    def _call(self, call: str) -> None:
        self.at(f"before {call}")
        if self.fails(call):
            raise LedgerError("the disk is full", hint="make room")
        self.calls.append(call)
