"""Builds plain values from parser events, in one pass and without recursion.

Nothing is ever composed: the C composer recurses, and dies of deep nesting. A mapping or a list is collected flat and
closed when its end arrives, so that a scalar costs little more than its event. Where a problem needs a place and no
event is at hand, it names a path; `locate` finds the place afterwards, which keeps marks out of the common case.
"""

from __future__ import annotations

import re
from sys import intern
from typing import NamedTuple

from yaml import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from ..model import Json, Path
from ..spec import names_a_secret
from .events import Event, events
from .parsed import Document, Finding, Refusal
from .scalars import WORDS, number
from .symbols import marked
from .wording import kind_of

MAX_DEPTH = 64
MAX_ALIASES = 1_000
MAX_EXPANDED = 100_000
"""How many nodes the aliases of one file may stand for."""

_NUMERIC = frozenset("0123456789+-.")
_NEW = object()
_NUL_ESCAPE = re.compile(rb"\\(?:0|x00|u0000|U00000000)")


class Stop(Exception):
    """Reading goes no further."""

    def __init__(self, event: Event, message: str, hint: str = "") -> None:
        super().__init__(message)
        mark = event.start_mark
        self.refusal = Refusal(mark.line + 1, mark.column + 1, message, hint)


class _Pairs(list[Json]):
    """A mapping being filled: keys and values in turn."""

    __slots__ = ()


class _Keys(dict[str, str]):
    """Every distinct key once, so that equal keys share their memory and are judged a single time."""

    def __init__(self) -> None:
        super().__init__()
        self.secret: set[str] = set()

    def __missing__(self, key: Json) -> str:
        if not isinstance(key, str):
            raise TypeError("a key that is no text")
        if names_a_secret(key):
            self.secret.add(key)
        return self.setdefault(intern(key), key)


class _Anchored(NamedTuple):
    name: str
    depth: int
    nodes: int  # seen before it


