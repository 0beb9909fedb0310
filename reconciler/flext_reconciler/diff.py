"""What differs between a declared spec and what was read, field by field; the only importer of deepdiff.

Pure. One-sided: only what is declared is compared, in nested maps too, and what was declared before and is gone.

    declared now   declared before   read      difference
    value          any               other     value is set
    nothing        value             value     the field is cleared, or its keys removed, where the kind can do that
    nothing        nothing           anything  none: it is not ours

A field that the service does not give back is compared with what was last applied instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256

from .model import (
    ABSENT,
    Action,
    Actual,
    Drift,
    Effect,
    FieldDiff,
    Json,
    KindSupport,
    Path,
    Record,
    Secret,
    at,
    canonical,
)
from .spec import FieldRule, Spec, field_rules, names_a_secret

NOT_READ_BACK = "cannot be read back; compared with what was last applied"
IN_DOUBT = "cannot be read back, and an apply that was cut short may have changed it"
UNDECLARED = "no longer declared"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences of one resource, and the declared fields that nothing could be said about."""

    fields: tuple[FieldDiff, ...] = ()
    unverifiable: tuple[str, ...] = ()

    @property
    def replaces(self) -> bool:
        """Some difference can only be made by replacing the resource."""
        return any(field.effect is Effect.REPLACE for field in self.fields)


_EQUAL = Comparison()


def compare(
    kind: type[Spec], desired: Mapping[str, Json], actual: Actual, record: Record | None, support: KindSupport
) -> Comparison:
    """Compare a declared spec with what was read and, where that is silent, with what was last applied."""
    if _plainly_equal(kind, desired, actual, record):
        return _EQUAL
    if record is not None and record.pending is Action.ADOPT and record.id is None:
        record = None  # the mere intent to adopt is no evidence of anything
    fields: list[FieldDiff] = []
    unverifiable = []
    applied = _applied(record) if record else {}
    uncompared = _uncompared(kind)
    for name, rule in field_rules(kind).items():
        if name in uncompared or not (name in desired or name in applied):
            continue
        if name in support.in_place:
            rule = replace(rule, immutable=False)
        if name in actual.unreadable:
            known = record if record and _is_about(record, actual) else None
            if name in desired and known is None:
                unverifiable.append(name)
            found = _unread(name, rule, desired, known)
        else:
            found = _field(name, rule, desired, actual.spec.get(name, ABSENT), applied.get(name, ABSENT))
        fields.extend(_finish(item, rule, record) for item in found)
    return Comparison(sorted_fields(fields), tuple(unverifiable))


def _plainly_equal(kind: type[Spec], desired: Mapping[str, Json], actual: Actual, record: Record | None) -> bool:
    """Most resources are: say so by comparing bytes, before looking at any field."""
    wanted = canonical(desired)
    if not actual.unreadable.isdisjoint(desired) and not (record and _is_about(record, actual)):
        return False
    if record is not None and (record.pending is not None or canonical(record.desired) != wanted):
        return False
    shown = actual.spec
    seen = {name: shown[name] for name in desired if name in shown}
    if len(seen) == len(desired):
        return canonical(seen) == wanted
    hidden = _uncompared(kind) | actual.unreadable
    compared = {name: value for name, value in desired.items() if name not in hidden}
    return len(seen) == len(compared) and canonical(seen) == canonical(compared)


def _is_about(record: Record, actual: Actual) -> bool:
    """Tell whether what was applied says anything of the very object that is there."""
    return record.id == actual.id or record.pending in (Action.CREATE, Action.REPLACE)


def _applied(record: Record) -> Mapping[str, Json]:
    """Return what was ever applied as far as is known: what an apply that was cut short wanted may be there, too."""
    applied: Mapping[str, Json] = {}
    for spec in (*record.attempted, record.desired):
        applied = _overlaid(applied, spec)
    return applied


