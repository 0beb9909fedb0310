"""The services of an environment: their providers, their origins, and where their credentials may go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from ..errors import FlextError, Place
from ..model import Json, Secret, Service, holds_secret
from ..references import read_inside
from ..spec import Spec
from .entries import ServiceEntry
from .files import Tree
from .problems import Problems, Spot
from .symbols import Filled
from .wording import nearest, quoted

Catalog = Mapping[str, Mapping[str, type[Spec]]]
"""Provider name → its kinds."""

EMBEDDED = "embedded"
ALLOWED_ORIGINS = "FLEXT_ALLOWED_ORIGINS"

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_URL_HINT = "write http://host:port, https://host:port or embedded"
_MAX_CA_BYTES = 1024 * 1024


def make_services(filled: Filled, tree: Tree, catalog: Catalog, spot: Spot, problems: Problems) -> dict[str, Service]:
    """Build the services whose provider is known; what is wrong with the others is reported."""
    entries = {name: entry for name, entry in filled.symbolic["services"].items() if isinstance(entry, dict)}
    places = spot.places([(name,) for name in entries])
    services: dict[str, Service] = {}
    for name, entry in entries.items():
        written = entry.get("provider")
        provider = written if isinstance(written, str) else name
        if provider in catalog:
            services[name] = _service(name, provider, entry, tree, places[name,])
            _check_url(services[name], spot.at(name, "url"), problems)
            _check_token(entry.get("token"), spot.at(name, "token"), problems)
            _check_ca_file(entry.get("ca_file"), tree, spot.at(name, "ca_file"), problems)
        else:
            hint = nearest(provider, catalog) + ("" if "provider" in entry else "; say which with `provider:`")
            where = spot.at(name, "provider") if "provider" in entry else spot.at(name, key=True)
            problems.add(where, f"no provider {quoted(provider)} is installed", hint)
    return services


def known_url(service: Service) -> str | None:
    """Return the URL that others may be told; what is embedded has another one in every command."""
    return None if service.url == EMBEDDED else service.url


def _service(name: str, provider: str, entry: dict[str, Json], tree: Tree, place: Place) -> Service:
    # What has the wrong type has been reported, and the environment will be refused; here it only must not crash.
    defaults = ServiceEntry(url="")
    url, timeout, token, ca_file = (entry.get(key) for key in ("url", "timeout", "token", "ca_file"))
    headers, settings = entry.get("headers"), entry.get("settings")
    return Service(
        name=name,
        provider=provider,
        url=url.rstrip("/") if isinstance(url, str) else "",
        timeout=float(timeout) if isinstance(timeout, int | float) else defaults.timeout,
        token=token if isinstance(token, Secret) else None,
        headers=headers if isinstance(headers, dict) else {},
        ca_file=str(tree.root / ca_file) if isinstance(ca_file, str) else None,
        allow_insecure=entry.get("allow_insecure") is True,
        settings=settings if isinstance(settings, dict) else {},
        place=place,
    )


def _check_url(service: Service, spot: Spot, problems: Problems) -> None:
    if not service.url or service.url == EMBEDDED:
        return
    try:
        parts = urlsplit(service.url)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError:
        problems.add(spot, "not a URL", _URL_HINT)
        return
    if parts.scheme not in _PORTS or not _HOST.fullmatch(parts.hostname or "") or not port_is_right:
        problems.add(spot, "not the URL of a service", _URL_HINT)
    elif parts.username is not None or parts.password is not None:
        problems.add(spot, "a URL must not hold credentials", "use `token` or `headers`")
    elif "?" in service.url or "#" in service.url or not service.url.isprintable() or " " in service.url:
        problems.add(spot, "a URL must not hold a query, a fragment or blanks", _URL_HINT)


def _check_token(token: Json, spot: Spot, problems: Problems) -> None:
    if token is not None and not isinstance(token, Secret) and not isinstance(token, str):
        problems.add(spot, "a token must be a reference", "write ${env:NAME}")


def _check_ca_file(ca_file: Json, tree: Tree, spot: Spot, problems: Problems) -> None:
    if isinstance(ca_file, str):
        try:
            read_inside(tree.root, ca_file, _MAX_CA_BYTES)
        except FlextError as error:
            problems.add_error(spot, error)


# ------------------------------------------------------------------------------------------------ credentials


def check_credentials(
    services: Mapping[str, Service], carrying: frozenset[str], environ: Mapping[str, str], problems: Problems
) -> None:
    """Refuse to send secrets where the machine's owner has not said that they may go.

    A pull request can edit a URL; it cannot edit the environment that flext runs in. `carrying` names the services
    whose resources hold secrets.
    """
    listed = environ.get(ALLOWED_ORIGINS)
    if listed is None:
        return
    allowed = {_origin(item.strip()) for item in listed.split(",") if item.strip()}
    for service in services.values():
        carries = service.token or holds_secret(service.headers) or holds_secret(service.settings)
        if service.url == EMBEDDED or not (carries or service.name in carrying):
            continue
        if _origin(service.url) not in allowed and service.place is not None:
            problems.add(
                service.place,
                f"the service {quoted(service.name)} would be sent secrets, and {ALLOWED_ORIGINS} does not list it",
                f"whoever runs flext adds its origin to {ALLOWED_ORIGINS}",
            )


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return "", url, None
