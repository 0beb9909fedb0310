"""Runs ASGI apps on loopback sockets: in a thread for commands and tests, in the foreground for `flext sandbox`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import FlextError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

HOST = "127.0.0.1"
_ACCEPT_STEPS = 4  # turns of the loop within which an accepted connection gets its protocol


class Running:
    """A server that answers at `url` until it is stopped; also a context manager."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        listener = _listen(port)
        self.port: int = listener.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        self._server = _Server(app)
        self._thread = threading.Thread(target=self._run, args=(listener,), name=f"sandbox:{self.port}", daemon=True)
        self._thread.start()
        self._server.answering.wait()

    def _run(self, listener: socket.socket) -> None:
        try:
            with listener:
                asyncio.run(self._server.serve(sockets=[listener]))
        finally:
            self._server.answering.set()  # whoever waits for a start that failed is not left waiting

    def stop(self) -> None:
        """Drop every connection and end the server; twice does no harm."""
        self._server.stop()
        self._thread.join()

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(app: ASGIApp, *, port: int = 0) -> Running:
    """Serve an app on 127.0.0.1 from a thread with a loop of its own; returns when it answers. Port 0 picks one."""
    return Running(app, port)


def serve_forever(
    apps: Sequence[tuple[ASGIApp, int]], on_ready: Callable[[Sequence[Running]], None] | None = None
) -> None:
    """Serve apps on their ports until Ctrl-C or SIGTERM, then stop them and return; for the main thread only."""
    with contextlib.ExitStack() as stack, _terminate_as_interrupt():
        running = [stack.enter_context(start(app, port=port)) for app, port in apps]
        if on_ready is not None:
            on_ready(running)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


@contextlib.contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise FlextError(
            f"cannot listen on {HOST}:{port}: {error.strerror}",
            hint="Another program uses the port: stop it, or choose another port.",
        ) from None


class _Protocol(H11Protocol):
    """Hands each request the means to cut its connection, as `scope["state"]["cut"]`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "cut": transport.abort}
        # asyncio does so only for sockets that name their protocol; without it every reply waits 40 ms for an ACK.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class _Server(uvicorn.Server):
    """uvicorn without its clock: it ends when it is told to, not at the next tick, and waits for nobody."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_Protocol,
                ws="none",
                lifespan="auto",
                log_config=None,
                log_level="critical",
                access_log=False,
                date_header=False,
                server_header=False,
            )
        )
        self.answering = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: it has ended already
                self._loop.call_soon_threadsafe(self._stopping.set)

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.answering.set()
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # asyncio forgets a connection that it was just accepting when the server closes, so let it finish first.
        for listener in sockets or ():
            asyncio.get_running_loop().remove_reader(listener)
        for _ in range(_ACCEPT_STEPS):
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.lifespan.shutdown()
