"""Reads the cases of `cases/plan`, each a file whose name is the sentence it shows.

    desired    address: spec, or {spec, depends_on, ignore, protect, adopt, delete}
    actual     address: {spec, id, owned, unreadable}, or `unknown: why`
    records    address: {desired, observed, id, pending, deletion, protect, due}; what was observed is what was
               desired, unless it says otherwise
    settled    address: spec, for what is declared, there, and recorded alike
    options    prune, adopt, force_replace, targets, purge, tombstone_days, today
    support    kind: {supported, actions, in_place, why}
    failures   kind: why it was not read
    service    `unread` when the whole service was not, `volatile` when it forgets on restart
    plan       what must come out: `changes`, `blocked` and `unchanged` wholly, the rest where it is named

Values that no JSON holds are written as plan files hold them: `$secret`, `$deferred`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from flext_reconciler.errors import Place
from flext_reconciler.model import (
    ABSENT,
    Action,
    Actual,
    Actuals,
    Address,
    Blocked,
    Change,
    Declaration,
    Deletion,
    DriftItem,
    Effect,
    FieldDiff,
    Json,
    KindSupport,
    Lifecycle,
    Plan,
    Presence,
    Record,
    Resource,
    Service,
    Support,
    decode_value,
)
from flext_reconciler.plan import PlanOptions, make_plan
from toy_kinds import KINDS, SERVICE

FOLDER = Path(__file__).parent / "cases" / "plan"
FILES = tuple(sorted(FOLDER.glob("*.yaml")))

Case = dict[str, Any]


def load(path: Path) -> Case:
    """Read a case, values decoded."""
    case: Case = decode_value(yaml.safe_load(path.read_text(encoding="utf-8")))
    for address, spec in case.pop("settled", {}).items():
        case.setdefault("desired", {})[address] = spec
        case.setdefault("actual", {})[address] = {"spec": spec}
        case.setdefault("records", {})[address] = {"desired": spec}
    return case


def plan_of(case: Case) -> Plan:
    """Make the plan of a case."""
    return make_plan(
        declaration(case),
        actuals(case),
        records(case),
        KINDS,
        options(case),
        volatile=frozenset({SERVICE}) if case.get("service") == "volatile" else frozenset(),
    )


def declaration(case: Case) -> Declaration:
    """Return what a case declares, in the order in which it stands there."""
    service = Service(SERVICE, "toys", "http://toys.example")
    resources = (_resource(text, entry) for text, entry in case.get("desired", {}).items())
    return Declaration("test", {SERVICE: service}, tuple(resources))


def _resource(text: str, entry: Case) -> Resource:
    address = Address.parse(text)
    entry = entry if "spec" in entry else {"spec": entry}
    lifecycle = Lifecycle(
        entry.get("protect", False),
        tuple(entry.get("ignore", ())),
        entry.get("adopt", False),
        Deletion(entry.get("delete", "two-phase")),
    )
    needed = tuple(map(Address.parse, entry.get("depends_on", ())))
    return Resource(address, entry["spec"], Place("desired.yaml", 1, 1), needed, lifecycle)


def actuals(case: Case) -> Actuals:
    """Return what a case read."""
    found = (_actual(Address.parse(text), entry) for text, entry in case.get("actual", {}).items())
    support = {kind: _support(case.get("support", {}).get(kind, {})) for _, kind in KINDS}
    return Actuals(
        {actual.address: actual for actual in found},
        {} if case.get("service") == "unread" else {SERVICE: Support("toy", support)},
        {(SERVICE, kind): why for kind, why in case.get("failures", {}).items()},
    )


def _actual(address: Address, entry: Case) -> Actual:
    if "unknown" in entry:
        return Actual(address, Presence.UNKNOWN, reason=entry["unknown"])
    markable = KINDS[address[:2]].mark_field is not None
    owned = entry.get("owned", markable or None)
    unreadable = frozenset(entry.get("unreadable", ()))
    return Actual(address, id=_id(address, entry), spec=entry["spec"], owned=owned, unreadable=unreadable)


def _support(entry: Case) -> KindSupport:
    return KindSupport(
        entry.get("supported", True),
        frozenset(map(Action, entry.get("actions", Action))),
        frozenset(entry.get("in_place", ())),
        entry.get("why", ""),
    )


def records(case: Case) -> dict[Address, Record]:
    """Return what a case's ledger holds."""
    return {Address.parse(text): _record(Address.parse(text), entry) for text, entry in case.get("records", {}).items()}


