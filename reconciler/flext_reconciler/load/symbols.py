"""Replaces the references of a document: once by symbols, to be kept, and once by values, to be validated."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from ..errors import FlextError
from ..model import ABSENT, Deferred, Json, Path, canonical
from ..references import Sources, fill, resolver, symbolic
from ..spec import names_a_secret
from .wording import value_at

MAX_EXPANDED = 50 * 1024 * 1024
"""How much text all references together may stand for."""


def marked(value: Json) -> tuple[Path, ...]:
    """Return the paths of the texts that hold `${`, or whose key says that they are secret."""
    found: list[Path] = []
    waiting: list[tuple[Path, Json, bool]] = [((), value, False)]
    while waiting:
        path, node, secret = waiting.pop()
        is_mapping = type(node) is dict
        for key, item in node.items() if is_mapping else enumerate(node) if type(node) is list else ():
            kind = type(item)
            if kind is str:
                if "${" in item or secret or (is_mapping and names_a_secret(key)):
                    found.append((*path, key))
            elif kind is dict:
                waiting.append(((*path, key), item, False))
            elif kind is list:
                waiting.append(((*path, key), item, secret or (is_mapping and names_a_secret(key))))
    return tuple(sorted(found))


def under_secret_name(path: Path) -> bool:
    """Tell whether the last key of a path, list positions aside, names a secret."""
    for part in reversed(path):
        if isinstance(part, str):
            return names_a_secret(part)
    return False


def replaced(value: Json, changes: Iterable[tuple[Path, Json]]) -> Json:
    """Return a copy of a value with other nodes at the given paths; what is not above one of them is shared."""
    copy = value.copy()
    deeper: dict[str | int, list[tuple[Path, Json]]] = {}
    for path, item in changes:
        if len(path) == 1:
            copy[path[0]] = item
        else:
            deeper.setdefault(path[0], []).append((path[1:], item))
    for key, rest in deeper.items():
        copy[key] = replaced(copy[key], rest)
    return copy


class _Expanded(NamedTuple):
    symbol: Json
    real: Json  # ABSENT when it is known only at apply
    size: int


_NO_PATHS: frozenset[Path] = frozenset()


class Filled(NamedTuple):
    """A value without references."""

    symbolic: Json
    real: Json
    secret: frozenset[Path] = _NO_PATHS  # paths whose real value must not be quoted
    unknown: frozenset[Path] = _NO_PATHS  # paths without a real value


class Expander:
    """Looks references up, each written text once."""

    def __init__(
        self,
        sources: Sources,
        fingerprint: Callable[[str], str],
        deferred: Callable[[str, str], Deferred] | None = None,
    ) -> None:
        self._sources = sources
        self._fingerprint = fingerprint
        self._deferred = deferred
        self._resolve = resolver(sources)
        self._known: dict[tuple[str, frozenset[str]], _Expanded | FlextError] = {}
        self._left = MAX_EXPANDED

    def fill(
        self,
        value: Json,
        paths: Collection[Path],
        allowed: frozenset[str],
        report: Callable[[Path, FlextError], None],
    ) -> Filled:
        """Replace the references at the given paths; one that cannot be looked up is reported and stays unknown."""
        if not paths:
            return Filled(value, value)
        symbols: list[tuple[Path, Json]] = []
        reals: list[tuple[Path, Json]] = []
        secret, unknown = set(), set()
        for path in paths:
            text = value_at(value, path)
            if "${" not in text:
                continue
            expanded = self._expand(text, allowed)
            if isinstance(expanded, FlextError):
                report(path, expanded)
                expanded = _Expanded(text, ABSENT, 0)
            symbols.append((path, expanded.symbol))
            reals.append((path, None if expanded.real is ABSENT else expanded.real))
            if expanded.real is ABSENT:
                unknown.add(path)
            elif expanded.symbol != expanded.real:
                secret.add(path)
        if not symbols:
            return Filled(value, value)
        return Filled(replaced(value, symbols), replaced(value, reals), frozenset(secret), frozenset(unknown))

    def _expand(self, text: str, allowed: frozenset[str]) -> _Expanded | FlextError:
        known = self._known.get((text, allowed))
        if known is None:
            known = self._known[text, allowed] = self._look_up(text, allowed)
        if isinstance(known, _Expanded):
            self._left -= known.size
            if self._left < 0:
                return FlextError(f"the references of this desired state stand for more than {MAX_EXPANDED:,} bytes")
        return known

    def _look_up(self, text: str, allowed: frozenset[str]) -> _Expanded | FlextError:
        try:
            symbol = symbolic(text, self._sources, self._fingerprint, self._deferred, allowed)
            if isinstance(symbol, Deferred):
                return _Expanded(symbol, ABSENT, 0)
            real = fill(symbol, self._resolve, lambda _: None)
            return _Expanded(symbol, real, len(canonical(real)))
        except FlextError as error:
            return error


def literal_secrets(value: Json) -> Iterable[Path]:
    """Yield the paths of the texts below a value that is secret as a whole, and were written out."""
    if isinstance(value, str):
        if value:
            yield ()
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            for path in literal_secrets(item):
                yield (key, *path)
