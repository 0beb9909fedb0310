"""What to do about one declared resource.

Pure. The whole decision, for a declared resource of a kind that this server supports:

    actual    ours                      not ours
    unknown   blocked                   blocked
    absent    create                    create
    present   equal: nothing            equal and unmarkable: adopt (a record, no write)
              differs: update/replace   allowed: adopt or replace; otherwise blocked
    and when the declaration says that it must not exist:
    present   delete                    blocked, unless adopting is allowed

It is ours when it carries our mark, when the ledger knows it by its id, or when making it was cut short. Where no
mark can be carried, naming the address in `force_replace` allows adopting it, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..diff import Comparison, base_fingerprint, compare, same, sorted_fields
from ..model import (
    ABSENT,
    Action,
    Actual,
    BlockCode,
    Blocked,
    Change,
    Drift,
    FieldDiff,
    Json,
    Presence,
    Reason,
    Record,
    Risk,
)
from ..spec import Spec
from .case import Case, Decision
from .ignored import with_ignored, without_ignored
from .references import moved_names

AMBIGUOUS_PREFIX = "two objects share this name"
MARK_GONE = "the ownership mark is not there"

_PROTECTED = "protected from now on, declared or not"
_UNPROTECTED = "no longer protected: a later plan may replace or delete it"

_MAKING = frozenset({Action.CREATE, Action.REPLACE})


def decide(case: Case) -> Decision:
    """Decide about one declared resource."""
    address, actual = case.resource.address, case.actual
    present, needed = actual.presence is Presence.PRESENT, wanted(case.kind, case.resource.spec)
    if not case.support.supported:
        why = case.support.why or f"this server has no {address.kind}"
        return _block(case, BlockCode.UNSUPPORTED, why) if needed or present else Decision()
    if actual.presence is Presence.UNKNOWN:
        ambiguous = actual.reason.startswith(AMBIGUOUS_PREFIX)
        return _block(case, BlockCode.AMBIGUOUS if ambiguous else BlockCode.UNKNOWN, actual.reason)
    if not needed:
        return _remove(case) if present else Decision(change=_forget(case))
    return _permit(case, _present(case) if present else Decision(change=_create(case)))


def wanted(kind: type[Spec], spec: Mapping[str, Json]) -> bool:
    """Tell whether the declaration wants the resource to exist."""
    return kind.enabled_by is None or spec.get(kind.enabled_by) is not False


def is_ours(actual: Actual, record: Record | None) -> bool:
    """Tell whether flext may touch what it found."""
    if actual.owned or record is None:
        return bool(actual.owned)
    if record.pending in _MAKING and actual.owned is None:
        return True  # it may be the very one that we were making; one that can carry our mark would
    merely_intended = record.id is None and record.pending is not None
    return record.id == actual.id and not merely_intended


def _create(case: Case) -> Change:
    if case.record is None:
        reason = Reason.NEW
    elif case.record.pending is not None:
        reason = Reason.INTERRUPTED
    else:
        reason = Reason.RESTARTED if case.restarted else Reason.MISSING
    return Change(
        case.resource.address,
        Action.CREATE,
        reason,
        desired=case.resource.spec,
        base=base_fingerprint(case.actual),
        place=case.resource.place,
        deletion=case.resource.lifecycle.delete,
        protect=case.resource.lifecycle.protect,
    )


def _remove(case: Case) -> Decision:
    if not (is_ours(case.actual, case.record) or _may_adopt(case)):
        return _foreign(case, Comparison())
    change = Change(case.resource.address, Action.DELETE, Reason.DISABLED, place=case.resource.place)
    return _permit(case, Decision(change=_on(change, case.actual, Risk.HIGH)))


def _forget(case: Case) -> Change | None:
    return None if case.record is None else forgetting(case.actual, case.record, Reason.DISABLED)


def forgetting(actual: Actual, record: Record, reason: Reason) -> Change:
    """Return the change that forgets something gone: a run that was cut short removed it, or somebody else."""
    why = reason if record.pending is None else Reason.INTERRUPTED
    return Change(actual.address, Action.DELETE, why, base=base_fingerprint(actual), notes=("it is gone already",))


def removal(actual: Actual) -> Change:
    """Return the change that deletes something of ours that is no longer declared."""
    return _on(Change(actual.address, Action.DELETE, Reason.UNDECLARED), actual, Risk.HIGH)


def _present(case: Case) -> Decision:
    desired = with_ignored(case.resource, case.actual)
    found = _differences(case, desired)
    ours = is_ours(case.actual, case.record)
    if not (ours or _may_adopt(case) or _equal_and_unmarkable(case, found)):
        return _foreign(case, found)
    if case.kind.mark_field and not case.actual.owned:
        found = replace(found, fields=_with_mark(case.kind.mark_field, desired, case.actual, found.fields))
    notice, forced = _unverifiable(case, found), _is_forced(case) or _is_unproven(case)
    if ours and not (found.fields or forced or _is_interrupted(case) or _is_remembered_otherwise(case)):
        return Decision(notice=notice)
    action = _action(found, ours, forced)
    change = Change(
        case.resource.address,
        action,
        _reason(case, found, ours, forced),
        fields=found.fields,
        desired=desired,
        place=case.resource.place,
        notes=_notes(case, action, notice),
        deletion=case.resource.lifecycle.delete,
        protect=case.resource.lifecycle.protect,
    )
    return Decision(change=_on(change, case.actual, _risk(change)), notice=notice)


def _differences(case: Case, desired: Mapping[str, Json]) -> Comparison:
    found = without_ignored(compare(case.kind, desired, case.actual, case.record, case.support), case.resource)
    if case.moving:
        address = case.resource.address
        names = moved_names(case.kind, address, desired, case.actual, case.support, case.moving)
        found = replace(found, fields=sorted_fields((*found.fields, *(field for _, field in names))))
    return found


def _is_forced(case: Case) -> bool:
    return case.resource.address in case.options.force_replace


def _is_interrupted(case: Case) -> bool:
    return case.record is not None and case.record.pending is not None


def _is_unproven(case: Case) -> bool:
    """Its making was cut short, maybe before it was held against what is expected of it."""
    if case.record is None or case.record.pending not in _MAKING:
        return False
    fields, spec = case.kind.model_fields, case.resource.spec
    return any(name in spec and not same(spec[name], fields[name].default) for name in case.kind.gates)


def _is_remembered_otherwise(case: Case) -> bool:
    """The ledger expects it to go, or to be treated in another way once it is no longer declared."""
    record, lifecycle = case.record, case.resource.lifecycle
    if record is None:
        return False
    goes_otherwise = bool(record.due) or record.deletion is not lifecycle.delete
    return record.protect is not lifecycle.protect or (bool(case.kind.disabled_by) and goes_otherwise)


def _action(found: Comparison, ours: bool, forced: bool) -> Action:
    if forced or found.replaces:
        return Action.REPLACE
    return Action.UPDATE if ours and found.fields else Action.ADOPT


def _reason(case: Case, found: Comparison, ours: bool, forced: bool) -> Reason:
    moved = {field.drift for field in found.fields}
    if not ours:
        return Reason.FOUND
    if _is_interrupted(case):
        return Reason.INTERRUPTED
    if case.record is not None and case.record.due:
        return Reason.REVIVED
    if forced and not found.fields:
        return Reason.UNVERIFIABLE
    if Drift.BOTH in moved or {Drift.GIT, Drift.ACTUAL} <= moved:
        return Reason.BOTH_MOVED
    return Reason.DRIFTED if moved == {Drift.ACTUAL} else Reason.EDITED


def _with_mark(
    name: str, desired: Mapping[str, Json], actual: Actual, fields: tuple[FieldDiff, ...]
) -> tuple[FieldDiff, ...]:
    """Make sure that the field that carries our mark is written, whatever else differs."""
    if any(field.path[0] == name for field in fields):
        return fields
    kept = actual.spec.get(name, ABSENT)
    mark = FieldDiff((name,), kept, desired.get(name, kept), drift=Drift.ACTUAL, note=MARK_GONE)
    return sorted_fields((*fields, mark))


def _notes(case: Case, action: Action, notice: str) -> tuple[str, ...]:
    notes = [notice] if notice else []
    if case.record is not None and case.record.protect is not case.resource.lifecycle.protect:
        notes.append(_UNPROTECTED if case.record.protect else _PROTECTED)
    if action is Action.REPLACE:
        if case.kind.outage:
            notes.append(case.kind.outage)
        if case.record is None:
            notes.append("what it holds now was not applied by flext and cannot be put back if this fails")
    return tuple(notes)


def _risk(change: Change) -> Risk:
    if change.action in (Action.REPLACE, Action.DELETE):
        return Risk.HIGH
    return Risk.MEDIUM if change.fields else Risk.LOW


def _on(change: Change, actual: Actual, risk: Risk) -> Change:
    return replace(change, id=actual.id, actual=actual.spec, base=base_fingerprint(actual), risk=risk)


def _unverifiable(case: Case, found: Comparison) -> str:
    if not found.unverifiable:
        return ""
    names = ", ".join(found.unverifiable)
    why = "the service does not give it back, and the ledger holds nothing to compare with"
    return f"{case.resource.address}: {names} not verifiable: {why}"


def _may_adopt(case: Case) -> bool:
    named = case.actual.owned is None and _is_forced(case)
    return case.options.adopt or case.resource.lifecycle.adopt or named


def _equal_and_unmarkable(case: Case, found: Comparison) -> bool:
    """Recording that an equal object is ours writes nothing, so it needs nobody's leave."""
    return case.actual.owned is None and not found.fields


