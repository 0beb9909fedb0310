"""A real server on loopback that answers with exactly the given bytes, and what it takes to talk to it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from flext_reconciler.errors import ServiceError
from flext_reconciler.http import ReadClient, Reply, WriteClient, open_writer
from flext_reconciler.model import Secret, Service

CLOSE = b""  # read the request, then hang up without an answer
HANG = None  # read the request, then say nothing


@dataclass
class Server:
    url: str
    requests: list[str] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [request.split(" ", 2)[1] for request in self.requests]


def reply(status: int = 200, body: bytes = b"{}", media: str = "application/json", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"Content-Type: {media}"] if media else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def serving(*answers: bytes | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Give each request the next answer, and the last one for ever."""
    found = Server("")
    handling: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handling[task] = writer
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = [line.split(b":")[1] for line in head.splitlines() if line.lower().startswith(b"content-length:")]
            body = await reader.readexactly(int(length[0])) if length else b""
            found.requests.append((head + body).decode())
            answer = answers[min(len(found.requests), len(answers)) - 1]
            if answer is HANG:
                await reader.read()
            else:
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client hung up: what the test is about
        finally:
            del handling[task]
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    found.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield found
    finally:
        server.close()
        left = list(handling)
        for task in left:
            handling[task].transport.abort()
        await asyncio.gather(*left)
        await server.wait_closed()


TOKEN = Secret("${env:T}", "f")
CANARY = "c4n4ry-t0ken"


def service(url: str, **settings: object) -> Service:
    return Service(name="flexcore", provider="flexcore", url=url, **settings)  # type: ignore[arg-type]


def talk(
    use: Callable[[WriteClient], Awaitable[object]], *answers: bytes | None, **settings: object
) -> tuple[object, Server]:
    """Open a client on a server that gives these answers; return the result or the error, and the server."""

    async def run() -> tuple[object, Server]:
        async with (
            serving(*answers) as server,
            open_writer(service(server.url, **settings), lambda secret: CANARY) as client,
        ):
            try:
                return await use(client), server
            except ServiceError as error:
                return error, server

    return asyncio.run(run())


def failure(
    use: Callable[[WriteClient], Awaitable[object]], *answers: bytes | None, **settings: object
) -> ServiceError:
    error, _ = talk(use, *answers, **settings)
    assert isinstance(error, ServiceError)
    return error


def get(client: ReadClient) -> Awaitable[Reply]:
    return client.get("/api/v1/plugins/list")


def post(client: WriteClient) -> Awaitable[Reply]:
    return client.send("POST", "/api/v1/plugins/deploy", body={"plugin_id": "a"})
