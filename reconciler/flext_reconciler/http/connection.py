"""One service's connection: the only place that touches the network."""

from __future__ import annotations

import asyncio
import logging
import ssl
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import NamedTuple

import httpx
import orjson
import sniffio  # noqa: F401 - missing, it makes each request a third slower: see pyproject.toml

from ..errors import ErrorKind, ServiceError
from ..model import Service
from ..references import Resolve
from .asked import Answer, Asked, Call
from .failures import explain
from .normalise import LONGEST_ERROR
from .origin import Credentials, check_path, check_travel, has_headers, origin_of, service_url

TRANSPORT: ContextVar[Callable[[Service], httpx.AsyncBaseTransport] | None] = ContextVar("TRANSPORT", default=None)
"""What carries requests instead of the network, for tests and simulations; looked at when a client is opened."""

LARGEST_BODY = 32 * 1024 * 1024  # bytes, decompressed
CONNECTIONS = 10
_SLOWEST_CONNECT = 5.0

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "flext"}
_JSON = {**_HEADERS, "Content-Type": "application/json"}

_log = logging.getLogger(__name__)
# They write query values, response headers and retries of their own accord; what may be known is logged here.
for _chatty in ("httpx", "httpcore", "stamina"):
    logging.getLogger(_chatty).setLevel(logging.ERROR)


class _Unread(NamedTuple):
    """Why a body was not read to its end."""

    why: str


class Connection:
    """Sends requests to one service and reads the answers whole, within a deadline and a size."""

    def __init__(self, service: Service, resolve: Resolve) -> None:
        url = service_url(service)
        self.service = service
        self.origin = origin_of(url)
        self._prefix = str(self.origin) + url.raw_path.decode().rstrip("/")
        self._resolve = resolve
        self._transport = TRANSPORT.get() or self._network
        # A transport for each connection: at every request, a pool looks at all the connections it has. And no client
        # around it: redirects, cookies and proxies are all unwanted here, and cost a third of the time.
        self._idle: list[httpx.AsyncBaseTransport] = []
        self._free = asyncio.Semaphore(CONNECTIONS)

    def asked(self, call: Call) -> Asked:
        """Return what messages may tell of a call."""
        return Asked(self.service.name, str(self.origin), call.method, call.path)

    def credentials(self) -> Credentials:
        """Return the credentials for one request, not yet resolved."""
        return Credentials(self.service, self.origin, self._resolve)

    async def exchange(self, call: Call, credentials: Credentials) -> Answer:
        """Send exactly one request and read its answer; raises ServiceError when there is none."""
        check_path(call.path, self.service)
        check_travel(self.service, self.origin, call.secret)
        asked = self.asked(call)
        auth = credentials if has_headers(self.service) else None
        async with self._lent() as transport:
            outcome = await self._attempt(transport, call, asked, auth)
        if isinstance(outcome, ServiceError):
            _log.debug("%s: %s: %s", asked.service, asked, outcome.kind)
            raise outcome
        _log.debug("%s: %s: HTTP %d, %d bytes", asked.service, asked, outcome.status, len(outcome.body))
        return outcome

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[httpx.AsyncBaseTransport]:
        """Lend a transport, the one that was used last if there is one; wait when too many are lent."""
        async with self._free:
            transport = self._idle.pop() if self._idle else self._transport(self.service)
            try:
                yield transport
            finally:
                self._idle.append(transport)

    async def _attempt(
        self, transport: httpx.AsyncBaseTransport, call: Call, asked: Asked, auth: Credentials | None
    ) -> Answer | ServiceError:
        # An error is returned, so that it is raised outside: as its context httpx's would keep the request's headers.
        timeout = self.service.timeout if call.timeout is None else call.timeout
        request = self._request(call, timeout)
        if auth is not None:
            auth.attach(request)
        try:
            async with asyncio.timeout(timeout):
                response = await transport.handle_async_request(request)
                try:
                    return await _read(response, asked)
                finally:
                    await response.aclose()
        except (httpx.RequestError, OSError) as error:
            return explain(error, asked, timeout)

    def _request(self, call: Call, timeout: float) -> httpx.Request:
        query = f"?{call.query}" if call.query else ""
        content = None if call.body is None else orjson.dumps(call.body, option=orjson.OPT_PASSTHROUGH_DATACLASS)
        # TCP and TLS get this much each, so that a deadline that passes says: it may have been sent.
        connect = min(_SLOWEST_CONNECT, timeout / 3)
        return httpx.Request(
            call.method,
            f"{self._prefix}{call.path}{query}",
            headers=_HEADERS if content is None else _JSON,
            content=content,
            extensions={"timeout": {"connect": connect, "read": None, "write": None, "pool": None}},
        )

    def _network(self, service: Service) -> httpx.AsyncBaseTransport:
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        return httpx.AsyncHTTPTransport(verify=self._trust, trust_env=False, limits=limits)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return _trust(self.service)

    async def close(self) -> None:
        """Close the connections, if any were opened."""
        for transport in self._idle:
            await transport.aclose()


def _trust(service: Service) -> ssl.SSLContext:
    if not service.url.lower().startswith("https:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used; reading the system's authorities takes 30 ms
    try:
        return ssl.create_default_context(cafile=service.ca_file)
    except OSError:
        what = f"{service.name} has a `ca_file` that holds no certificates or cannot be read: {service.ca_file}"
        raise ServiceError(what, kind=ErrorKind.INVALID, service=service.name) from None


async def _read(response: httpx.Response, asked: Asked) -> Answer | ServiceError:
    failed = response.status_code >= 400
    body = await _body(response, LONGEST_ERROR if failed else LARGEST_BODY)
    if isinstance(body, _Unread):
        if not failed:
            what = f"{body.why} ({asked}, HTTP {response.status_code})"
            return asked.failed(ErrorKind.UNTRUSTED, what, status=response.status_code, unknown=True)
        body = b""  # the status says enough
    headers = response.headers
    return Answer(
        response.status_code,
        headers.get("content-type", ""),
        body,
        headers.get("location", ""),
        headers.get("retry-after", ""),
    )


async def _body(response: httpx.Response, limit: int) -> bytes | _Unread:
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        return _Unread("compressed its answer in a way that was not asked for")
    inflate = None if encoding == "identity" else zlib.decompressobj(wbits=31)
    chunks: list[bytes] = []
    size = 0
    try:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        async for chunk in response.stream:
            # Never more than one byte over the limit is inflated, whatever a small chunk would blow up to.
            data = chunk if inflate is None else inflate.decompress(chunk, limit - size + 1)
            chunks.append(data)
            size += len(data)
            if size > limit:
                return _Unread(f"answered more than {limit // 1024 // 1024} MB")
    except zlib.error:
        return _Unread("answered compressed data that is damaged")
    if inflate is not None and size and not inflate.eof:
        return _Unread("answered compressed data that is cut off")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
