"""How the echo generation reads requests and writes replies: envelopes, errors chosen by words, pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response

from flext_reconciler.sandbox import Faults, Store

from .table import Item, Table

Handler = Callable[[Request], Awaitable[Response]]
Field = tuple[type, bool, int | None]
"""The type that Go binds a field to, whether it is required, and how long a text may be."""


@dataclass(frozen=True)
class Room:
    """What the handlers of one service share."""

    store: Store
    faults: Faults
    new_id: Callable[[], str]
    now: Callable[[], str]


class Refused(Exception):
    """An error on its way to the client; its words choose the status."""

    def __init__(self, message: str, *, validation: bool = False) -> None:
        super().__init__(message)
        self.validation = validation


_BY_WORDS = (
    (("not found", "does not exist"), 404, "Resource not found", "NOT_FOUND"),
    (("invalid", "bad request", "malformed"), 400, "Bad request", "BAD_REQUEST"),
    (("unauthorized", "authentication"), 401, "Unauthorized", "UNAUTHORIZED"),
    (("forbidden", "access denied"), 403, "Forbidden", "FORBIDDEN"),
)


def json(content: Any, status: int = 200) -> Response:
    """Reply with JSON."""
    return Response(orjson.dumps(content), status, media_type="application/json")


def success(room: Room, data: Any, status: int = 200, **more: Any) -> Response:
    """Reply in the envelope."""
    return json({"data": data, **more, "success": True, "timestamp": room.now(), "request_id": room.new_id()}, status)


def failure(room: Room, refused: Refused) -> Response:
    """Reply with the error envelope; "already exists" is a 500 like everything that has no words of its own."""
    message = str(refused)
    status, error, code = _answer(message, validation=refused.validation)
    body = {"error": error, "message": message, "code": code, "timestamp": room.now(), "request_id": room.new_id()}
    return json(body, status)


def _answer(message: str, *, validation: bool) -> tuple[int, str, str]:
    if validation:
        return 400, "Validation failed", "VALIDATION_ERROR"
    for words, status, error, code in _BY_WORDS:
        if any(word in message for word in words):
            return status, error, code
    return 500, "Internal server error", "INTERNAL_SERVER_ERROR"


def enveloped(room: Room, handle: Handler) -> Handler:
    """Turn what a handler refuses into the error envelope."""

    async def answer(request: Request) -> Response:
        try:
            return await handle(request)
        except Refused as refused:
            return failure(room, refused)

    return answer


async def body_of(request: Request) -> Item:
    """Read a JSON object, its numbers as Go would write them back."""
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise Refused("invalid request body format")
    bound: Item = _numbers(body)
    return bound


def _numbers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    return [_numbers(item) for item in value] if isinstance(value, list) else value


def bind(body: Mapping[str, Any], fields: Mapping[str, Field]) -> Item:
    """Return the known fields that are there; null is not there, and a wrong type is no JSON of ours."""
    bound = {}
    for name, (type_, required, longest) in fields.items():
        value = body.get(name)
        if value is None or (required and value == ""):
            if required:
                raise Refused(f"field {name} is required", validation=True)
            continue
        if not isinstance(value, type_):
            raise Refused(f"invalid request body format: {name}")
        if longest is not None and isinstance(value, str) and len(value) > longest:
            raise Refused(f"field {name} must be at most {longest} characters", validation=True)
        bound[name] = value
    return bound


def id_of(request: Request) -> str:
    """Return the id in the path, which must be a UUID."""
    id = str(request.path_params["id"])
    if not is_uuid(id):
        raise Refused(f"invalid UUID format: {id}")
    return id


def is_uuid(text: Any) -> bool:
    """Tell whether a value is a UUID in text."""
    try:
        return bool(UUID(text))
    except (AttributeError, TypeError, ValueError):
        return False


def number(request: Request, name: str, default: int) -> int:
    """Read a number from the query; what is none counts as the default."""
    try:
        return int(request.query_params[name])
    except (KeyError, ValueError):
        return default


def page_of(room: Room, request: Request, table: Table, ids: list[str]) -> tuple[list[Any], int, int, int]:
    """Cut the page that was asked for: its items, its number, its size and the total."""
    page = max(1, number(request, "page", 1))
    size = number(request, "page_size", 10)
    size = 10 if size <= 0 or room.faults.take("ignores_page_size") else min(size, 100)
    offset = (page - 1) * size
    if offset and room.faults.take("page_mutated"):
        table.rotate()
    return [table.written(id) for id in ids[offset : offset + size]], page, size, len(ids)
