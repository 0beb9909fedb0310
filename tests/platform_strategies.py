"""Hypothesis strategies for whole small platforms: a declaration, what is there, and what was applied before.

What is there grows out of an earlier declaration that was applied; then the platform and the ledger are tampered with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from flext_reconciler.errors import Place
from flext_reconciler.model import (
    Action,
    Address,
    Declaration,
    Deferred,
    Deletion,
    Json,
    KindSupport,
    Lifecycle,
    Record,
    Resource,
    Secret,
    Service,
)
from flext_reconciler.plan import PlanOptions
from flext_reconciler.plan.references import deferred_in, names_in
from toy_kinds import KINDS, SERVICE
from toy_platform import DEFAULTS, World

Strategy = st.SearchStrategy

NAMES = ("a", "b")
SCALARS = (0, 1, 1.0, True, "1", None, "x")
ADDRESSES = tuple(Address(SERVICE, kind, name) for kind in DEFAULTS for name in NAMES)

scalars = st.sampled_from(SCALARS)
values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.sampled_from("xy"), scalars, max_size=2)
maps = st.dictionaries(st.sampled_from(("k", "l", "api_token")), values, max_size=3)
names = st.sampled_from(NAMES)
secrets = st.builds(Secret, st.just("${env:PASSWORD}"), st.sampled_from(("aa", "bb")))
enabled = st.sampled_from((True, True, True, False))
steps = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("st")}, optional={"tank": names, "size": scalars}), max_size=3
)

SPECS: Mapping[str, Strategy[dict[str, Json]]] = {
    "tank": st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(("steel", "glass")),
            "grade": st.sampled_from(("plain", "fine")),
            "size": st.sampled_from((0, 1, 2)),
            "note": st.sampled_from(("", "n")),
            "config": maps,
            "recipe": maps,
            "password": secrets,
            "patience": st.just(3),
            "enabled": enabled,
        },
    ),
    "flow": st.fixed_dictionaries(
        {},
        optional={
            "title": st.sampled_from(("", "t")),
            "tags": st.lists(st.sampled_from("pqr"), unique=True, max_size=3),
            "settings": maps,
            "steps": steps,
            "tank": names,
            "tank_id": st.builds(lambda name, path: _ref("tank", name, path), names, st.sampled_from(("id", "note"))),
            "enabled": enabled,
        },
    ),
    "view": st.fixed_dictionaries(
        {},
        optional={
            "flow": names,
            "title": st.sampled_from(("", "v")) | st.builds(lambda name: _ref("flow", name, "title"), names),
            "shown": st.booleans(),
        },
    ),
}


def _ref(kind: str, name: str, field: str) -> Deferred:
    return Deferred(f"${{ref:{SERVICE}.{kind}/{name}.{field}}}", Address(SERVICE, kind, name), (field,))


@dataclass(frozen=True)
class Platform:
    """What one example of a search looks at."""

    declaration: Declaration
    world: World
    options: PlanOptions


# ------------------------------------------------------------------------------------------------ declarations


@st.composite
def declarations(draw: Callable[..., Any], earlier: Declaration | None = None) -> Declaration:
    """A declaration as the loader makes one: normalised, its edges implied, every reference to something that is meant.

    With an earlier one, most of that stays.
    """
    specs = {}
    for resource in earlier.resources if earlier else ():
        fate = draw(st.sampled_from(("stays", "stays", "changes", "changes", "goes")))
        if fate != "goes":
            specs[resource.address] = _changed(draw, resource) if fate == "changes" else dict(resource.spec)
    for address in draw(st.lists(st.sampled_from(ADDRESSES), unique=True, max_size=2 if earlier else 7)):
        specs.setdefault(address, draw(SPECS[address.kind]))
    for address in sorted(specs):
        specs[address] = {name: value for name, value in specs[address].items() if _is_meant(value, specs)}
    resources = tuple(_resource(address, specs, draw(_lifecycles)) for address in sorted(specs))
    return Declaration("test", {SERVICE: Service(SERVICE, "toys", "http://toys.example")}, resources)


def _changed(draw: Callable[..., Any], resource: Resource) -> dict[str, Json]:
    spec = {**resource.spec, **draw(SPECS[resource.address.kind])}
    gone = draw(st.sets(st.sampled_from(sorted(spec) or [""]), max_size=1))
    return {name: value for name, value in spec.items() if name not in gone}


def _is_meant(value: Json, specs: Mapping[Address, Mapping[str, Json]]) -> bool:
    """Keep references to an id, or to a declared field, of something that is wanted."""
    if not isinstance(value, Deferred):
        return True
    spec = specs.get(value.address)
    return spec is not None and spec.get("enabled") is not False and (value.path == ("id",) or value.path[0] in spec)


_lifecycles = st.sampled_from((False, False, False, True)).flatmap(
    lambda special: (
        st.builds(
            Lifecycle,
            st.booleans(),
            st.sampled_from(((), ("/config/k",), ("/note",), ("/steps/0/size", "/title"))),
            st.booleans(),
            st.sampled_from(Deletion),
        )
        if special
        else st.just(Lifecycle())
    )
)


def _resource(address: Address, specs: Mapping[Address, dict[str, Json]], lifecycle: Lifecycle) -> Resource:
    kind, spec = KINDS[address[:2]], specs[address]
    named = names_in(kind, address, spec) | {deferred.address for deferred in deferred_in(spec)}
    needed = tuple(sorted(named & specs.keys()))
    return Resource(address, kind.normalise(spec), Place("desired.yaml", 1, 1), needed, lifecycle)


# ------------------------------------------------------------------------------------------------ what is there


def applied(draw: Callable[..., Any], declaration: Declaration) -> World:
    """Return a platform to which a declaration was applied once, and nothing else happened."""
    hidden = {
        "tank": draw(st.sampled_from((frozenset(), frozenset({"recipe"}), frozenset({"recipe", "password"})))),
        "flow": draw(st.sampled_from((frozenset(), frozenset({"settings"})))),
    }
    world = World(hidden=hidden)
    world.apply(world.plan(declaration))
    return world


@st.composite
def histories(draw: Callable[..., Any]) -> tuple[World, Declaration, Declaration]:
    """A platform to which something was applied, and two declarations to apply after it."""
    earlier, one = draw(declarations()), draw(declarations().map(without_protection))
    return applied(draw, earlier), one, without_protection(draw(declarations(one)))


def without_protection(declaration: Declaration) -> Declaration:
    """Return a declaration that keeps nothing from being changed."""
    free = tuple(replace(resource, lifecycle=Lifecycle()) for resource in declaration.resources)
    return replace(declaration, resources=free)


def _edit(world: World, address: Address, spec: dict[str, Json]) -> None:
    if address in world.things:
        seen = DEFAULTS[address.kind].keys() - world.hidden.get(address.kind, frozenset())  # who could tell otherwise?
        plain = {name: value for name, value in spec.items() if name in seen and not deferred_in(value)}
        world.things[address].spec |= plain


def _destroy(world: World, address: Address, spec: dict[str, Json]) -> None:
    world.things.pop(address, None)


def _intrude(world: World, address: Address, spec: dict[str, Json]) -> None:
    world.things.pop(address, None)
    plain = {name: value for name, value in spec.items() if not deferred_in(value)}
    world.create(address, plain, made_by_us=False)


def _unmark(world: World, address: Address, spec: dict[str, Json]) -> None:
    if address in world.things:
        world.things[address].marked = False


def _forget(world: World, address: Address, spec: dict[str, Json]) -> None:
    world.records.pop(address, None)


def _cut_short(action: Action) -> Callable[[World, Address, dict[str, Json]], None]:
    """Leave an intent behind, as a run that was killed does."""

    def tamper(world: World, address: Address, spec: dict[str, Json]) -> None:
        plain = {name: value for name, value in spec.items() if not deferred_in(value)}
        record = world.records.get(address)
        if action is Action.CREATE and address not in world.things:
            record = None
        known = record or Record(address, None, plain, {})
        world.records[address] = replace(known, pending=action)

    return tamper


def _silence(world: World, address: Address, spec: dict[str, Json]) -> None:
    world.unknown |= {address}


def _fail(world: World, address: Address, spec: dict[str, Json]) -> None:
    world.failures = {**world.failures, address.kind: "no answer"}


def _cripple(world: World, address: Address, spec: dict[str, Json]) -> None:
    lacking = frozenset({Action.REPLACE, Action.DELETE})
    world.support = {**world.support, address.kind: KindSupport(actions=frozenset(Action) - lacking)}


def _enable(world: World, address: Address, spec: dict[str, Json]) -> None:
    world.support = {**world.support, "tank": KindSupport(in_place=frozenset({"type", "recipe"}))}


OUTSIDE = (_edit, _edit, _destroy, _intrude, _unmark, _forget)
CRASHES = (_cut_short(Action.CREATE), _cut_short(Action.UPDATE), _cut_short(Action.REPLACE), _cut_short(Action.ADOPT))
TROUBLE = (_silence, _fail, _cripple, _enable)


@st.composite
def platforms(draw: Callable[..., Any], tampering: tuple[Any, ...] = OUTSIDE + CRASHES + TROUBLE) -> Platform:
    """A declaration and a platform with a history that may have gone wrong in every way."""
    earlier = draw(declarations())
    world = applied(draw, earlier)
    places = st.sampled_from(sorted(world.things) * 2 + list(ADDRESSES))
    for address, tamper in draw(st.lists(st.tuples(places, st.sampled_from(tampering)), max_size=3)):
        tamper(world, address, draw(SPECS[address.kind]))
    declaration = draw(st.just(earlier) | declarations(earlier))
    declared = st.sampled_from([resource.address for resource in declaration.resources] or [None])
    options = PlanOptions(
        prune=draw(st.booleans()),
        adopt=draw(st.sampled_from((False, False, True))),
        force_replace=frozenset(draw(st.sets(declared, max_size=1))) - {None},
        purge=draw(st.booleans()),
        tombstone_days=draw(st.sampled_from((7, 7, 0))),
    )
    return Platform(declaration, world, options)