def _record(address: Address, entry: Case) -> Record:
    pending = Action(entry["pending"]) if "pending" in entry else None
    deletion, due = Deletion(entry.get("deletion", "two-phase")), entry.get("due", "")
    observed = entry.get("observed", entry["desired"])
    specs, protect = (entry["desired"], observed), entry.get("protect", False)
    return Record(address, _id(address, entry), *specs, pending, deletion=deletion, protect=protect, due=due)


def _id(address: Address, entry: Case) -> str | None:
    return entry.get("id", f"id-of-{address.name}")


def options(case: Case) -> PlanOptions:
    """Return the options of a case."""
    written = case.get("options", {})
    return PlanOptions(
        prune=written.get("prune", False),
        adopt=written.get("adopt", False),
        force_replace=frozenset(map(Address.parse, written.get("force_replace", ()))),
        targets=frozenset(map(Address.parse, written.get("targets", ()))),
        purge=written.get("purge", False),
        tombstone_days=written.get("tombstone_days", 7),
        today=written.get("today", ""),
    )


# ------------------------------------------------------------------------------------------------ what came out


def told(plan: Plan, expected: Case) -> Case:
    """Tell of a plan what an expectation names, in its form."""
    names = {"changes": {}, "blocked": {}, "unchanged": 0} | expected
    return {name: _TELL[name](plan, names[name]) for name in names}


def expectation(expected: Case) -> Case:
    """Return an expectation with what need not be written."""
    return {"changes": {}, "blocked": {}, "unchanged": 0} | expected


def _changes(plan: Plan, expected: Case) -> Case:
    return {str(change.address): _change(change, expected.get(str(change.address), {})) for change in plan.changes}


def _change(change: Change, expected: Case) -> Case:
    seen: Case = {"do": change.action.value, "why": change.reason.value}
    if change.fields:
        seen["fields"] = {_path(field): _field(field, _expected(expected, field)) for field in change.fields}
    extra = {
        "id": change.id,
        "desired": change.desired,
        "risk": change.risk.value,
        "depends_on": [str(address) for address in change.depends_on],
        "notes": _containing(change.notes, expected.get("notes", [])),
        "grace": change.grace,
        "deletion": change.deletion.value,
        "protect": change.protect,
        "writes": change.writes,
        "uses": [str(address) for address in change.uses],
    }
    return seen | {name: value for name, value in extra.items() if name in expected}


def _expected(expected: Case, field: FieldDiff) -> Case:
    found: Case = expected.get("fields", {}).get(_path(field), {})
    return found


def _path(field: FieldDiff) -> str:
    return "/".join(str(step) for step in field.path)


def _field(field: FieldDiff, expected: Case) -> Case:
    seen: Case = {}
    if field.before is not ABSENT:
        seen["from"] = field.before
    if field.after is not ABSENT:
        seen["to"] = field.after
    if field.effect is Effect.REPLACE:
        seen["effect"] = "replace"
    extra = {"drift": field.drift and field.drift.value, "secret": field.secret, "note": field.note}
    return seen | {name: value for name, value in extra.items() if name in expected}


def _blocked(plan: Plan, expected: Case) -> Case:
    return {str(item.address): _block(item, expected.get(str(item.address), "")) for item in plan.blocked}


def _block(item: Blocked, expected: Json) -> Json:
    """Tell the code, the message as far as the expectation gives it, and what is held back where that is expected."""
    if not isinstance(expected, str):
        fields = {_path(field): _field(field, {}) for field in item.fields}
        return {"why": _block(item, expected["why"]), "fields": fields}
    _, _, part = expected.partition(": ")
    return f"{item.code}: {part}" if part and part in item.message else str(item.code)


def _drift(plan: Plan, expected: Case) -> Case:
    return {str(item.address): _drifted(item, expected.get(str(item.address), "")) for item in plan.drift}


def _drifted(item: DriftItem, expected: Json) -> Json:
    if isinstance(expected, str):
        return item.drift.value
    return {"who": item.drift.value, "others": [str(other) for other in item.others]}


def _containing(texts: tuple[str, ...], parts: list[str]) -> list[str]:
    """Put the expected part in the place of each text that holds one."""
    return [next((part for part in parts if part in text), text) for text in texts]


_TELL = {
    "changes": _changes,
    "blocked": _blocked,
    "unchanged": lambda plan, _: plan.unchanged,
    "prunable": lambda plan, _: [str(address) for address in plan.prunable],
    "unmanaged": lambda plan, _: [str(address) for address in plan.unmanaged],
    "notices": lambda plan, expected: _containing(plan.notices, expected),
    "drift": _drift,
    "complete": lambda plan, _: plan.complete,
    "ours": lambda plan, _: dict(plan.kinds),
}
