"""What each generic fault does to a request: strange replies, waits and cut connections.

A fault that replies does so without the service; only `slow`, `truncated`, `lost_reply` and `late_commit` carry the
request out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import orjson

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .faults import Fault


class Call(NamedTuple):
    """One request that a fault strikes."""

    app: ASGIApp
    fault: Fault
    scope: Scope
    receive: Receive
    send: Send


_CHUNK = b" " * 65536
_OVERSIZE_CHUNKS = 4096  # 256 MiB: more than any client should take, and an end for one that takes all
_ELSEWHERE = "http://elsewhere.invalid"


async def cut(scope: Scope, receive: Receive) -> None:
    """Cut the connection of a request and return when it is gone; what is done after that has no reply."""
    abort = scope.get("state", {}).get("cut")
    if abort is None:
        raise ConnectionResetError("cut by the sandbox, and the server has no way to cut it")
    abort()
    await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(receive: Receive) -> bytes:
    parts = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client went away")
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _carry_out(call: Call, body: bytes) -> list[Message]:
    """Let the service answer a request that was taken off the wire, and keep the answer."""
    answer: list[Message] = []
    taken = False

    async def receive() -> Message:
        nonlocal taken
        if taken:
            return {"type": "http.disconnect"}
        taken = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        answer.append(message)

    await call.app(call.scope, receive, send)
    return answer


async def _reply(
    status: int, content_type: str, body: bytes, headers: Iterable[tuple[bytes, bytes]], call: Call
) -> None:
    await _body(call.receive)
    sized = [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body)), *headers]
    await call.send({"type": "http.response.start", "status": status, "headers": sized})
    await call.send({"type": "http.response.body", "body": body})


# ------------------------------------------------------------------------------------------------ one function a fault


async def _down(call: Call) -> None:
    await cut(call.scope, call.receive)


async def _reset_before(call: Call) -> None:
    await _body(call.receive)
    await cut(call.scope, call.receive)


async def _slow(call: Call) -> None:
    await asyncio.sleep(1.0 if call.fault.seconds is None else call.fault.seconds)
    await call.app(call.scope, call.receive, call.send)


async def _hang(call: Call) -> None:
    await _gone(call.receive)


async def _truncated(call: Call) -> None:
    start, *rest = await _carry_out(call, await _body(call.receive))
    body = b"".join(message.get("body", b"") for message in rest)
    await call.send(start)
    await call.send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    await cut(call.scope, call.receive)


async def _oversize(call: Call) -> None:
    await _body(call.receive)
    headers = [(b"content-type", b"application/json")]
    await call.send({"type": "http.response.start", "status": 200, "headers": headers})
    for _ in range(_OVERSIZE_CHUNKS):
        await call.send({"type": "http.response.body", "body": _CHUNK, "more_body": True})
        await asyncio.sleep(0)
    await call.send({"type": "http.response.body", "body": b"{}"})


async def _lost_reply(call: Call) -> None:
    await _carry_out(call, await _body(call.receive))
    await cut(call.scope, call.receive)


async def _late_commit(call: Call) -> None:
    body = await _body(call.receive)
    await cut(call.scope, call.receive)
    await asyncio.sleep(0.2 if call.fault.seconds is None else call.fault.seconds)
    await _carry_out(call, body)


async def _canned(status: int, content_type: str, body: bytes, call: Call) -> None:
    await _reply(status, content_type, body, (), call)


async def _status(status: int, call: Call) -> None:
    body = orjson.dumps({"error": HTTPStatus(status).phrase})
    await _reply(status, "application/json", body, (), call)


async def _retry_after(call: Call) -> None:
    seconds = 1.0 if call.fault.seconds is None else call.fault.seconds
    headers = [(b"retry-after", b"%d" % seconds)]
    body = orjson.dumps({"error": HTTPStatus.TOO_MANY_REQUESTS.phrase})
    await _reply(429, "application/json", body, headers, call)


async def _redirect(origin: str, call: Call) -> None:
    location = f"{origin}/elsewhere{call.scope['path']}".encode("ascii", "ignore")
    await _reply(307, "text/plain", b"", [(b"location", location)], call)


_HTML = b"<!doctype html><html><head><title>Sign in</title></head><body>Please sign in</body></html>"

GENERIC: dict[str, tuple[str, Callable[[Call], Awaitable[None]]]] = {
    "down": ("The connection is dropped at once.", _down),
    "slow": ("The reply comes after a wait (`seconds`, else 1).", _slow),
    "hang": ("No reply ever comes; the connection stays open.", _hang),
    "html": ("A sign-in page comes back with status 200.", partial(_canned, 200, "text/html", _HTML)),
    "truncated": ("Carried out, but the reply's body ends half-way.", _truncated),
    "wrong_type": ("Plain text comes back with status 200.", partial(_canned, 200, "text/plain", b"ok")),
    "scalar": ("A JSON number comes back with status 200.", partial(_canned, 200, "application/json", b"42")),
    "wrong_shape": (
        "A JSON object of another service comes back with status 200.",
        partial(_canned, 200, "application/json", b'{"unexpected": [{"shape": true}]}'),
    ),
    "oversize": ("A body of 256 MiB comes back, without a length.", _oversize),
    "redirect": ("A redirect to another path of the same origin.", partial(_redirect, "")),
    "foreign_redirect": (
        "A redirect to another origin, which must never see a credential.",
        partial(_redirect, _ELSEWHERE),
    ),
    "reset_before": ("The connection is cut before the request is carried out.", _reset_before),
    "lost_reply": ("Carried out, but the reply is never sent: the connection is cut.", _lost_reply),
    "late_commit": (
        "The connection is cut, and the request carried out a moment later (`seconds`, else 0.2).",
        _late_commit,
    ),
    "http_429_retry_after": ("Status 429 with a Retry-After (`seconds`, else 1).", _retry_after),
    **{
        f"http_{status}": (f"Status {status} with a JSON error.", partial(_status, status))
        for status in (401, 403, 429, 500, 502, 503, 504)
    },
}
"""Every generic fault: what it does in a sentence, and the function that does it."""
