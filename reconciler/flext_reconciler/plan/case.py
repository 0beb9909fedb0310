"""What a decision looks at, and what it comes to.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..model import Actual, Address, Blocked, Change, Drift, KindSupport, Record, Resource
from ..spec import Spec


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What the user allows a plan to contain."""

    prune: bool = False
    adopt: bool = False
    force_replace: frozenset[Address] = frozenset()
    targets: frozenset[Address] = frozenset()  # with what they depend on; empty means everything
    remove: frozenset[Address] = frozenset()  # delete these where they are ours and undeclared, pruning or not
    purge: bool = False  # pruning deletes at once, whatever its kind and its day
    tombstone_days: int = 7  # from being disabled to being deleted; 0 deletes at once
    today: str = ""  # the day (ISO) that decides what is due; empty means that nothing is


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that the decision about one resource looks at."""

    resource: Resource
    kind: type[Spec]
    actual: Actual
    record: Record | None
    support: KindSupport
    options: PlanOptions
    restarted: bool = False  # everything we had on this service is gone at once
    moving: Mapping[Address, Drift] = field(default_factory=dict)  # what gets a new id in this plan, and who moved it


@dataclass(frozen=True, slots=True)
class Decision:
    """A change, a block, or neither; and what the reviewer should hear."""

    change: Change | None = None
    blocked: Blocked | None = None
    notice: str = ""
