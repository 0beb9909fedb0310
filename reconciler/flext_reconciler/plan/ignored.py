"""`lifecycle.ignore`: JSON pointers to what is nobody's business.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..diff import Comparison
from ..model import ABSENT, Actual, Json, Resource, at, holds_secret, put

Steps = tuple[str, ...]


def with_ignored(resource: Resource, actual: Actual) -> Mapping[str, Json]:
    """Return the declared spec with every ignored value as it was read, so that writing it changes nothing there.

    A secret that was read is known by its fingerprint only and cannot be written back: the declared one stays.
    """
    spec: Json = resource.spec
    for steps in _pointers(resource):
        kept = at(actual.spec, steps)
        if ABSENT not in (kept, at(spec, steps)) and not holds_secret(kept):
            spec = put(spec, steps, kept)
    written: Mapping[str, Json] = spec
    return written


def without_ignored(found: Comparison, resource: Resource) -> Comparison:
    """Drop every difference that stands at or below an ignored pointer."""
    pointers = _pointers(resource)
    if not pointers:
        return found
    return replace(
        found,
        fields=tuple(field for field in found.fields if not _is_below(field.path, pointers)),
        unverifiable=tuple(name for name in found.unverifiable if (name,) not in pointers),
    )


def steps_of(pointer: str) -> Steps:
    """Return the keys and indexes that a JSON pointer names."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def _pointers(resource: Resource) -> tuple[Steps, ...]:
    return tuple(map(steps_of, resource.lifecycle.ignore))


def _is_below(path: tuple[str | int, ...], pointers: Iterable[Steps]) -> bool:
    written = tuple(str(step) for step in path)
    return any(written[: len(steps)] == steps for steps in pointers)
