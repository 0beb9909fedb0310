"""Whether `lifecycle.ignore` points at what a kind can hold: a pointer to nothing protects nobody's edits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

from ..plan.ignored import steps_of
from .documents import Draft
from .problems import Problems
from .wording import nearest, quoted


class _Astray(NamedTuple):
    depth: int  # the number of the first step that leads nowhere
    known: tuple[str, ...]  # what could stand in its place


def ignores_fields(draft: Draft, problems: Problems) -> bool:
    """Report every ignored pointer that leads to no field of the kind; tell whether there was none."""
    lifecycle = draft.header.get("lifecycle") or {}
    found = [_report(draft, place, pointer, problems) for place, pointer in enumerate(lifecycle.get("ignore", ()))]
    return not any(found)


def _report(draft: Draft, place: int, pointer: str, problems: Problems) -> bool:
    steps = steps_of(pointer)
    astray = _astray(draft.model, steps)
    if astray is not None:
        step, good = steps[astray.depth], "/".join(pointer.split("/")[: astray.depth + 1])
        message = f"{quoted(pointer)} points to nothing: a {draft.address.kind} has no {quoted(step)} there"
        hint = nearest(step, astray.known) or (f"shorten it to {quoted(good)}" if good else "")
        problems.add(draft.origin.where(("lifecycle", "ignore", place)), message, hint)
    return astray is not None


def _astray(model: type[BaseModel], steps: Sequence[str]) -> _Astray | None:
    """Tell where the first step leads nowhere; what is free in form holds anything."""
    types: list[Any] = [model]
    for depth, step in enumerate(steps):
        below = [inner for kind in types for inner in _below(kind, step)]
        if not below:
            return _Astray(depth, tuple(name for kind in types for name in _fields(kind)))
        types = below
    return None


def _below(kind: Any, step: str) -> Iterator[Any]:
    """Yield the types of what may stand at a step below a value of a type."""
    origin, inner = get_origin(kind) or kind, get_args(kind)
    if kind is Any:
        yield Any
    elif origin is Annotated:
        yield from _below(inner[0], step)
    elif origin in (Union, UnionType):
        for branch in inner:
            yield from _below(branch, step)
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        yield inner[1] if inner else Any
    elif isinstance(origin, type) and issubclass(origin, list | tuple | set | frozenset):
        if step.isdecimal():
            yield inner[0] if inner else Any
    elif step in (fields := _fields(kind)):
        yield fields[step]


def _fields(kind: Any) -> Mapping[str, Any]:
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return {}
    return {info.alias or name: info.annotation for name, info in kind.model_fields.items()}
