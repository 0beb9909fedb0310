"""The clients against real sockets: what is sent, what is never sent, and what is sent again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
import stamina

from flext_reconciler.errors import ErrorKind, ServiceError
from flext_reconciler.http import TRANSPORT, ReadClient, Reply, WriteClient, open_reader, open_writer
from flext_reconciler.http.retry import ATTEMPTS
from flext_reconciler.model import Secret, Service
from unit.http.loopback import CANARY, CLOSE, HANG, TOKEN, Server, failure, get, post, reply, service, serving, talk


def test_a_read_sends_one_request_with_its_query() -> None:
    result, server = talk(lambda client: client.get("/x", params={"page": 2, "active": True, "q": "a b&c"}), reply())
    assert result == Reply(200, {})
    assert server.paths == ["/x?page=2&active=true&q=a+b%26c"]
    assert "authorization" not in server.requests[0].lower()


def test_a_write_sends_its_body_as_json() -> None:
    result, server = talk(post, reply(201, b'{"data": {"id": "7"}}'))
    assert result == Reply(201, {"data": {"id": "7"}})
    head, _, body = server.requests[0].partition("\r\n\r\n")
    assert body == '{"plugin_id":"a"}'
    assert "content-type: application/json" in head.lower()


def test_a_body_that_still_holds_a_reference_is_never_sent() -> None:
    with pytest.raises(TypeError):
        talk(lambda client: client.send("POST", "/x", body={"config": {"api_token": TOKEN}}), reply())


def test_a_path_in_the_url_of_the_service_stays() -> None:
    async def run() -> Server:
        async with serving(reply()) as server, open_reader(service(server.url + "/base/"), str) as client:
            await client.get("/x")
            return server

    assert asyncio.run(run()).paths == ["/base/x"]


def test_a_reader_has_no_way_to_write() -> None:
    assert not hasattr(ReadClient, "send")


def test_credentials_go_with_every_request_and_are_resolved_each_time() -> None:
    values = iter(["first", "second"])

    async def run() -> Server:
        async with (
            serving(reply()) as server,
            open_writer(service(server.url, token=TOKEN), lambda secret: next(values)) as client,
        ):
            await get(client)
            await post(client)
            return server

    first, second = asyncio.run(run()).requests
    assert "Authorization: Bearer first" in first
    assert "Authorization: Bearer second" in second


def test_nothing_is_sent_and_nothing_resolved_when_a_secret_would_travel_in_clear() -> None:
    def transport(_: Service) -> httpx.AsyncBaseTransport:
        raise AssertionError("no connection may be opened")

    def resolve(_: Secret) -> str:
        raise AssertionError("no secret may be resolved")

    async def run(settings: dict[str, object], secret: bool) -> None:
        TRANSPORT.set(transport)
        async with open_writer(service("http://10.0.0.1:1", **settings), resolve) as client:
            with pytest.raises(ServiceError, match="in clear"):
                await client.send("POST", "/x", body={}, secret=secret)

    asyncio.run(run({"token": TOKEN}, False))
    asyncio.run(run({}, True))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("use", [get, post])
def test_a_redirect_is_an_error_and_its_target_sees_nothing(
    status: int, use: Callable[[WriteClient], Awaitable[Reply]]
) -> None:
    async def run() -> tuple[ServiceError, Server, Server]:
        async with (
            serving(reply()) as foreign,
            serving(reply(status, Location=f"{foreign.url}/steal?next=1")) as server,
            open_writer(
                service(server.url, token=TOKEN, headers={"X-Api-Key": TOKEN}), lambda secret: CANARY
            ) as client,
        ):
            with pytest.raises(ServiceError) as caught:
                await use(client)
            return caught.value, server, foreign

    error, server, foreign = asyncio.run(run())
    assert error.kind is ErrorKind.UNTRUSTED
    assert f"redirect {server.requests[0].split(' HTTP')[0]} to {foreign.url} " in error.message
    assert len(server.requests) == 1
    assert foreign.requests == []


@pytest.mark.parametrize("location", ["http://[", "gopher://x", "http://x:99999999/"])
def test_a_redirect_to_nonsense_is_an_error_like_any_other(location: str) -> None:
    error = failure(get, reply(302, Location=location), reply())
    assert error.kind in (ErrorKind.UNTRUSTED, ErrorKind.UNAVAILABLE)


@pytest.mark.parametrize("absolute", [False, True])
def test_a_next_link_to_a_foreign_origin_is_refused(absolute: bool) -> None:
    async def run() -> tuple[ServiceError, Server, Server]:
        async with (
            serving(reply()) as foreign,
            serving(reply()) as server,
            open_reader(service(server.url, token=TOKEN), lambda secret: CANARY) as client,
        ):
            link = foreign.url if absolute else foreign.url.removeprefix("http:")
            with pytest.raises(ServiceError, match="nothing was sent") as caught:
                await client.get(f"{link}/next")
            return caught.value, server, foreign

    error, server, foreign = asyncio.run(run())
    assert (server.requests, foreign.requests) == ([], [])
    assert CANARY not in repr(error)


def test_cookies_are_not_kept() -> None:
    async def use(client: WriteClient) -> None:
        await get(client)
        await get(client)

    _, server = talk(use, reply(Set_Cookie="session=1"))
    assert "cookie" not in server.requests[1].lower()


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert talk(get, reply())[0] == Reply(200, {})


BUSY = [reply(status, b'{"error": "busy"}') for status in (429, 502, 503, 504)]


@pytest.mark.parametrize("first", [*BUSY, CLOSE, reply()[:-4]], ids=["429", "502", "503", "504", "close", "cut"])
def test_a_read_is_tried_again_after_what_passes(first: bytes) -> None:
    result, server = talk(get, first, reply(body=b"[1]"))
    assert result == Reply(200, [1])
    assert len(server.requests) == 2


def test_a_read_gives_up_in_the_end() -> None:
    error, server = talk(get, reply(503, b'{"error": "no bus"}'))
    assert isinstance(error, ServiceError)
    assert error.kind is ErrorKind.UNAVAILABLE
    assert "no bus" in error.message
    assert len(server.requests) == ATTEMPTS


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500, 501])
def test_a_read_is_not_tried_again_after_a_clear_answer(status: int) -> None:
    _, server = talk(get, reply(status, b'{"error": "x"}'), reply())
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "unknown"),
    [
        *[(reply(status, b'{"error": "x"}'), status in (502, 504)) for status in (400, 409, 429, 500, 502, 503, 504)],
        (CLOSE, True),
        (HANG, True),
        (b"not http at all\r\n\r\n", True),
        (reply(200, b"<html>", "text/html"), True),
        (reply(200, b'{"data": '), True),
        (reply(200, b'{"data": 1}')[:-2], True),
        (reply(200, b'{"error": "x"}'), True),
    ],
)
def test_a_write_is_sent_exactly_once(answer: bytes | None, unknown: bool) -> None:
    error, server = talk(post, answer, reply(), timeout=0.3 if answer is HANG else 30.0)
    assert isinstance(error, ServiceError)
    assert error.outcome_unknown is unknown
    assert len(server.requests) == 1


def test_the_wait_that_the_service_asks_for_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", note)
    with stamina.set_testing(False):
        talk(get, reply(503, b"{}", Retry_After="17"), reply(429, b"{}", Retry_After="900"), CLOSE, reply())
    assert waits[:2] == [17.0, 60.0]
    assert 0 < waits[2] <= 5


def test_probing_returns_the_error() -> None:
    error, _ = talk(
        lambda client: client.ask("/api/v1/clean/pipelines"), reply(404, b"404 page not found", "text/plain")
    )
    assert isinstance(error, ServiceError)
    assert error.kind is ErrorKind.PATH_UNKNOWN
    assert talk(lambda client: client.ask("/health"), reply(body=b'{"status": "ok"}'))[0] == Reply(
        200, {"status": "ok"}
    )
