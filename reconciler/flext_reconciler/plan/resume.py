"""What is left of a plan whose run was interrupted: its own changes to its own values, and nothing else.

Pure.

    done                                              left out
    not begun                                         as it was planned, and checked before it is written
    begun, or built on what the run made anew         planned again, to the values of the plan
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import replace

from ..errors import Place
from ..model import Action, Actuals, Address, Change, Declaration, Lifecycle, Plan, Resource, Service
from .case import PlanOptions
from .given import Kinds, Records
from .make import make_plan

_NOWHERE = Place("", 0, 0)
_ANEW = frozenset({Action.CREATE, Action.REPLACE})


def rest_of(kept: Plan, done: Container[Address], actuals: Actuals, records: Records, kinds: Kinds) -> Plan:
    """Return what finishes an interrupted plan; `done` is what its run had ended well."""
    left = {change.address: change for change in kept.changes if change.address not in done}
    begun = {address for address in left if address in records and records[address].pending is not None}
    rest = left.keys() - begun
    anew = {change.address for change in kept.changes if change.action in _ANEW and change.address not in rest}
    again = {
        change.address
        for change in left.values()
        if not change.removes and (change.address in begun or not anew.isdisjoint(change.depends_on))
    }
    options = PlanOptions(targets=frozenset(again))
    planned = make_plan(_declared(kept, records, kinds), actuals, records, kinds, options)
    found = {change.address: change for change in planned.changes if change.address in again}
    changes = [
        found[address] if address in again else left[address]
        for address in left
        if address in found or address not in again
    ]
    names = {change.address for change in changes}
    return replace(
        kept,
        changes=tuple(_among(change, names) for change in changes),
        blocked=tuple(item for item in planned.blocked if item.address in again),
        violations=(),
        drift=(),
        prunable=(),
        unmanaged=(),
        notices=(),
        unchanged=len(kept.changes) - len(left),
    )


def _among(change: Change, others: Container[Address]) -> Change:
    place = change.place if change.place and change.place.file else None
    return replace(change, place=place, depends_on=tuple(item for item in change.depends_on if item in others))


def _declared(kept: Plan, records: Records, kinds: Kinds) -> Declaration:
    """Return the plan's own values as a declaration, with everything around them as it was last applied."""
    changed = {change.address for change in kept.changes}
    around = [record for address, record in records.items() if address not in changed and address[:2] in kinds]
    services = {name: Service(name, "", url) for name, url in kept.services.items()}
    others = (Resource(record.address, record.desired, _NOWHERE) for record in around)
    return Declaration(kept.environment, services, (*_wanted(kept.changes), *others))


def _wanted(changes: Iterable[Change]) -> Iterable[Resource]:
    for change in changes:
        if change.desired is not None and not change.removes:
            needed = tuple(sorted({*change.depends_on, *change.uses}))
            adopt = change.action in (Action.ADOPT, Action.REPLACE)
            lifecycle = Lifecycle(change.protect, adopt=adopt, delete=change.deletion)
            yield Resource(change.address, change.desired, change.place or _NOWHERE, needed, lifecycle)
