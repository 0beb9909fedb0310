"""Reads YAML files into sources, and remembers what they hold."""

from __future__ import annotations

from pathlib import Path as FilePath

from ..errors import Place
from .cache import digest, recall, remember
from .files import MAX_TOTAL_BYTES, Tree
from .locate import Target
from .parse import parse
from .parsed import Document, Parsed
from .problems import Problems, Source, Spot


def read_source(tree: Tree, relative: str, problems: Problems) -> Source | None:
    """Read one file; None when something is wrong with its YAML."""
    data = tree.read(relative, problems)
    return None if data is None else _parsed(tree.show(relative), data, problems)


def read_sources(tree: Tree, cache: FilePath | None, problems: Problems) -> list[Source]:
    """Read all document files of a tree, in order; unchanged ones come from the cache."""
    remembered = recall(cache)
    kept: dict[str, tuple[Document, ...]] = {}
    sources: list[Source] = []
    total = 0
    for relative in tree.files(problems):
        data = tree.read(relative, problems)
        if data is None:
            continue
        total += len(data)
        if total > MAX_TOTAL_BYTES:
            problems.add(tree.place(relative), f"the files together are larger than {MAX_TOTAL_BYTES:,} bytes")
            break
        key = digest(data) if cache is not None else relative
        known = remembered.get(key)
        shown = tree.show(relative)
        source = _parsed(shown, data, problems) if known is None else Source(shown, data, known)
        if source is not None:
            kept[key] = source.documents
            sources.append(source)
    if kept.keys() != remembered.keys():
        remember(cache, kept)
    return sources


def _parsed(shown: str, data: bytes, problems: Problems) -> Source | None:
    parsed = parse(data)
    source = Source(shown, data, parsed.documents)
    _report(parsed, source, problems)
    return None if parsed.findings or parsed.refusals else source


def _report(parsed: Parsed, source: Source, problems: Problems) -> None:
    for line, column, message, hint in parsed.refusals:
        problems.add(Place(source.shown, line, column), message, hint)
    for document, path, message, hint, key in parsed.findings:
        problems.add(Spot(source, Target(document, path, key)), message, hint)