def _overlaid(below: Json, above: Json) -> Json:
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return above
    return {**below, **{key: _overlaid(below.get(key), value) for key, value in above.items()}}


@cache
def _uncompared(kind: type[Spec]) -> frozenset[str]:
    """Return the fields that say how to work, or whether the resource exists, and nothing about how it is."""
    return frozenset(name for name, rule in field_rules(kind).items() if rule.local or name == kind.enabled_by)


def _unread(name: str, rule: FieldRule, desired: Mapping[str, Json], record: Record | None) -> Iterator[FieldDiff]:
    if record is None:
        return
    rewritten = record.pending is Action.CREATE and record.id is not None  # a record older than the intent
    if name in desired and (rewritten or record.pending in (Action.UPDATE, Action.REPLACE)):
        yield FieldDiff((name,), ABSENT, desired[name], drift=Drift.GIT, note=IN_DOUBT)
        return
    before = record.desired.get(name, ABSENT)
    for item in _field(name, rule, desired, before, before):
        yield replace(item, drift=Drift.GIT, note=NOT_READ_BACK)


def _field(name: str, rule: FieldRule, desired: Mapping[str, Json], before: Json, applied: Json) -> Iterator[FieldDiff]:
    if name not in desired:
        if before is not ABSENT and applied is not ABSENT:
            yield from _cleared(name, rule, before, applied)
    elif not rule.unordered:
        yield from _value((name,), before, desired[name], applied)
    elif not same(before, desired[name]):
        yield FieldDiff((name,), before, desired[name])


def _cleared(name: str, rule: FieldRule, before: Json, applied: Json) -> Iterator[FieldDiff]:
    """Take back what was declared once; what the service cannot be told to forget stays."""
    if isinstance(before, Mapping) and isinstance(applied, Mapping):
        rest = rule.cleared if isinstance(rule.cleared, Mapping) else {}
        left = [key for key in sorted(applied) if key in before and not same(before[key], rest.get(key, ABSENT))]
        if rule.merge_only or rule.cleared is ABSENT:
            for key in left:
                yield FieldDiff((name, key), before[key], rest.get(key, ABSENT), note=UNDECLARED)
        elif left:
            yield FieldDiff((name,), before, rule.cleared, note=UNDECLARED)
    elif (rule.cleared is not ABSENT or rule.immutable or rule.append_only) and not same(before, rule.cleared):
        yield FieldDiff((name,), before, rule.cleared, note=UNDECLARED)


def _value(path: Path, before: Json, after: Json, applied: Json) -> Iterator[FieldDiff]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _map(path, before, after, applied if isinstance(applied, Mapping) else {})
    elif isinstance(before, list) and isinstance(after, list):
        yield from _list(path, before, after, applied if isinstance(applied, list) else [])
    elif not same(before, after):
        yield FieldDiff(path, before, after)


def _map(
    path: Path, before: Mapping[str, Json], after: Mapping[str, Json], applied: Mapping[str, Json]
) -> Iterator[FieldDiff]:
    for key in sorted(after):
        yield from _value((*path, key), before.get(key, ABSENT), after[key], applied.get(key, ABSENT))
    for key in sorted((applied.keys() & before.keys()) - after.keys()):
        yield FieldDiff((*path, key), before[key], ABSENT, note=UNDECLARED)


def _list(path: Path, before: list[Json], after: list[Json], applied: list[Json]) -> Iterator[FieldDiff]:
    """Compare item by item as far as both go; what is longer comes or goes at the end."""
    for index, (left, right) in enumerate(zip(before, after, strict=False)):
        yield from _value((*path, index), left, right, applied[index] if index < len(applied) else ABSENT)
    for index in range(len(before), len(after)):
        yield FieldDiff((*path, index), ABSENT, after[index])
    for index in range(len(after), len(before)):
        yield FieldDiff((*path, index), before[index], ABSENT)


