"""The provider protocol: what an adapter for one type of service must offer, and the contract it must keep.

A provider translates and calls. It never diffs, orders, retries, prints or decides. What varies between kinds is
declared on their `Spec`. A `Reader` holds a client without write methods, so that commands that look cannot write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Protocol

from .model import Actual, Change, Json, Service, Support
from .references import Resolve
from .spec import Spec

if TYPE_CHECKING:
    from starlette.types import ASGIApp

Wanted = Mapping[str, frozenset[str]]
"""Names that will be compared → the fields declared for each. What is expensive to read may be left out for others."""


@dataclass(frozen=True)
class Write:
    """One write, secrets filled in; lives only as long as the request."""

    change: Change
    spec: Mapping[str, Json]  # the whole declared spec with every reference resolved; empty for a delete
    id: str | None  # None for a create
    id_of: Callable[[str, str], str | None]  # (kind, name) → id, from what was read and what this run created
    carries_secret: bool = False  # the request must not travel in clear off loopback

    @property
    def name(self) -> str:
        """The resource's declared name."""
        return self.change.address.name


class Health(StrEnum):
    """The words every service's own health words are brought to."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ServiceHealth:
    """The ecosystem guide's health record."""

    service_name: str
    status: Health
    response_time_ms: float
    last_check: datetime
    details: Mapping[str, Json] = field(default_factory=dict)


class Reader(Protocol):
    """Looks at one service. Every failure is a `ServiceError`; nothing is invented from silence."""

    async def probe(self) -> Support:
        """Find out what this server is and what it can do."""

    async def health(self) -> ServiceHealth:
        """Ask the service how it is; a service that cannot be asked is unknown, never an exception."""

    async def read(self, kind: str, wanted: Wanted | None = None) -> Sequence[Actual]:
        """List everything of a kind, complete or not at all; two objects of one name are both returned.

        With `wanted`, only those names need the details that cost a request each. None means all of everything.
        """

    async def read_one(self, kind: str, name: str, id: str | None, fields: frozenset[str]) -> Actual:
        """Read one object freshly; its presence is absent when it is provably gone. Without an id, look by name."""


class Writer(Reader, Protocol):
    """Changes one service. Each call is one step of a plan; nothing is retried that could be done twice.

    After a call returned, `read_one` shows its result. A call that may or may not have been carried out raises
    `ServiceError` with `outcome_unknown`; the engine then reads before it does anything else.
    """

    async def create(self, write: Write) -> str:
        """Create and return the service's id; never overwrite what is there.

        A conflict says that it was there before us. What came out otherwise than expected is removed again and is
        `unfit`, whether or not removing it worked.
        """

    async def update(self, write: Write) -> None:
        """Change the fields named in `write.change.fields`, in place; repeating it must do no harm."""

    async def delete(self, write: Write) -> None:
        """Remove it; what is gone already is success."""


@dataclass(frozen=True)
class Traits:
    """How a type of service bears being worked on."""

    parallel_reads: int = 8
    parallel_writes: int = 4  # 1 means one writer, and no read while it writes
    volatile: bool = False  # a restart forgets everything
    settle_seconds: float = 0.0  # how long a write may go on after its connection broke


@dataclass(frozen=True)
class Embedded:
    """What starts the provider's own imitation of its service."""

    make: Callable[[FilePath | None], ASGIApp]  # a file to persist in, or None to forget
    port: int  # where `flext sandbox` puts it
    faults: Mapping[str, str]  # name → what it does, in a sentence
    restore: Callable[[Any, Support, Iterable[Actual]], None] | None = None
    """Puts what was read from a real service, its variant and ids included, into an app that `make` made."""


class Provider(Protocol):
    """The adapter for one type of service, found through the entry point group `flext.providers`."""

    name: str
    kinds: Mapping[str, type[Spec]]  # parents first: the default order of creation
    traits: Traits
    embedded: Embedded | None

    def reader(self, service: Service, resolve: Resolve) -> AbstractAsyncContextManager[Reader]:
        """Open a reader; `resolve` turns credential references into values for each request."""

    def writer(self, service: Service, resolve: Resolve) -> AbstractAsyncContextManager[Writer]:
        """Open a writer."""
