"""References in YAML: `${env:NAME} ${file:PATH} ${var:NAME} ${service:NAME.FIELD} ${ref:ADDRESS.FIELD}`.

What `env` and `file` stand for is secret: it becomes a `Secret` when the YAML is loaded and a value only inside a
request. `$${` writes a plain `${`. Nothing is expanded twice: a value that looks like a reference stays text.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import NamedTuple

from .errors import FlextError
from .model import Deferred, Json, Secret, canonical

Resolve = Callable[[Secret], str]
"""Turns a secret's reference into its value, for one request."""

SCHEMES = {"env": "NAME", "file": "PATH", "var": "NAME", "service": "NAME.FIELD", "ref": "ADDRESS.FIELD"}
"""What may stand behind `${`, and what follows its colon."""

SECRET = frozenset({"env", "file"})
"""The schemes whose values are secret."""

SERVICE_FIELDS = ("url", "name", "timeout")
"""What `${service:NAME.FIELD}` offers of a service."""

MAX_FILE_BYTES = 64 * 1024
_PRIVATE = frozenset({".flext", ".git"})  # hold keys and credentials of their own
_LONGEST = 200
_ESCAPE_HINT = "write $${ for a plain ${"


class Fingerprinter:
    """Makes keyed fingerprints: equal for equal values, and useless for guessing the value without the key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, value: Json) -> str:
        """Return 16 hex characters that two values share exactly when they are equal."""
        return hmac.new(self._key, canonical(value), hashlib.sha256).hexdigest()[:16]


@dataclass(frozen=True)
class Sources:
    """Where references find their values; never shown, because `environ` holds secrets."""

    root: FilePath  # the desired-state directory, links resolved
    environ: Mapping[str, str] = field(repr=False)
    vars: Mapping[str, Json] = field(default_factory=dict, repr=False)  # may hold references to secrets
    services: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)  # name → SERVICE_FIELDS; None is none


class Reference(NamedTuple):
    """One `${scheme:name}`."""

    scheme: str
    name: str

    def __str__(self) -> str:
        return f"${{{self.scheme}:{self.name}}}"


Parts = tuple[str | Reference, ...]

_TOKEN = re.compile(r"\$\$\{|\$\{([A-Za-z]+):([^${}]+)\}|\$\{")


def parse(text: str, allowed: frozenset[str] = frozenset(SCHEMES)) -> Parts:
    """Split a text into plain pieces and references; raises FlextError for what is neither."""
    parts: list[str | Reference] = []
    end = 0
    for match in _TOKEN.finditer(text):
        if match.start() > end:
            parts.append(text[end : match.start()])
        parts.append(_part(match, text, allowed))
        end = match.end()
    if end < len(text):
        parts.append(text[end:])
    return tuple(parts)


def _part(match: re.Match[str], text: str, allowed: frozenset[str]) -> str | Reference:
    scheme, name = match.groups()
    if scheme is None:
        return "${" if match.group().startswith("$$") else _refuse(text[match.end() :])
    if scheme not in SCHEMES:
        raise FlextError(f"unknown reference ${{{scheme}:…}}", hint=f"known are {_known(SCHEMES)}; {_ESCAPE_HINT}")
    if scheme not in allowed:
        raise FlextError(f"${{{scheme}:…}} cannot stand here", hint=f"possible here: {_known(allowed)}")
    if len(name) > _LONGEST or not name.isprintable():
        raise FlextError("the name in this ${…} is too long, or not printable")
    return Reference(scheme, name.strip())


def _refuse(rest: str) -> str:
    inside, closed, _ = rest.partition("}")
    if "${" in inside:
        raise FlextError("references cannot be nested", hint="give the inner value a name under `vars`")
    if not closed:
        raise FlextError("this ${ is never closed", hint=f"close it with }}, or {_ESCAPE_HINT}")
    raise FlextError("this ${…} is not a reference", hint=f"known are {_known(SCHEMES)}; {_ESCAPE_HINT}")


def _known(schemes: Mapping[str, str] | frozenset[str]) -> str:
    return ", ".join(f"${{{scheme}:{follows}}}" for scheme, follows in SCHEMES.items() if scheme in schemes)


# ------------------------------------------------------------------------------------------------ symbolic values


def symbolic(
    text: str,
    sources: Sources,
    fingerprint: Callable[[str], str],
    deferred: Callable[[str, str], Deferred] | None = None,
    allowed: frozenset[str] = frozenset(SCHEMES),
) -> Json:
    """Return what a written text means: a value, a `Secret`, or what `deferred` makes of (text, ADDRESS.FIELD).

    A reference that stands alone keeps the type of its value. Raises FlextError when something is missing.
    """
    parts = parse(text, allowed)
    if len(parts) == 1 and isinstance(parts[0], Reference):
        alone = parts[0]
        if alone.scheme == "ref" and deferred is not None:
            return deferred(text, alone.name)
        if alone.scheme == "var":
            return map_texts(
                _variable(alone, sources), lambda inner: symbolic(inner, sources, fingerprint, allowed=SECRET)
            )
        if alone.scheme == "service":
            return _service_field(alone, sources)
    value = _joined(parts, sources)
    return Secret(text, fingerprint(value)) if any(_is_secret(part, sources) for part in parts) else value


def _joined(parts: Parts, sources: Sources) -> str:
    return "".join(part if isinstance(part, str) else _as_text(part, _value(part, sources)) for part in parts)


def _value(reference: Reference, sources: Sources) -> Json:
    if reference.scheme == "env":
        return _environment_variable(reference, sources)
    if reference.scheme == "file":
        return _file_text(reference, sources)
    if reference.scheme == "service":
        return _service_field(reference, sources)
    if reference.scheme == "var":
        return map_texts(_variable(reference, sources), lambda text: _joined(parse(text, SECRET), sources))
    raise FlextError("${ref:…} must be the whole value", hint="nothing can be put before or behind it")


def _is_secret(part: str | Reference, sources: Sources) -> bool:
    if isinstance(part, str) or part.scheme != "var":
        return isinstance(part, Reference) and part.scheme in SECRET
    found: list[bool] = []
    map_texts(_variable(part, sources), lambda text: found.append(any(isinstance(p, Reference) for p in parse(text))))
    return any(found)


def _as_text(reference: Reference, value: Json) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, Mapping | list):
        raise FlextError(f"{reference} is not text, so it must be the whole value")
    return canonical(value).decode()


def map_texts(value: Json, change: Callable[[str], Json]) -> Json:
    """Return a copy of a JSON value with every string below it changed; keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: map_texts(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [map_texts(item, change) for item in value]
    return value


# ------------------------------------------------------------------------------------------------ real values


def resolver(sources: Sources) -> Resolve:
    """Return what turns a secret into its value; it raises FlextError when that can no longer be found."""

    def resolve(secret: Secret) -> str:
        if not secret.text:
            raise FlextError("a value that a service reported without showing it cannot be sent again")
        return _joined(parse(secret.text), sources)

    return resolve


def fill(value: Json, resolve: Resolve, look_up: Callable[[Deferred], Json]) -> Json:
    """Return a copy with real values in the place of every `Secret` and `Deferred`."""
    if isinstance(value, Secret):
        return resolve(value)
    if isinstance(value, Deferred):
        return look_up(value)
    if isinstance(value, Mapping):
        return {key: fill(item, resolve, look_up) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill(item, resolve, look_up) for item in value]
    return value


def _environment_variable(reference: Reference, sources: Sources) -> str:
    found = sources.environ.get(reference.name)
    if not found:  # a CI job hands an unset secret over as an empty text; nobody means that
        state = "is not set" if found is None else "is empty"
        raise FlextError(
            f"the environment variable {reference.name} {state}", hint=f"export {reference.name} and try again"
        )
    return found


def _variable(reference: Reference, sources: Sources) -> Json:
    if reference.name not in sources.vars:
        known = ", ".join(sorted(sources.vars)) or "none"
        raise FlextError(f"no variable {reference.name}", hint=f"declare it under `vars`; declared are {known}")
    return sources.vars[reference.name]


def _service_field(reference: Reference, sources: Sources) -> Json:
    name, _, wanted = reference.name.rpartition(".")
    if name not in sources.services:
        known = ", ".join(sorted(sources.services)) or "none"
        raise FlextError(f"{reference} names no service", hint=f"write ${{service:NAME.FIELD}}; services are {known}")
    if wanted not in SERVICE_FIELDS:
        raise FlextError(f"{reference}: a service has no field {wanted}", hint=f"it has {', '.join(SERVICE_FIELDS)}")
    value = sources.services[name][wanted]
    if value is None:
        hint = "write what is meant instead; `patches` of the environment can do so for it alone"
        raise FlextError(f"{reference}: {name} is embedded and has no {wanted} of its own", hint=hint)
    return value


def _file_text(reference: Reference, sources: Sources) -> str:
    try:
        text = read_inside(sources.root, reference.name, MAX_FILE_BYTES).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise FlextError(f"{reference}: the file is not UTF-8 text") from None
    if not text:
        raise FlextError(f"{reference}: the file is empty")
    return text


# ------------------------------------------------------------------------------------------------ files of the root


def read_inside(root: FilePath, path: str, limit: int) -> bytes:
    """Read a regular file under `root`; raises FlextError, also when a link leads out of it."""
    try:
        if os.path.normpath(path).startswith(("/", "..")):  # before asking whether it exists: nobody learns that
            raise ValueError
        inside = (root / path).resolve(strict=True).relative_to(root)
        if not _PRIVATE.isdisjoint(inside.parts):
            raise FlextError(f"{path} is not a file of the desired state")
        return _read_beneath(root, inside.parts, path, limit)
    except ValueError:  # also for a link that leads out
        raise FlextError(f"{path} lies outside the desired state", hint="only files inside it can be read") from None
    except (OSError, RuntimeError) as error:  # 3.11 reports a loop of links as RuntimeError
        raise FlextError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'a loop of links'}") from None


_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def _read_beneath(root: FilePath, parts: tuple[str, ...], shown: str, limit: int) -> bytes:
    # Part by part and without following links, so that nothing can be swapped between the check and the opening.
    descriptor = os.open(root, _FLAGS | os.O_DIRECTORY)
    try:
        for number, part in enumerate(parts, 1):
            flags = _FLAGS if number == len(parts) else _FLAGS | os.O_DIRECTORY
            opened = os.open(part, flags, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = opened
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FlextError(f"{shown} is not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise FlextError(f"{shown} is larger than {limit:,} bytes")
    return content
