"""The ledger's rows as JSON documents, signed by their digest: what leaves a ledger can be held against what returns.

A document holds rows as they are, with what stands in them as JSON opened, so that it can be read and compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

import orjson

from ..errors import LedgerError
from ..model import Json
from ..planfile.encode import digest
from ..planfile.files import read_capped
from .store import Row, Value

FORMAT_VERSION = "1.1"
"""Readers accept another minor, its additions left out or missing, and refuse another major."""

MAX_BYTES = 1024 * 1024 * 1024
"""A history of some thousand large plans; larger files are refused before they are read."""

_NOTHING_TAKEN = "Nothing was taken over."

COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "runs": {
        "id": int,
        "started": str,
        "ended": str | None,
        "who": str,
        "plan": str,
        "result": str,
        "revision": str,
        "undoes": int,
        "document": dict | None,
    },
    "resources": {
        "address": str,
        "id": str | None,
        "desired": dict,
        "observed": dict,
        "deletion": str,
        "due": str,
        "protect": int,
        "serial": int,
        "run": int,
    },
    "intents": {
        "id": int,
        "run": int,
        "address": str,
        "action": str,
        "change": dict,
        "at": str,
    },
    "outcomes": {
        "run": int,
        "address": str,
        "action": str,
        "status": str,
        "id": str | None,
        "message": str,
        "hint": str,
        "fields": list,
        "seconds": float | int,
    },
}
"""Table → column → what its value is in a document. Tables come after those that they refer to."""

_LATER: Mapping[str, Mapping[str, Json]] = {"runs": {"undoes": 0}, "resources": {"protect": 0}}
"""Table → column → what it is in a document that was written before there was such a column."""

_OPENED = frozenset({"document", "desired", "observed", "change", "fields"})
_LARGEST = 2**31 - 1


def row_document(table: str, row: Row) -> dict[str, Json]:
    """Return a row as a document; raises ValueError for what no flext wrote."""
    return {
        column: orjson.loads(value) if column in _OPENED and value is not None else value
        for column, value in zip(COLUMNS[table], row, strict=True)
    }


def document_row(table: str, document: Json) -> dict[str, Value]:
    """Return the columns of a row by name; raises KeyError, TypeError or ValueError for what no flext wrote."""
    row: dict[str, Value] = {}
    written = {**_LATER.get(table, {}), **document}
    for column, kind in COLUMNS[table].items():
        value = written[column]
        if not isinstance(value, kind):
            raise TypeError(f"{column} is of another type")
        if isinstance(value, int) and not 0 <= value <= _LARGEST:
            raise ValueError(f"{column} is out of range")
        row[column] = orjson.dumps(value, option=orjson.OPT_SORT_KEYS) if isinstance(value, dict | list) else value
    return row


def sign(kind: str, document: Mapping[str, Json]) -> bytes:
    """Return a document as canonical JSON with its kind, its version and its fingerprint."""
    whole = {**document, "document": kind, "format_version": FORMAT_VERSION}
    return orjson.dumps(
        {**whole, "fingerprint": digest(whole)}, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    )


def read_signed(path: FilePath, kinds: Sequence[str]) -> dict[str, Json]:
    """Read a document that `sign` wrote; raises LedgerError for what is damaged, edited or something else."""
    try:
        document = orjson.loads(read_capped(path, MAX_BYTES))
    except OSError as error:
        raise LedgerError(f"cannot read {path}: {error.strerror or error}", hint="Check the path.") from None
    except ValueError as error:
        raise _refused(path, f"is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("document") not in kinds:
        raise _refused(path, "was not written by `flext ledger export` or by an apply that lost its ledger")
    version = document.get("format_version")
    if not isinstance(version, str) or version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise _refused(path, "has a format that this flext does not read")
    if document.get("fingerprint") != digest(document):
        raise _refused(path, "was edited or damaged: its content does not match its fingerprint")
    return document


def require(condition: bool, message: str, hint: str) -> None:
    """Refuse a document that does not belong here."""
    if not condition:
        raise LedgerError(message, hint=hint)


def malformed(path: FilePath, detail: object) -> LedgerError:
    """Return the error for a document whose fingerprint is right and whose content is not."""
    return _refused(path, f"holds what no flext wrote ({detail})")


def _refused(path: FilePath, why: str) -> LedgerError:
    return LedgerError(f"{path} {why}", hint=_NOTHING_TAKEN)
