"""The sentences that every output shares, and the order in which a reviewer meets them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ..model import RISKS, Action, BlockCode, Blocked, Change, Drift, DriftItem, Irreversible, Plan, Reason, Status
from .values import show_change, show_path

LISTED = 20
"""How many lines of a list that needs no action are shown."""

_FIRST = (Action.DELETE, Action.REPLACE, Action.UPDATE, Action.ADOPT, Action.CREATE)

REASONS = {
    Reason.NEW: "new",
    Reason.EDITED: "the declaration was edited",
    Reason.DRIFTED: "changed behind flext's back",
    Reason.BOTH_MOVED: "edited, and changed behind flext's back",
    Reason.MISSING: "gone from the platform",
    Reason.RESTARTED: "the service probably restarted",
    Reason.INTERRUPTED: "an earlier apply was cut short",
    Reason.FOUND: "exists, not ours yet",
    Reason.UNDECLARED: "no longer declared",
    Reason.DISABLED: "declared as not wanted",
    Reason.REVIVED: "declared again before it was deleted",
    Reason.UNDONE: "to be as it was before the run that is taken back",
    Reason.UNVERIFIABLE: "cannot be compared; replacing was asked for",
}

DRIFTS = {
    Drift.GIT: "the declaration moved",
    Drift.ACTUAL: "the platform moved",
    Drift.BOTH: "both moved",
    Drift.SERVER_DEFAULT: "the server's default",
}

BLOCKS = {
    BlockCode.UNKNOWN: "unknown",
    BlockCode.UNSUPPORTED: "unsupported",
    BlockCode.FOREIGN: "not ours",
    BlockCode.PROTECTED: "protected",
    BlockCode.AMBIGUOUS: "ambiguous",
    BlockCode.OVERTAKEN: "overtaken",
}

STATUSES = {
    Status.DONE: "done",
    Status.FAILED: "failed",
    Status.STALE: "stale",
    Status.BLOCKED: "blocked",
    Status.NOT_STARTED: "not started",
}


def count(number: int, noun: str, plural: str = "") -> str:
    """Write `1 change`, `2 changes`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def verdict(plan: Plan) -> str:
    """Say in one line what an apply would do."""
    parts = [_changes(plan)]
    if plan.blocked:
        parts.append(f"{len(plan.blocked):,} blocked")
    parts.append(f"{plan.unchanged:,} unchanged")
    return " · ".join(parts)


def _changes(plan: Plan) -> str:
    if not plan.changes:
        return "No changes"
    listed = ", ".join(count(number, action.value) for action, number in plan.counts.items() if number)
    return f"{count(len(plan.changes), 'change')}: {listed}"


def left_as_is(blocked: Sequence[Blocked]) -> str:
    """Say how many resources are blocked."""
    return f"{count(len(blocked), 'resource')} blocked, left as {'it is' if len(blocked) == 1 else 'they are'}"


def risk_sentence(plan: Plan) -> str:
    """Name the changes that make the plan as risky as it is; empty when nothing is to be done."""
    risky = Counter(change.action for change in plan.changes if change.risk is plan.risk)
    listed = ", ".join(count(risky[action], action.value) for action in _FIRST if risky[action])
    return f"Risk {plan.risk}: {listed}" if listed else ""


def by_severity(changes: Iterable[Change]) -> list[Change]:
    """Sort changes for a reviewer: deletes first, then by falling risk, creates last."""
    return sorted(changes, key=lambda change: (_FIRST.index(change.action), -RISKS.index(change.risk), change.address))


def named(item: DriftItem) -> str:
    """Name what an item is about, and how many others the same is said of; not clean yet."""
    return f"{item.address} and {count(len(item.others), 'other')}" if item.others else str(item.address)


def _told(item: DriftItem) -> str:
    return f"{named(item)}: {item.message}"


def _values(item: DriftItem) -> str:
    told = ", ".join(f"{'.'.join(map(str, field.path))} {show_change(field)}" for field in item.fields)
    return f": {told}" if told else ""


def _for_good(item: Irreversible) -> str:
    return f"{item.address}{f' {show_path(item.path)}' if item.path else ''}: {item.why}"


def asides(plan: Plan) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield what needs no action as titles with their lines; the lines are not clean yet."""
    changing = {change.address for change in plan.changes}
    left = [item for item in plan.drift if item.address not in changing]
    defaults = [f"{_told(item)}{_values(item)}" for item in left if item.drift is Drift.SERVER_DEFAULT]
    edited = [_told(item) for item in left if item.drift is not Drift.SERVER_DEFAULT]
    sections = (
        ("Depend on what is replaced or deleted, and do not change themselves", plan.impact.dependents),
        ("Cannot be undone once it is applied", [_for_good(item) for item in plan.inverse.irreversible]),
        ("Changed behind flext's back, and left alone because it is no longer declared", edited),
        ("Moved by the service itself, and left alone", defaults),
        (
            "No longer declared, kept because pruning is off (--prune disables or deletes them)",
            plan.prunable if plan.complete else (),
        ),
        ("Neither declared nor ours, never touched", plan.unmanaged),
        ("Notes", plan.notices),
    )
    for title, items in sections:
        if items:
            yield title, [str(item) for item in items]
