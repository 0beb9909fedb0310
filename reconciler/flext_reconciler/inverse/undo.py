"""Planning back: the earlier values are a declaration, and what a run made is to go.

Pure. What the run did not touch stays as it is, drifted or not. It is known so that nothing it uses is removed, and so
that it is written anew where what it refers to gets a new id.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace

from ..diff import same
from ..errors import Place
from ..model import (
    ABSENT,
    Action,
    Actual,
    Actuals,
    Address,
    BlockCode,
    Blocked,
    Change,
    Declaration,
    Irreversible,
    Json,
    Lifecycle,
    Plan,
    Presence,
    Reason,
    Record,
    Resource,
    Service,
    Touch,
    holds_secret,
)
from ..order import find_cycle
from ..plan import PlanOptions, make_plan
from ..plan.references import deferred_in, names_in
from ..spec import Spec
from .earlier import Why, without
from .since import Touched, overtaken, successor

Kinds = Mapping[tuple[str, str], type[Spec]]
Records = Mapping[Address, Record]

NOWHERE = Place("", 0, 0)
"""Earlier values stand in no file."""


@dataclass(frozen=True, slots=True)
class Later:
    """What a later run did to a resource, and is taken back with the rest."""

    address: Address
    run: int
    fields: tuple[str, ...] = ()  # none when it is about the whole resource


@dataclass(frozen=True, slots=True)
class Undo:
    """What is to be as it was, and what is to be gone."""

    environment: str
    services: Mapping[str, str]  # name → origin
    restored: tuple[Resource, ...] = ()
    removed: frozenset[Address] = frozenset()
    others: tuple[Record, ...] = ()  # what was not touched
    blocked: tuple[Blocked, ...] = ()
    irreversible: tuple[Irreversible, ...] = ()
    forget: tuple[Address, ...] = ()  # adopted, and to be nobody's again
    later: tuple[Later, ...] = ()

    @property
    def addresses(self) -> frozenset[Address]:
        """Everything that the plan may touch."""
        return self.removed | {resource.address for resource in self.restored}

    @property
    def declaration(self) -> Declaration:
        """Everything that may be touched, as if somebody had declared it: what has to be read."""
        removed = (Resource(address, {}, NOWHERE) for address in sorted(self.removed))
        return self.declaring((*self.restored, *removed))

    def declaring(self, resources: Iterable[Resource]) -> Declaration:
        """Return a declaration of resources on these services."""
        services = {name: Service(name, "", url) for name, url in self.services.items()}
        return Declaration(self.environment, services, tuple(resources))


def undo_of(kept: Plan, touched: Touched, declaration: Declaration, records: Records, kinds: Kinds, why: Why) -> Undo:
    """Return what takes back the `touched` part of a plan that was applied; `why` tells of secrets that are gone."""
    lifecycles = {resource.address: resource.lifecycle for resource in declaration.resources}
    applied = {change.address: change.desired or {} for change in kept.changes}
    restored, removed, blocked, later = [], set(), [], []
    ours = {address for address, since in touched.items() if successor(since) is None}
    lost = [item for item in kept.inverse.irreversible if item.address in ours]
    for change in kept.inverse.changes:
        address, record = change.address, records.get(change.address)
        lifecycle = lifecycles.get(address, Lifecycle(record is not None and record.protect))
        if address not in touched or _is_gone(change, touched[address]):
            continue
        later += _later(change, record, applied.get(address, {}), touched[address])
        if hindrance := _hindrance(change, touched[address], lifecycle, kinds):
            blocked.append(hindrance)
        elif change.action is Action.DELETE:
            removed.add(address)
        else:
            spec, gone = without(_merged(change, record), record.desired if record else {}, why, address)
            lost += gone
            kept_lifecycle = replace(lifecycle, delete=change.deletion)
            restored.append(Resource(address, spec, NOWHERE, change.depends_on, kept_lifecycle))
    back = removed | {resource.address for resource in restored}
    others = [record for address, record in records.items() if address not in back and address[:2] in kinds]
    return Undo(
        environment=kept.environment,
        services={name: service.url for name, service in declaration.services.items()},
        restored=tuple(restored),
        removed=frozenset(removed),
        others=tuple(others),
        blocked=tuple(blocked),
        irreversible=tuple(lost),
        forget=tuple(address for address in kept.inverse.forget if address in ours and address in records),
        later=tuple(later),
    )


def _is_gone(change: Change, later: Iterable[Touch]) -> bool:
    """What is to go and was deleted since is gone; what is there by now is somebody else's."""
    last = successor(later)
    return last is not None and last.action is Action.DELETE is change.action


def _hindrance(change: Change, later: Iterable[Touch], lifecycle: Lifecycle, kinds: Kinds) -> Blocked | None:
    address = change.address
    if address[:2] not in kinds:
        return Blocked(address, BlockCode.UNKNOWN, f"{address.service} is not configured any more")
    if last := successor(later):
        return overtaken(last)
    if change.action is Action.DELETE and lifecycle.protect:
        hint = "take `protect` away in a commit of its own"
        return Blocked(address, BlockCode.PROTECTED, "delete is forbidden by lifecycle.protect", hint)
    return None


