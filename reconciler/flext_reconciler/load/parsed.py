"""What reading a YAML text gives."""

from __future__ import annotations

from typing import NamedTuple

from ..model import Json, Path


class Document(NamedTuple):
    """One document of a file; where its content starts counts from 1."""

    value: Json
    line: int
    column: int
    marked: tuple[Path, ...] = ()  # its texts that hold a reference, or stand where a secret is expected


class Finding(NamedTuple):
    """Something wrong at a path of a document; `key` points at the key instead of its value."""

    document: int
    path: Path
    message: str
    hint: str = ""
    key: bool = False


class Refusal(NamedTuple):
    """Something wrong at a known line and column, counting from 1."""

    line: int
    column: int
    message: str
    hint: str = ""


class Parsed(NamedTuple):
    """What a text holds, and everything that is wrong with it."""

    documents: tuple[Document, ...]
    findings: tuple[Finding, ...] = ()
    refusals: tuple[Refusal, ...] = ()
