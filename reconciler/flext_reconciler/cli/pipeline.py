"""The chain, written down once: load → read → remember → plan → guard, and then render or apply."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import NamedTuple

from ..apply import Session, Stop, apply_plan, today
from ..collector import collector_paused
from ..errors import UsageError
from ..guard import Limits
from ..ledger import RescuingLedger, whoami
from ..model import Actuals, Declaration, Observer, Plan, Report
from ..plan import PlanOptions
from ..planfile import fingerprint
from ..planfile.inputs import Inputs, planned, rolled_back
from ..provider import Reader
from ..read import read_actuals
from .platform import Platform
from .undoing import undo_of_run


@dataclass(frozen=True)
class Wishes:
    """What the user asked a plan to be."""

    options: PlanOptions = field(default_factory=PlanOptions)
    limits: Limits = field(default_factory=Limits)
    undoes: int = 0  # the run to take back, instead of bringing what is declared


class Planned(NamedTuple):
    """A plan and what it was made from."""

    plan: Plan
    inputs: Inputs

    @property
    def actuals(self) -> Actuals:
        """What was read."""
        return self.inputs.actuals


async def make(platform: Platform, readers: Mapping[str, Reader], wishes: Wishes, observer: Observer) -> Planned:
    """Load what is declared, read what is there, remember what was applied; plan the difference, and guard it."""
    with collector_paused():
        return await _make(platform, readers, wishes, observer)


async def _make(platform: Platform, readers: Mapping[str, Reader], wishes: Wishes, observer: Observer) -> Planned:
    declaration, ledger = platform.declaration, platform.ledger
    records = ledger.records()
    undo = undo_of_run(platform, wishes.undoes, records) if wishes.undoes else None
    wanted = undo.declaration if undo else declaration
    actuals = await read_actuals(wanted, platform.providers, readers, records, platform.fingerprinter, observer)
    inputs = Inputs(
        declaration,
        actuals,
        records,
        replace(_narrowed(wishes.options, platform), today=today().isoformat()),
        wishes.limits,
        lineage=ledger.lineage,
        serial=ledger.serial,
        volatile=platform.volatile,
        revision=platform.revision,
    )
    if undo is not None:
        return Planned(rolled_back(undo, wishes.undoes, inputs, platform.kinds), inputs)
    return Planned(planned(inputs, platform.kinds), inputs)


def _narrowed(options: PlanOptions, platform: Platform) -> PlanOptions:
    """Narrow the plan of a single file to what it declares: everything else is declared elsewhere, not gone."""
    if not platform.location.path.is_file():
        return options
    if options.prune:
        hint = "Name the desired-state folder instead of a file in it."
        raise UsageError("--prune would delete what the other files declare", hint=hint)
    declared = frozenset(resource.address for resource in platform.declaration.resources)
    return replace(options, targets=options.targets or declared)


async def look(platform: Platform, wishes: Wishes, observer: Observer) -> Planned:
    """Make a plan with clients that cannot write."""
    async with platform.readers() as readers:
        return await make(platform, readers, wishes, observer)


def require_declared(options: PlanOptions, declaration: Declaration) -> None:
    """Refuse addresses that are not declared: a typing error must not read as `no changes`."""
    declared = {resource.address for resource in declaration.resources}
    for flag, named in (("--target", options.targets), ("--force-replace", options.force_replace)):
        for address in sorted(named - declared):
            near = get_close_matches(str(address), map(str, declared), n=1)
            raise UsageError(f"{flag} {address}: not declared", hint=f"Did you mean {near[0]}?" if near else "")


async def carry_out(
    platform: Platform,
    made: Planned,
    wishes: Wishes,
    observer: Observer,
    stop: Stop,
    *,
    recheck_creates: bool,
) -> Report:
    """Apply a plan under the environment's lock, and prove it by planning again with clients that cannot write."""
    async with platform.writers() as writers, platform.readers() as readers:
        settled = replace(wishes, options=replace(wishes.options, force_replace=frozenset()))

        async def replan() -> Plan:
            return (await make(platform, readers, settled, observer)).plan

        session = Session(
            writers=writers,
            traits=platform.traits,
            kinds=platform.kinds,
            ledger=RescuingLedger(platform.ledger, made.plan, platform.state),
            records=platform.ledger.records(),
            actuals=made.actuals.found,
            resolve=platform.resolve,
            fingerprinter=platform.fingerprinter,
            replan=replan,
            stop=stop,
            who=whoami(os.environ),
            plan_fingerprint=fingerprint(made.plan),
            recheck_creates=recheck_creates,
        )
        return await apply_plan(made.plan, session, observer)