def _later(change: Change, record: Record | None, applied: Mapping[str, Json], later: Iterable[Touch]) -> list[Later]:
    """Name what is not as the run left it because a later one came by, and is taken back all the same."""
    last = next(iter(later), None)
    if last is None or record is None:
        return []
    if change.action is Action.DELETE:
        return [Later(change.address, last.run)]
    names = {str(field.path[0]) for field in change.fields}
    moved = sorted(name for name in names if not same(record.desired.get(name, ABSENT), applied.get(name, ABSENT)))
    return [Later(change.address, last.run, tuple(moved))] if moved else []


def _merged(change: Change, record: Record | None) -> Mapping[str, Json]:
    """Take back the fields that were changed, and leave those alone that another run has changed since."""
    desired = change.desired or {}
    if record is None or change.action is Action.CREATE:
        return desired
    changed = {str(field.path[0]) for field in change.fields}
    if change.action is Action.REPLACE:
        changed |= desired.keys() - record.desired.keys()  # what is made anew holds only what it is given
    kept = {name: value for name, value in record.desired.items() if name not in changed}
    return kept | {name: desired[name] for name in changed if name in desired}


def undo_plan(
    undo: Undo,
    actuals: Actuals,
    records: Records,
    kinds: Kinds,
    *,
    lineage: str = "",
    serial: int = 0,
    volatile: frozenset[str] = frozenset(),
) -> Plan:
    """Plan what is to be undone against what is there now; nothing else is in the plan."""
    if not undo.addresses:
        return Plan(undo.environment, undo.services, blocked=undo.blocked, lineage=lineage, serial=serial)
    found = ((record, actuals.get(record.address)) for record in undo.others)
    beside = [_beside(record, actual, kinds) for record, actual in found if actual.presence is not Presence.ABSENT]
    resources = _linked((*undo.restored, *(resource for resource, _, _ in beside)), kinds)
    plan = make_plan(
        undo.declaring(resources),
        replace(actuals, found={**actuals.found, **{actual.address: actual for _, actual, _ in beside}}),
        {**records, **{record.address: record for _, _, record in beside}},
        kinds,
        PlanOptions(targets=frozenset(resource.address for resource in resources) | undo.removed, remove=undo.removed),
        lineage=lineage,
        serial=serial,
        volatile=volatile,
    )
    return _only(plan, undo)


def _only(plan: Plan, undo: Undo) -> Plan:
    """Keep what was touched, and what refers to any of that which gets a new id."""
    touched = undo.addresses
    made_anew = {change.address for change in plan.changes if change.action is Action.REPLACE}
    kept = {
        change.address
        for change in plan.changes
        if change.address in touched or not made_anew.isdisjoint(change.depends_on)
    }
    changes = [_told(change, kept, touched) for change in plan.changes if change.address in kept]
    blocked = [replace(item, place=None) for item in plan.blocked if item.address in touched]
    return replace(
        plan,
        changes=tuple(changes),
        blocked=(*blocked, *undo.blocked),
        drift=tuple(item for item in plan.drift if item.address in kept),
        prunable=(),
        unmanaged=(),
        unchanged=len(touched - kept - {item.address for item in blocked}),
        complete=True,
    )


def _told(change: Change, kept: Container[Address], undone: Container[Address]) -> Change:
    reason = Reason.UNDONE if change.address in undone else change.reason
    return replace(
        change, reason=reason, place=None, depends_on=tuple(needed for needed in change.depends_on if needed in kept)
    )


def _beside(record: Record, actual: Actual, kinds: Kinds) -> tuple[Resource, Actual, Record]:
    """Show something else as applied exactly as it is: nothing of its own is to be changed."""
    spec = {name: _as_it_is(value, actual.spec.get(name, ABSENT)) for name, value in record.desired.items()}
    seen = replace(actual, owned=True if kinds[record.address[:2]].mark_field else None)
    lifecycle = Lifecycle(record.protect, delete=record.deletion)
    applied = Record(record.address, actual.id, spec, actual.spec, deletion=record.deletion, protect=record.protect)
    return Resource(record.address, spec, NOWHERE, lifecycle=lifecycle), seen, applied


def _as_it_is(applied: Json, shown: Json) -> Json:
    """Prefer what is there to what was applied, but a reference to what it stands for."""
    symbolic = shown is ABSENT or bool(deferred_in(applied)) or holds_secret(applied)
    return applied if symbolic else shown


def _linked(resources: tuple[Resource, ...], kinds: Kinds) -> tuple[Resource, ...]:
    """Give every resource what it refers to, and beyond that what it waited for, unless that goes in circles."""
    known = {resource.address for resource in resources}
    implied = {resource.address: _needed(resource, kinds) & known for resource in resources}
    told = {resource.address: implied[resource.address] | (set(resource.depends_on) & known) for resource in resources}
    links = told if told == implied or not find_cycle(told) else implied
    return tuple(replace(resource, depends_on=tuple(sorted(links[resource.address]))) for resource in resources)


def _needed(resource: Resource, kinds: Kinds) -> set[Address]:
    kind = kinds[resource.address[:2]]
    named: Iterable[Address] = (item.address for item in deferred_in(resource.spec))
    return (names_in(kind, resource.address, resource.spec) | set(named)) - {resource.address}
