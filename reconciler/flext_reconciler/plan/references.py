"""References between resources: `${ref:}` values that are known already, and names that the service turns into ids.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..model import Actual, Address, Deferred, Drift, Effect, FieldDiff, Json, KindSupport, Path, at, holds_deferred
from ..spec import Spec, field_rules


def deferred_in(value: Json) -> list[Deferred]:
    """Return every `${ref:}` that stands anywhere in a value."""
    if not holds_deferred(value):
        return []
    found = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, Deferred):
            found.append(item)
    return found


def filled(value: Json, look_up: Callable[[Deferred], Json]) -> Json:
    """Return a copy with what `look_up` makes of every `${ref:}`."""
    if isinstance(value, Mapping):
        return {key: filled(item, look_up) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, look_up) for item in value]
    return look_up(value) if isinstance(value, Deferred) else value


def names_in(kind: type[Spec], address: Address, spec: Mapping[str, Json]) -> set[Address]:
    """Return the resources that a spec names."""
    return {
        Address(address.service, target, name)
        for pattern, target in kind.refers_to.items()
        for _, name in matches(spec, pattern)
        if isinstance(name, str)
    }


def matches(value: Json, pattern: Path, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Yield every value at a path pattern, `*` standing for any index."""
    if not pattern:
        yield path, value
    elif pattern[0] == "*" and isinstance(value, list | Mapping):
        for step, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from matches(item, pattern[1:], (*path, step))
    elif isinstance(value, Mapping) and pattern[0] in value:
        yield from matches(value[pattern[0]], pattern[1:], (*path, pattern[0]))


def moved_names(
    kind: type[Spec],
    address: Address,
    spec: Mapping[str, Json],
    actual: Actual,
    support: KindSupport,
    moving: Mapping[Address, Drift],
) -> Iterator[tuple[Address, FieldDiff]]:
    """Yield each name that must be written again, although it stays: the service holds an id, and the id will be new.

    Only where the name stands already: everywhere else it is written anyhow.
    """
    rules = field_rules(kind)
    for pattern, target in kind.refers_to.items():
        field = str(pattern[0])
        rule = rules[field]
        fixed = rule.append_only or (rule.immutable and field not in support.in_place)
        for path, name in matches(spec, pattern):
            named = Address(address.service, target, str(name))
            if named in moving and (field in actual.unreadable or at(actual.spec, path) == name):
                note = f"{target} {name} is replaced and gets a new id"
                effect = Effect.REPLACE if fixed else Effect.UPDATE
                yield named, FieldDiff(path, name, name, effect, moving[named], note=note)
