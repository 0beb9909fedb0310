"""Every generic fault, seen from a raw socket or a plain client over loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flext_reconciler.sandbox import CONTROL, GENERIC_FAULTS, Faults, Running, Sandbox, Store, cut, start, with_faults


@dataclass
class Service:
    """A counter: GET reads it, POST increases it, POST /cut increases it after cutting the connection."""

    value: int = 0
    written: threading.Event = field(default_factory=threading.Event)

    async def counter(self, request: Request) -> Response:
        if request.method == "POST":
            self.value += int(await request.body() or b"1")
            self.written.set()
        return JSONResponse({"value": self.value})

    async def cutting(self, request: Request) -> Response:
        await cut(request.scope, request.receive)
        self.value += 1
        self.written.set()
        return JSONResponse({})

    def app(self) -> Sandbox:
        routes = [
            Route("/counter", self.counter, methods=["GET", "POST"]),
            Route("/cut", self.cutting, methods=["POST"]),
        ]
        faults = Faults({"odd": "The service does something odd."})
        return with_faults(Starlette(routes=routes), faults, Store(), service="counter", restart=self.forget)

    def forget(self) -> None:
        self.value = 0


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def app(service: Service) -> Sandbox:
    return service.app()


@pytest.fixture
def running(app: Sandbox) -> Iterator[Running]:
    with start(app) as server:
        yield server


@pytest.fixture
def client(running: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url, timeout=5, trust_env=False) as http:
        yield http


def raw(port: int, method: str = "POST", path: str = "/counter") -> bytes:
    """Everything that comes back until the server closes; a reset counts as the end."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n5".encode())
        with contextlib.suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                received += chunk
    return received


def test_without_a_fault_the_service_answers(client: httpx.Client) -> None:
    assert client.post("/counter", content="5").json() == {"value": 5}
    assert client.get("/counter").json() == {"value": 5}


@pytest.mark.parametrize(
    ("fault", "value"), [("down", 0), ("reset_before", 0), ("lost_reply", 5)], ids=lambda value: str(value)
)
def test_a_cut_connection_sends_not_one_byte(
    app: Sandbox, running: Running, service: Service, fault: str, value: int
) -> None:
    app.faults.switch_on(fault, times=1)
    assert raw(running.port) == b""
    assert service.value == value
    assert app.faults.log[-1].status == 0


def test_late_commit_is_carried_out_after_the_connection_is_gone(
    app: Sandbox, running: Running, service: Service
) -> None:
    app.faults.switch_on("late_commit", times=1, seconds=0)
    assert raw(running.port) == b""
    assert service.written.wait(5)
    assert service.value == 5


def test_a_handler_can_cut_and_go_on(running: Running, service: Service) -> None:
    assert raw(running.port, path="/cut") == b""
    assert service.written.wait(5)


def test_truncated_promises_more_than_it_sends(app: Sandbox, running: Running, service: Service) -> None:
    app.faults.switch_on("truncated", times=1)
    head, _, body = raw(running.port).partition(b"\r\n\r\n")
    assert b"content-length: 11" in head.lower()
    assert body == b'{"val'
    assert service.value == 5


REPLIES = {
    "html": (200, "text/html", None),
    "wrong_type": (200, "text/plain", None),
    "scalar": (200, "application/json", None),
    "wrong_shape": (200, "application/json", None),
    "http_401": (401, "application/json", None),
    "http_403": (403, "application/json", None),
    "http_429": (429, "application/json", None),
    "http_429_retry_after": (429, "application/json", ("retry-after", "7")),
    "http_500": (500, "application/json", None),
    "http_502": (502, "application/json", None),
    "http_503": (503, "application/json", None),
    "http_504": (504, "application/json", None),
    "redirect": (307, "text/plain", ("location", "/elsewhere/counter")),
    "foreign_redirect": (307, "text/plain", ("location", "http://elsewhere.invalid/elsewhere/counter")),
}


@pytest.mark.parametrize("fault", REPLIES)
def test_a_canned_reply_leaves_the_service_alone(
    app: Sandbox, client: httpx.Client, service: Service, fault: str
) -> None:
    status, content_type, header = REPLIES[fault]
    app.faults.switch_on(fault, times=1, seconds=7)
    reply = client.post("/counter", content="5")
    assert (reply.status_code, reply.headers["content-type"]) == (status, content_type)
    assert header is None or reply.headers[header[0]] == header[1]
    assert service.value == 0
    assert client.get("/counter").json() == {"value": 0}


