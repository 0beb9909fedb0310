"""Everything that can go wrong between flext and a service: a fault makes of a request what comes of it.

A fault that `lies` answers in perfect form what is not so; what flext then believes is not held against it.
"""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import orjson

from .wire import Answer, Asked

Strike = Callable[[Asked, random.Random], Awaitable[httpx.Response]]
LATEST = {"flexcore": 50.0, "flext-service": 4.0}  # seconds: how late a write may be carried out
JSON, HTML, TEXT = b"application/json", b"text/html", b"text/plain"
FOREVER = 10_000.0
WRITES = 4  # times as often as a read, because there are so many fewer of them


@dataclass(frozen=True)
class Fault:
    """One way for a request to go wrong."""

    name: str
    strike: Strike
    reads: bool = True
    writes: bool = True
    lies: bool = False

    def fits(self, asked: Asked) -> bool:
        """Whether this can happen to such a request."""
        return self.writes if asked.writes else self.reads


FAULTS: dict[str, Fault] = {}


def fault(**more: bool) -> Callable[[Strike], Strike]:
    """Register a fault under the name of its function."""

    def register(strike: Strike) -> Strike:
        name = strike.__name__
        FAULTS[name] = Fault(name, strike, **more)
        return strike

    return register


def _answer(asked: Asked, status: int, body: Any, kind: bytes = JSON, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Answer(status, [(b"content-type", kind), *sent], content).response(asked.request)


# ------------------------------------------------------------------------------------------------ no connection


@fault()
async def connection_refused(asked: Asked, chance: random.Random) -> httpx.Response:
    raise httpx.ConnectError("refused", request=asked.request) from ConnectionRefusedError(111, "refused")


@fault()
async def name_not_found(asked: Asked, chance: random.Random) -> httpx.Response:
    raise httpx.ConnectError("no host", request=asked.request) from socket.gaierror(-2, "not known")


@fault()
async def tls_failed(asked: Asked, chance: random.Random) -> httpx.Response:
    expired = ssl.SSLCertVerificationError(1, "expired")
    expired.verify_message = "certificate has expired"
    raise httpx.ConnectError("tls", request=asked.request) from expired


@fault()
async def connect_timeout(asked: Asked, chance: random.Random) -> httpx.Response:
    await asyncio.sleep(5)
    raise httpx.ConnectTimeout("too slow", request=asked.request)


@fault()
async def read_timeout(asked: Asked, chance: random.Random) -> httpx.Response:
    await asyncio.sleep(FOREVER)
    raise AssertionError("the client's deadline comes first")


@fault(reads=False)
async def read_timeout_after_commit(asked: Asked, chance: random.Random) -> httpx.Response:
    await asked.carry_out()
    return await read_timeout(asked, chance)


@fault()
async def reset_before(asked: Asked, chance: random.Random) -> httpx.Response:
    raise httpx.ReadError("reset", request=asked.request) from ConnectionResetError(104, "reset")


@fault(reads=False)
async def lost_reply(asked: Asked, chance: random.Random) -> httpx.Response:
    await asked.carry_out()
    raise httpx.RemoteProtocolError("no answer", request=asked.request)


@fault(reads=False)
async def late_commit(asked: Asked, chance: random.Random) -> httpx.Response:
    asked.carry_out_later(chance.uniform(0.0, LATEST[asked.wire.service]))
    raise httpx.ReadError("reset", request=asked.request)


# ------------------------------------------------------------------------------------------------ refusals


def _status(status: int, *, carried_out: bool = False, **more: bool) -> None:
    async def strike(asked: Asked, chance: random.Random) -> httpx.Response:
        if carried_out:
            await asked.carry_out()
        return _answer(asked, status, {"error": "not today", "code": status})

    name = f"http_{status}" + ("_after_commit" if carried_out else "")
    FAULTS[name] = Fault(name, strike, **more)


for _each in (401, 403, 429, 500, 502, 503, 504):
    _status(_each)
for _each in (500, 502, 504):
    _status(_each, carried_out=True, reads=False)
for _each in (404, 409, 412):
    _status(_each, reads=False)


@fault()
async def path_unknown(asked: Asked, chance: random.Random) -> httpx.Response:
    return _answer(asked, 404, b"404 page not found", TEXT)


@fault()
async def too_many_requests(asked: Asked, chance: random.Random) -> httpx.Response:
    return _answer(asked, 429, {"error": "slow down"}, retry_after=str(chance.choice((0, 1, 30, 10**6))))


@fault()
async def clock_skew(asked: Asked, chance: random.Random) -> httpx.Response:
    moment = datetime.now(UTC) + timedelta(days=chance.choice((-3650, -1, 1, 3650)))
    return _answer(asked, 503, {"error": "later"}, retry_after=format_datetime(moment))


@fault()
async def redirect(asked: Asked, chance: random.Random) -> httpx.Response:
    return _answer(asked, 307, b"", TEXT, location="/elsewhere")


@fault()
async def foreign_redirect(asked: Asked, chance: random.Random) -> httpx.Response:
    return _answer(asked, 302, b"", TEXT, location="http://elsewhere.invalid/")


# ------------------------------------------------------------------------------------------------ malformed answers


async def _changed(asked: Asked, change: Callable[[bytes], bytes], kind: bytes = JSON) -> httpx.Response:
    response = await asked.carry_out()
    return _answer(asked, response.status_code, change(response.content), kind) if response.content else response


@fault()
async def truncated(asked: Asked, chance: random.Random) -> httpx.Response:
    return await _changed(asked, lambda body: body[: len(body) // 2])


@fault()
async def wrong_content_type(asked: Asked, chance: random.Random) -> httpx.Response:
    return await _changed(asked, lambda body: body, TEXT)


@fault()
async def html(asked: Asked, chance: random.Random) -> httpx.Response:
    return _answer(asked, 200, b"<!doctype html><html><body>Please sign in</body></html>", HTML)


@fault()
async def wrong_schema(asked: Asked, chance: random.Random) -> httpx.Response:
    return _answer(asked, 200, {"unexpected": [{"shape": True}]})


@fault()
async def scalar(asked: Asked, chance: random.Random) -> httpx.Response:
    return _answer(asked, 200, 42)


@fault()
async def error_in_200(asked: Asked, chance: random.Random) -> httpx.Response:
    return _answer(asked, 200, {"error": "FlexCore is not there", "data": []})


@fault()
async def invented(asked: Asked, chance: random.Random) -> httpx.Response:
    return _answer(asked, 200, {"source": "fallback", "plugins": [], "pipelines": [], "specs": [], "count": 0})


@fault(writes=False)
async def items_without_names(asked: Asked, chance: random.Random) -> httpx.Response:
    return await _relisted(asked, lambda items: [{**item, "id": None, "name": None} for item in items])


@fault()
async def slow_body(asked: Asked, chance: random.Random) -> httpx.Response:
    response = await asked.carry_out()
    pause = chance.choice((0.1, 20.0))  # in time, or long after the deadline
    return httpx.Response(
        response.status_code, headers=response.headers, stream=_Slow(response.content, pause), request=asked.request
    )


@fault()
async def oversize(asked: Asked, chance: random.Random) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "application/json"}, stream=_Huge(), request=asked.request)


class _Slow(httpx.AsyncByteStream):
    def __init__(self, body: bytes, pause: float) -> None:
        self._body, self._pause = body, pause

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), 64):
            await asyncio.sleep(self._pause / 8)
            yield self._body[start : start + 64]


