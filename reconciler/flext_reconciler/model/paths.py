"""What stands at a path of a value."""

from __future__ import annotations

from collections.abc import Mapping

from .values import ABSENT, Json, Path


def at(value: Json, path: Path) -> Json:
    """Return what stands at a path, or ABSENT; an index may be written as text, as pointers do."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(str(step), ABSENT)
        elif isinstance(value, list) and (index := index_in(value, step)) is not None:
            value = value[index]
        else:
            return ABSENT
    return value


def put(value: Json, path: Path, item: Json) -> Json:
    """Return a copy with an item at a path, maps made on the way; ABSENT takes away what stands there."""
    if not path:
        return item
    step = path[0]
    if isinstance(value, list) and (index := step if isinstance(step, int) else index_in(value, step)) is not None:
        below = put(value[index] if index < len(value) else ABSENT, path[1:], item)
        return [*value[:index], *([] if below is ABSENT else [below]), *value[index + 1 :]]
    held = dict(value) if isinstance(value, Mapping) else {}
    below = put(held.get(str(step), ABSENT), path[1:], item)
    if below is not ABSENT:
        return {**held, str(step): below}
    held.pop(str(step), None)
    return held if held or isinstance(value, Mapping) else value


def index_in(values: list[Json], step: str | int) -> int | None:
    """Return the index that a step of a path means in a list, when it has one."""
    text = str(step)
    plausible = text.isascii() and text.isdecimal() and len(text) < 10
    return int(text) if plausible and int(text) < len(values) else None
