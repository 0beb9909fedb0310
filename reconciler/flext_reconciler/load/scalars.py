"""What a plain scalar means: YAML 1.2's core schema, less the values that JSON has no word for."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from ..model import Json

WORDS: dict[str, Json] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
"""The plain scalars that are words of the schema; everything else that is no number is text."""

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_JSON = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_BASES = {"0o": 8, "0x": 16}
_MOST_DIGITS = 64
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


@lru_cache(maxsize=4096)
def number(text: str) -> int | float | str:
    """Return the number that a plain scalar writes, or the text itself; raises ValueError for what JSON cannot hold."""
    if _INTEGER.fullmatch(text):
        value = _SMALLEST - 1 if len(text) > _MOST_DIGITS else int(text, _BASES.get(text[:2], 10))
        if not _SMALLEST <= value <= _LARGEST:
            raise ValueError("an integer must fit in 64 bits")
        return value
    if _FLOAT.fullmatch(text):
        real = float(text)
        if not math.isfinite(real):
            raise ValueError("a number this large has no JSON form")
        return real
    if _NOT_JSON.fullmatch(text):
        raise ValueError("infinity and not-a-number have no JSON form")
    return text


def resolve(text: str) -> Json:
    """Return what a plain scalar means; raises ValueError for what JSON cannot hold."""
    return WORDS[text] if text in WORDS else number(text)
