"""One provider, its embedded service on a loopback socket, a ledger on disk: everything a contract level needs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from flext_reconciler.apply import Session, apply_plan
from flext_reconciler.errors import Place
from flext_reconciler.ledger import Ledger, open_ledger
from flext_reconciler.model import Address, Declaration, Lifecycle, Plan, Report, Resource, Service
from flext_reconciler.plan import PlanOptions, make_plan
from flext_reconciler.provider import Provider
from flext_reconciler.read import read_actuals
from flext_reconciler.references import Fingerprinter
from flext_reconciler.sandbox import start

SERVICE = "service"
DAY = date(2026, 1, 31)
"""The day on which everything is applied."""


@dataclass(frozen=True)
class Sample:
    """Valid specs of one kind: `updated` differs in fields that change in place, `replaced` in one that cannot."""

    kind: str
    first: Mapping[str, Any]
    updated: Mapping[str, Any] | None
    replaced: Mapping[str, Any]
    needs: tuple[tuple[str, str, Mapping[str, Any]], ...] = ()  # (kind, name, spec) of what it refers to


@dataclass
class Bench:
    """Plans and applies a declaration the way the command does."""

    provider: Provider
    url: str
    ledger: Ledger
    resolve: Any = field(default=lambda secret: secret.text)

    @property
    def service(self) -> Service:
        return Service(SERVICE, self.provider.name, self.url, timeout=10)

    @property
    def kinds(self) -> Mapping[tuple[str, str], Any]:
        return {(SERVICE, kind): spec for kind, spec in self.provider.kinds.items()}

    def resource(self, kind: str, name: str, spec: Mapping[str, Any], **lifecycle: Any) -> Resource:
        """Declare one thing, its references to others of the service included."""
        model = self.provider.kinds[kind]
        address = Address(SERVICE, kind, name)
        from flext_reconciler.plan.references import names_in

        needs = tuple(sorted(names_in(model, address, spec)))
        return Resource(
            address, model.normalise(spec), Place("case.yaml", 1, 1), needs, lifecycle=Lifecycle(**lifecycle)
        )

    def plan(self, resources: list[Resource], options: PlanOptions | None = None) -> Plan:
        return asyncio.run(self._plan(self._declare(resources), options or PlanOptions()))

    def apply(self, resources: list[Resource], options: PlanOptions | None = None, plan: Plan | None = None) -> Report:
        return asyncio.run(self._apply(self._declare(resources), options or PlanOptions(), plan))

    def read(self, kind: str) -> Mapping[str, Any]:
        """Everything of a kind by name, read as for an export."""
        return {actual.address.name: actual for actual in asyncio.run(self._read(kind))}

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Do something behind flext's back."""
        return httpx.request(method, f"{self.url}{path}", timeout=10, **more)

    def fault(self, name: str, times: int | None = 1, **match: str) -> None:
        """Switch a fault of the embedded service on."""
        self.ask("PUT", f"/_sandbox/faults/{name}", json={"times": times, **match}).raise_for_status()

    def writes(self) -> list[tuple[str, str]]:
        """Method and path of every request that could have written since the log was last cleared."""
        entries = self.ask("GET", "/_sandbox/log").json()["log"]
        return [(entry["method"], entry["path"]) for entry in entries if entry["method"] != "GET"]

    def violations(self) -> list[Any]:
        return self.ask("GET", "/_sandbox/violations").json()["violations"]

    def _declare(self, resources: list[Resource]) -> Declaration:
        listed = tuple(sorted(resources, key=lambda resource: resource.address))
        return Declaration("contract", {SERVICE: self.service}, listed)

    async def _read(self, kind: str) -> Any:
        async with self.provider.reader(self.service, self.resolve) as reader:
            return await reader.read(kind)

    async def _plan(self, declaration: Declaration, options: PlanOptions) -> Plan:
        plan, _ = await self._planned(declaration, options)
        return plan

    async def _planned(self, declaration: Declaration, options: PlanOptions) -> Any:
        async with self.provider.reader(self.service, self.resolve) as reader:
            records = self.ledger.records()
            actuals = await read_actuals(
                declaration,
                {SERVICE: self.provider},
                {SERVICE: reader},
                records,
                Fingerprinter(self.ledger.key),
                lambda event: None,
            )
        volatile = frozenset({SERVICE}) if self.provider.traits.volatile else frozenset()
        plan = make_plan(declaration, actuals, records, self.kinds, options, volatile=volatile)
        return plan, actuals

    async def _apply(self, declaration: Declaration, options: PlanOptions, plan: Plan | None) -> Report:
        fresh, actuals = await self._planned(declaration, options)
        async with self.provider.writer(self.service, self.resolve) as writer:
            session = Session(
                writers={SERVICE: writer},
                traits={SERVICE: self.provider.traits},
                kinds=self.kinds,
                ledger=self.ledger,
                records=self.ledger.records(),
                actuals=actuals.found,
                resolve=self.resolve,
                fingerprinter=Fingerprinter(self.ledger.key),
                replan=lambda: self._plan(declaration, options),
                stop=threading.Event(),
                who="contract",
                plan_fingerprint="",
                recheck_creates=plan is not None,
                sleep=no_sleep,
                today=lambda: DAY,
            )
            return await apply_plan(plan or fresh, session, lambda event: None)


async def no_sleep(seconds: float) -> None:
    """Let others run, and wait for nothing."""
    await asyncio.sleep(0)


@contextmanager
def bench(provider: Provider, folder: Path) -> Iterator[Bench]:
    """Start the provider's embedded service and open a ledger."""
    assert provider.embedded is not None
    with start(provider.embedded.make(None)) as running, open_ledger(folder, "contract") as ledger:
        yield Bench(provider, running.url, ledger)


def merged(sample: Sample, change: Mapping[str, Any]) -> dict[str, Any]:
    return {**sample.first, **change}
