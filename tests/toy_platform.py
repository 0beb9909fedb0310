"""A toy platform that does what a plan says, without a network: the pure stand-in for read, apply and ledger.

It is as unhelpful as real services are: it stores ids where names are written, refuses to change what its kinds call
immutable, merges and appends as they say, keeps some fields to itself, adds keys of its own, and gives everything that
is created a new id. What it refuses is an AssertionError: then the plan was wrong.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flext_reconciler.model import (
    ABSENT,
    Action,
    Actual,
    Actuals,
    Address,
    Change,
    Declaration,
    Deferred,
    Json,
    KindSupport,
    Plan,
    Presence,
    Record,
    Secret,
    Support,
    at,
    canonical,
)
from flext_reconciler.order import groups
from flext_reconciler.plan import PlanOptions, make_plan
from flext_reconciler.plan.references import filled, matches
from flext_reconciler.spec import field_rules
from toy_kinds import KINDS, SERVICE

DEFAULTS: Mapping[str, Mapping[str, Json]] = {
    "tank": {"type": "steel", "grade": "plain", "size": 0, "note": "", "config": {}, "recipe": {}},
    "flow": {"title": "", "tags": [], "settings": {}, "steps": [], "tank": "", "tank_id": ""},
    "view": {"flow": "", "title": "", "shown": True},
}
ANYTHING = PlanOptions()
_OWN_KEY = {"region": "here"}  # what the service adds to every tank's config


@dataclass
class Thing:
    """One object as the service holds it, hidden fields included, names as ids."""

    id: str
    spec: dict[str, Json]
    marked: bool
    made_by_us: bool


@dataclass
class World:
    """The service, and the ledger beside it."""

    things: dict[Address, Thing] = field(default_factory=dict)
    records: dict[Address, Record] = field(default_factory=dict)
    hidden: Mapping[str, frozenset[str]] = field(default_factory=dict)  # by kind
    support: Mapping[str, KindSupport] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    unknown: frozenset[Address] = frozenset()
    made: int = 0

    def copy(self) -> World:
        """Return a world that can be changed without changing this one."""
        return copy.deepcopy(self)

    # ------------------------------------------------------------------------------------------------ read

    def read(self) -> Actuals:
        """Read everything that can be read."""
        found = {address: self.read_one(address) for address in self.things if address.kind not in self.failures}
        found |= {address: Actual(address, Presence.UNKNOWN, reason="no answer") for address in self.unknown}
        support = {kind: self.support.get(kind, KindSupport()) for kind in DEFAULTS}
        failures = {(SERVICE, kind): why for kind, why in self.failures.items()}
        return Actuals(found, {SERVICE: Support("toy", support)}, failures)

    def read_one(self, address: Address) -> Actual:
        """Read one object that is there, as its kind's words say it."""
        thing, kind = self.things[address], KINDS[address[:2]]
        hidden = self.hidden.get(address.kind, frozenset())
        names = {thing.id: address.name for address, thing in self.things.items()}
        shown = {name: _masked(value) for name, value in thing.spec.items() if name not in hidden}
        spec = kind.normalise(self._renamed(address, shown, names))
        return Actual(
            address, id=thing.id, spec=spec, owned=thing.marked if kind.mark_field else None, unreadable=hidden
        )

    def _renamed(self, address: Address, spec: dict[str, Json], names: Mapping[str, str]) -> dict[str, Json]:
        spec = copy.deepcopy(spec)
        for pattern in KINDS[address[:2]].refers_to:
            for path, name in matches(spec, pattern):
                at(spec, path[:-1])[path[-1]] = names.get(name, name)
        return spec

    # ------------------------------------------------------------------------------------------------ apply

    def plan(self, declaration: Declaration, options: PlanOptions = ANYTHING) -> Plan:
        """Plan against what is there now."""
        return make_plan(declaration, self.read(), self.records, KINDS, options)

    def apply(self, plan: Plan) -> None:
        """Carry out a plan, group by group, and write the ledger."""
        changes = {change.address: change for change in plan.changes}
        done: set[Address] = set()
        for group in groups(plan.changes):
            for address in group:
                assert set(changes[address].depends_on) <= done, "something it waits for comes later"
            for address in group:
                self._carry_out(changes[address])
            done |= set(group)
        assert done == set(changes)

    def _carry_out(self, change: Change) -> None:
        address = change.address
        assert address not in self.unknown and address.kind not in self.failures, "it cannot be read"
        if change.action is Action.DELETE and not change.writes:
            assert address not in self.things, "it is not gone"
            self.records.pop(address)
            return
        if change.action in (Action.DELETE, Action.REPLACE):
            assert self.things.pop(address).id == change.id, "not the one that was planned"
        if change.action is Action.DELETE:
            self.records.pop(address, None)
            return
        desired = filled(dict(change.desired or {}), self._look_up)
        if change.action in (Action.CREATE, Action.REPLACE):
            self.create(address, desired)
        else:
            self._update(change, desired)
        due, before = "", self.records.get(address)
        if change.grace is not None:
            due, desired = f"{change.grace} days later", {**(before.desired if before else {}), **desired}
        self.records[address] = Record(
            address,
            self.things[address].id,
            desired,
            self.read_one(address).spec,
            deletion=change.deletion,
            protect=change.protect,
            due=due,
        )

    def _look_up(self, deferred: Deferred) -> Json:
        thing = self.things[deferred.address]
        value = thing.id if deferred.path == ("id",) else at(thing.spec, deferred.path)
        assert value is not ABSENT
        return value

    def create(self, address: Address, spec: Mapping[str, Json], *, made_by_us: bool = True) -> None:
        """Make a new object; nothing is overwritten."""
        assert address not in self.things, "it exists"
        self.made += 1
        stored = {**DEFAULTS[address.kind], **{name: value for name, value in spec.items() if _is_sent(address, name)}}
        self.things[address] = Thing(f"#{self.made}", self._stored(address, stored), made_by_us, made_by_us)

    def _stored(self, address: Address, spec: dict[str, Json]) -> dict[str, Json]:
        ids = {other.name: thing.id for other, thing in self.things.items() if other.kind == _refers_to(address)}
        spec = self._renamed(address, spec, ids)
        return spec | {"config": _OWN_KEY | spec["config"]} if "config" in spec else spec

    def _update(self, change: Change, desired: Mapping[str, Json]) -> None:
        thing = self.things[change.address]
        assert thing.id == change.id, "not the one that was planned"
        old = copy.deepcopy(thing.spec)
        for name in {str(item.path[0]) for item in change.fields}:
            assert _is_sent(change.address, name)
            wanted = self._wanted(change, name, desired, thing.spec)
            thing.spec[name] = self._stored(change.address, {name: wanted})[name]
            self._check(change.address, name, old.get(name), thing.spec[name])
        if change.fields:
            thing.marked = True

    def _wanted(self, change: Change, name: str, desired: Mapping[str, Json], now: Mapping[str, Json]) -> Json:
        """Return what a provider would send for a field."""
        rule = field_rules(KINDS[change.address[:2]])[name]
        if name in desired and rule.append_only:
            return [*now[name], *desired[name][len(now[name]) :]]
        if name in desired:
            return {**now.get(name, {}), **desired[name]} if rule.merge_only else desired[name]
        items = [item for item in change.fields if item.path[0] == name]
        if len(items[0].path) == 1:
            return items[0].after
        gone = {item.path[1] for item in items}
        return {key: value for key, value in now[name].items() if key not in gone}

    def _check(self, address: Address, name: str, before: Json, after: Json) -> None:
        """Refuse what such a service cannot do."""
        rule = field_rules(KINDS[address[:2]])[name]
        in_place = name in self.support.get(address.kind, KindSupport()).in_place
        assert in_place or not rule.immutable, f"{name} cannot be changed"
        assert after is not ABSENT, f"{name} cannot be told to vanish"
        if rule.merge_only:
            assert before.keys() <= after.keys(), "keys can only be merged"

    # ------------------------------------------------------------------------------------------------ truth

    def holds(self, declaration: Declaration) -> bool:
        """Tell whether everything declared is as declared, hidden fields included."""
        return all(self._is_as_declared(address, spec) for address, spec in _specs(declaration).items())

    def _is_as_declared(self, address: Address, spec: Mapping[str, Json]) -> bool:
        if spec.get("enabled") is False:
            return address not in self.things
        seen = replace_hidden(self, address)
        wanted = KINDS[address[:2]].normalise(filled(_masked(spec), self._look_up))
        return all(
            _contains(seen.get(name, ABSENT), value) for name, value in wanted.items() if _is_sent(address, name)
        )


