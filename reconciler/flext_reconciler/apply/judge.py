"""Comparing what is there with what was planned from and with what is wanted; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date

from ..diff import base_fingerprint, compare, same
from ..model import (
    ABSENT,
    Action,
    Actual,
    Change,
    FieldDiff,
    Json,
    KindSupport,
    Path,
    Presence,
    Record,
    at,
    holds_secret,
    put,
)
from ..spec import Spec


def has_moved(change: Change, actual: Actual, ours: Collection[Path] = ()) -> bool:
    """Tell whether an object is no longer as the change was planned from.

    `ours` are path patterns of references to what this very run replaced: they dangle, and that is our own doing.
    """
    planned = change.actual or {}
    if not ours:
        return base_fingerprint(actual, planned.keys()) != change.base
    return actual.id != change.id or any(
        not same(_blanked(planned[name], name, ours), _blanked(actual.spec.get(name, ABSENT), name, ours))
        for name in planned
    )


def _blanked(value: Json, name: str, patterns: Iterable[Path]) -> Json:
    for pattern in patterns:
        if pattern[0] == name:
            value = _blank(value, pattern[1:])
    return value


def _blank(value: Json, pattern: Path) -> Json:
    if not pattern:
        return None
    if pattern[0] == "*" and isinstance(value, list):
        return [_blank(item, pattern[1:]) for item in value]
    if isinstance(value, Mapping) and pattern[0] in value:
        return {**value, str(pattern[0]): _blank(value[pattern[0]], pattern[1:])}
    return value


def unmet(
    kind: type[Spec], desired: Mapping[str, Json], actual: Actual, change: Change, record: Record | None
) -> tuple[FieldDiff, ...]:
    """List what a present object still lacks of what is wanted, as far as the service shows it."""
    # Something that was made anew has no past: only what changed in place can keep a field that is no longer declared.
    # Disabling is about a few fields of it only.
    disables = change.grace is not None
    before = record if change.action in (Action.UPDATE, Action.ADOPT) and not disables else None
    found = compare(kind, kind.normalise(desired), actual, before, KindSupport()).fields
    fields = tuple(field for field in found if field.path[0] not in actual.unreadable)
    if kind.mark_field and not actual.owned and not disables:
        return (*fields, FieldDiff((kind.mark_field,), ABSENT, ABSENT, note="the ownership mark is not there"))
    return fields


def unseen(desired: Mapping[str, Json], actual: Actual) -> tuple[str, ...]:
    """List what is wanted and cannot be compared, because the service does not give it back."""
    return tuple(sorted(desired.keys() & actual.unreadable))


def three_way(change: Change, actual: Actual) -> tuple[FieldDiff, ...]:
    """List the fields that moved: planned from → actual now, and what was wanted."""
    planned, desired = change.actual or {}, change.desired or {}
    return tuple(
        FieldDiff(
            (name,),
            planned.get(name, ABSENT),
            actual.spec.get(name, ABSENT),
            secret=any(map(holds_secret, (planned.get(name), actual.spec.get(name), desired.get(name)))),
            wanted=desired.get(name, ABSENT),
        )
        for name in sorted(planned)
        if not same(planned.get(name, ABSENT), actual.spec.get(name, ABSENT))
    )


def moved_how(change: Change, actual: Actual, fields: Iterable[FieldDiff]) -> str:
    """Say in a sentence how an object moved since the plan was made."""
    if actual.presence is Presence.ABSENT:
        return "it is gone since the plan was made"
    if change.action is Action.CREATE:
        return "it exists now, and did not when the plan was made"
    if actual.id != change.id:
        return f"it was made again since the plan was made: {change.id} is {actual.id} now"
    return f"it moved since the plan was made: {named(fields)}"


def named(fields: Iterable[FieldDiff]) -> str:
    """Name fields for a message, values left out."""
    return ", ".join(sorted({".".join(str(step) for step in field.path) for field in fields}))


def applied(change: Change, desired: Mapping[str, Json], actual: Actual) -> Record:
    """Return what the ledger holds of something that was written and read back."""
    return Record(change.address, actual.id, desired, actual.spec, deletion=change.deletion, protect=change.protect)


def with_uncleared(desired: Mapping[str, Json], unmet: Iterable[FieldDiff], previous: Record | None) -> Json:
    """Add what was applied before, is no longer declared and is still there: forgotten, nobody would take it away."""
    kept: Json = desired
    for field in unmet:
        before = at(previous.desired, field.path) if previous else ABSENT
        if before is not ABSENT and at(desired, field.path) is ABSENT:
            kept = put(kept, field.path, before)
    return kept


def disabled(desired: Mapping[str, Json], actual: Actual, previous: Record | None, due: date) -> Record:
    """Return what the ledger holds of something that waits for the day of its delete: what was applied, and that."""
    record = previous or Record(actual.address, actual.id, {}, {})
    return replace(
        record,
        id=actual.id,
        desired={**record.desired, **desired},
        observed=actual.spec,
        pending=None,
        due=due.isoformat(),
    )
