"""Which answers are believed (contract §8.6). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
import orjson

from ..errors import ErrorKind, ServiceError
from ..model import Json
from .asked import Answer, Asked
from .normalise import answers_html, answers_json, normalise
from .origin import origin_of
from .redact import Redactor

_INVENTED = frozenset({"fallback", "direct_discovery"})
_DAMAGED = object()
_CHECK_URL = "check the service's `url` in the environment file"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that was believed; `body` is an object or an array, or None for a 204."""

    status: int
    body: Json = field(repr=False)  # services echo secrets in clear


def believe(answer: Answer, asked: Asked, redactor: Redactor) -> Reply:
    """Return what a service answered, or raise the `ServiceError` that says why it is no evidence."""
    status = answer.status
    if 300 <= status < 400 and answer.location:
        raise _redirected(answer, asked, redactor)
    if not 200 <= status < 300 or (status != 200 and not asked.writes):
        raise normalise(status, answer.content_type, answer.body, asked=asked, redactor=redactor)
    if status == 204:
        return Reply(status, None)
    body = _parse(answer, asked, redactor)
    _refuse_lies(body, asked, redactor, status)
    return Reply(status, body)


def _parse(answer: Answer, asked: Asked, redactor: Redactor) -> Json:
    if answers_html(answer.content_type, answer.body):
        raise _untrusted(asked, answer.status, "answered HTML, probably the wrong server or a login page")
    if not answers_json(answer.content_type):
        media = redactor.show(answer.content_type.partition(";")[0]) or "no content type"
        raise _untrusted(asked, answer.status, f"answered {media} instead of JSON")
    body = _decoded(answer.body)
    if body is _DAMAGED:
        raise _untrusted(asked, answer.status, "answered JSON that is damaged or cut off")
    if not isinstance(body, dict | list):
        raise _untrusted(asked, answer.status, "answered JSON that is neither an object nor an array")
    return body


def _decoded(body: bytes) -> Json:
    # orjson's exception holds the whole document, so it must not become the context of ours.
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _DAMAGED


def _refuse_lies(body: Json, asked: Asked, redactor: Redactor, status: int) -> None:
    if not isinstance(body, Mapping):
        return
    if body.get("error") or body.get("success") is False:
        said = redactor.show(body.get("error") or body.get("message") or "it gives no reason")
        raise _untrusted(asked, status, f"answered success, but reports a failure: {said}", hint="")
    data = body.get("data")
    for level in (body, data if isinstance(data, Mapping) else {}):
        source = level.get("source")
        if isinstance(source, str) and source in _INVENTED:
            raise _untrusted(
                asked, status, f"invented its answer (source: {source})", hint="is the FlexCore behind it running?"
            )


def _redirected(answer: Answer, asked: Asked, redactor: Redactor) -> ServiceError:
    # After 307 and 308 nothing was carried out; the others are also how "done, look over there" is said.
    unknown = answer.status not in (307, 308)
    return asked.failed(
        ErrorKind.UNTRUSTED,
        f"tried to redirect {asked} to {redactor.show(_target(answer.location, asked))} (HTTP {answer.status}); "
        "flext follows no redirect and sent nothing there",
        hint=_CHECK_URL,
        status=answer.status,
        unknown=unknown,
    )


def _target(location: str, asked: Asked) -> str:
    try:
        url = httpx.URL(asked.origin).join(location)
    except (httpx.InvalidURL, ValueError):
        return "an address that cannot be read"
    origin = origin_of(url)
    if not origin.usable:
        return "an address that cannot be read"
    return "another path of its own" if str(origin) == asked.origin else str(origin)


def _untrusted(asked: Asked, status: int, what: str, hint: str = _CHECK_URL) -> ServiceError:
    return asked.failed(ErrorKind.UNTRUSTED, f"{what} ({asked}, HTTP {status})", hint=hint, status=status, unknown=True)