def replace_hidden(world: World, address: Address) -> Mapping[str, Json]:
    """Return what an object really is, in the words of its kind."""
    return replace(world, hidden={}).read_one(address).spec


def _specs(declaration: Declaration) -> dict[Address, Mapping[str, Json]]:
    return {resource.address: resource.spec for resource in declaration.resources}


def _refers_to(address: Address) -> str:
    return next(iter(KINDS[address[:2]].refers_to.values()), "")


def _is_sent(address: Address, name: str) -> bool:
    kind = KINDS[address[:2]]
    return name != kind.enabled_by and not field_rules(kind)[name].local


def _masked(value: Json) -> Any:
    """Show a secret as a service's answer is shown: by its fingerprint alone."""
    if isinstance(value, Mapping):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return Secret("", value.fingerprint) if isinstance(value, Secret) else value


def _contains(seen: Json, wanted: Json) -> bool:
    """Tell whether everything that is wanted is there; maps may hold more."""
    if isinstance(seen, Mapping) and isinstance(wanted, Mapping):
        return all(key in seen and _contains(seen[key], item) for key, item in wanted.items())
    if isinstance(seen, list) and isinstance(wanted, list):
        return len(seen) == len(wanted) and all(map(_contains, seen, wanted))
    return canonical(seen) == canonical(wanted)
