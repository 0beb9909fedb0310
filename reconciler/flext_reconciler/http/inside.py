"""Requests to an app of this very process: there is no socket, and the app can cut the connection all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote

import httpx

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message


class AppTransport(httpx.AsyncBaseTransport):
    """Carries requests to an ASGI app; what the app began goes on when nobody waits for its answer any more."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._at_work: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer as soon as it begins."""
        exchange = _Exchange(request, await request.aread())
        task = asyncio.create_task(exchange.carried_out(self._app))
        self._at_work.add(task)
        task.add_done_callback(partial(_ended, exchange, self._at_work))
        try:
            status, headers = await exchange.begun
        except asyncio.CancelledError:
            exchange.gone.set()
            raise
        return httpx.Response(status, headers=headers, stream=_Body(exchange), request=request)


def _ended(exchange: _Exchange, at_work: set[asyncio.Task[None]], task: asyncio.Task[None]) -> None:
    at_work.discard(task)
    error = None if task.cancelled() else task.exception()
    exchange.end(error)


class _Exchange:
    """One request and its answer, which comes in pieces."""

    def __init__(self, request: httpx.Request, body: bytes) -> None:
        self.begun: asyncio.Future[tuple[int, list[tuple[bytes, bytes]]]] = asyncio.get_running_loop().create_future()
        self.pieces: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue()
        self.gone = asyncio.Event()  # nobody waits for an answer any more
        self._request = request
        self._body: bytes | None = body

    async def carried_out(self, app: ASGIApp) -> None:
        """Let the app answer."""
        path, _, query = self._request.url.raw_path.partition(b"?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": self._request.method,
            "scheme": self._request.url.scheme,
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in self._request.headers.raw],
            "server": (self._request.url.host, self._request.url.port),
            "client": ("127.0.0.1", 0),
            "state": {"cut": self._cut},
        }
        await app(scope, self._receive, self._send)

    def end(self, error: BaseException | None) -> None:
        """End the answer; one that never began, or that the app stumbled over, is a lost connection."""
        lost: BaseException = error if error is not None and not isinstance(error, Exception) else self._lost()
        if not self.begun.done():
            self.begun.set_exception(lost)
        self.pieces.put_nowait(None if error is None else lost)

    def _cut(self) -> None:
        self.gone.set()
        if not self.begun.done():
            self.begun.set_exception(self._lost())
        self.pieces.put_nowait(self._lost())

    def _lost(self) -> httpx.RemoteProtocolError:
        return httpx.RemoteProtocolError("the connection was cut", request=self._request)

    async def _receive(self) -> Message:
        if self._body is None:
            await self.gone.wait()
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def _send(self, message: Message) -> None:
        if self.gone.is_set():
            return
        if message["type"] == "http.response.start":
            self.begun.set_result((message["status"], list(message["headers"])))
        elif message.get("body"):
            self.pieces.put_nowait(message["body"])


class _Body(httpx.AsyncByteStream):
    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await self._exchange.pieces.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece

    async def aclose(self) -> None:
        self._exchange.gone.set()
