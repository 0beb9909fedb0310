"""The provider `flext-service`, as the engine finds it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from flext_reconciler.model import Actual, Service, Support
from flext_reconciler.provider import Embedded, Provider, Traits
from flext_reconciler.references import Resolve

from .embedded import FAULTS
from .kinds import KINDS
from .reader import FlextReader
from .writer import FlextWriter

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from flext_reconciler.sandbox import Sandbox


class FlextServiceProvider:
    """Serves the kinds of a FLEXT Service, whichever variant of it answers."""

    name = "flext-service"
    kinds = KINDS
    traits = Traits(settle_seconds=5.0)

    def __init__(self) -> None:
        self.embedded: Embedded | None = Embedded(_make, 8081, FAULTS, _restore)

    @asynccontextmanager
    async def reader(self, service: Service, resolve: Resolve) -> AsyncIterator[FlextReader]:
        """Open a reader, whose client has no way to write."""
        from flext_reconciler.http import open_reader

        async with open_reader(service, resolve) as http:
            yield FlextReader(http, service)

    @asynccontextmanager
    async def writer(self, service: Service, resolve: Resolve) -> AsyncIterator[FlextWriter]:
        """Open a writer."""
        from flext_reconciler.http import open_writer

        async with open_writer(service, resolve) as http:
            yield FlextWriter(http, service)


def _make(path: Path | None) -> ASGIApp:
    from .embedded.app import make

    return make(path)


def _restore(sandbox: Sandbox, support: Support, actuals: Iterable[Actual]) -> None:
    from .embedded.restore import restore

    restore(sandbox, support, actuals)


PROVIDER: Provider = FlextServiceProvider()
