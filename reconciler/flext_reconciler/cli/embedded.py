"""`url: embedded`: the provider's own imitation of its service, on a loopback socket for as long as a command runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..errors import FlextError
from ..load import EMBEDDED
from ..model import Service
from ..provider import Embedded, Provider


@contextmanager
def reachable(service: Service, provider: Provider, directory: Path) -> Iterator[Service]:
    """Yield the service with a URL that answers; an embedded one keeps what it holds in `directory`."""
    if service.url != EMBEDDED:
        yield service
        return
    from ..sandbox import start

    make_directory(directory)
    app = imitation(provider).make(directory / f"{service.name}.db")
    with start(app) as running:
        yield replace(service, url=running.url)


def make_directory(directory: Path) -> None:
    """Make a private directory, or say why it cannot be made."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise FlextError(
            f"cannot make {directory}: {error.strerror}", hint="The embedded services keep what they hold there."
        ) from None


def imitation(provider: Provider) -> Embedded:
    """Return what makes the provider's embedded service, or say that it has none."""
    if provider.embedded is None:
        raise FlextError(
            f"the provider {provider.name!r} has no embedded service", hint="Give the service the URL of a real one."
        )
    return provider.embedded
