"""Deadlines and sizes, against servers that respect neither."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc

import httpx
import pytest
import stamina

from flext_reconciler.errors import ErrorKind, ServiceError
from flext_reconciler.http import TRANSPORT, Reply, open_reader, open_writer
from flext_reconciler.http.connection import CONNECTIONS, LARGEST_BODY
from unit.http.loopback import HANG, failure, get, reply, service, talk


@pytest.mark.parametrize(("configured", "override"), [(0.3, None), (60.0, 0.3)])
def test_a_silent_service_is_given_up_after_the_deadline(configured: float, override: float | None) -> None:
    with stamina.set_testing(True, attempts=1):
        error = failure(lambda client: client.get("/x", timeout=override), HANG, timeout=configured)
    assert error.kind is ErrorKind.TIMEOUT
    assert "did not answer GET /x within 0.3 s" in error.message


def test_the_deadline_also_covers_a_body_that_never_ends() -> None:
    async def run() -> ServiceError:
        async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n")
            try:
                while not reader.at_eof():
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.wait([asyncio.ensure_future(reader.read(1024))], timeout=0.01)
            except (ConnectionError, RuntimeError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(trickle, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, open_writer(service(f"http://127.0.0.1:{port}", timeout=0.3), str) as client:
            with pytest.raises(ServiceError) as caught:
                await client.send("POST", "/x")
            return caught.value

    error = asyncio.run(run())
    assert error.kind is ErrorKind.TIMEOUT
    assert error.outcome_unknown


def test_a_compressed_answer_is_read() -> None:
    assert talk(get, reply(body=gzip.compress(b"[1, 2]"), Content_Encoding="gzip"))[0] == Reply(200, [1, 2])


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (reply(body=b" " * (LARGEST_BODY + 1)), "more than 32 MB"),
        (reply(body=gzip.compress(b" " * (LARGEST_BODY + 1)), Content_Encoding="gzip"), "more than 32 MB"),
        (reply(body=gzip.compress(b"[1]")[:-4], Content_Encoding="gzip"), "cut off"),
        (reply(body=b"[1]", Content_Encoding="gzip"), "damaged"),
        (reply(body=b"[1]", Content_Encoding="gzip, gzip"), "not asked for"),
        (reply(body=b"[1]", Content_Encoding="br"), "not asked for"),
    ],
    ids=["large", "bomb", "cut", "damaged", "twice", "unknown"],
)
def test_a_body_that_cannot_be_read_whole_is_not_believed(answer: bytes, says: str) -> None:
    error = failure(get, answer)
    assert error.kind is ErrorKind.UNTRUSTED
    assert says in error.message


def test_a_bomb_is_never_inflated() -> None:
    bomb = reply(body=gzip.compress(b" " * (4 * LARGEST_BODY)), Content_Encoding="gzip")
    tracemalloc.start()
    try:
        failure(get, bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * LARGEST_BODY


def test_the_text_of_an_error_is_not_read_beyond_64_kb() -> None:
    error = failure(get, reply(500, b"x" * 1_000_000, "text/plain"))
    assert error.kind is ErrorKind.SERVER_ERROR
    assert "xxx" not in error.message


def test_no_more_requests_are_under_way_than_there_are_connections() -> None:
    running = most = 0

    class Counting(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1
            return httpx.Response(200, json={})

    async def run() -> None:
        TRANSPORT.set(lambda _: Counting())
        async with open_reader(service("http://localhost"), str) as client:
            await asyncio.gather(*(client.get("/x") for _ in range(100)))

    asyncio.run(run())
    assert 1 < most <= CONNECTIONS
