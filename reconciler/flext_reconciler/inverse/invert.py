"""The inverse of a plan, said before it is applied: what the plan is expected to leave is planned back from.

Pure.

    change    inverse             the earlier values come from
    create    delete              -
    update    update or replace   what was read; what was last applied where the service shows nothing
    replace   replace             the same, for the whole spec
    delete    create              the same, for the whole spec
    adopt     forget, which writes nothing, and an update of the fields that it wrote
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ..model import (
    Action,
    Actual,
    Actuals,
    Address,
    Change,
    Inverse,
    Irreversible,
    Lifecycle,
    Plan,
    Record,
    Resource,
)
from ..plan.decide import is_ours
from ..spec import field_rules
from .earlier import Case, Earlier, earlier, patched, secrets_in
from .undo import NOWHERE, Kinds, Records, Undo, undo_plan

MADE_ANEW = "it is made anew: it gets another id, and what it held besides its fields (history, state) is gone"
BACK_MAKES_ANEW = "only making it anew takes this back: another id, and what it holds besides its fields is gone"
MARK_STAYS = "our mark stays on it"


def inverse(plan: Plan, actuals: Actuals, records: Records, kinds: Kinds) -> Inverse:
    """Return what takes a plan back, as far as that can be told before it is applied."""
    if not plan.changes:
        return Inverse()
    rotated = {secret.text: secret.fingerprint for change in plan.changes for secret in secrets_in(change.desired)}
    cases = [
        Case(change, kinds[change.address[:2]], actuals.get(change.address), records.get(change.address))
        for change in plan.changes
    ]
    found = {case.change.address: earlier(case, rotated) for case in cases if _is_restored(case.change)}
    left = [(_left(case), case.change) for case in cases if case.change.action is not Action.DELETE]
    then = undo_plan(
        _undo(plan, found),
        Actuals({actual.address: actual for actual, _ in left}, actuals.support),
        {actual.address: _applied(change, actual) for actual, change in left},
        kinds,
    )
    lost = {item for one in found.values() for item in one.lost} | set(_for_good(cases))
    lost |= {Irreversible(item.address, (), item.message) for item in then.blocked}
    lost |= set(_made_anew_by(then, plan))
    return Inverse(
        changes=tuple(replace(change, base="", place=None, notes=()) for change in then.changes),
        forget=tuple(case.change.address for case in cases if _is_taken_over(case)),
        irreversible=tuple(sorted(lost, key=lambda item: (item.address, [str(step) for step in item.path], item.why))),
    )


def _is_restored(change: Change) -> bool:
    """Adopting and forgetting alone change nothing that could be brought back."""
    return change.action is not Action.CREATE and (change.writes or change.action is Action.UPDATE)


def _is_taken_over(case: Case) -> bool:
    """What was ours before is adopted, too, when only the ledger has something to learn."""
    return case.change.action is Action.ADOPT and not is_ours(case.actual, case.record)


def _undo(plan: Plan, found: Mapping[Address, Earlier]) -> Undo:
    users: dict[Address, list[Address]] = {}
    for change in plan.changes:
        for needed in change.depends_on:
            users.setdefault(needed, []).append(change.address)
    after = {
        change.address: _restored_first(change, users.get(change.address, ()), found)
        for change in plan.changes
        if change.address in found
    }
    return Undo(
        environment=plan.environment,
        services=plan.services,
        restored=tuple(
            Resource(address, one.spec, NOWHERE, after[address], Lifecycle(delete=one.deletion))
            for address, one in found.items()
        ),
        removed=frozenset(change.address for change in plan.changes if change.action is Action.CREATE),
    )


def _restored_first(change: Change, users: Iterable[Address], found: Mapping[Address, Earlier]) -> tuple[Address, ...]:
    """What was deleted last is made first; everything else keeps its order."""
    first = users if change.action is Action.DELETE else change.depends_on
    return tuple(sorted(address for address in first if address in found))


def _applied(change: Change, actual: Actual) -> Record:
    """Return what the ledger is expected to hold after a change."""
    due = "" if change.grace is None else "some day"
    return Record(change.address, actual.id, change.desired or {}, actual.spec, deletion=change.deletion, due=due)


def _left(case: Case) -> Actual:
    """Return what the service is expected to show after a change."""
    change, actual = case.change, case.actual
    rules = field_rules(case.kind)
    unsent = {name for name, rule in rules.items() if rule.local or name == case.kind.enabled_by} | actual.unreadable
    if change.action in (Action.CREATE, Action.REPLACE):
        shown = {name: value for name, value in (change.desired or {}).items() if name not in unsent}
    else:
        shown = patched(actual.spec, (field for field in change.fields if field.path[0] not in actual.unreadable))
    return Actual(
        change.address,
        id=None if change.action in (Action.CREATE, Action.REPLACE) else change.id,
        spec=case.kind.normalise(shown),
        owned=True if case.kind.mark_field else None,
        unreadable=actual.unreadable,
    )


def _made_anew_by(then: Plan, plan: Plan) -> Iterator[Irreversible]:
    """What can only be added to, like a list of steps, has to be made anew to be taken back."""
    anew = {change.address for change in plan.changes if change.action in (Action.REPLACE, Action.DELETE)}
    for change in then.changes:
        if change.action is Action.REPLACE and change.address not in anew:
            yield Irreversible(change.address, (), BACK_MAKES_ANEW)


def _for_good(cases: Iterable[Case]) -> Iterator[Irreversible]:
    for case in cases:
        change = case.change
        if change.action in (Action.REPLACE, Action.DELETE) and change.writes:
            yield Irreversible(change.address, (), MADE_ANEW)
        if change.fields and case.actual.owned is False and change.action is not Action.REPLACE:
            yield Irreversible(change.address, (), MARK_STAYS)
