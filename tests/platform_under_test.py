"""A whole platform for a test: what is declared, the services behind providers, a ledger; planned and applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace
from typing import Any

from flext_reconciler.apply import Session, apply_plan
from flext_reconciler.errors import FlextError, Place
from flext_reconciler.model import (
    Actuals,
    Address,
    Declaration,
    Event,
    Json,
    Lifecycle,
    Plan,
    Report,
    Resource,
    Secret,
    Service,
)
from flext_reconciler.plan import PlanOptions, make_plan
from flext_reconciler.provider import Provider
from flext_reconciler.read import read_actuals
from flext_reconciler.references import Fingerprinter
from memory_ledger import MemoryLedger
from memory_provider import MemoryProvider, MemoryService

FINGERPRINTER = Fingerprinter(b"k" * 32)
NEVER = SimpleNamespace(is_set=lambda: False)
DAY = date(2026, 1, 31)
"""The day on which everything is applied."""


def resource(
    address: str, /, *, after: Iterable[str] = (), lifecycle: Lifecycle | None = None, **spec: Json
) -> Resource:
    """A declared resource."""
    return Resource(
        Address.parse(address),
        spec,
        Place("platform.yaml", 1, 1),
        tuple(sorted(map(Address.parse, after))),
        lifecycle or Lifecycle(),
    )


@dataclass
class Platform:
    """Services, a ledger and secrets; each `plan` and `apply` is what one command would do."""

    providers: Mapping[str, Provider]  # by service
    services: Mapping[str, Service]
    ledger: Any = field(default_factory=MemoryLedger)
    secrets: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)

    def secret(self, name: str) -> Secret:
        """The reference to a secret, as the loader makes it."""
        return Secret(f"${{env:{name}}}", FINGERPRINTER.of(self.secrets[name]))

    def resolve(self, secret: Secret) -> str:
        """The value behind a reference."""
        name = secret.text.removeprefix("${env:").removesuffix("}")
        if name not in self.secrets:
            raise FlextError(f"the environment variable {name} is not set", hint=f"export {name} and try again")
        return self.secrets[name]

    def declaration(self, resources: Iterable[Resource]) -> Declaration:
        """The resources as an environment."""
        return Declaration("test", self.services, tuple(sorted(resources, key=lambda item: item.address)))

    async def read(self, resources: Iterable[Resource], *, everything: bool = False) -> Actuals:
        """Read as a plan does."""
        async with AsyncExitStack() as stack:
            readers = {
                name: await stack.enter_async_context(self.providers[name].reader(service, self.resolve))
                for name, service in self.services.items()
            }
            return await read_actuals(
                self.declaration(resources),
                self.providers,
                readers,
                self.ledger.records(),
                FINGERPRINTER,
                self.events.append,
                everything=everything,
            )

    async def plan(self, resources: Iterable[Resource], *, prune: bool = False, **options: Any) -> Plan:
        """Make a fresh plan."""
        resources = tuple(resources)
        actuals = await self.read(resources, everything=prune)
        return self.decide(resources, actuals, prune=prune, **options)

    def decide(self, resources: Iterable[Resource], actuals: Actuals, **options: Any) -> Plan:
        """Plan from what was read."""
        volatile = frozenset(name for name, provider in self.providers.items() if provider.traits.volatile)
        return make_plan(
            self.declaration(resources),
            actuals,
            self.ledger.records(),
            self.kinds,
            PlanOptions(**options),
            volatile=volatile,
        )

    @property
    def kinds(self) -> dict[tuple[str, str], Any]:
        """Every kind of every service."""
        return {(name, kind): spec for name, it in self.providers.items() for kind, spec in it.kinds.items()}

    async def apply(
        self,
        resources: Iterable[Resource],
        plan: Plan | None = None,
        *,
        replan: Callable[[], Any] | None = None,
        observer: Callable[[Event], None] | None = None,
        stop: Any = NEVER,
        recheck_creates: bool = False,
        **options: Any,
    ) -> Report:
        """Apply a plan, or a fresh one."""
        resources = tuple(resources)
        actuals = await self.read(resources, everything=options.get("prune", False))
        plan = plan or self.decide(resources, actuals, **options)
        options.pop("force_replace", None)

        async def plan_again() -> Plan:
            return await self.plan(resources, **options)

        more = {"stop": stop, "recheck_creates": recheck_creates}
        return await self.carry_out(plan, actuals, replan or plan_again, observer, **more)

    async def carry_out(
        self,
        plan: Plan,
        actuals: Actuals,
        replan: Callable[[], Any],
        observer: Callable[[Event], None] | None = None,
        **more: Any,
    ) -> Report:
        """Apply a plan that was made from what was read."""

        async def sleep(seconds: float) -> None:
            self.sleeps.append(seconds)

        async with AsyncExitStack() as stack:
            writers = {
                name: await stack.enter_async_context(self.providers[name].writer(service, self.resolve))
                for name, service in self.services.items()
            }
            session = Session(
                writers=writers,
                traits={name: provider.traits for name, provider in self.providers.items()},
                kinds=self.kinds,
                ledger=self.ledger,
                records=self.ledger.records(),
                actuals=actuals.found,
                resolve=self.resolve,
                fingerprinter=FINGERPRINTER,
                replan=replan,
                who="tester",
                plan_fingerprint="f" * 64,
                sleep=sleep,
                today=lambda: DAY,
                **{"stop": NEVER, **more},
            )
            return await apply_plan(plan, session, observer or self.events.append)


def memory_platform(*services: MemoryService, **traits: Any) -> Platform:
    """A platform of in-memory services."""
    from flext_reconciler.provider import Traits

    provider = MemoryProvider(*services, traits=Traits(**traits))
    configured = {service.name: Service(service.name, "memory", "http://127.0.0.1:1") for service in services}
    return Platform(dict.fromkeys(configured, provider), configured)
