"""A planted secret comes back in every way that a service can think of, and is never shown."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import pytest

from flext_reconciler.errors import ServiceError
from flext_reconciler.http import Reply, WriteClient
from unit.http.loopback import CANARY, CLOSE, HANG, TOKEN, failure, get, post, reply, talk

LEAKS = [
    reply(500, f'{{"error": "boom", "details": "sent {CANARY}"}}'.encode()),
    reply(500, f"echo: Bearer {CANARY}".encode(), "text/plain"),
    reply(200, f'{{"error": "{CANARY}"}}'.encode()),
    reply(200, f'{{"{CANARY}": '.encode()),
    reply(302, Location=f"https://{CANARY}@evil.example/{CANARY}"),
    reply(200, b"{}", media=f"text/{CANARY}"),
    reply(200, b"{}", X_Echo=CANARY),
    CLOSE,
    HANG,
    f"{CANARY}\r\n\r\n".encode(),
]


@pytest.mark.parametrize("use", [get, post])
@pytest.mark.parametrize("answer", LEAKS)
def test_a_token_appears_in_no_error_and_no_log(
    answer: bytes | None, use: Callable[[WriteClient], Awaitable[Reply]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = {"token": TOKEN, "headers": {"X-Api-Key": TOKEN}, "timeout": 0.3 if answer is HANG else 30.0}
    result, server = talk(use, answer, **settings)
    assert all(CANARY in request for request in server.requests)
    assert CANARY not in caplog.text
    error = result if isinstance(result, ServiceError) else None
    while error is not None:
        assert CANARY not in f"{error!r} {error} {getattr(error, 'hint', '')} {vars(error)}"
        error = error.__cause__ or error.__context__  # type: ignore[assignment]


def test_a_secret_of_the_body_appears_in_no_error() -> None:
    body = {"plugin_id": "wms-runtime", "config": {"wms_user": CANARY, "nested": [{"deep": CANARY + "2"}]}}

    def use(client: WriteClient) -> Awaitable[Reply]:
        return client.send("POST", "/x", body=body, secret=True)

    details = f"plugin wms-runtime rejects [{CANARY}] and {CANARY}2"
    error = failure(use, reply(500, f'{{"error": "Failed to load plugin", "details": "{details}"}}'.encode()))
    assert CANARY not in error.message
    assert "wms-runtime" in error.message


def test_the_log_tells_what_was_asked_but_not_its_query(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    talk(lambda client: client.get("/health", params={"q": CANARY}), reply())
    assert "flexcore: GET /health: HTTP 200, 2 bytes" in caplog.text
    assert CANARY not in caplog.text
