"""The clients that providers hold: one that can only read, and one that also writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import chain
from urllib.parse import urlencode

from ..errors import ServiceError
from ..model import Json, Service
from ..references import Resolve
from .asked import Call
from .connection import Connection
from .redact import Redactor, secrets_in
from .reply import Reply, believe
from .retry import Backoff, attempts, seconds_to_wait

Params = Mapping[str, str | int | bool]


class ReadClient:
    """Asks one service; what may be over in a moment is tried again. Has no way to write."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.origin = str(connection.origin)
        """The scheme, host and port that every request goes to."""

    async def get(
        self,
        path: str,
        *,
        params: Params | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - a deadline for each attempt, not for the call
    ) -> Reply:
        """Read a path; raises ServiceError for anything but a 200 that can be believed."""
        call = Call("GET", path, query=_query(params), timeout=timeout)
        backoff = Backoff()
        async for attempt in attempts(backoff):
            with attempt:
                return await self._carry_out(call, backoff)
        raise AssertionError("stamina raises the last attempt's error")

    async def ask(
        self,
        path: str,
        *,
        params: Params | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as for `get`
    ) -> Reply | ServiceError:
        """Read a path and return the error instead of raising it, for probing."""
        try:
            return await self.get(path, params=params, timeout=timeout)
        except ServiceError as error:
            return error

    async def _carry_out(self, call: Call, backoff: Backoff | None = None) -> Reply:
        credentials = self._connection.credentials()
        answer = await self._connection.exchange(call, credentials)
        if backoff is not None and answer.retry_after:
            backoff.asked = seconds_to_wait(answer.retry_after)
        redactor = Redactor(chain(credentials.values, secrets_in(call.body, call.secret)))
        return believe(answer, self._connection.asked(call), redactor)


class WriteClient(ReadClient):
    """Also changes the service; a write is sent exactly once, whatever happens."""

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: Json = None,
        timeout: float | None = None,  # noqa: ASYNC109 - its end must become an error that knows the outcome
        secret: bool = False,
    ) -> Reply:
        """Send one write; raises ServiceError unless it was answered with a 2xx that can be believed.

        The error's `outcome_unknown` says that it may have been carried out all the same. With `secret`, the body
        holds a secret, so it must not travel in clear off this machine.
        """
        return await self._carry_out(Call(method.upper(), path, body=body, timeout=timeout, secret=secret))


@asynccontextmanager
async def open_reader(service: Service, resolve: Resolve) -> AsyncIterator[ReadClient]:
    """Open a client that cannot write; nothing is sent before the first request."""
    connection = Connection(service, resolve)
    try:
        yield ReadClient(connection)
    finally:
        await connection.close()


@asynccontextmanager
async def open_writer(service: Service, resolve: Resolve) -> AsyncIterator[WriteClient]:
    """Open a client that reads and writes; nothing is sent before the first request."""
    connection = Connection(service, resolve)
    try:
        yield WriteClient(connection)
    finally:
        await connection.close()


def _query(params: Params | None) -> str:
    if not params:
        return ""
    return urlencode({name: str(value).lower() if isinstance(value, bool) else value for name, value in params.items()})
