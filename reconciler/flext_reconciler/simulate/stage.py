"""Where a run takes place of which nothing is real: the chain from reading to the proof, on stand-ins.

What `cli.pipeline` does for a platform this does for a declaration, services and a ledger put together by hand.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from types import SimpleNamespace
from typing import NamedTuple, Protocol, TypeVar

from ..apply import Journal, Session, Stop, apply_plan
from ..guard import Limits
from ..model import Actuals, Address, Declaration, Observer, Plan, Record, Report, Service
from ..plan import PlanOptions
from ..planfile import fingerprint
from ..planfile.inputs import Inputs, planned
from ..provider import Provider, Reader, Traits, Writer
from ..read import read_actuals
from ..references import Fingerprinter, Resolve
from ..spec import Spec

T = TypeVar("T")
NEVER: Stop = SimpleNamespace(is_set=lambda: False)
UNLIMITED = Limits(max_deletes=None, max_delete_share=None, allow_empty=True)


class Memory(Journal, Protocol):
    """What a run needs of the ledger."""

    def records(self) -> Mapping[Address, Record]:
        """Return what is known of every resource."""


class Made(NamedTuple):
    """A plan and what it was made from."""

    plan: Plan
    inputs: Inputs


@dataclass(frozen=True)
class Stage:
    """A declaration, the services that stand in for its own, and a ledger that nobody will miss."""

    declaration: Declaration
    providers: Mapping[str, Provider]  # by service
    services: Mapping[str, Service]
    ledger: Memory
    fingerprinter: Fingerprinter
    resolve: Resolve
    options: PlanOptions = field(default_factory=PlanOptions)
    silent: Actuals = field(default_factory=Actuals)  # what could not be read, and stays unknown
    seen_by: Callable[[Writer], Writer] = lambda writer: writer  # puts itself between apply and a writer

    @property
    def kinds(self) -> Mapping[tuple[str, str], type[Spec]]:
        """The kinds of every service."""
        return {(name, kind): spec for name, it in self.providers.items() for kind, spec in it.kinds.items()}

    @property
    def traits(self) -> Mapping[str, Traits]:
        """How each service bears being worked on."""
        return {name: provider.traits for name, provider in self.providers.items()}

    async def look(self, observer: Observer) -> Made:
        """Make a plan with clients that cannot write."""
        async with self._opened(lambda provider, service: provider.reader(service, self.resolve)) as readers:
            return await self._make(readers, self.options, observer)

    async def carry_out(
        self, made: Made, observer: Observer, stop: Stop = NEVER, *, recheck_creates: bool = False
    ) -> Report:
        """Apply a plan, and prove it by planning again with clients that cannot write."""
        settled = replace(self.options, force_replace=frozenset())
        async with (
            self._opened(lambda provider, service: provider.writer(service, self.resolve)) as writers,
            self._opened(lambda provider, service: provider.reader(service, self.resolve)) as readers,
        ):

            async def replan() -> Plan:
                return (await self._make(readers, settled, observer)).plan

            return await apply_plan(made.plan, self._session(made, writers, replan, stop, recheck_creates), observer)

    async def _make(self, readers: Mapping[str, Reader], options: PlanOptions, observer: Observer) -> Made:
        records = self.ledger.records()
        actuals = await read_actuals(self.declaration, self.providers, readers, records, self.fingerprinter, observer)
        actuals = self._with_silence(actuals)
        volatile = frozenset(name for name, traits in self.traits.items() if traits.volatile)
        inputs = Inputs(self.declaration, actuals, records, options, UNLIMITED, volatile=volatile)
        return Made(planned(inputs, self.kinds), inputs)

    def _with_silence(self, actuals: Actuals) -> Actuals:
        failures = self.silent.failures
        found = {address: actual for address, actual in actuals.found.items() if address[:2] not in failures}
        return replace(actuals, found={**found, **self.silent.found}, failures={**actuals.failures, **failures})

    def _session(
        self,
        made: Made,
        writers: Mapping[str, Writer],
        replan: Callable[[], Awaitable[Plan]],
        stop: Stop,
        recheck: bool,
    ) -> Session:
        return Session(
            writers={name: self.seen_by(writer) for name, writer in writers.items()},
            traits=self.traits,
            kinds=self.kinds,
            ledger=self.ledger,
            records=self.ledger.records(),
            actuals=made.inputs.actuals.found,
            resolve=self.resolve,
            fingerprinter=self.fingerprinter,
            replan=replan,
            stop=stop,
            who="a simulation",
            plan_fingerprint=fingerprint(made.plan),
            recheck_creates=recheck,
            today=lambda: date.fromisoformat(self.options.today),
        )

    @asynccontextmanager
    async def _opened(
        self, open_one: Callable[[Provider, Service], AbstractAsyncContextManager[T]]
    ) -> AsyncIterator[Mapping[str, T]]:
        async with AsyncExitStack() as stack:
            yield {
                name: await stack.enter_async_context(open_one(self.providers[name], service))
                for name, service in self.services.items()
            }
