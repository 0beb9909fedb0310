"""Takes secrets and control characters out of text that a service wrote. Pure."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from urllib.parse import quote, quote_plus

import orjson

from ..model import Json
from ..spec import names_a_secret

HIDDEN = "(secret)"
LONGEST = 300
_SHORTEST_SECRET = 3  # a shorter one would take every other word with it
_DEEPEST = 8
_IDENTITY = frozenset({"plugin_id", "plugin_type", "source_node_id", "name", "type", "version"})

# Wider than the names that must be references in YAML: here a false alarm costs a word, a miss costs a secret.
_STEMS = (
    r"(?:passw|passphrase|pwd|secret|token|credential|authori[sz]ation|cookie|keytab|(?:api|private|access)[_.-]?key)"
)
_SUSPICIOUS = re.compile(_STEMS, re.I)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PAIR = re.compile(
    rf"""(?P<name> {_STEMS} [\w.-]{{0,64}} \\?["']? \s{{0,4}} (?: => | [:=] ) \s{{0,4}} )
         (?: \(secret\)[^\s,;&\]}})]*  # what is hidden already
           | \\"(?:(?!\\").)*(?:\\")? | "(?:[^"\\]|\\.)*"? | '(?:[^'\\]|\\.)*'?
           | (?:(?:bearer|basic|digest|token)\s{{1,4}})? [^\s,;&\]}})]+ )""",
    re.X | re.I | re.S,
)
_ANYWHERE = (
    (re.compile(r"\b(bearer|basic)\s{1,4}[^\s,;\"']+", re.I), rf"\1 {HIDDEN}"),
    (re.compile(r"://[^\s/@\"']{1,512}@"), f"://{HIDDEN}@"),
    (re.compile(r"-----BEGIN[^-]{0,40}-----.*?(?:-----END[^-]{0,40}-----|\Z)", re.S), HIDDEN),
)


class Redactor:
    """Knows the secrets of one request; `secrets` is not read before there is something to redact."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = secrets

    @cached_property
    def _exact(self) -> re.Pattern[str] | None:
        forms = {form for secret in self._secrets if len(secret) >= _SHORTEST_SECRET for form in _forms(secret)}
        if not forms:
            return None
        return re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)), re.I)

    def hide(self, text: str) -> str:
        """Replace the known secrets, and the values that stand beside a secret's name."""
        if self._exact is not None:
            text = self._exact.sub(HIDDEN, text)
        for pattern, replacement in _ANYWHERE:
            text = pattern.sub(replacement, text)
        return _PAIR.sub(rf"\g<name>{HIDDEN}", text)

    def show(self, value: Json) -> str:
        """Return one printable line of at most 300 characters, without secrets."""
        text = value if isinstance(value, str) else orjson.dumps(_without_secrets(value)).decode()
        # Twice: before white space is collapsed, for secrets of several lines, and after, for what that brings about.
        line = self.hide(_printable(self.hide(text)))
        return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def secrets_in(body: Json, everything: bool) -> Iterator[str]:
    """Yield the strings of a request that must not come back in a message.

    Those under a secret's name always; with `everything` all but the object's own name and type, because nothing
    says any more which of its settings were references.
    """
    if isinstance(body, Mapping):
        for key, value in body.items():
            if _suspicious(key) or (everything and key not in _IDENTITY):
                yield from _strings(value)
            else:
                yield from secrets_in(value, everything=False)
    elif isinstance(body, list | tuple):
        for value in body:
            yield from secrets_in(value, everything)


def _strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(item)


def _suspicious(name: str) -> bool:
    return _SUSPICIOUS.search(name) is not None or names_a_secret(_CAMEL.sub("_", name))


def _without_secrets(value: Json, depth: int = 0) -> Json:
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {
            str(key): HIDDEN if _suspicious(str(key)) else _without_secrets(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_without_secrets(item, depth + 1) for item in value]
    return value


def _printable(text: str) -> str:
    line = " ".join(text.split())
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)


def _forms(secret: str) -> Iterator[str]:
    raw = secret.encode("utf-8", "surrogatepass")
    quoted = orjson.dumps(raw.decode("utf-8", "replace")).decode()[1:-1]
    yield from (secret, quoted, quote(raw, safe=""), quote(raw), quote_plus(raw), raw.hex())
    yield from _base64_forms(raw)


def _base64_forms(raw: bytes) -> Iterator[str]:
    """Yield what every base64 text that holds the secret has in common, at each of the three alignments."""
    for shift in range(3):
        padded = b64encode(b"\0" * shift + raw).decode().rstrip("=")
        # The characters at both ends also depend on the neighbours.
        core = padded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        if len(core) >= _SHORTEST_SECRET:
            yield core
            yield core.replace("+", "-").replace("/", "_")