class _Huge(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunk = b" " * 2**21
        while True:
            yield chunk


# ------------------------------------------------------------------------------------------------ untrue lists


async def _relisted(asked: Asked, change: Callable[[list[Any]], list[Any]]) -> httpx.Response:
    """Change the list in an answer, and nothing else of it."""
    response = await asked.carry_out()
    document = orjson.loads(response.content) if response.status_code == 200 else None
    place, key = _list_in(document)
    if place is None:
        return response
    place[key] = change(place[key])
    return _answer(asked, 200, document)


def _list_in(document: Any) -> tuple[Any, str]:
    for place in (document, document.get("data")) if isinstance(document, dict) else ():
        for key in ("plugins", "pipelines", "specs", "data"):
            if isinstance(place, dict) and isinstance(place.get(key), list):
                return place, key
    return None, ""


@fault(writes=False)
async def items_missing(asked: Asked, chance: random.Random) -> httpx.Response:
    """The list lacks something that its count still counts."""
    return await _relisted(asked, lambda items: items[1:])


@fault(writes=False)
async def duplicate_ids(asked: Asked, chance: random.Random) -> httpx.Response:
    return await _relisted(asked, lambda items: [*items[:1], *items])


@fault(writes=False)
async def reordered(asked: Asked, chance: random.Random) -> httpx.Response:
    return await _relisted(asked, lambda items: chance.sample(items, len(items)))


@fault(writes=False)
async def foreign_next(asked: Asked, chance: random.Random) -> httpx.Response:
    """A list that says that it goes on at another origin."""
    response = await asked.carry_out()
    document = orjson.loads(response.content) if response.status_code == 200 else None
    if not isinstance(document, dict):
        return response
    link = "http://elsewhere.invalid/page/2"
    return _answer(asked, 200, {**document, "next": link, "links": {"next": link}}, link=f'<{link}>; rel="next"')


@fault(writes=False)
async def short_pages(asked: Asked, chance: random.Random) -> httpx.Response:
    """Pages hold two items whatever was asked for, and the next ones may be moved meanwhile."""
    return await asked.carry_out(asked.target.replace(b"page_size=100", b"page_size=2"))


# ------------------------------------------------------------------------------------------------ lies in perfect form


@fault(writes=False, lies=True)
async def empty_list(asked: Asked, chance: random.Random) -> httpx.Response:
    response = await asked.carry_out()
    document = orjson.loads(response.content) if response.status_code == 200 else None
    place, key = _list_in(document)
    if place is None:
        return response
    place[key] = []
    for counter in (document, place, document.get("pagination")):
        if isinstance(counter, dict):
            counter.update({name: 0 for name in ("count", "total", "total_pages") if name in counter})
    return _answer(asked, 200, document)


@fault(writes=False, lies=True)
async def stale(asked: Asked, chance: random.Random) -> httpx.Response:
    """An answer from an old snapshot."""
    world = asked.wire.process.world
    past = world.past(asked.wire.service, asked.target)
    if not past:
        return await asked.carry_out()
    return chance.choice(past).response(asked.request)


# ------------------------------------------------------------------------------------------------ the weather


class Weather:
    """Which faults strike the requests of one process, and how often."""

    def __init__(self, rate: float, faults: Mapping[str, Fault], *, first: int = 0, count: int | None = None) -> None:
        self.rate = rate
        self.lied = False
        self.struck = 0
        self._faults = [faults[name] for name in sorted(faults)]
        self._skip = first
        self._left = count

    def strikes(self, asked: Asked, chance: random.Random) -> Fault | None:
        """The fault that strikes a request, if any."""
        if chance.random() >= self.rate * (WRITES if asked.writes else 1):
            return None
        fitting = [fault for fault in self._faults if fault.fits(asked)]
        if not fitting or self._is_over():
            return None
        struck = chance.choice(fitting)
        self.lied = self.lied or struck.lies
        self.struck += 1
        return struck

    def _is_over(self) -> bool:
        if self._skip:
            self._skip -= 1
            return True
        if self._left is None:
            return False
        self._left -= 1
        return self._left < 0


FAIR = Weather(0.0, {})
