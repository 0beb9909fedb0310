"""The values that a resource had before a change, and those that cannot be had again.

Pure. They were read; where a service shows nothing, a change still lists what differs between what was applied and what
is wanted, so what is wanted with every difference turned round is what was there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..diff import IN_DOUBT
from ..model import (
    ABSENT,
    Action,
    Actual,
    Address,
    Change,
    Deletion,
    FieldDiff,
    Irreversible,
    Json,
    Path,
    Record,
    Secret,
    at,
    holds_secret,
    put,
)
from ..spec import FieldRule, Spec, field_rules

KNOWN_TO_THE_SERVICE = "only the service knew the earlier secret"
NOT_SHOWN = "the service does not show it, and flext did not apply it"
CANNOT_BE_EMPTY = "it held nothing, and the service cannot be told to hold nothing again"

Values = Mapping[str, Json]
Why = Callable[[Secret], str]
"""Says why a secret cannot be had again; empty when it can."""


@dataclass(frozen=True, slots=True)
class Case:
    """A change, and what was known of its resource when it was planned."""

    change: Change
    kind: type[Spec]
    actual: Actual
    record: Record | None


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a resource is to be again, in the words of its kind, and what is missing from that."""

    spec: Values
    deletion: Deletion
    lost: tuple[Irreversible, ...] = ()


def earlier(case: Case, rotated: Mapping[str, str]) -> Earlier:
    """Return what was there before a change; `rotated` is what each reference stands for now."""
    change = case.change
    known = {item.fingerprint: item for spec in _specs(case) for item in secrets_in(spec) if item.text}

    def why(secret: Secret) -> str:
        if not secret.text:
            return KNOWN_TO_THE_SERVICE
        return moved_on(secret) if rotated.get(secret.text, secret.fingerprint) != secret.fingerprint else ""

    values = _values(case)
    spec = _with_own_words(_named(values, known) if holds_secret(values) else values, case)
    kept, lost = without(spec, change.desired or {}, why, change.address)
    deletion = case.record.deletion if case.record else change.deletion
    return Earlier(case.kind.normalise(kept), deletion, (*lost, *_unseen(case), *_not_emptied(case)))


def _values(case: Case) -> Values:
    """Return what was read; where the service shows nothing, what was wanted with its differences turned round."""
    change, actual = case.change, case.actual
    applied = case.record.desired if case.record else {}
    told = [field for field in change.fields if field.note != IN_DOUBT]
    hidden = patched(change.desired or {}, map(turned, told))
    touched = {str(field.path[0]) for field in told}
    if change.action in (Action.REPLACE, Action.DELETE):
        hidden = {**applied, **hidden}
        touched = set(hidden if case.record else actual.spec)  # what somebody else made is put back whole
    shown = touched - actual.unreadable
    kept = {name: value for name, value in hidden.items() if name not in shown}
    return kept | {name: actual.spec[name] for name in shown if name in actual.spec}


def _specs(case: Case) -> Iterator[Json]:
    if case.record is not None:
        yield case.record.desired
    yield case.change.desired


def _with_own_words(spec: Values, case: Case) -> dict[str, Json]:
    """Take what only flext reads from what was applied, where nothing says that the resource must not exist."""
    applied = case.record.desired if case.record else {}
    switch = case.kind.enabled_by
    own = [name for name, rule in field_rules(case.kind).items() if rule.local or name == switch]
    kept = {name: applied[name] for name in own if name in applied and (name != switch or applied[name] is not False)}
    return {name: value for name, value in spec.items() if name not in own} | kept


def _unseen(case: Case) -> Iterator[Irreversible]:
    """Name what the service hides and nothing else tells, where the change writes it."""
    change = case.change
    for field in change.fields:
        if field.note == IN_DOUBT:
            yield Irreversible(change.address, field.path, IN_DOUBT)
        elif field.before is ABSENT and len(field.path) == 1 and field.path[0] in case.actual.unreadable:
            yield Irreversible(change.address, field.path, NOT_SHOWN)
    if case.record is None and change.action in (Action.REPLACE, Action.DELETE):
        for name in sorted(case.actual.unreadable):
            yield Irreversible(change.address, (name,), NOT_SHOWN)


def _not_emptied(case: Case) -> Iterator[Irreversible]:
    rules = field_rules(case.kind)
    for field in case.change.fields if case.change.action is not Action.REPLACE else ():
        came = field.before is ABSENT and field.after is not ABSENT and field.path[0] not in case.actual.unreadable
        if came and len(field.path) == 1 and _stays(rules[str(field.path[0])]):
            yield Irreversible(case.change.address, field.path, CANNOT_BE_EMPTY)


def _stays(rule: FieldRule) -> bool:
    return rule.cleared is ABSENT and not (rule.immutable or rule.append_only)


# ------------------------------------------------------------------------------------------------ secrets


def secrets_in(value: Json) -> Iterator[Secret]:
    """Yield every secret that stands anywhere in a value."""
    return _secrets_in(value) if holds_secret(value) else iter(())


def _secrets_in(value: Json) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _secrets_in(item)


def moved_on(secret: Secret) -> str:
    """Say that the reference to a secret no longer leads to the earlier value."""
    return f"{secret.text} stands for another value now"


def _named(value: Json, known: Mapping[str, Secret]) -> Json:
    """Give every secret that a service reported the reference that stands for it, where there is one."""
    if isinstance(value, Secret):
        return value if value.text else known.get(value.fingerprint, value)
    if isinstance(value, Mapping):
        return {key: _named(item, known) for key, item in value.items()}
    return [_named(item, known) for item in value] if isinstance(value, list) else value


def without(spec: Values, instead: Json, why: Why, address: Address) -> tuple[dict[str, Json], list[Irreversible]]:
    """Leave out every secret that cannot be had again, or keep what is there `instead`; return what was lost, too."""
    lost: list[Irreversible] = []
    if not holds_secret(spec):
        return dict(spec), lost
    kept = _without(spec, instead, why, (), lambda path, reason: lost.append(Irreversible(address, path, reason)))
    return (kept if isinstance(kept, dict) else {}), lost


def _without(value: Json, instead: Json, why: Why, path: Path, lose: Callable[[Path, str], None]) -> Json:
    if isinstance(value, Secret):
        reason = why(value)
        if not reason:
            return value
        lose(path, reason)
        return at(instead, path)
    if isinstance(value, Mapping):
        items = ((key, _without(item, instead, why, (*path, key), lose)) for key, item in value.items())
        return {key: item for key, item in items if item is not ABSENT}
    if isinstance(value, list):
        listed = (_without(item, instead, why, (*path, index), lose) for index, item in enumerate(value))
        return [item for item in listed if item is not ABSENT]
    return value


# ------------------------------------------------------------------------------------------------ differences


def turned(field: FieldDiff) -> FieldDiff:
    """Return a difference the other way round."""
    return FieldDiff(field.path, field.after, field.before)


def patched(value: Json, fields: Iterable[FieldDiff]) -> Json:
    """Return a copy with every difference made; lists grow at their end and shrink from it."""
    listed = sorted(fields, key=lambda field: [str(step).rjust(10) for step in field.path])
    for field in [item for item in listed if item.after is not ABSENT]:
        value = put(value, field.path, field.after)
    for field in reversed([item for item in listed if item.after is ABSENT]):
        value = put(value, field.path, ABSENT)
    return value
