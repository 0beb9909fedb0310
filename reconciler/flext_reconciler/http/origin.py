"""Where requests may go, and what may travel there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import NamedTuple

import httpx

from ..errors import ErrorKind, ServiceError
from ..model import Secret, Service
from ..references import Resolve
from ..spec import names_a_secret

"""Names the variable that, when set, lists the only origins that may be sent a secret; loopback always may."""

_LONGEST_PATH = 4096
_PATH = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)+/?")
_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.I)
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_HOST = re.compile(r"[\w.:-]+")
_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """A scheme, a host and a port: what credentials are bound to."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS.get(self.scheme) else f":{self.port}")

    @property
    def usable(self) -> bool:
        """Whether an HTTP request can go there."""
        return self.scheme in _PORTS and _HOST.fullmatch(self.host) is not None and 0 < self.port < 65536

    @property
    def loopback(self) -> bool:
        """Whether requests stay on this machine."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def origin_of(url: httpx.URL) -> Origin:
    """Return the origin of a URL, with the port that its scheme implies."""
    port = _PORTS.get(url.scheme, 0) if url.port is None else url.port
    return Origin(url.scheme, url.host, port)


def service_url(service: Service) -> httpx.URL:
    """Read a service's `url`; raises ServiceError when no request can go there."""
    try:
        url = httpx.URL(service.url)
    except (httpx.InvalidURL, ValueError):
        url = httpx.URL("")
    if not origin_of(url).usable:
        raise _refused(service, "has a `url` that is not one", hint="write http(s)://host:port, or embedded")
    if url.userinfo or url.query or url.fragment:
        raise _refused(service, "has a `url` with more than http(s)://host:port", hint="a password belongs in `token`")
    if _is_link_local(url.host):
        raise _refused(service, "has a link-local `url`; that is where clouds keep their credentials")
    return url


def check_path(path: str, service: Service) -> None:
    """Raise ServiceError for anything but a plain absolute path: another origin, a query, a step upwards."""
    if len(path) > _LONGEST_PATH or not _PATH.fullmatch(path) or _DOTS.search(path):
        raise _refused(service, "would be asked for something that is not a path of its own; nothing was sent")


def check_travel(service: Service, origin: Origin, secret: bool) -> None:
    """Raise ServiceError when a secret would travel in clear off this machine."""
    if origin.loopback or not (secret or _has_credentials(service)):
        return
    if origin.scheme != "https" and not service.allow_insecure:
        raise _refused(
            service,
            f"would be sent a secret in clear ({origin}); nothing was sent",
            hint="use https, or set `allow_insecure: true` for the service if the network is yours alone",
        )


class Credentials:
    """Attaches a service's credentials to one request, for the configured origin only."""

    def __init__(self, service: Service, origin: Origin, resolve: Resolve) -> None:
        self._service = service
        self._origin = origin
        self._resolve = resolve
        self.values: list[str] = []
        """What was attached: it must not come back in a message."""

    def attach(self, request: httpx.Request) -> None:
        """Add the headers; they are resolved now and held by nothing else."""
        if origin_of(request.url) != self._origin:
            raise _refused(self._service, f"keeps its credentials for {self._origin}; nothing was sent elsewhere")
        if self._service.token is not None:
            request.headers["Authorization"] = f"Bearer {self._value('token', self._service.token)}"
        for name, value in self._service.headers.items():
            request.headers[name] = self._value(name, value)

    def _value(self, name: str, value: str | Secret) -> str:
        text = self._resolve(value) if isinstance(value, Secret) else value
        if isinstance(value, Secret) or names_a_secret(name):
            self.values.append(text)
        if not _HEADER_VALUE.fullmatch(text):
            raise _refused(
                self._service,
                f"would get a {name} that no HTTP header can carry; nothing was sent",
                hint="is it empty, or is there a line break, a blank at an end or an accent in it?",
            )
        return text


def has_headers(service: Service) -> bool:
    """Tell whether requests to a service need anything attached."""
    return service.token is not None or bool(service.headers)


def _has_credentials(service: Service) -> bool:
    headers: Mapping[str, str | Secret] = service.headers
    return service.token is not None or any(
        isinstance(value, Secret) or names_a_secret(name) for name, value in headers.items()
    )


def _is_link_local(host: str) -> bool:
    try:
        return ip_address(host).is_link_local
    except ValueError:
        return False


def _refused(service: Service, what: str, hint: str = "") -> ServiceError:
    place = f" ({service.place})" if service.place else ""
    return ServiceError(f"{service.name} {what}{place}", kind=ErrorKind.INVALID, service=service.name, hint=hint)
