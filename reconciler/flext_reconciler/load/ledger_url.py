"""Where an environment keeps its ledger: the URL of a PostgreSQL database, whose password is a reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from ..errors import FlextError
from ..model import Json, Secret
from ..references import Reference, Sources, parse, resolver
from ..spec import names_a_secret
from .problems import Problems, Spot
from .services import ALLOWED_ORIGINS

_SCHEMES = frozenset({"env", "file", "var"})
_HINT = "write postgresql://user:${env:PASSWORD}@host:port/database"
_STANDS_FOR_A_REFERENCE = "\x7f"
_POSTGRESQL = ("postgresql", "postgres")
_PORT = 5432

# With these, libpq would go to other servers than the URL names, or take what it sends from anywhere.
_ELSEWHERE = frozenset({"hostaddr", "port", "service", "servicefile", "passfile"})


def read_ledger(
    written: Json, environment: Spot, sources: Sources, environ: Mapping[str, str], problems: Problems
) -> str:
    """Return the URL as written, when it can be used; everything that is wrong with it is reported."""
    if not isinstance(written, str) or not written:
        return ""  # reported already when it is anything else
    try:
        found = [*_literal_secrets(written), *_misdirected(ledger_url(written, sources), environ)]
    except FlextError as error:
        problems.add_error(environment.at("ledger"), error)
        return ""
    for message, hint in found:
        problems.add(environment.at("ledger"), message, hint)
    return "" if found else written


def ledger_url(written: str, sources: Sources) -> str:
    """Return the URL with its references filled in; raises FlextError.

    A reference inside a URL stands for text, and one that is all there is for the whole URL.
    """
    parts = parse(written, _SCHEMES)
    resolve = resolver(sources)
    if len(parts) == 1 and isinstance(parts[0], Reference):
        return resolve(Secret(written, ""))
    return "".join(part if isinstance(part, str) else quote(resolve(Secret(str(part), "")), safe="") for part in parts)


def _literal_secrets(written: str) -> Iterator[tuple[str, str]]:
    shape = "".join(part if isinstance(part, str) else _STANDS_FOR_A_REFERENCE for part in parse(written, _SCHEMES))
    url = _split(shape)
    held = [url.password or "", *(value for key, value in parse_qsl(url.query) if names_a_secret(key))]
    if any(value.strip(_STANDS_FOR_A_REFERENCE) for value in held):
        yield "a secret is written out here", _HINT


def _misdirected(resolved: str, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    url = _split(resolved)
    if url.scheme not in _POSTGRESQL:
        yield "not the URL of a PostgreSQL database", _HINT
    for key, value in parse_qsl(url.query):
        if key in _ELSEWHERE or (key == "host" and not value.startswith("/")):
            yield f"the URL of a ledger must not hold `{key}`", "name host and port in front of the database"
    listed = environ.get(ALLOWED_ORIGINS)
    if listed is None:
        return
    allowed = {origin for item in listed.split(",") for origin in _origins(_split(item.strip()))}
    if not set(_origins(url)) <= allowed:
        hint = f"whoever runs flext adds its origin, postgresql://host:port, to {ALLOWED_ORIGINS}"
        yield f"the ledger would be sent credentials, and {ALLOWED_ORIGINS} does not list it", hint


def _origins(url: SplitResult) -> Iterator[tuple[str, str]]:
    """Yield the hosts and ports that libpq would try; none for a socket of this machine."""
    for place in url.netloc.rpartition("@")[2].split(",") if url.scheme in _POSTGRESQL else ():
        host, port = (place, "") if place.endswith("]") else _host_and_port(place)
        if host:
            yield host.lower(), port or str(_PORT)


def _host_and_port(place: str) -> tuple[str, str]:
    host, colon, port = place.rpartition(":")
    return (host, port) if colon else (place, "")


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise FlextError("not the URL of a PostgreSQL database", hint=_HINT) from None
