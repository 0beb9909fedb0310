"""Guards: limits on what may be applied. They mark a plan, they never hide it.

Pure. Each has its own flag; there is no flag that lifts them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from .model import Change, Plan, Violation

SMALL_KIND = 10
"""A share says little about fewer resources than this; the count limit still holds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a plan may destroy; None lifts a limit."""

    max_deletes: int | None = 10
    max_delete_share: float | None = 0.3  # of the resources of one kind that are ours
    allow_empty: bool = False


def guard(plan: Plan, limits: Limits, declared: int) -> Plan:
    """Return the plan with every violated limit listed; `declared` is how many resources the YAML holds."""
    return replace(plan, violations=(*plan.violations, *_violations(plan, limits, declared)))


def _violations(plan: Plan, limits: Limits, declared: int) -> Iterator[Violation]:
    if declared == 0 and not limits.allow_empty:
        yield Violation("empty", "the desired state declares nothing", "--allow-empty")
    # Who relies on something feels its disabling as much as its delete; forgetting what is gone is felt by nobody.
    doomed = [change for change in plan.changes if change.removes and change.writes]
    fate = "disabled or deleted" if any(change.grace is not None for change in doomed) else "deleted"
    total = len(doomed)
    if limits.max_deletes is not None and total > limits.max_deletes:
        yield Violation(
            "max_deletes", f"{total} would be {fate}, and the limit is {limits.max_deletes}", f"--max-deletes {total}"
        )
    if limits.max_delete_share is not None:
        yield from _shares(plan, doomed, fate, limits.max_delete_share)


def _shares(plan: Plan, doomed: Iterable[Change], fate: str, limit: float) -> Iterator[Violation]:
    counted = Counter(f"{change.address.service}.{change.address.kind}" for change in doomed)
    large = {
        kind: (count, plan.kinds[kind])
        for kind, count in sorted(counted.items())
        if plan.kinds.get(kind, 0) >= SMALL_KIND and count / plan.kinds[kind] > limit
    }
    shares = {kind: -(-count * 100 // existing) for kind, (count, existing) in large.items()}
    for kind, (count, existing) in large.items():
        yield Violation(
            "max_delete_share",
            f"{count} of {existing} {kind} would be {fate} ({shares[kind]} %), and the limit is {limit:.0%}",
            f"--max-delete-share {max(shares.values())}",  # the one flag that lifts them all
        )