def test_slow_answers_in_the_end(app: Sandbox, client: httpx.Client) -> None:
    app.faults.switch_on("slow", times=1, seconds=0)
    assert client.get("/counter").json() == {"value": 0}


def test_hang_leaves_the_client_waiting(app: Sandbox, client: httpx.Client, service: Service) -> None:
    app.faults.switch_on("hang", times=1)
    with pytest.raises(httpx.ReadTimeout):
        client.post("/counter", timeout=0.05)
    assert service.value == 0


def test_stopping_ends_what_hangs(app: Sandbox, running: Running) -> None:
    app.faults.switch_on("hang")
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as connection:
        connection.sendall(b"GET /counter HTTP/1.1\r\nHost: x\r\n\r\n")
        running.stop()
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""


def test_oversize_goes_on_until_the_client_has_had_enough(app: Sandbox, client: httpx.Client) -> None:
    app.faults.switch_on("oversize", times=1)
    received = 0
    with client.stream("GET", "/counter") as reply:
        for chunk in reply.iter_bytes():
            received += len(chunk)
            if received > 2**24:
                break
    assert client.get("/counter").json() == {"value": 0}


def test_every_generic_fault_is_described_and_tested() -> None:
    elsewhere = {"down", "reset_before", "lost_reply", "late_commit", "truncated", "slow", "hang", "oversize"}
    assert set(GENERIC_FAULTS) == set(REPLIES) | elsewhere
    assert all(sentence.endswith(".") for sentence in GENERIC_FAULTS.values())


# ------------------------------------------------------------------------------------------------ switching


def test_a_fault_is_used_up_and_meant_for_some_requests_only(app: Sandbox, client: httpx.Client) -> None:
    app.faults.switch_on("http_503", times=2, method="POST", path="/cou")
    statuses = [client.request(method, "/counter").status_code for method in ("GET", "POST", "POST", "POST")]
    assert statuses == [200, 503, 503, 200]


def test_the_control_endpoint_is_beyond_every_fault(client: httpx.Client) -> None:
    assert client.put(f"{CONTROL}/faults/down", json={"times": None}).status_code == 200
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        client.get("/counter")
    listed = client.get(f"{CONTROL}/faults").json()
    assert listed["service"] == "counter"
    assert listed["on"]["down"]["times"] is None
    assert listed["faults"]["odd"] == "The service does something odd."
    assert client.delete(f"{CONTROL}/faults/down").status_code == 200
    assert client.get("/counter").status_code == 200


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("odd", b"", 200),
        ("odd", b'{"times": 1, "path": "/x", "method": "GET", "seconds": 0.5}', 200),
        ("nothing", b"{}", 404),
        ("odd", b'{"times": "1"}', 400),
        ("odd", b'{"times": true}', 400),
        ("odd", b'{"time": 1}', 400),
        ("odd", b"[]", 400),
        ("odd", b"{", 400),
    ],
)
def test_a_setting_is_checked(client: httpx.Client, name: str, body: bytes, status: int) -> None:
    assert client.put(f"{CONTROL}/faults/{name}", content=body).status_code == status


def test_the_log_tells_what_was_asked_and_answered(app: Sandbox, client: httpx.Client) -> None:
    client.get("/counter?page=2")
    app.faults.switch_on("http_500", times=1)
    client.get("/a%2Fb")
    assert client.get(f"{CONTROL}/log").json()["log"] == [
        {"method": "GET", "path": "/counter", "query": "page=2", "status": 200, "fault": ""},
        {"method": "GET", "path": "/a%2Fb", "query": "", "status": 500, "fault": "http_500"},
    ]
    assert client.delete(f"{CONTROL}/log").json() == {"log": []}


def test_own_faults_violations_and_restart(app: Sandbox, client: httpx.Client, service: Service) -> None:
    client.put(f"{CONTROL}/faults/odd", json={"times": 1, "method": "POST"})
    assert app.faults.take("odd", "GET") is None
    assert app.faults.take("odd", "POST") is not None
    assert app.faults.take("odd", "POST") is None
    app.faults.violations.append("overlap")
    assert client.get(f"{CONTROL}/violations").json() == {"violations": ["overlap"]}
    client.post("/counter", content="5")
    client.post(f"{CONTROL}/restart")
    assert service.value == 0
