"""How what is ours and no longer declared goes: at once, or disabled first and deleted once its day has come.

Pure. Nothing is sent without `prune`; what runs is disabled before it is deleted, where its kind can be disabled:

    gone already             forgotten, which writes nothing
    enabled                  disabled, and due in so many days
    disabled, not yet due    stays, and the day is told
    disabled and due         deleted
    cannot be disabled, `lifecycle.delete: immediate`, no days of grace, purging or undoing     deleted
    protected when it was last applied, whatever of the above                                   blocked
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..diff import base_fingerprint, same
from ..model import (
    ABSENT,
    Action,
    Actual,
    Address,
    BlockCode,
    Blocked,
    Change,
    Deletion,
    Drift,
    DriftItem,
    FieldDiff,
    Json,
    Presence,
    Reason,
    Record,
    Risk,
)
from ..spec import Spec
from .decide import forgetting, removal
from .dependents import in_use, still_named
from .given import Given
from .references import names_in
from .undeclared import Undeclared

_STILL_PROTECTED = "no longer declared, and protected when it was last applied"
_HOW_TO_REMOVE = "declare it again without `protect`, apply that, and only then take it out"


@dataclass
class Removals:
    """What becomes of everything that is ours and no longer declared."""

    changes: list[Change] = field(default_factory=list)
    blocked: list[Blocked] = field(default_factory=list)
    prunable: list[Address] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    drift: list[DriftItem] = field(default_factory=list)


def removals(given: Given, found: Undeclared) -> Removals:
    """Decide about everything that is ours and no longer declared."""
    result = Removals(changes=list(_forgotten(given)))
    named = still_named(given) if any(_is_chosen(given, actual.address) for actual in found.ours) else {}
    for actual in found.ours:
        address, record = actual.address, given.records.get(actual.address)
        if (on := _switched_on(given, actual)) and not given.options.targets:
            result.drift.append(DriftItem(address, Drift.ACTUAL, on, "switched on again after it was disabled"))
        if _waits(given, actual):
            assert record is not None
            result.notices.append(f"{address}: disabled, due on {record.due} to be deleted")
        elif not _is_chosen(given, address):
            result.prunable.append(address)
            if record is not None and record.due and not on:
                result.notices.append(f"{address}: disabled, and due to be deleted since {record.due}")
        elif record is not None and record.protect:
            result.blocked.append(Blocked(address, BlockCode.PROTECTED, _STILL_PROTECTED, _HOW_TO_REMOVE))
        elif address in named:
            result.blocked.append(in_use(address, named[address]))
        elif Action.DELETE not in given.support(address).actions:
            why = given.support(address).why or "unsupported by this server"
            result.blocked.append(Blocked(address, BlockCode.UNSUPPORTED, f"cannot delete it: {why}"))
        else:
            result.changes.append(_retirement(given, actual) if _retires(given, actual) else removal(actual))
    return _without_needed(given, found, result)


def _forgotten(given: Given) -> Iterator[Change]:
    """Forget what is gone, whoever removed it."""
    for address, record in sorted(given.records.items(), key=lambda item: item[0]):
        if address in given.resources or address[:2] not in given.kinds or given.options.targets:
            continue
        actual = given.actual(address)
        if actual.presence is Presence.ABSENT and (record.pending is not None or given.options.prune):
            yield forgetting(actual, record, Reason.UNDECLARED)


def _is_chosen(given: Given, address: Address) -> bool:
    options = given.options
    return (options.prune and not options.targets) or address in options.remove


def _waits(given: Given, actual: Actual) -> bool:
    options, record = given.options, given.records.get(actual.address)
    if record is None or not record.due or _is_hurried(given, actual.address, record):
        return False
    return not (options.today and options.today >= record.due) and not _switched_on(given, actual)


def _retires(given: Given, actual: Actual) -> bool:
    kind, record = given.kind(actual.address), given.records.get(actual.address)
    if not kind.disabled_by or not given.options.tombstone_days or _is_hurried(given, actual.address, record):
        return False
    is_due = record is not None and bool(record.due) and not _switched_on(given, actual)
    return not is_due and Action.UPDATE in given.support(actual.address).actions


def _is_hurried(given: Given, address: Address, record: Record | None) -> bool:
    immediate = record is not None and record.deletion is Deletion.IMMEDIATE
    return immediate or address in given.options.remove or (given.options.purge and given.options.prune)


def _switched_on(given: Given, actual: Actual) -> tuple[FieldDiff, ...]:
    """Return what somebody changed of what was disabled."""
    record = given.records.get(actual.address)
    return _enabled(given.kind(actual.address), actual, Drift.ACTUAL) if record and record.due else ()


def _enabled(kind: type[Spec], actual: Actual, who: Drift) -> tuple[FieldDiff, ...]:
    """Return what disabling has to change."""
    return tuple(
        FieldDiff((name,), actual.spec.get(name, ABSENT), value, drift=who)
        for name, value in kind.disabled_by.items()
        if not same(actual.spec.get(name, ABSENT), value)
    )


def _retirement(given: Given, actual: Actual) -> Change:
    kind, days = given.kind(actual.address), given.options.tombstone_days
    return Change(
        actual.address,
        Action.UPDATE,
        Reason.UNDECLARED,
        fields=_switched_on(given, actual) or _enabled(kind, actual, Drift.GIT),
        id=actual.id,
        desired=dict(kind.disabled_by),
        actual=actual.spec,
        base=base_fingerprint(actual),
        risk=Risk.MEDIUM,
        grace=days,
    )


# ------------------------------------------------------------------------------------------------ what stays needs


def _without_needed(given: Given, found: Undeclared, result: Removals) -> Removals:
    """Keep what something disabled goes on naming: declared again, it would need it."""
    specs: Mapping[Address, Mapping[str, Json]] = {actual.address: actual.spec for actual in found.ours}
    while True:
        deleted = {change.address for change in result.changes if change.action is Action.DELETE and change.writes}
        kept = specs.keys() - deleted - set(result.prunable)
        needed = {
            name: user
            for user in sorted(kept)
            for name in names_in(given.kind(user), user, specs[user]) & deleted - given.options.remove
        }
        if not needed:
            return result
        result.changes = [change for change in result.changes if change.address not in needed]
        result.notices += [
            f"{address}: stays as long as {user}, which uses it and is not deleted yet"
            for address, user in sorted(needed.items())
        ]