def _finish(item: FieldDiff, rule: FieldRule, record: Record | None) -> FieldDiff:
    return replace(
        item,
        effect=_effect(item, rule),
        drift=item.drift or (_drift(item, record) if record else None),
        secret=rule.sensitive or _is_secret(item),
    )


def _effect(item: FieldDiff, rule: FieldRule) -> Effect:
    added = item.before is ABSENT and len(item.path) <= 2
    removed = item.after is ABSENT and len(item.path) == 2  # deeper, the whole value of the key is sent again
    replaces = rule.immutable or (rule.append_only and not added) or (rule.merge_only and removed)
    return Effect.REPLACE if replaces else Effect.UPDATE


def _is_secret(item: FieldDiff) -> bool:
    named = any(isinstance(step, str) and names_a_secret(step) for step in item.path)
    return named or isinstance(item.before, Secret) or isinstance(item.after, Secret)


def _drift(item: FieldDiff, record: Record) -> Drift:
    """Tell who moved: the declaration since it was applied, the platform since it was read back, or both."""
    applied = at(record.desired, item.path)
    observed = at(record.observed, item.path) if record.observed else applied
    git, actual = not same(item.after, applied), not same(item.before, observed)
    if git and actual:
        return Drift.BOTH
    return Drift.ACTUAL if actual else Drift.GIT


def moved_defaults(desired: Mapping[str, Json], actual: Actual, record: Record) -> tuple[FieldDiff, ...]:
    """List undeclared fields that the service itself changed since we last wrote."""
    spec, applied = actual.spec, record.desired
    moved = [
        name
        for name, before in record.observed.items()
        if name not in desired and name not in applied and name in spec and not same(before, spec[name])
    ]
    items = (
        FieldDiff((name,), record.observed[name], spec[name], drift=Drift.SERVER_DEFAULT) for name in sorted(moved)
    )
    return tuple(replace(item, secret=_is_secret(item)) for item in items)


def same(left: Json, right: Json) -> bool:
    """Tell whether two values are equal in flext's sense; ABSENT equals only itself."""
    if left is ABSENT or right is ABSENT:
        return left is right
    return canonical(left) == canonical(right)


def base_fingerprint(actual: Actual, fields: Iterable[str] | None = None) -> str:
    """Digest what a change was planned from, limited to the fields that were read then."""
    names = sorted(actual.spec if fields is None else fields)
    seen = [actual.presence, actual.id, [[name, actual.spec[name]] for name in names if name in actual.spec]]
    return sha256(canonical(seen)).hexdigest()


def explain(before: Json, after: Json) -> tuple[tuple[Path, Json, Json], ...]:
    """List the nested differences of two values for a person to look at, sorted by path."""
    from deepdiff import DeepDiff

    tree = DeepDiff(
        _shown(before),
        _shown(after),
        view="tree",
        threshold_to_diff_deeper=0,  # otherwise two maps that share few keys collapse into one difference of the root
        zip_ordered_iterables=True,  # otherwise indexes of the two sides get mixed
        ignore_private_variables=False,  # otherwise keys that begin with __ are left out
    )
    found = []
    for items in tree.values():
        for item in items:
            path = tuple(item.path(output_format="list"))
            found.append((path, at(before, path), at(after, path)))
    return tuple(sorted(found, key=lambda entry: _path_key(entry[0])))


def _shown(value: Json) -> Json:
    """Replace every leaf by its canonical text: deepdiff takes 1, 1.0 and true for equal inside a list."""
    if isinstance(value, Mapping):
        return {key: _shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return "absent" if value is ABSENT else canonical(value).decode()


def sorted_fields(fields: Iterable[FieldDiff]) -> tuple[FieldDiff, ...]:
    """Sort by path, indexes as numbers."""
    return tuple(sorted(fields, key=lambda item: _path_key(item.path)))


def _path_key(path: Path) -> list[tuple[bool, int | str]]:
    return [(isinstance(step, str), step) for step in path]
