"""Addresses, and the values that a spec is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, NamedTuple

import orjson

Json = Any
"""A value of the JSON data model, whose leaves may also be a `Secret` or a `Deferred`."""

Path = tuple[str | int, ...]


class Address(NamedTuple):
    """Names one resource of an environment: `service.kind/name`."""

    service: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.service}.{self.kind}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `service.kind/name`; the name may hold dots. Raises ValueError."""
        head, slash, name = text.partition("/")
        service, dot, kind = head.partition(".")
        if not (slash and dot and service and kind and name):
            raise ValueError(f"{text!r} is not an address; write service.kind/name")
        return cls(service, kind, name)


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that flext compares without knowing it; equal when the fingerprints are equal."""

    text: str = field(compare=False)  # the reference as written, `${env:NAME}`; empty for what a service reported
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """A `${ref:ADDRESS.FIELD}` whose value is known only when the address has been applied."""

    text: str
    address: Address
    path: Path


class Absent(Enum):
    """Stands for a value that is not there, which differs from null."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent.ABSENT


def canonical(value: Json) -> bytes:
    """Return the bytes that two values share exactly when flext calls them equal: 1, 1.0, true and "1" all differ."""
    return orjson.dumps(value, default=_canonical_leaf, option=_CANONICAL)


_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS


def _canonical_leaf(value: object) -> Json:
    # NUL cannot stand in YAML and no service sends it in a key, so these never meet a user's own mapping.
    if isinstance(value, Secret):
        return {"\0secret": value.fingerprint}
    if isinstance(value, Deferred):
        return {"\0deferred": value.text}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple | frozenset):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not a JSON value")


# ------------------------------------------------------------------------------------------------ looking for leaves


def glance(value: Json) -> bytes:
    """Return the bytes of a value, its keys in any order: looking there costs a fraction of walking the value."""
    return orjson.dumps(value, default=_canonical_leaf, option=_CANONICAL & ~orjson.OPT_SORT_KEYS)


_SECRET, _DEFERRED = b'{"\\u0000secret":', b'{"\\u0000deferred":'


def holds_secret(value: Json) -> bool:
    """Tell whether a secret stands anywhere in a value."""
    return _SECRET in glance(value)


def holds_deferred(value: Json) -> bool:
    """Tell whether a `${ref:}` that is not known yet stands anywhere in a value."""
    return _DEFERRED in glance(value)
