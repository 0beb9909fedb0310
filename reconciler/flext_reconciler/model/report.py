"""How an apply went, and the events it emits on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from .actual import Action
from .plan import FieldDiff, Plan
from .values import Address


class Status(StrEnum):
    """How a change ended."""

    DONE = "done"  # written, and verified by reading back
    FAILED = "failed"
    STALE = "stale"  # it moved since the plan; not touched
    BLOCKED = "blocked"  # something it depends on did not end well; not touched
    NOT_STARTED = "not_started"  # the run was interrupted first


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one change ended; a report has exactly one for each change of its plan."""

    address: Address
    action: Action
    status: Status
    id: str | None = None
    message: str = ""
    hint: str = ""
    fields: tuple[FieldDiff, ...] = ()  # for a stale one: planned from → actual now
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Touch:
    """A change that a run of the past began, and how that ended."""

    run: int
    address: Address
    action: Action
    status: Status | None = None  # None when nobody wrote it down
    id: str | None = None
    undoes: int = 0  # the run that this run took back, or 0


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended: one outcome a change, and what the convergence proof still found."""

    outcomes: tuple[Outcome, ...]
    residual: Plan | None = None  # the plan made after the last write; None when it could not be made
    interrupted: bool = False
    run: int = 0
    message: str = ""  # why the run stopped early, or why the proof could not be made

    @property
    def counts(self) -> Mapping[Status, int]:
        """How many outcomes there are of each status, every status named."""
        counted = Counter(outcome.status for outcome in self.outcomes)
        return {status: counted[status] for status in Status}

    @property
    def converged(self) -> bool:
        """The proof was made and nothing is left to do."""
        return self.residual is not None and self.residual.is_empty


class EventName(StrEnum):
    """What the engine tells its observer."""

    READING = "reading"  # a kind of a service is being read; `text` names it
    READ = "read"
    STARTED = "started"  # a change
    WAITING = "waiting"  # a change waits for the service; `text` says for what
    ENDED = "ended"  # a change; `outcome` is set
    VERIFYING = "verifying"  # the convergence proof
    INTERRUPTED = "interrupted"  # a signal arrived; running steps are finished first


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened; renderers listen, the engine never prints."""

    name: EventName
    address: Address | None = None
    text: str = ""
    outcome: Outcome | None = None
    done: int = 0  # changes ended so far
    total: int = 0


Observer = Callable[[Event], None]
