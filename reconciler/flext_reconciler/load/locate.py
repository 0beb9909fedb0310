"""Finds where a path of a document stands, by going through the events once more; only problems pay for places."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from yaml import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    YAMLError,
)

from ..model import Json, Path
from .events import Event, events
from .scalars import resolve


class Target(NamedTuple):
    """A node of a file: a path of a document, or the key at its end."""

    document: int
    path: Path
    key: bool = False


Position = tuple[int, int]
"""Line and column, counting from 1."""

_STARTS = (MappingStartEvent, SequenceStartEvent)
_ENDS = (MappingEndEvent, SequenceEndEvent)
_LEAVES = (ScalarEvent, AliasEvent)


def locate(data: bytes, targets: Collection[Target]) -> dict[Target, Position]:
    """Return the place of each target, or of the nearest node above it that is written down."""
    walk = _Walk({above for target in targets for above in _lineage(target)})
    try:
        for event in events(data):
            walk.see(event)
    except YAMLError:
        pass  # the reader has reported it; what comes before still has its places
    return {
        target: next((walk.found[above] for above in _lineage(target) if above in walk.found), (1, 1))
        for target in targets
    }


def _lineage(target: Target) -> list[Target]:
    document, path, key = target
    return [target] * key + [Target(document, path[:length]) for length in range(len(path), -1, -1)]


class _Open(NamedTuple):
    mapping: bool
    is_key: bool  # a collection that is a key itself; the reader has refused it, and what follows keeps its places


class _Walk:
    def __init__(self, wanted: Collection[Target]) -> None:
        self.found: dict[Target, Position] = {}
        self._wanted = wanted
        self._documents = {target.document for target in wanted}
        self._document = 0
        self._path: list[Json] = []  # ends with the key or index of the node that comes next
        self._open: list[_Open] = []
        self._wants_key = False

    def see(self, event: Event) -> None:
        """Take in the next event."""
        if isinstance(event, DocumentEndEvent):
            self._document += 1
        elif self._document not in self._documents:
            return
        elif isinstance(event, _STARTS):
            if self._wants_key:
                self._path[-1] = None
            self._note(event)
            self._descend(isinstance(event, MappingStartEvent))
        elif isinstance(event, _ENDS):
            self._path.pop()
            self._after(is_key=self._open.pop().is_key)
        elif isinstance(event, _LEAVES):
            is_key = self._wants_key
            if is_key:
                self._path[-1] = _key(event)
            self._note(event)
            self._after(is_key=is_key)

    def _note(self, event: Event) -> None:
        target = Target(self._document, tuple(self._path), self._wants_key)
        if target in self._wanted:
            self.found[target] = (event.start_mark.line + 1, event.start_mark.column + 1)

    def _descend(self, mapping: bool) -> None:
        self._open.append(_Open(mapping, self._wants_key))
        self._path.append(None if mapping else 0)
        self._wants_key = mapping

    def _after(self, *, is_key: bool) -> None:
        mapping = bool(self._open) and self._open[-1].mapping
        self._wants_key = mapping and not is_key
        if self._open and not mapping:
            self._path[-1] += 1


def _key(event: Event) -> Json:
    if isinstance(event, AliasEvent):
        return None
    try:
        return resolve(event.value) if event.implicit[0] else event.value
    except ValueError:
        return None
