"""What holds of every plan, searched for over whole small platforms."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from flext_reconciler.model import Action, Actuals, Declaration, Reason
from flext_reconciler.order import groups
from flext_reconciler.plan import PlanOptions, make_plan
from platform_strategies import OUTSIDE, Platform, histories, platforms, without_protection
from toy_kinds import KINDS

ROUNDS = 3
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def search(examples):
    return settings(max_examples=examples, deadline=None, suppress_health_check=SLOW)


def plan_of(platform: Platform, options: PlanOptions | None = None):
    return platform.world.plan(platform.declaration, options or platform.options)


# ------------------------------------------------------------------------------------------------ what holds


def order_of_the_input_means_nothing(platform: Platform):
    shuffle = random.Random(0).sample
    read, records = platform.world.read(), platform.world.records
    declaration = platform.declaration
    mixed = Declaration(
        declaration.environment,
        declaration.services,
        tuple(shuffle(declaration.resources, len(declaration.resources))),
    )
    found = Actuals(dict(shuffle(sorted(read.found.items()), len(read.found))), read.support, read.failures)
    again = make_plan(mixed, found, dict(shuffle(sorted(records.items()), len(records))), KINDS, platform.options)
    assert repr(again) == repr(plan_of(platform))


def everything_declared_is_one_thing(platform: Platform):
    plan = plan_of(platform)
    declared = {resource.address for resource in platform.declaration.resources}
    changed = {change.address for change in plan.changes}
    blocked = {item.address for item in plan.blocked}
    assert not changed & blocked
    assert plan.unchanged == len(declared - changed - blocked)
    assert len(plan.changes) == len(changed)
    assert len(plan.blocked) == len(blocked)


def undeclared_things_stay_without_prune(platform: Platform):
    plan = plan_of(platform, replace(platform.options, prune=False))
    declared = {resource.address for resource in platform.declaration.resources}
    assert {change.address for change in plan.changes if change.writes} <= declared
    assert Reason.UNDECLARED not in {change.reason for change in plan.changes}


def what_is_not_ours_stays_without_leave(platform: Platform):
    plan = plan_of(platform, replace(platform.options, adopt=False, force_replace=frozenset()))
    leave = {resource.address for resource in platform.declaration.resources if resource.lifecycle.adopt}
    for change in plan.changes:
        thing = platform.world.things.get(change.address)
        record = platform.world.records.get(change.address)
        in_doubt = record is not None and record.pending in (Action.CREATE, Action.REPLACE)
        if thing is not None and not thing.made_by_us and change.address not in leave and not in_doubt:
            assert change.action is Action.ADOPT
            assert not change.fields


def what_is_unknown_stays(platform: Platform):
    world = platform.world
    for change in plan_of(platform).changes:
        assert change.address not in world.unknown
        assert change.address.kind not in world.failures


def protection_holds(platform: Platform):
    protected = {resource.address for resource in platform.declaration.resources if resource.lifecycle.protect}
    lost = [change for change in plan_of(platform).changes if change.action in (Action.REPLACE, Action.DELETE)]
    assert not protected & {change.address for change in lost if change.writes}


def the_server_can_do_it(platform: Platform):
    read = platform.world.read()
    for change in plan_of(platform).changes:
        needed = Action.UPDATE if change.action is Action.ADOPT else change.action
        able = read.support[change.address.service].kinds[change.address.kind].actions
        assert needed in able or not change.writes


def targets_only_leave_out(platform: Platform):
    plan = plan_of(platform, replace(platform.options, prune=False))
    whole = {change.address: replace(change, depends_on=()) for change in plan.changes}
    for resource in platform.declaration.resources:
        part = plan_of(platform, replace(platform.options, targets=frozenset({resource.address})))
        for change in part.changes:
            assert replace(change, depends_on=()) == whole[change.address]
            assert set(change.depends_on) <= {other.address for other in part.changes}


def dependencies_come_first(platform: Platform):
    plan = plan_of(platform)
    place = {address: number for number, group in enumerate(groups(plan.changes)) for address in group}
    removals = [place[change.address] for change in plan.changes if change.removes]
    builds = [place[change.address] for change in plan.changes if not change.removes]
    assert len(place) == len(plan.changes)
    assert max(builds, default=-1) < min(removals, default=len(place))
    for change in plan.changes:
        assert all(place[needed] < place[change.address] for needed in change.depends_on)


def applying_it_leaves_nothing_to_do(platform: Platform):
    """What was blocked may go on once what blocked it has been adopted; everything else is done at once."""
    world, options = platform.world.copy(), platform.options
    plan = world.plan(platform.declaration, options)
    note(f"plan: {plan}")
    for _ in range(ROUNDS):
        world.apply(plan)
        done = {change.address for change in plan.changes}
        options = replace(options, force_replace=options.force_replace - done)
        rest = world.plan(platform.declaration, options)
        assert not rest.changes or plan.blocked
        assert {item.address for item in rest.blocked} <= {item.address for item in plan.blocked}
        plan = rest
    assert plan.changes == ()
    assert [world.plan(platform.declaration, options) for _ in range(10)] == [plan] * 10


HOLDS = (
    order_of_the_input_means_nothing,
    everything_declared_is_one_thing,
    undeclared_things_stay_without_prune,
    what_is_not_ours_stays_without_leave,
    what_is_unknown_stays,
    protection_holds,
    the_server_can_do_it,
    targets_only_leave_out,
    dependencies_come_first,
    applying_it_leaves_nothing_to_do,
)


def all_holds(platform: Platform):
    for holds in HOLDS:
        holds(platform)


def test_of_every_plan():
    search(150)(given(platforms())(all_holds))()


@pytest.mark.nightly
def test_of_every_plan_in_a_long_search():
    search(2000)(given(platforms())(all_holds))()


# ------------------------------------------------------------------------------------------------ what comes true

everything = PlanOptions(prune=True, adopt=True, purge=True)


def make(world, declaration):
    """Apply until the proof is empty, and return what was blocked."""
    world.apply(world.plan(declaration, everything))
    rest = world.plan(declaration, everything)
    assert rest.changes == ()
    return rest.blocked


free_platforms = platforms(OUTSIDE).map(lambda found: replace(found, declaration=without_protection(found.declaration)))


@search(100)
@given(free_platforms)
def test_whatever_happened_outside_is_brought_to_what_is_declared(platform):
    world = platform.world.copy()
    if not make(world, platform.declaration):
        assert world.holds(platform.declaration) or world_hides_something_foreign(platform)


def world_hides_something_foreign(platform: Platform) -> bool:
    """Nobody can know what something that was not made by us, or not remembered, holds where it cannot be read."""
    world = platform.world
    return any(
        world.hidden.get(address.kind) and (address not in world.records or not thing.made_by_us)
        for address, thing in world.things.items()
    )


@search(100)
@given(histories())
def test_going_there_and_back_restores(history):
    world, one, two = history
    blocked = [*make(world, one)]
    there = {address: world.read_one(address).spec for address in world.things}
    blocked += make(world, two)
    blocked += make(world, one)
    if not blocked:
        assert world.holds(one)
        assert there.keys() == world.things.keys()
        for resource in one.resources:
            if resource.address in there:
                now = world.read_one(resource.address).spec
                assert all(
                    now[name] == there[resource.address][name]
                    for name in resource.spec
                    if name in now and name != "tank_id"
                )


@pytest.mark.nightly
@search(2000)
@given(st.data())
def test_coming_true_in_a_long_search(data):
    test_whatever_happened_outside_is_brought_to_what_is_declared.hypothesis.inner_test(data.draw(free_platforms))
    test_going_there_and_back_restores.hypothesis.inner_test(data.draw(histories()))
