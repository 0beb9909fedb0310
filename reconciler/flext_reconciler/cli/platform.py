"""An environment, opened: its services, providers and ledger, for as long as a command runs."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..errors import DesiredStateError
from ..ledger import Ledger, open_ledger
from ..load import Environment, Loaded, ledger_url, load, load_environment
from ..model import Declaration, Service
from ..provider import Provider, Reader, Traits, Writer
from ..references import Fingerprinter, Resolve, resolver
from ..registry import load_providers
from ..spec import Spec
from .embedded import reachable
from .options import Location
from .revision import revision_of

STATE = ".flext"

Catalog = Mapping[str, Mapping[str, type[Spec]]]


def catalog_of(providers: Mapping[str, Provider]) -> Catalog:
    """Return the kinds of every provider."""
    return {name: provider.kinds for name, provider in providers.items()}


@dataclass(frozen=True)
class Platform:
    """What a command works with; `services` have URLs that answer, the declaration keeps the written ones."""

    location: Location
    environment: Environment
    catalog: Catalog
    providers: Mapping[str, Provider]  # by service
    services: Mapping[str, Service]
    ledger: Ledger
    state: Path

    @cached_property
    def fingerprinter(self) -> Fingerprinter:
        """Fingerprints secrets with this ledger's key."""
        return Fingerprinter(self.ledger.key)

    @cached_property
    def loaded(self) -> Loaded:
        """The desired state, read and validated once."""
        return load(
            self.location.path,
            self.environment.name,
            self.catalog,
            environ=os.environ,
            fingerprinter=self.fingerprinter,
            cache=self.state / "cache",
        )

    @property
    def declaration(self) -> Declaration:
        """What is declared."""
        return self.loaded.declaration

    @property
    def nothing(self) -> Declaration:
        """The environment as if nothing were declared: for commands that only look at services."""
        return Declaration(self.environment.name, self.environment.services, ())

    @property
    def kinds(self) -> Mapping[tuple[str, str], type[Spec]]:
        """The kinds of every configured service."""
        return self.environment.kinds

    @property
    def traits(self) -> Mapping[str, Traits]:
        """How each service bears being worked on."""
        return {name: provider.traits for name, provider in self.providers.items()}

    @property
    def volatile(self) -> frozenset[str]:
        """The services that forget everything on a restart."""
        return frozenset(name for name, traits in self.traits.items() if traits.volatile)

    @cached_property
    def revision(self) -> str:
        """The Git revision of the desired state; looked up when it is first asked for, which few commands do."""
        return revision_of(self.environment.sources.root, self.environment.name)

    @cached_property
    def resolve(self) -> Resolve:
        """Turns a secret into its value, for one request."""
        return resolver(self.environment.sources)

    @asynccontextmanager
    async def readers(self) -> AsyncIterator[Mapping[str, Reader]]:
        """Open a reader for every service; readers have no methods that write."""
        async with AsyncExitStack() as stack:
            yield {
                name: await stack.enter_async_context(self.providers[name].reader(service, self.resolve))
                for name, service in self.services.items()
            }

    @asynccontextmanager
    async def writers(self) -> AsyncIterator[Mapping[str, Writer]]:
        """Open a writer for every service."""
        async with AsyncExitStack() as stack:
            yield {
                name: await stack.enter_async_context(self.providers[name].writer(service, self.resolve))
                for name, service in self.services.items()
            }


@contextmanager
def open_platform(location: Location) -> Iterator[Platform]:
    """Open an environment; embedded services run until it is closed."""
    installed = load_providers()
    catalog = catalog_of(installed)
    environment = _environment(location, catalog)
    state = state_directory(environment.sources.root)
    providers = {name: installed[service.provider] for name, service in environment.services.items()}
    with ExitStack() as stack:
        ledger = stack.enter_context(ledger_of(environment))
        embedded = state / "embedded" / environment.name
        services = {
            name: stack.enter_context(reachable(service, providers[name], embedded))
            for name, service in environment.services.items()
        }
        yield Platform(location, environment, catalog, providers, services, ledger, state)


@contextmanager
def open_remembered(location: Location) -> Iterator[Ledger]:
    """Open the ledger of an environment and nothing else: no service is asked or started."""
    with ledger_of(_environment(location, catalog_of(load_providers()))) as ledger:
        yield ledger


def ledger_of(environment: Environment) -> Ledger:
    """Open the ledger where the environment keeps it: in the database that it names, or in the state directory."""
    url = ledger_url(environment.ledger, environment.sources)
    return open_ledger(state_directory(environment.sources.root), environment.name, url=url)


def _environment(location: Location, catalog: Catalog) -> Environment:
    try:
        return load_environment(location.path, location.environment, catalog, environ=os.environ)
    except DesiredStateError:
        check(location, catalog)  # tells what is wrong with the resources too
        raise


def check(location: Location, catalog: Catalog) -> Declaration:
    """Load a declaration only to find every problem of it; its fingerprints are good for nothing."""
    nobodys = Fingerprinter(secrets.token_bytes(32))
    return load(location.path, location.environment, catalog, environ=os.environ, fingerprinter=nobodys).declaration


def state_directory(root: Path) -> Path:
    """Return where the ledger is: beside the declaration unless FLEXT_STATE_DIR names another place."""
    chosen = os.environ.get("FLEXT_STATE_DIR")
    return Path(chosen) if chosen else root / STATE
