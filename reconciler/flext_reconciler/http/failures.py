"""What went wrong below HTTP, in words that a user understands."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx

from ..errors import ErrorKind, ServiceError
from .asked import Asked

_RUNNING = "is it running? `flext status` shows which services answer"
_SLOW = "is it overloaded? raise the service's `timeout` if it only needs longer"

# What the TLS layer says while it waits for bytes, or when they end: no reason of its own.
_ORDINARY_TLS = (ssl.SSLWantReadError, ssl.SSLWantWriteError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


def explain(error: Exception, asked: Asked, timeout: float) -> ServiceError:
    """Turn a failure to exchange anything into a ServiceError; the original's text may quote headers, so it stays."""
    where = f"({asked.origin})"
    causes = tuple(_causes(error))
    unknown = not isinstance(error, _NEVER_SENT)
    for cause in causes:
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, _ORDINARY_TLS):
            return asked.failed(
                ErrorKind.UNTRUSTED,
                f"could not prove who it is {where}: {_tls(cause)}",
                hint="is the `url` right? For a private authority set the service's `ca_file`",
                unknown=unknown,
            )
        if isinstance(cause, socket.gaierror):
            return asked.failed(
                ErrorKind.UNAVAILABLE,
                f"was not found: no host has the name in its `url` {where}",
                hint="check the service's `url` in the environment file",
            )
        if isinstance(cause, ConnectionRefusedError):
            return asked.failed(ErrorKind.UNAVAILABLE, f"refused the connection {where}", hint=_RUNNING)
    return _by_type(error, asked, timeout, unknown)


def _by_type(error: Exception, asked: Asked, timeout: float, unknown: bool) -> ServiceError:
    where = f"({asked.origin})"
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return asked.failed(ErrorKind.TIMEOUT, f"could not be reached in time {where}", hint=_RUNNING)
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        what = f"did not answer {asked} within {timeout:g} s {where}"
        return asked.failed(ErrorKind.TIMEOUT, what, hint=_SLOW, unknown=unknown)
    if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
        return asked.failed(
            ErrorKind.INVALID,
            f"cannot be asked: {asked} would not be valid HTTP; nothing was sent",
            hint="check the service's `headers` in the environment file",
        )
    if isinstance(error, httpx.ConnectError):
        return asked.failed(ErrorKind.UNAVAILABLE, f"could not be reached {where}", hint=_RUNNING)
    what = f"lost the connection before it had answered {asked} {where}"
    return asked.failed(ErrorKind.UNAVAILABLE, what, hint=_RUNNING, unknown=unknown)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from _causes(member)
        error = error.__cause__ or error.__context__


def _tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted ({error.verify_message})"
    reason = getattr(error, "reason", None) or "unknown reason"
    return f"no TLS connection came about ({reason.replace('_', ' ').lower()})"
