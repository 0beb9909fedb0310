"""The error normaliser: whatever shape a service's error comes in, one `ServiceError` (contract §8.5). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import orjson

from ..errors import ErrorKind, ServiceError
from ..model import Json
from .asked import Asked
from .redact import Redactor

LONGEST_ERROR = 64 * 1024  # a longer error text is not looked at

_BY_STATUS = {
    401: ErrorKind.UNAUTHORIZED,
    403: ErrorKind.FORBIDDEN,
    404: ErrorKind.PATH_UNKNOWN,  # until the body proves that it is about an object
    405: ErrorKind.PATH_UNKNOWN,
    408: ErrorKind.TIMEOUT,
    409: ErrorKind.CONFLICT,
    410: ErrorKind.PATH_UNKNOWN,
    412: ErrorKind.CONFLICT,
    423: ErrorKind.CONFLICT,
    429: ErrorKind.RATE_LIMITED,
    501: ErrorKind.PATH_UNKNOWN,
    502: ErrorKind.UNAVAILABLE,
    503: ErrorKind.UNAVAILABLE,
    504: ErrorKind.TIMEOUT,
}
_BY_CODE = {
    "VALIDATION_ERROR": ErrorKind.INVALID,
    "BAD_REQUEST": ErrorKind.INVALID,
    "UNAUTHORIZED": ErrorKind.UNAUTHORIZED,
    "FORBIDDEN": ErrorKind.FORBIDDEN,
    "NOT_FOUND": ErrorKind.NOT_FOUND,
    "CONFLICT": ErrorKind.CONFLICT,
    "TAP_ALREADY_INSTALLED": ErrorKind.CONFLICT,
    "INTERNAL_SERVER_ERROR": ErrorKind.SERVER_ERROR,
}
_TELLS = {
    ErrorKind.NOT_FOUND: "has no such object",
    ErrorKind.PATH_UNKNOWN: "does not offer this",
    ErrorKind.CONFLICT: "reports a conflict",
    ErrorKind.INVALID: "refused the request",
    ErrorKind.UNAUTHORIZED: "does not know who is asking",
    ErrorKind.FORBIDDEN: "does not allow this",
    ErrorKind.RATE_LIMITED: "asks for fewer requests",
    ErrorKind.UNAVAILABLE: "is not available",
    ErrorKind.TIMEOUT: "gave up waiting",
    ErrorKind.SERVER_ERROR: "failed",
    ErrorKind.UNTRUSTED: "gave an answer that cannot be believed",
}
_HINTS = {
    ErrorKind.PATH_UNKNOWN: "is it the right service, in a version that has this? `flext status` shows what it is",
    ErrorKind.UNAUTHORIZED: "check the service's `token` in the environment file: is it set, and still valid?",
    ErrorKind.FORBIDDEN: "the service's `token` lacks the right for this; ask for it, or use another token",
    ErrorKind.RATE_LIMITED: "wait a minute and run the command again",
    ErrorKind.UNAVAILABLE: "is it running? `flext status` shows which services answer",
    ErrorKind.TIMEOUT: "is it overloaded? `flext status` shows which services answer",
    ErrorKind.UNTRUSTED: "check the service's `url` in the environment file",
}
_TAKEN = re.compile(r"already (exists|deployed|installed)", re.I)
_ABOUT_THE_PATH = re.compile(r"(404 )?((page|path|route|endpoint|url|resource) )?not found[.!]?", re.I)


class _Finding(NamedTuple):
    kind: ErrorKind
    text: str


def normalise(
    status: int, content_type: str, body: bytes, *, asked: Asked | None = None, redactor: Redactor | None = None
) -> ServiceError:
    """Make one error of a failed request's status and body; never raises, never shows a secret that it can know."""
    asked = asked or Asked("the service", "")
    redactor = redactor or Redactor()
    found = _look(status, content_type, body[: LONGEST_ERROR + 1], redactor)
    text = f": {found.text}" if found.text else ""
    return asked.failed(
        found.kind,
        f"{_TELLS[found.kind]} ({asked}, HTTP {status}){text}",
        hint=_HINTS.get(found.kind, ""),
        status=status,
        unknown=status in (502, 504),
    )


def _look(status: int, content_type: str, body: bytes, redactor: Redactor) -> _Finding:
    if len(body) > LONGEST_ERROR:
        return _Finding(kind_of(status), "its text is too long to show")
    if answers_html(content_type, body):
        return _Finding(kind_of(status), "it answered HTML, probably the wrong server or a login page")
    if answers_json(content_type):
        try:
            return _from_json(status, orjson.loads(body), redactor)
        except orjson.JSONDecodeError:
            pass
    text = body.decode("utf-8", "replace")
    return _Finding(_unless_taken(kind_of(status), text), redactor.show(text))


def _from_json(status: int, body: Json, redactor: Redactor) -> _Finding:
    if not isinstance(body, Mapping):
        return _Finding(kind_of(status), "")
    said = _said(body)
    shown = list(dict.fromkeys(redactor.show(value) for value in said))
    words = " ".join(value for value in said if isinstance(value, str))
    return _Finding(_unless_taken(_kind_of_body(status, body), words), redactor.show(": ".join(shown)))


def _kind_of_body(status: int, body: Mapping[str, Json]) -> ErrorKind:
    code = body.get("code")
    kind = _BY_CODE.get(code) if isinstance(code, str) else None
    if kind is ErrorKind.NOT_FOUND and status >= 500:
        kind = None  # a server that fails is no evidence of an object's absence
    if kind is None:
        kind = kind_of(code if isinstance(code, int) and 400 <= code <= 599 else status)
    if kind is ErrorKind.PATH_UNKNOWN and _names_an_object(status, body):
        return ErrorKind.NOT_FOUND
    return kind


def _names_an_object(status: int, body: Mapping[str, Json]) -> bool:
    """Tell whether a 404 has the services' own shape, so that it is evidence of an object's absence.

    A framework's answer to an unknown path may be JSON too: `{"message": "Not Found"}`, or an `error` like it.
    """
    error = body.get("error")
    if status != 404 or not isinstance(error, str) or not error.strip():
        return False
    return "plugin_id" in body or "code" in body or not _ABOUT_THE_PATH.fullmatch(error.strip())


def _said(body: Mapping[str, Json]) -> list[Json]:
    """List what the known shapes have to say: the services' own, then RFC 7807."""
    keys = ("error", "message", "details") if {"error", "message"} & body.keys() else ("title", "detail", "details")
    return [body[key] for key in keys if body.get(key)]


def _unless_taken(kind: ErrorKind, text: str) -> ErrorKind:
    overruled = kind in (ErrorKind.INVALID, ErrorKind.SERVER_ERROR) and _TAKEN.search(text)
    return ErrorKind.CONFLICT if overruled else kind


def kind_of(status: int) -> ErrorKind:
    """Say what a status alone means."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status < 400:
        return ErrorKind.UNTRUSTED
    return ErrorKind.INVALID if status < 500 else ErrorKind.SERVER_ERROR


def answers_json(content_type: str) -> bool:
    """Tell whether the content type promises JSON."""
    media = content_type.partition(";")[0].strip().lower()
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))


def answers_html(content_type: str, body: bytes) -> bool:
    """Tell whether this is a page for people, whatever the content type says."""
    media = content_type.partition(";")[0].strip().lower()
    return media in ("text/html", "application/xhtml+xml") or body[:256].lstrip()[:14].lower().startswith(
        (b"<!doctype html", b"<html")
    )
