"""All decisions together, in order: the plan.

Pure.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace

from ..diff import base_fingerprint
from ..model import Action, Actual, Actuals, Address, Change, Declaration, Plan, Presence, Resource
from ..order import find_cycle, prerequisites
from .case import PlanOptions
from .decide import decide
from .dependents import Decisions, left_behind, replaced, settle
from .drift import drift_items
from .given import Given, Kinds, Records
from .references import names_in
from .removals import removals
from .undeclared import undeclared

_SHOWN_USERS = 3


def make_plan(
    declaration: Declaration,
    actuals: Actuals,
    records: Records,
    kinds: Kinds,
    options: PlanOptions,
    *,
    lineage: str = "",
    serial: int = 0,
    volatile: frozenset[str] = frozenset(),
) -> Plan:
    """Decide about everything declared and everything found; `volatile` names services that forget on restart."""
    resources = {resource.address: resource for resource in sorted(declaration.resources, key=_address)}
    restarted = frozenset(service for service in volatile if _all_gone(service, actuals, records, resources))
    given = Given(declaration, resources, actuals, records, kinds, options, restarted)
    everything = settle(given, {address: decide(given.case(address)) for address in resources})
    decisions = {address: everything[address] for address in _selected(resources, options.targets)}
    extra = undeclared(given)
    unwanted = removals(given, extra)
    changes = [decision.change for decision in decisions.values() if decision.change] + unwanted.changes
    blocked = [decision.blocked for decision in decisions.values() if decision.blocked] + unwanted.blocked
    return Plan(
        environment=declaration.environment,
        services={name: service.url for name, service in sorted(declaration.services.items())},
        changes=tuple(_linked(_warned(changes, extra.foreign, kinds), given)),
        blocked=tuple(blocked),
        drift=drift_items(changes, unwanted.drift, (resources[address] for address in decisions), actuals, records),
        prunable=tuple(unwanted.prunable),
        unmanaged=tuple(actual.address for actual in extra.foreign),
        notices=(*_notices(given, decisions), *unwanted.notices),
        unchanged=sum(1 for decision in decisions.values() if not decision.change and not decision.blocked),
        kinds=extra.kinds,
        lineage=lineage,
        serial=serial,
        complete=not options.targets,
    )


def _address(resource: Resource) -> Address:
    return resource.address


def _all_gone(service: str, actuals: Actuals, records: Records, declared: Container[Address]) -> bool:
    """Tell whether nothing is left; what is no longer declared may be gone because we removed it."""
    had = [address for address, record in records.items() if address.service == service and record.id is not None]
    lost = any(address in declared for address in had)
    return lost and all(actuals.get(address).presence is Presence.ABSENT for address in had)


def _selected(resources: Mapping[Address, Resource], targets: frozenset[Address]) -> list[Address]:
    """Keep the targets and whatever they depend on."""
    if not targets:
        return list(resources)
    kept: set[Address] = set()
    waiting = [target for target in targets if target in resources]
    while waiting:
        address = waiting.pop()
        if address not in kept:
            kept.add(address)
            waiting.extend(resources[address].depends_on)
    return sorted(kept)


def _warned(changes: list[Change], foreign: Iterable[Actual], kinds: Kinds) -> list[Change]:
    """Tell of each loss who else uses what is lost."""
    if not any(map(_loses, changes)):
        return changes
    users: dict[Address, list[Address]] = {}
    for actual in foreign:
        for named in names_in(kinds[actual.address[:2]], actual.address, actual.spec):
            users.setdefault(named, []).append(actual.address)
    return [_with_users(change, users.get(change.address, [])) for change in changes]


def _with_users(change: Change, users: list[Address]) -> Change:
    if not users or not _loses(change):
        return change
    names = ", ".join(str(user) for user in users[:_SHOWN_USERS])
    more = f" and {len(users) - _SHOWN_USERS} more" if len(users) > _SHOWN_USERS else ""
    return replace(change, notes=(*change.notes, f"also used by {names}{more}, which flext does not manage"))


def _loses(change: Change) -> bool:
    return change.removes or change.action is Action.REPLACE


def _linked(changes: list[Change], given: Given) -> Iterator[Change]:
    """Give each change the other changes it waits for; a removal waits for the removals of its users."""
    acting = {change.address for change in changes}
    for change in changes:
        if not change.removes:
            needed = given.resources[change.address].depends_on
            yield replace(_waiting_for(change, needed, acting), uses=_used(given, set(needed) - acting))
    users: dict[Address, list[Address]] = {}
    removing = [change for change in changes if change.removes]
    for change in removing:
        declared = given.resources.get(change.address)
        used = names_in(given.kind(change.address), change.address, change.actual or {})
        for name in used | set(declared.depends_on if declared else ()):
            users.setdefault(name, []).append(change.address)
    linked = [_waiting_for(change, users.get(change.address, ()), acting) for change in removing]
    # What a service reports may go in circles; then any order is as good as another.
    yield from removing if find_cycle(prerequisites(linked)) else linked


def _used(given: Given, needed: Iterable[Address]) -> Mapping[Address, str]:
    """Return what a change relies on although nothing changes it: a saved plan must find it as it was."""
    found = (given.actual(address) for address in sorted(needed))
    return {actual.address: base_fingerprint(actual) for actual in found if actual.presence is Presence.PRESENT}


def _waiting_for(change: Change, needed: Iterable[Address], acting: set[Address]) -> Change:
    others = sorted(address for address in needed if address in acting and address != change.address)
    return replace(change, depends_on=tuple(others))


def _notices(given: Given, decisions: Decisions) -> Iterator[str]:
    yield from (decision.notice for decision in decisions.values() if decision.notice)
    for service in given.restarted:
        yield f"{service}: everything flext had there is gone at once; it was probably restarted"
    for (service, kind), why in given.actuals.failures.items():
        if any(address[:2] == (service, kind) for address in given.records.keys() - given.resources.keys()):
            yield f"{service}.{kind} could not be read, so what is no longer declared there is unknown: {why}"
    if not given.records and any(actual.owned for actual in given.actuals.found.values()):
        yield (
            "the ledger holds nothing: what carries our mark was found again, who moved what cannot be told, "
            "and fields that were declared once and are gone cannot be noticed"
        )
    if given.options.targets:
        yield from _forsaken(given, decisions)


def _forsaken(given: Given, decisions: Decisions) -> Iterator[str]:
    """Name what a plan with targets leaves behind with a reference to nothing."""
    moving = replaced(decisions)
    for user in given.resources.keys() - decisions.keys() if moving else ():
        for address in left_behind(given, user, moving):
            yield f"{user} refers to {address}, which is replaced, and is left out; plan it as well"