def _permit(case: Case, decision: Decision) -> Decision:
    """Turn a change that the author or the server forbids into a block."""
    change = decision.change
    if change is None:
        return decision
    if case.resource.lifecycle.protect and change.action in (Action.REPLACE, Action.DELETE):
        return _block(
            case,
            BlockCode.PROTECTED,
            f"{change.action} is forbidden by lifecycle.protect",
            "take `protect` away in a commit of its own, or undo what asks for it",
            change.fields,
        )
    if change.action is Action.ADOPT and not change.fields:
        return decision  # nothing is sent
    needed = Action.UPDATE if change.action is Action.ADOPT else change.action
    if needed not in case.support.actions:
        why = case.support.why or "unsupported by this server"
        return _block(case, BlockCode.UNSUPPORTED, f"cannot {needed} it: {why}", fields=change.fields)
    return decision


def _foreign(case: Case, found: Comparison) -> Decision:
    told = ", and differs from what is declared" if found.fields else ""
    return _block(
        case,
        BlockCode.FOREIGN,
        f"exists (id {case.actual.id}) and is not managed by flext{told}",
        "to take it over, declare `lifecycle: {adopt: true}` or pass --adopt",
        found.fields,
    )


def _block(case: Case, code: BlockCode, message: str, hint: str = "", fields: tuple[FieldDiff, ...] = ()) -> Decision:
    return Decision(blocked=Blocked(case.resource.address, code, message, hint, case.resource.place, fields))
