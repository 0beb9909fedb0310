"""Starting and stopping servers; the foreground one in a process of its own."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest
from starlette.applications import Starlette

from flext_reconciler.errors import FlextError
from flext_reconciler.sandbox import Faults, Store, start, with_faults


def empty_app():
    return with_faults(Starlette(), Faults(), Store(), service="empty")


def test_it_answers_as_soon_as_start_returns_and_no_longer_after_stop() -> None:
    running = start(empty_app())
    assert httpx.get(f"{running.url}/_sandbox/violations", trust_env=False).json() == {"violations": []}
    running.stop()
    running.stop()
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", running.port)):
        pass


def test_it_can_be_started_many_times_and_leaves_no_thread() -> None:
    before = threading.active_count()
    for _ in range(20):
        start(empty_app()).stop()
    assert threading.active_count() == before


def test_it_listens_on_loopback_only() -> None:
    with start(empty_app()) as running:
        assert running.url == f"http://127.0.0.1:{running.port}"


def test_a_port_in_use_is_one_clear_message() -> None:
    with start(empty_app()) as running, pytest.raises(FlextError, match=f"cannot listen on 127.0.0.1:{running.port}"):
        start(empty_app(), port=running.port)


FOREGROUND = """
from starlette.applications import Starlette
from flext_reconciler.sandbox import Faults, Store, serve_forever, with_faults
apps = [(with_faults(Starlette(), Faults(), Store(), service=name), 0) for name in "ab"]
serve_forever(apps, lambda running: print(*(each.url for each in running), flush=True))
print("stopped")
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_the_foreground_server_ends_cleanly_on_a_signal(sent: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FOREGROUND], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        urls = process.stdout.readline().split()
        services = [httpx.get(f"{url}/_sandbox/faults", trust_env=False).json()["service"] for url in urls]
        process.send_signal(sent)
        output, errors = process.communicate(timeout=10)
    assert services == ["a", "b"]
    assert (process.returncode, output, errors) == (0, "stopped\n", "")


def test_replies_leave_at_once() -> None:
    delays = []

    async def app(scope, receive, send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        connection = scope["state"]["cut"].__self__.get_extra_info("socket")
        delays.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    with start(app) as running:
        assert httpx.get(running.url, trust_env=False).status_code == 204
    assert delays == [False]
