"""How problems are said: the nearest name, paths for people, and pydantic's findings without anybody's values."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from ..model import Json, Path

_LONGEST = 80
_FEW = 100


def printable(text: str) -> str:
    """Return a text with what a terminal might obey written as escapes."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "backslashreplace").decode()
        for letter in text
    )


def quoted(text: str) -> str:
    """Return a name from a file as messages show it: printable, short and in back-ticks."""
    return f"`{printable(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…')}`"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the hint that names the closest known name, or all of them when none is close; a list must be sorted."""
    names = known if isinstance(known, list) else sorted(set(known))
    few = names
    if len(names) > _FEW:
        place = bisect_left(names, name)  # comparing with every name of a large platform takes too long
        few = names[max(0, place - _FEW // 2) : place + _FEW // 2]
    close = get_close_matches(name[:_LONGEST], few, n=1)
    if close:
        return f"did you mean {quoted(close[0])}?"
    return f"known are {', '.join(names)}" if 0 < len(names) <= _FEW // 4 else ""


def dotted(path: Path) -> str:
    """Return a path as people write it: `spec.steps[0].name`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return printable(text.removeprefix(".")[: 3 * _LONGEST])


_KINDS: dict[type[Any], str] = {
    bool: "a boolean",
    int: "an integer",
    float: "a number with a fraction",
    str: "text",
    dict: "a mapping",
    list: "a list",
    type(None): "null",
}


def kind_of(value: Json) -> str:
    """Return what sort of value this is, in words."""
    return _KINDS.get(type(value), "a reference")


# ------------------------------------------------------------------------------------------------ pydantic's findings

_EXPECTED = {
    "string_type": "text",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "none_required": "null",
}

_LIMITS = {
    "secret": "stands for a value that is not accepted here",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "must have {max_length} characters or fewer",
    "string_too_short": "must have {min_length} or more characters",
    "too_long": "must have {max_length} entries or fewer",
    "too_short": "must have {min_length} or more entries",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "union_tag_invalid": "must be one of {expected_tags}",
}


def said(error: ErrorDetails, value: Json) -> str:
    """Return what a finding of pydantic says about the value at its path; never the value itself."""
    kind = error["type"]
    if kind in _EXPECTED:
        return f"must be {_EXPECTED[kind]}, not {kind_of(value)}"
    if kind in _LIMITS:
        return _LIMITS[kind].format(**error.get("ctx", {}))
    own = error.get("ctx", {}).get("error")
    return f"is not valid: {printable(str(own) if own is not None else error['msg'])}"


def advice(error: ErrorDetails, value: Json) -> str:
    """Return what to do about a finding, when that is plain."""
    return "quote it if it is meant as text" if error["type"] == "string_type" and _is_scalar(value) else ""


def _is_scalar(value: Json) -> bool:
    return isinstance(value, bool | int | float)


def path_of(location: Iterable[int | str], value: Json) -> Path:
    """Return the part of pydantic's `loc` that names nodes of the value; the rest names branches of unions."""
    path: list[str | int] = []
    for part in location:
        if _holds(value, part):
            value = value[part]
            path.append(part)
    return tuple(path)


def _holds(value: Json, part: int | str) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def value_at(value: Json, path: Path) -> Json:
    """Return the node at a path that exists."""
    for part in path:
        value = value[part]
    return value


def fields_at(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    """Return the field names that a model knows at a path of one of its values."""
    models = [model]
    for part in path:
        if isinstance(part, str):
            fields = [
                info for outer in models for name, info in outer.model_fields.items() if part in (name, info.alias)
            ]
            models = [inner for info in fields for inner in _models(info)] if fields else models
    return tuple(info.alias or name for known in models for name, info in known.model_fields.items())


def _models(annotated: Any) -> Iterator[type[BaseModel]]:
    annotation = getattr(annotated, "annotation", annotated)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
