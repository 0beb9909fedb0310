"""What happens below HTTP: every exception of httpx has one meaning, and real connections fail like the faked ones."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest
import respx

from flext_reconciler.errors import ErrorKind, FlextError, ServiceError
from flext_reconciler.http import open_writer
from flext_reconciler.http.asked import Asked
from flext_reconciler.http.failures import explain
from flext_reconciler.model import Service
from unit.http.loopback import HANG, reply, service, serving

URL = "http://localhost:8080"


def failed_post(configured: Service) -> ServiceError:
    async def run() -> ServiceError:
        async with open_writer(configured, str) as client:
            with pytest.raises(ServiceError) as caught:
                await client.send("POST", "/x", body={})
            return caught.value

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("error", "kind", "says", "unknown"),
    [
        (httpx.ConnectError, ErrorKind.UNAVAILABLE, "could not be reached", False),
        (httpx.ConnectTimeout, ErrorKind.TIMEOUT, "could not be reached in time", False),
        (httpx.PoolTimeout, ErrorKind.TIMEOUT, "could not be reached in time", False),
        (httpx.LocalProtocolError, ErrorKind.INVALID, "would not be valid HTTP", False),
        (httpx.UnsupportedProtocol, ErrorKind.INVALID, "would not be valid HTTP", False),
        (httpx.ReadTimeout, ErrorKind.TIMEOUT, "did not answer POST /x within 30 s", True),
        (httpx.WriteTimeout, ErrorKind.TIMEOUT, "did not answer POST /x within 30 s", True),
        (httpx.ReadError, ErrorKind.UNAVAILABLE, "lost the connection", True),
        (httpx.WriteError, ErrorKind.UNAVAILABLE, "lost the connection", True),
        (httpx.CloseError, ErrorKind.UNAVAILABLE, "lost the connection", True),
        (httpx.RemoteProtocolError, ErrorKind.UNAVAILABLE, "lost the connection", True),
        (httpx.ProxyError, ErrorKind.UNAVAILABLE, "lost the connection", True),
        (httpx.DecodingError, ErrorKind.UNAVAILABLE, "lost the connection", True),
    ],
)
def test_every_exception_of_httpx_has_a_meaning(
    error: type[httpx.RequestError], kind: ErrorKind, says: str, unknown: bool
) -> None:
    with respx.mock:
        respx.post(f"{URL}/x").mock(side_effect=error("Authorization: c4n4ry"))
        found = failed_post(service(URL))
    assert (found.kind, found.outcome_unknown, found.service) == (kind, unknown, "flexcore")
    assert says in found.message
    assert "c4n4ry" not in f"{found!r} {found.hint}"
    assert found.hint
    assert found.__context__ is None


def test_the_table_holds_every_exception_of_httpx() -> None:
    mapped = test_every_exception_of_httpx_has_a_meaning.pytestmark[0].args[1]
    known = {row[0] for row in mapped} | {httpx.TooManyRedirects}  # no redirect is followed
    leaves = {
        found
        for found in vars(httpx).values()
        if isinstance(found, type) and issubclass(found, httpx.RequestError) and not found.__subclasses__()
    }
    assert leaves <= known


@pytest.mark.parametrize(
    ("cause", "kind", "says"),
    [
        (socket.gaierror(-2, "Name or service not known"), ErrorKind.UNAVAILABLE, "no host has the name"),
        (ConnectionRefusedError(111, "x"), ErrorKind.UNAVAILABLE, "refused the connection"),
        (ExceptionGroup("all", [OSError("v6"), ConnectionRefusedError(111, "x")]), ErrorKind.UNAVAILABLE, "refused"),
        (ssl.SSLError(1, "odd"), ErrorKind.UNTRUSTED, "no TLS connection came about"),
        (ssl.SSLWantReadError(2, "waiting"), ErrorKind.UNAVAILABLE, "could not be reached"),
    ],
)
def test_the_cause_behind_a_failed_connection_is_told(cause: Exception, kind: ErrorKind, says: str) -> None:
    error = httpx.ConnectError("x")
    error.__cause__ = cause
    found = explain(error, Asked("flexcore", URL, "POST", "/x"), 30)
    assert found.kind is kind
    assert says in found.message
    assert URL in found.message
    assert not found.outcome_unknown


def test_a_service_that_is_down_refuses_the_connection() -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        found = failed_post(service(f"http://127.0.0.1:{taken.getsockname()[1]}"))
    assert found.kind is ErrorKind.UNAVAILABLE
    assert "flexcore refused the connection" in found.message
    assert "flext status" in found.hint
    assert not found.outcome_unknown


def test_a_plain_service_behind_https_is_told_apart() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\nClient sent something else")
        await writer.drain()
        writer.close()

    async def run() -> ServiceError:
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, open_writer(service(f"https://127.0.0.1:{port}"), str) as client:
            with pytest.raises(ServiceError) as caught:
                await client.send("POST", "/x")
            return caught.value

    found = asyncio.run(run())
    assert found.kind is ErrorKind.UNTRUSTED
    assert "no TLS connection came about (wrong version number)" in found.message
    assert not found.outcome_unknown


def test_a_service_that_never_finishes_the_handshake_was_not_reached() -> None:
    async def run() -> ServiceError:
        async with (
            serving(HANG) as server,
            open_writer(service(server.url.replace("http:", "https:"), timeout=0.3), str) as client,
        ):
            with pytest.raises(ServiceError) as caught:
                await client.send("POST", "/x")
            return caught.value

    found = asyncio.run(run())
    assert found.kind is ErrorKind.TIMEOUT
    assert "could not be reached in time" in found.message
    assert not found.outcome_unknown


def test_a_ca_file_that_is_none_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("no certificate")
    for name in ("missing.pem", "empty.pem"):
        found = failed_post(service("https://localhost:1", ca_file=str(tmp_path / name)))
        assert isinstance(found, FlextError)
        assert "ca_file" in found.message
        assert name in found.message


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_a_certificate_is_believed_only_from_a_known_authority_and_for_its_host(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=flext"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)

    async def ask(ca_file: str | None, host: str) -> str:
        async with (
            serving(reply(), tls=tls) as server,
            open_writer(service(server.url.replace("127.0.0.1", host), ca_file=ca_file), str) as client,
        ):
            result = await client.ask("/x")
            return result.message if isinstance(result, ServiceError) else f"HTTP {result.status}"

    assert asyncio.run(ask(str(certificate), "127.0.0.1")) == "HTTP 200"
    assert "its certificate is not accepted (self-signed" in asyncio.run(ask(None, "127.0.0.1"))
    assert "its certificate is not accepted (Hostname mismatch" in asyncio.run(ask(str(certificate), "localhost"))
