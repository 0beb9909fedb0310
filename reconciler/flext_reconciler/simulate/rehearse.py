"""A plan, carried out on embedded services that hold what was just read: how it would end, and what would come after.

The apply is the real one, with the real providers and HTTP client. Nothing of the real platform is asked or written,
and the ledger is a copy that is thrown away.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..errors import FlextError, UsageError
from ..http import TRANSPORT, AppTransport
from ..model import Actual, Actuals, Observer, Plan, Presence, Report, Service
from ..planfile.inputs import Inputs
from ..provider import Provider
from ..references import Fingerprinter, fill
from ..sandbox import Sandbox
from .clock import run_timeless
from .ledger import ScratchLedger
from .secrets import Placeholders, placeholder
from .stage import Made, Stage
from .watch import Announcing, FailAt, Killed, Request, Watch

RUNS = 2
"""When this many further runs leave something to do, a plan does not converge."""

_NOWHERE = "http://127.0.0.1:1"
_MEANWHILE = 60.0  # seconds until somebody runs flext again; what a service finishes late is finished by then
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How a simulated apply went."""

    plan: Plan
    report: Report | None  # None when flext was killed in the middle of it
    requests: tuple[Request, ...]  # its write requests, in order
    fail_at: FailAt | None
    there: Mapping[str, int]  # how many objects of each `service.kind` there were when it had ended
    resume: Plan  # what the next plan would do
    runs: int  # further runs that it took
    left: Plan  # what there was to do after them

    @property
    def converges(self) -> bool:
        """Nothing is left to do, and nothing is in the way that was not so before."""
        known = {item.address for item in self.plan.blocked}
        return not self.left.changes and all(item.address in known for item in self.left.blocked)


def rehearse(
    plan: Plan,
    inputs: Inputs,
    providers: Mapping[str, Provider],
    fingerprinter: Fingerprinter,
    observer: Observer,
    fail_at: FailAt | None = None,
) -> Rehearsal:
    """Carry a plan out where it does no harm; `fail_at` makes one of its write requests go wrong."""
    names = [name for name in inputs.actuals.support if name in providers]
    sandboxes = {name: _sandbox(name, providers[name], inputs.actuals) for name in names}
    stage = _stage(inputs, {name: providers[name] for name in names}, fingerprinter)
    found = run_timeless(_play(Made(plan, inputs), stage, sandboxes, Watch(fail_at), observer))
    if fail_at is not None and len(found.requests) < fail_at.step:
        sent = len(found.requests)
        raise UsageError(
            f"there is no step {fail_at.step}: the apply sends {sent} write request{'' if sent == 1 else 's'}",
            hint="`--simulate` alone lists them.",
        )
    return found


# ------------------------------------------------------------------------------------------------ what stands in


def _sandbox(name: str, provider: Provider, actuals: Actuals) -> Sandbox:
    embedded = provider.embedded
    sandbox = embedded.make(None) if embedded is not None else None
    if embedded is None or embedded.restore is None or not isinstance(sandbox, Sandbox):
        raise FlextError(
            f"{name} cannot be simulated: its provider {provider.name!r} has no embedded service that takes over "
            "what was read",
            hint="Plan without --simulate.",
        )
    held = (_harmless(actual) for address, actual in actuals.found.items() if address.service == name)
    embedded.restore(sandbox, actuals.support[name], held)
    return sandbox


def _harmless(actual: Actual) -> Actual:
    return replace(actual, spec=fill(actual.spec, placeholder, lambda deferred: deferred.text))


def _stage(inputs: Inputs, providers: Mapping[str, Provider], fingerprinter: Fingerprinter) -> Stage:
    services = inputs.declaration.services
    unknown = {
        address: actual for address, actual in inputs.actuals.found.items() if actual.presence is Presence.UNKNOWN
    }
    return Stage(
        inputs.declaration,
        providers,
        {name: Service(name, services[name].provider, _NOWHERE, services[name].timeout) for name in providers},
        ScratchLedger(inputs.records),
        Placeholders(fingerprinter),
        placeholder,
        inputs.options,
        silent=Actuals(unknown, failures=inputs.actuals.failures),
        seen_by=Announcing,
    )


# ------------------------------------------------------------------------------------------------ the play


async def _play(
    made: Made, stage: Stage, sandboxes: Mapping[str, Sandbox], watch: Watch, observer: Observer
) -> Rehearsal:
    transports = {name: AppTransport(watch.over(name, sandbox)) for name, sandbox in sandboxes.items()}
    TRANSPORT.set(lambda service: transports[service.name])
    report = await _carried_out(made, stage, watch, observer)
    if watch.refusal is not None:
        raise watch.refusal
    requests, fail_at = tuple(watch.requests), watch.fail_at
    watch.fail_at, watch.dead = None, False
    if fail_at is not None:
        for sandbox in sandboxes.values():
            sandbox.faults.switch_off(fail_at.fault)
        await asyncio.sleep(_MEANWHILE)
    again = replace(stage, options=replace(stage.options, force_replace=frozenset()))
    resume = await again.look(observer)
    left, runs = resume, 0
    while left.plan.changes and runs < RUNS:
        await again.carry_out(left, observer)
        left, runs = await again.look(observer), runs + 1
    known = {actual.id for actual in made.inputs.actuals.found.values()}
    return Rehearsal(
        made.plan,
        report,
        tuple(_told(request, known) for request in requests),
        fail_at,
        _counted(resume.inputs.actuals.found.values()),
        resume.plan,
        runs,
        left.plan,
    )


async def _carried_out(made: Made, stage: Stage, watch: Watch, observer: Observer) -> Report | None:
    try:
        return await stage.carry_out(made, observer)
    except (Killed, BaseExceptionGroup):
        if not watch.dead:
            raise
        return None


def _told(request: Request, known: Iterable[str | None]) -> Request:
    """Name ids that were made up on the way alike: they differ from one simulation to the next."""
    return replace(request, path=_ID.sub(lambda found: found[0] if found[0] in known else "{new}", request.path))


def _counted(actuals: Iterable[Actual]) -> Mapping[str, int]:
    present = (actual.address for actual in actuals if actual.presence is Presence.PRESENT)
    return dict(sorted(Counter(f"{address.service}.{address.kind}" for address in present).items()))
