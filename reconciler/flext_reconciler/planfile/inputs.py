"""Everything that a plan is made from, and the one way from there to the plan. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..diff import base_fingerprint
from ..guard import Limits, guard
from ..impact import impact
from ..inverse import Later, Undo, inverse, undo_plan
from ..model import Actuals, Address, Declaration, Irreversible, Plan, Record
from ..plan import PlanOptions, make_plan
from ..spec import Spec
from .encode import pointer

Kinds = Mapping[tuple[str, str], type[Spec]]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was declared, what was read, what was remembered and what was asked for."""

    declaration: Declaration
    actuals: Actuals
    records: Mapping[Address, Record] = field(default_factory=dict)
    options: PlanOptions = field(default_factory=PlanOptions)
    limits: Limits = field(default_factory=Limits)
    lineage: str = ""
    serial: int = 0
    volatile: frozenset[str] = frozenset()
    revision: str = ""


def planned(inputs: Inputs, kinds: Kinds) -> Plan:
    """Make a plan, guard it, and tell what it touches and what would take it back."""
    plan = make_plan(
        inputs.declaration,
        inputs.actuals,
        inputs.records,
        kinds,
        inputs.options,
        lineage=inputs.lineage,
        serial=inputs.serial,
        volatile=inputs.volatile,
    )
    return guard(_whole(plan, inputs, kinds), inputs.limits, len(inputs.declaration.resources))


def rolled_back(undo: Undo, run: int, inputs: Inputs, kinds: Kinds) -> Plan:
    """Plan a run back, and guard it; what was declared since is not brought."""
    plan = undo_plan(
        undo,
        inputs.actuals,
        inputs.records,
        kinds,
        lineage=inputs.lineage,
        serial=inputs.serial,
        volatile=inputs.volatile,
    )
    lost = [f"{_LOST[bool(item.path)]}: {item.address}{_below(item)}: {item.why}" for item in undo.irreversible]
    changed = {change.address for change in plan.changes}
    later = [_overwritten(item) for item in undo.later if item.address in changed]
    freed = [f"forgotten, nothing is written: {address}, which the run adopted" for address in undo.forget]
    plan = replace(plan, undoes=run, notices=(*plan.notices, *lost, *later, *freed))
    return guard(_whole(plan, inputs, kinds), inputs.limits, max(1, len(undo.addresses)))


_LOST = {True: "stays as it is", False: "cannot be wholly as it was"}


def _overwritten(item: Later) -> str:
    named = f" {', '.join(item.fields)} of" if item.fields else ""
    return f"a later run is taken back with it: run {item.run} changed{named} {item.address} since"


def _below(item: Irreversible) -> str:
    return f" {pointer(item.path)}" if item.path else ""


def _whole(plan: Plan, inputs: Inputs, kinds: Kinds) -> Plan:
    """Add what a reviewer and a rollback need beside the changes."""
    return replace(
        plan,
        revision=inputs.revision,
        objects={address: base_fingerprint(actual) for address, actual in sorted(inputs.actuals.found.items())},
        impact=impact(plan, inputs.declaration.resources),
        inverse=inverse(plan, inputs.actuals, inputs.records, kinds),
    )