class Builder:
    """Turns events into documents. `_stack` holds the collections around the one being filled, the stream first."""

    def __init__(self, data: bytes) -> None:
        self.documents: list[Document] = []
        self.findings: list[Finding] = []
        self.refusals: list[Refusal] = []
        self._events = events(data)
        # Most files have nothing that asks for a second look at each node.
        self._watching = b"&" in data or _NUL_ESCAPE.search(data) is not None
        self._referring = b"${" in data
        self._stack: list[list[Json]] = []
        self._keys = _Keys()
        self._known: dict[str, Json] = dict(WORDS)  # plain scalars → what they mean
        self._marked: set[Path] = set()
        self._first: Event = None
        self._anchors: dict[str, tuple[Json, int] | None] = {}  # None while the anchored node is open
        self._anchored: list[_Anchored] = []
        self._nodes = self._aliases = self._expanded = 0

    def run(self) -> None:
        """Go through all events; this loop is where loading spends its time."""
        known, watching, referring = self._known, self._watching, self._referring
        handle = {
            MappingStartEvent: self._start_mapping,
            MappingEndEvent: self._end_mapping,
            SequenceStartEvent: self._start_sequence,
            SequenceEndEvent: self._end,
            AliasEvent: self._alias,
            DocumentStartEvent: self._start_document,
            DocumentEndEvent: self._end_document,
        }
        items: list[Json] = []
        for event in self._events:
            kind = type(event)
            if kind is ScalarEvent:
                value = text = event.value
                plain, quoted = event.implicit
                if plain:
                    value = known.get(text, _NEW)
                    if value is _NEW:
                        value = self._meaning(event)
                elif not quoted:
                    _refuse_tag(event)
                if watching:
                    self._look_at(event, value)
                if referring and "${" in text:
                    self._mark(items)
                items.append(value)
            elif kind in handle:
                items = handle[kind](event, items)

    # -------------------------------------------------------------------------------------------- scalars

    def _meaning(self, event: Event) -> Json:
        """Return what a plain scalar means, and remember it; what has no meaning is reported each time."""
        text: str = event.value
        try:
            meaning = number(text) if text[0] in _NUMERIC else text
        except ValueError as error:
            mark = event.start_mark
            self.refusals.append(Refusal(mark.line + 1, mark.column + 1, str(error), "quote it if it is meant as text"))
            return None
        self._known[text] = meaning
        return meaning

    def _look_at(self, event: Event, value: Json) -> None:
        self._nodes += 1
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)
        if "\0" in event.value:
            raise Stop(event, "a NUL character in a text")

    # -------------------------------------------------------------------------------------------- collections

    def _start_mapping(self, event: Event, items: list[Json]) -> list[Json]:
        stack = self._stack
        if event.tag is not None or self._watching or not stack or len(stack) == MAX_DEPTH:
            self._look_at_start(event)
        stack.append(items)
        return _Pairs()

    def _start_sequence(self, event: Event, items: list[Json]) -> list[Json]:
        stack = self._stack
        if event.tag is not None or self._watching or not stack or len(stack) == MAX_DEPTH:
            self._look_at_start(event)
        stack.append(items)
        return []

    def _look_at_start(self, event: Event) -> None:
        depth = len(self._stack)
        if depth == 0:
            self._first = event
        elif depth == MAX_DEPTH:
            raise Stop(event, f"nested deeper than {MAX_DEPTH} levels")
        _refuse_tag(event)
        self._nodes += 1
        if event.anchor is not None:
            self._anchors[event.anchor] = None
            self._anchored.append(_Anchored(event.anchor, depth, self._nodes))

    def _end_mapping(self, event: Event, items: list[Json]) -> list[Json]:
        pairs = iter(items)
        try:
            mapping = dict(zip(map(self._keys.__getitem__, pairs), pairs, strict=True))
        except TypeError:
            mapping = {}
        if len(mapping) * 2 != len(items) or "<<" in mapping:
            self._refuse_keys(items[::2])
        elif not self._keys.secret.isdisjoint(mapping):
            self._mark_secrets(mapping)
        return self._end(event, mapping)

    def _end(self, event: Event, value: Json) -> list[Json]:
        around = self._stack.pop()
        if self._anchored and self._anchored[-1].depth == len(self._stack):
            anchored = self._anchored.pop()
            self._anchors[anchored.name] = (value, self._nodes - anchored.nodes + 1)
        around.append(value)
        return around

    # -------------------------------------------------------------------------------------------- documents, aliases

    def _start_document(self, event: Event, items: list[Json]) -> list[Json]:
        self._first = event
        self._anchors.clear()
        return items

    def _end_document(self, event: Event, items: list[Json]) -> list[Json]:
        mark = self._first.start_mark
        self.documents.append(Document(items.pop(), mark.line + 1, mark.column + 1, tuple(sorted(self._marked))))
        self._marked.clear()
        return items

    def _alias(self, event: Event, items: list[Json]) -> list[Json]:
        if event.anchor not in self._anchors:
            raise Stop(event, "no anchor of this name comes before")
        known = self._anchors[event.anchor]
        if known is None:
            raise Stop(event, "this alias stands inside what it names")
        value, size = known
        self._aliases += 1
        self._expanded += size
        self._nodes += size
        if self._aliases > MAX_ALIASES:
            raise Stop(event, f"more than {MAX_ALIASES:,} aliases in one file")
        if self._expanded > MAX_EXPANDED:
            raise Stop(event, f"the aliases of this file stand for more than {MAX_EXPANDED:,} values")
        for _, *below in marked([value]):
            self._mark(items, *below)
        items.append(value)
        return items

    # -------------------------------------------------------------------------------------------- wrong keys

    def _refuse_keys(self, keys: list[Json]) -> None:
        seen: set[str] = set()
        for key in keys:
            if isinstance(key, dict | list):
                self._find((), "a key must be text, not a collection")
            elif not isinstance(key, str):
                self._find((key,), f"a key must be text, and YAML reads this one as {kind_of(key)}", "quote it")
            elif key == "<<":
                self._find((key,), "merge keys are not supported", "write the keys out, or alias a whole value")
            elif key in seen:
                self._find((key,), "this key stands here twice")
            else:
                seen.add(key)

    def _find(self, key: Path, message: str, hint: str = "") -> None:
        path = (*self._path(), *key)
        self.findings.append(Finding(len(self.documents), path, message, hint, key=bool(key)))

    # -------------------------------------------------------------------------------------------- paths

    def _path(self, items: list[Json] | None = None) -> Path:
        # Of the collection that is open, or of the value that comes next in it.
        path: list[str | int] = []
        for around in [*self._stack, *([items] if items is not None else ())][1:]:
            if not isinstance(around, _Pairs):
                path.append(len(around))
            elif len(around) % 2 and isinstance(around[-1], str):
                path.append(around[-1])
            else:
                break  # inside a key
        return tuple(path)

    def _mark(self, items: list[Json], *below: str | int) -> None:
        is_key = isinstance(items, _Pairs) and len(items) % 2 == 0
        if self._stack and not is_key:
            self._marked.add((*self._path(items), *below))

    def _mark_secrets(self, mapping: dict[str, Json]) -> None:
        above = self._path()
        for key in self._keys.secret & mapping.keys():
            if type(mapping[key]) is str:
                self._marked.add((*above, key))
            else:
                self._marked.update((*above, *path) for path in marked({key: mapping[key]}))


def _refuse_tag(event: Event) -> None:
    if event.tag is not None:
        raise Stop(event, "tags are not allowed", "write the value plainly, in quotes if it is meant as text")
