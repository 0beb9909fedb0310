"""Gathers everything that is wrong, so that it can be reported at once and each with its place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from ..errors import DesiredStateError, FlextError, Place, Problem
from ..model import Path
from .locate import Target, locate
from .parsed import Document


@dataclass(frozen=True, eq=False)
class Source:
    """A YAML file that was read."""

    shown: str  # as messages call it
    data: bytes = field(repr=False)
    documents: tuple[Document, ...] = field(repr=False)

    def place(self, document: int) -> Place:
        """Return where a document's content starts."""
        held = self.documents[document]
        return Place(self.shown, held.line, held.column)


class Spot(NamedTuple):
    """A node of a source, whose place is looked up only when a problem asks for it."""

    source: Source
    target: Target

    def at(self, *path: str | int, key: bool = False) -> Spot:
        """Return the spot of a node further down."""
        document, above, _ = self.target
        return Spot(self.source, Target(document, (*above, *path), key))

    @property
    def path(self) -> Path:
        """The path within the document."""
        return self.target.path

    def places(self, paths: Iterable[Path]) -> dict[Path, Place]:
        """Look up where the keys at the end of paths further down stand."""
        targets = {path: self.at(*path, key=True).target for path in paths}
        found = locate(self.source.data, set(targets.values()))
        return {path: Place(self.source.shown, *found[target]) for path, target in targets.items()}


class Problems:
    """What is wrong so far."""

    def __init__(self) -> None:
        self._placed: set[Problem] = set()
        self._open: dict[Source, list[tuple[Target, str, str]]] = defaultdict(list)

    def __bool__(self) -> bool:
        return bool(self._placed or self._open)

    def add(self, where: Spot | Place, message: str, hint: str = "") -> None:
        """Note one problem."""
        if isinstance(where, Spot):
            self._open[where.source].append((where.target, message, hint))
        else:
            self._placed.add(Problem(where, message, hint))

    def add_error(self, where: Spot | Place, error: FlextError) -> None:
        """Note what an exception says."""
        self.add(where, error.message, error.hint)

    def raise_all(self) -> None:
        """Raise one DesiredStateError with every problem, if there is any."""
        if not self:
            return
        for source, noted in self._open.items():
            places = locate(source.data, {target for target, _, _ in noted})
            self._placed.update(
                Problem(Place(source.shown, *places[target]), message, hint) for target, message, hint in noted
            )
        raise DesiredStateError(self._placed)
