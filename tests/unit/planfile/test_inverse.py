"""The inverse of a plan: what it restores, what it says it cannot, on whole small platforms."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, note, reject, settings

from flext_reconciler.diff import same
from flext_reconciler.errors import Place
from flext_reconciler.inverse import Touched, inverse, undo_of, undo_plan
from flext_reconciler.inverse.earlier import KNOWN_TO_THE_SERVICE, NOT_SHOWN
from flext_reconciler.inverse.invert import BACK_MAKES_ANEW, MADE_ANEW, MARK_STAYS
from flext_reconciler.model import (
    ABSENT,
    Action,
    Actuals,
    Address,
    BlockCode,
    Declaration,
    Irreversible,
    KindSupport,
    Lifecycle,
    Plan,
    Reason,
    Resource,
    Secret,
    Service,
    at,
    canonical,
)
from flext_reconciler.plan import PlanOptions
from flext_reconciler.plan.references import deferred_in, names_in
from platform_strategies import OUTSIDE, platforms
from toy_kinds import KINDS, SERVICE
from toy_platform import World

ANEW = {MADE_ANEW, BACK_MAKES_ANEW, MARK_STAYS}
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def search(examples):
    return settings(max_examples=examples, deadline=None, suppress_health_check=SLOW)


def with_inverse(world: World, plan: Plan) -> Plan:
    return replace(plan, inverse=inverse(plan, world.read(), world.records, KINDS))


def rolled_back(world: World, plan: Plan, declaration: Declaration) -> Plan:
    """Plan back, after the plan was applied."""
    touched: Touched = {change.address: () for change in plan.changes}
    undo = undo_of(plan, touched, declaration, world.records, KINDS, lambda secret: "" if secret.text else "unknown")
    back = undo_plan(undo, world.read(), world.records, KINDS)
    return replace(back, inverse=inverse(back, world.read(), world.records, KINDS))


def free(declaration: Declaration) -> Declaration:
    resources = tuple(
        replace(item, lifecycle=replace(item.lifecycle, protect=False, ignore=())) for item in declaration.resources
    )
    return replace(declaration, resources=resources)


def back_and_forth(platform):
    """Yield the world before, after and after the rollback, with the plan and the plan back."""
    before = platform.world
    declaration = free(platform.declaration)
    plan = with_inverse(before, before.plan(declaration, platform.options))
    after = before.copy()
    try:
        after.apply(plan)
    except AssertionError:  # a name that meant nothing before; plans as such are tested elsewhere
        reject()
    back = rolled_back(after, plan, declaration)
    restored = after.copy()
    note(f"plan {plan}\n\nback {back}")
    undone = {change.address for change in plan.inverse.changes}
    assert all(change.reason is Reason.UNDONE for change in back.changes if change.address in undone)
    restored.apply(back)
    return before, after, restored, plan, back, declaration


def declared_paths(value, path=()):
    """Every leaf below a map: what a service adds to the map beside them is not declared."""
    if isinstance(value, dict) and value:
        return {leaf for key, item in value.items() for leaf in declared_paths(item, (*path, key))}
    return {path} if path and value != {} else set()


def restores_every_declared_field(platform):
    before, after, restored, plan, back, _ = back_and_forth(platform)
    lost = {(item.address, item.path[:1]) for item in plan.inverse.irreversible}
    stays = {item.address for item in plan.inverse.irreversible if not item.path and item.why not in ANEW}
    blocked = {item.address for item in back.blocked} | stays
    for change in plan.changes:
        address = change.address
        if address in blocked:
            continue
        assert (address in restored.things) is (address in before.things)
        if address in before.things:
            record = before.records.get(address)
            declared = change.desired or (record.desired if record else change.actual)
            was, now = before.read_one(address).spec, restored.read_one(address).spec
            for path in declared_paths(declared) | {field.path for field in change.fields}:
                if path[0] in was and (address, path[:1]) not in lost:
                    assert same(at(now, path), at(was, path)), (address, path)
    gone = {change.address for change in back.changes if change.action in (Action.REPLACE, Action.DELETE)}
    for address in after.things.keys() - {change.address for change in plan.changes}:
        was, now = after.read_one(address).spec, restored.read_one(address).spec
        kind = KINDS[address[:2]]
        dangling = {path[0] for path in kind.refers_to} if names_in(kind, address, was) & gone else set()
        renewed = address in {change.address for change in back.changes}  # it keeps what is declared of it
        kept = was.keys() & after.records[address].desired.keys() if renewed else was.keys() - dangling
        assert all(now[name] == was[name] for name in kept)


def leaves_nothing_to_roll_back(platform):
    _, _, restored, plan, _, declaration = back_and_forth(platform)
    assert rolled_back(restored, plan, declaration).changes == ()


def essence(changes, of):
    """What changes do to the fields that the plan `of` names: a map that is sent whole may lose more than that."""
    named = {(change.address, field.path) for change in of.changes for field in change.fields}
    return {
        change.address: (
            change.action,
            {
                (field.path, canonical_side(field.before), canonical_side(field.after))
                for field in change.fields
                if (change.address, field.path) in named
            },
        )
        for change in changes
        if change.writes
    }


def canonical_side(value):
    return value if value is ABSENT else canonical(value)


def is_undone_by_its_own_inverse(platform):
    _, _, _, plan, back, _ = back_and_forth(platform)
    adopting = any(change.action is Action.ADOPT for change in plan.changes)
    unknown = any(deferred_in(field.after) for change in plan.changes for field in change.fields)
    if not (plan.inverse.irreversible or back.blocked or adopting or unknown):
        assert essence(back.changes, plan) == essence(plan.inverse.changes, plan)
        assert essence(back.inverse.changes, plan) == essence(plan.changes, plan)


HOLDS = (restores_every_declared_field, leaves_nothing_to_roll_back, is_undone_by_its_own_inverse)


@pytest.mark.parametrize("holds", HOLDS, ids=lambda holds: holds.__name__)
def test_a_rollback(holds):
    search(60)(given(platforms(OUTSIDE))(holds))()


@pytest.mark.parametrize("holds", HOLDS, ids=lambda holds: holds.__name__)
def test_a_rollback_after_trouble(holds):
    search(40)(given(platforms())(holds))()


@pytest.mark.nightly
@pytest.mark.parametrize("holds", HOLDS, ids=lambda holds: holds.__name__)
def test_a_rollback_in_a_long_search(holds):
    search(3000)(given(platforms())(holds))()


# ------------------------------------------------------------------------------------------------ what cannot be undone

TANK, FLOW = Address(SERVICE, "tank", "a"), Address(SERVICE, "flow", "a")
OLD, NEW = Secret("${env:P}", "old"), Secret("${env:P}", "new")


def declaring(specs, **lifecycle):
    """Declare specs by address."""
    resources = tuple(
        Resource(address, spec, Place("desired.yaml", 1, 1), lifecycle=Lifecycle(**lifecycle))
        for address, spec in specs.items()
    )
    return Declaration("test", {SERVICE: Service(SERVICE, "toys", "http://toys.example")}, resources)


def world_of(specs, *, hidden=(), ours=True):
    """A platform that holds specs, made by us or by somebody else."""
    world = World(hidden={"tank": frozenset(hidden)})
    if ours:
        world.apply(world.plan(declaring(specs)))
    else:
        for address, spec in specs.items():
            world.create(address, spec, made_by_us=False)
    return world


def test_a_reference_that_moved_on_does_not_bring_the_old_secret_back():
    world = world_of({TANK: {"password": OLD, "size": 1}}, hidden={"password"})
    plan = with_inverse(world, world.plan(declaring({TANK: {"password": NEW, "size": 2}})))
    (change,) = plan.inverse.changes
    assert [(field.path, field.after) for field in change.fields] == [(("size",), 1)]
    assert plan.inverse.irreversible == (Irreversible(TANK, ("password",), "${env:P} stands for another value now"),)


def test_a_secret_of_another_reference_is_brought_back_by_it():
    world = world_of({TANK: {"password": OLD}}, hidden={"password"})
    plan = with_inverse(world, world.plan(declaring({TANK: {"password": Secret("${env:Q}", "new")}})))
    assert plan.inverse.irreversible == ()
    assert plan.inverse.changes[0].desired["password"].text == OLD.text


def test_a_secret_that_only_the_service_knew_is_lost():
    world = world_of({TANK: {"password": OLD}})
    world.things[TANK].spec["password"] = Secret("", "drifted")
    plan = with_inverse(world, world.plan(declaring({TANK: {"password": OLD}})))
    assert plan.inverse.irreversible == (Irreversible(TANK, ("password",), KNOWN_TO_THE_SERVICE),)
    assert plan.inverse.changes == ()


def test_what_is_not_shown_and_not_ours_is_lost():
    world = world_of({TANK: {"type": "glass", "recipe": {"k": 1}}}, hidden={"recipe"}, ours=False)
    plan = with_inverse(world, world.plan(declaring({TANK: {"type": "steel"}}), PlanOptions(adopt=True)))
    assert set(plan.inverse.irreversible) == {
        Irreversible(TANK, (), MADE_ANEW),
        Irreversible(TANK, ("recipe",), NOT_SHOWN),
    }
    assert plan.inverse.changes[0].desired["type"] == "glass"


def test_what_can_only_be_added_to_is_made_anew_to_take_it_back():
    world = world_of({FLOW: {"steps": [{"name": "s"}]}})
    plan = with_inverse(world, world.plan(declaring({FLOW: {"steps": [{"name": "s"}, {"name": "t"}]}})))
    assert [change.action for change in plan.inverse.changes] == [Action.REPLACE]
    assert plan.inverse.irreversible == (Irreversible(FLOW, (), BACK_MAKES_ANEW),)


def test_what_was_adopted_is_forgotten_and_keeps_our_mark():
    world = world_of({FLOW: {"title": "theirs"}, TANK: {"size": 1}}, ours=False)
    wanted = declaring({FLOW: {"title": "ours"}, TANK: {"size": 1}})
    plan = with_inverse(world, world.plan(wanted, PlanOptions(adopt=True)))
    assert plan.inverse.forget == (FLOW, TANK)
    assert [(change.address, change.desired["title"]) for change in plan.inverse.changes] == [(FLOW, "theirs")]
    assert plan.inverse.irreversible == (Irreversible(FLOW, (), MARK_STAYS),)


def test_what_the_server_cannot_delete_is_told():
    world = world_of({})
    world.support = {"tank": KindSupport(actions=frozenset({Action.CREATE, Action.UPDATE}), why="it has no DELETE")}
    plan = with_inverse(world, world.plan(declaring({TANK: {}})))
    assert plan.inverse.changes == ()
    assert [item.why for item in plan.inverse.irreversible] == ["cannot delete it: it has no DELETE"]


def test_what_is_protected_since_is_not_removed():
    world = world_of({})
    plan = with_inverse(world, world.plan(declaring({TANK: {}})))
    world.apply(plan)
    back = rolled_back(world, plan, declaring({TANK: {}}, protect=True))
    assert back.changes == ()
    assert [item.code for item in back.blocked] == [BlockCode.PROTECTED]


def test_what_was_protected_and_is_no_longer_declared_is_not_removed():
    world = world_of({})
    plan = with_inverse(world, world.plan(declaring({TANK: {}}, protect=True)))
    world.apply(plan)
    back = rolled_back(world, plan, declaring({}))
    assert back.changes == ()
    assert [item.code for item in back.blocked] == [BlockCode.PROTECTED]


def test_what_was_ours_before_it_was_protected_is_not_forgotten():
    world = world_of({TANK: {}})
    plan = with_inverse(world, world.plan(declaring({TANK: {}}, protect=True)))
    assert [change.action for change in plan.changes] == [Action.ADOPT]
    assert plan.inverse.forget == ()


def test_what_something_else_uses_by_now_is_not_removed():
    world = world_of({})
    plan = with_inverse(world, world.plan(declaring({TANK: {}})))
    world.apply(plan)
    both = declaring({TANK: {}, FLOW: {"tank": "a"}})
    world.apply(world.plan(both))
    back = rolled_back(world, plan, both)
    assert [item.message for item in back.blocked] == [f"cannot delete it: {FLOW} is declared and refers to it"]


def test_a_field_that_another_run_changed_since_stays():
    world = world_of({TANK: {"size": 1, "note": ""}})
    plan = with_inverse(world, world.plan(declaring({TANK: {"size": 2, "note": ""}})))
    world.apply(plan)
    later = declaring({TANK: {"size": 2, "note": "n"}})
    world.apply(world.plan(later))
    world.apply(rolled_back(world, plan, later))
    assert (world.things[TANK].spec["size"], world.things[TANK].spec["note"]) == (1, "n")


def test_what_was_deleted_is_made_before_what_uses_it():
    world = world_of({TANK: {}, FLOW: {"tank": "a"}})
    plan = with_inverse(world, world.plan(declaring({}), PlanOptions(prune=True, purge=True)))
    assert {change.address: change.depends_on for change in plan.inverse.changes} == {FLOW: (TANK,), TANK: ()}
    assert {item.why for item in plan.inverse.irreversible} == {MADE_ANEW}


def test_a_service_that_is_gone_is_told():
    world = world_of({})
    plan = with_inverse(world, world.plan(declaring({TANK: {}})))
    undo = undo_of(plan, {TANK: ()}, declaring({}), {}, {}, lambda secret: "")
    assert undo.removed == frozenset()
    assert undo_plan(undo, Actuals(), {}, {}).blocked[0].code is BlockCode.UNKNOWN
