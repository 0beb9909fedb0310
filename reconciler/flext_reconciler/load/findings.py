"""Validates a value with a pydantic model, and reports what it finds where it is written."""

from __future__ import annotations

from collections.abc import Callable

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ..model import Json, Path
from ..references import fill
from .problems import Problems, Spot
from .symbols import Filled
from .wording import advice, dotted, fields_at, nearest, path_of, quoted, said, value_at

Where = Callable[[Path, bool], Spot]
"""(path, whether the key is meant) → the spot where it is written."""


def validate(model: type[BaseModel], filled: Filled, prefix: Path, where: Where, problems: Problems) -> bool:
    """Report every finding; tell whether there was none.

    YAML means JSON, and is validated as JSON: a list will do for a set, and a text for a member of an enumeration.
    What passes as Python values passes as JSON too, and is found out in half the time.
    """
    try:
        model.__pydantic_validator__.validate_python(filled.real)
    except ValidationError:
        return _report_all(model, filled, prefix, where, problems)
    return True


def _report_all(model: type[BaseModel], filled: Filled, prefix: Path, where: Where, problems: Problems) -> bool:
    found = _found(model, filled.real)
    if found and filled.secret:
        # What a kind's own validators say may quote a secret; what they say of the bare references may not.
        shown = fill(filled.symbolic, lambda secret: secret.text, lambda _: None)
        safe = {(error["loc"], error["type"]): error for error in _found(model, shown)}
        found = [safe.get((error["loc"], error["type"]), {**error, "type": "secret"}) for error in found]
    return sum(_report(model, error, filled, prefix, where, problems) for error in found) == 0


def _found(model: type[BaseModel], value: Json) -> list[ErrorDetails]:
    try:
        model.__pydantic_validator__.validate_json(orjson.dumps(value))
    except ValidationError as error:
        return error.errors(include_url=False, include_input=False)
    return []


def _report(
    model: type[BaseModel], error: ErrorDetails, filled: Filled, prefix: Path, where: Where, problems: Problems
) -> bool:
    location = error["loc"]
    path = path_of(location, filled.real)
    if any(path[: len(unknown)] == unknown for unknown in filled.unknown):
        return False
    name = str(location[-1]) if location else ""
    if error["type"] == "missing":
        above = f" of {dotted((*prefix, *path))}" if (*prefix, *path) else ""
        problems.add(where((*prefix, *path), False), f"{quoted(name)}{above} is missing")
    elif error["type"] == "extra_forbidden":
        hint = nearest(name, fields_at(model, path[:-1]))
        problems.add(where((*prefix, *path), True), f"unknown key {dotted((*prefix, *path))}", hint)
    elif location and location[-1] == "[key]":
        problems.add(where((*prefix, *path), True), f"the name {dotted(path)} {said(error, name)}")
    else:
        value = value_at(filled.real, path)
        message = f"{dotted((*prefix, *path)) or 'this'} {said(error, value)}"
        problems.add(where((*prefix, *path), False), message, advice(error, value))
    return True
