"""What the YAML declares, validated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..errors import Place
from .values import Address, Json, Secret


class Deletion(StrEnum):
    """How something goes that is no longer declared, where its kind can be disabled."""

    TWO_PHASE = "two-phase"  # disabled now, deleted by a later plan
    IMMEDIATE = "immediate"


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What the author of a resource allows flext to do with it."""

    protect: bool = False  # refuse to delete or replace it
    ignore: tuple[str, ...] = ()  # JSON pointers whose differences are nobody's business
    adopt: bool = False  # take it over when it exists and is not ours
    delete: Deletion = Deletion.TWO_PHASE  # for the day when it is no longer declared


@dataclass(frozen=True, slots=True)
class Resource:
    """One declared thing; `spec` holds only what its author wrote, references still symbolic."""

    address: Address
    spec: Mapping[str, Json]
    place: Place
    depends_on: tuple[Address, ...] = ()  # written and implied, sorted
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Service:
    """A configured endpoint of an environment; credentials stay references."""

    name: str
    provider: str
    url: str  # `http(s)://host:port`, or `embedded`
    timeout: float = 30.0  # seconds, for one request
    token: Secret | None = None  # sent as a bearer token, to the origin of `url` only
    headers: Mapping[str, str | Secret] = field(default_factory=dict)
    ca_file: str | None = None
    allow_insecure: bool = False  # secrets may travel over plain http off loopback
    settings: Mapping[str, Json] = field(default_factory=dict)  # the provider's own keys
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """Everything an environment declares, validated."""

    environment: str
    services: Mapping[str, Service]
    resources: tuple[Resource, ...]  # sorted by address
    root: str = ""
