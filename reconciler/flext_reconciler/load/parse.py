"""The strict reader: YAML text to plain values, and everything that is wrong with the text."""

from __future__ import annotations

from yaml import YAMLError
from yaml.reader import ReaderError

from .build import Builder, Stop
from .parsed import Parsed, Refusal


def parse(data: bytes) -> Parsed:
    """Read a text; never raises, whatever the bytes are."""
    refused = _refused_bytes(data)
    if refused is not None:
        return Parsed((), refusals=(refused,))
    builder = Builder(data)
    try:
        builder.run()
    except Stop as stop:
        builder.refusals.append(stop.refusal)
    except ReaderError as error:
        line, column = position(data, error.position)
        builder.refusals.append(Refusal(line, column, "a control character that YAML does not allow"))
    except YAMLError as error:
        builder.refusals.append(_syntax(error))
    return Parsed(tuple(builder.documents), tuple(builder.findings), tuple(builder.refusals))


def position(data: bytes, offset: int) -> tuple[int, int]:
    """Return the line and column of a byte, counting from 1."""
    before = data[:offset]
    start = before.rfind(b"\n") + 1
    return before.count(b"\n") + 1, len(before[start:].decode(errors="replace")) + 1


def _refused_bytes(data: bytes) -> Refusal | None:
    nul = data.find(b"\0")
    if nul >= 0:
        return Refusal(*position(data, nul), "a NUL byte; this is not a text file")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return Refusal(*position(data, error.start), "not UTF-8", "save the file as UTF-8")
    return None


def _syntax(error: YAMLError) -> Refusal:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = [text for text in (getattr(error, "context", None), getattr(error, "problem", None)) if text]
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Refusal(line, column, "not valid YAML: " + (", ".join(said) or "it cannot be read"))
