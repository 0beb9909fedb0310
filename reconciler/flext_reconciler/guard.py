"""Guards: limits on what may be applied. They mark a plan, they never hide it.

Pure. Each has its own flag; there is no flag that lifts them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .model import Plan, Violation

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
    doomed = Counter(
        f"{change.address.service}.{change.address.kind}" for change in plan.changes if change.removes and change.writes
    )
    total = doomed.total()
    if limits.max_deletes is not None and total > limits.max_deletes:
        yield Violation(
            "max_deletes", f"{total} deletes, and the limit is {limits.max_deletes}", f"--max-deletes {total}"
        )
    if limits.max_delete_share is not None:
        yield from _shares(plan, doomed, limits.max_delete_share)


def _shares(plan: Plan, doomed: Counter[str], limit: float) -> Iterator[Violation]:
    for kind, count in sorted(doomed.items()):
        existing = plan.kinds.get(kind, 0)
        if existing >= SMALL_KIND and count / existing > limit:
            share = -(-count * 100 // existing)
            yield Violation(
                "max_delete_share",
                f"{count} of {existing} {kind} would be deleted ({share} %), and the limit is {limit:.0%}",
                f"--max-delete-share {share}",
            )
