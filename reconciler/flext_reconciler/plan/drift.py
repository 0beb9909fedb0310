"""Who moved since the last apply: Git, the platform, both, or the service's own defaults.

Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from ..diff import moved_defaults
from ..model import (
    Actuals,
    Address,
    Change,
    Drift,
    DriftItem,
    FieldDiff,
    Presence,
    Reason,
    Record,
    Resource,
    canonical,
)

_BY_REASON = {
    Reason.MISSING: Drift.ACTUAL,
    Reason.RESTARTED: Drift.ACTUAL,
    Reason.DRIFTED: Drift.ACTUAL,
    Reason.BOTH_MOVED: Drift.BOTH,
}
_GONE = {
    Reason.MISSING: "it was applied and is gone",
    Reason.RESTARTED: "gone with everything else of its service",
    Reason.NEW: "declared and never applied",
    Reason.UNDECLARED: "applied and no longer declared",
    Reason.DISABLED: "declared as not wanted",
    Reason.FOUND: "exists and is not managed yet",
    Reason.INTERRUPTED: "an earlier apply was cut short",
    Reason.REVIVED: "declared again before it was deleted",
}


def drift_items(
    changes: Iterable[Change],
    undeclared: Collection[DriftItem],
    resources: Iterable[Resource],
    actuals: Actuals,
    records: Mapping[Address, Record],
) -> tuple[DriftItem, ...]:
    """Say for each change who moved, and tell once of each default that the service changed on its own.

    `undeclared` says it of what is no longer declared, whether or not the plan changes it.
    """
    told = {item.address for item in undeclared}
    moved = [
        DriftItem(change.address, _BY_REASON.get(change.reason, Drift.GIT), change.fields, _GONE.get(change.reason, ""))
        for change in changes
        if change.address not in told
    ]
    return (*moved, *undeclared, *_defaults(resources, actuals, records))


def _defaults(
    resources: Iterable[Resource], actuals: Actuals, records: Mapping[Address, Record]
) -> Iterator[DriftItem]:
    moved: dict[bytes, list[tuple[Address, FieldDiff]]] = {}
    for resource in resources:
        record, actual = records.get(resource.address), actuals.get(resource.address)
        if record is None or actual.presence is not Presence.PRESENT:
            continue
        for field in moved_defaults(resource.spec, actual, record):
            alike = canonical([*resource.address[:2], field.path, field.before, field.after])
            moved.setdefault(alike, []).append((resource.address, field))
    for group in moved.values():
        (address, field), *more = group
        others = tuple(other for other, _ in more)
        yield DriftItem(address, Drift.SERVER_DEFAULT, (field,), "a default of the service moved", others)
