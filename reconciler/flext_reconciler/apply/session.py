"""What an apply works with; the caller opens all of it and closes it afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol

from ..model import Actual, Address, Change, Outcome, Plan, Record
from ..provider import Traits, Writer
from ..references import Fingerprinter, Resolve
from ..spec import Spec


class Journal(Protocol):
    """What apply needs of the ledger; each call is durable when it returns, or raises `LedgerError`."""

    def start_run(self, plan_fingerprint: str, who: str) -> int:
        """Begin a run and return its number."""

    def intend(self, run: int, change: Change) -> None:
        """Write down what is about to be requested, keeping what was last applied."""

    def record(self, run: int, outcome: Outcome, record: Record | None) -> None:
        """Write down how a change ended and what the ledger holds of its address from now on; None forgets it."""

    def note(self, run: int, outcome: Outcome) -> None:
        """Write down how a change ended, and leave what the ledger holds, an open intent included, as it is."""

    def finish_run(self, run: int, result: str, rest: Iterable[Outcome] = ()) -> None:
        """End a run with one word about it, and write down the `rest` of its outcomes: what was never begun."""


class Stop(Protocol):
    """Asked before each change and before each journal entry; an `asyncio.Event` or a `threading.Event` will do."""

    def is_set(self) -> bool:
        """Tell whether nothing new should start."""


def today() -> date:
    """Return the day, in UTC: the same one for everybody who works on an environment."""
    return datetime.now(UTC).date()


@dataclass(frozen=True)
class Session:
    """Everything that an apply works with beside its plan."""

    writers: Mapping[str, Writer]  # by service
    traits: Mapping[str, Traits]  # by service
    kinds: Mapping[tuple[str, str], type[Spec]]  # by (service, kind)
    ledger: Journal
    records: Mapping[Address, Record]
    actuals: Mapping[Address, Actual]  # what the plan was made from, or read since: ids and values to refer to
    resolve: Resolve
    fingerprinter: Fingerprinter
    replan: Callable[[], Awaitable[Plan]]  # reads again and plans again: the convergence proof
    stop: Stop
    who: str
    plan_fingerprint: str
    recheck_creates: bool = False  # for a plan that was not made from a read of this very run
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    today: Callable[[], date] = today
