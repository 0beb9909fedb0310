"""In which order changes may run, and how a cycle is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_reconciler.model import Action, Address, Change, Reason
from flext_reconciler.order import find_cycle, groups, prerequisites

NAMES = "abcdef"


def address(name):
    return Address("s", "k", name)


def change(name, action=Action.CREATE, needs=""):
    return Change(address(name), action, Reason.NEW, depends_on=tuple(map(address, needs)))


def told(found):
    return ["".join(item.name for item in group) for group in found]


@st.composite
def changes(draw):
    """Changes that wait for earlier ones only, in any order."""
    count = draw(st.integers(0, len(NAMES)))
    needs = [draw(st.sets(st.sampled_from(NAMES[:index]))) if index else set() for index in range(count)]
    actions = [draw(st.sampled_from(Action)) for _ in range(count)]
    return draw(st.permutations([change(*item) for item in zip(NAMES, actions, needs, strict=False)]))


@given(changes())
def test_every_change_runs_once_and_after_what_it_waits_for(found):
    place = {item: number for number, group in enumerate(groups(found)) for item in group}
    assert sum(map(len, groups(found))) == len(place) == len(found)
    for item in found:
        for needed in item.depends_on:
            same_half = (item.action is Action.DELETE) == (by_address(found, needed).action is Action.DELETE)
            assert place[needed] < place[item.address] or not same_half


def by_address(found, wanted):
    return next(item for item in found if item.address == wanted)


@given(changes())
def test_deletes_begin_when_everything_else_has_ended(found):
    place = {item: number for number, group in enumerate(groups(found)) for item in group}
    deletes = [place[item.address] for item in found if item.action is Action.DELETE]
    builds = [place[item.address] for item in found if item.action is not Action.DELETE]
    assert max(builds, default=-1) < min(deletes, default=len(NAMES))


@given(changes().flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_the_order_of_the_input_means_nothing(pair):
    assert groups(pair[0]) == groups(pair[1])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], []),
        ([change("c"), change("a"), change("b")], ["abc"]),
        ([change("a", needs="b"), change("b", needs="c"), change("c")], ["c", "b", "a"]),
        ([change("a", needs="z"), change("b")], ["ab"]),
        ([change("a"), change("x", Action.DELETE, "y"), change("y", Action.DELETE)], ["a", "y", "x"]),
        ([change("a", Action.REPLACE), change("b", Action.UPDATE, "a"), change("c", Action.ADOPT)], ["ac", "b"]),
    ],
)
def test_groups_are_as_wide_as_they_can_be(found, expected):
    assert told(groups(found)) == expected


def test_only_changes_of_the_plan_are_waited_for():
    assert prerequisites([change("a", needs="bz"), change("b")]) == {
        address("a"): frozenset({address("b")}),
        address("b"): frozenset(),
    }


@pytest.mark.parametrize(
    ("graph", "cycle"),
    [
        ({}, ""),
        ({"a": "b", "b": "c"}, ""),
        ({"a": "a"}, "aa"),
        ({"a": "b", "b": "c", "c": "a"}, "abca"),
        ({"x": "a", "a": "b", "b": "a"}, "aba"),
    ],
)
def test_a_cycle_is_named_in_the_direction_of_need(graph, cycle):
    found = find_cycle({address(name): frozenset(map(address, needs)) for name, needs in graph.items()})
    assert "".join(item.name for item in found) in rotations(cycle)


def rotations(cycle):
    ring = cycle[:-1]
    return {turned + turned[:1] for turned in (ring[i:] + ring[:i] for i in range(len(ring)))} or {""}


@given(st.permutations([("a", "bc"), ("b", "ca"), ("c", "ab")]))
def test_of_several_cycles_it_is_always_the_same_one(entries):
    graph = {address(name): [address(need) for need in needs] for name, needs in entries}
    assert find_cycle(graph) == find_cycle({item: list(reversed(graph[item])) for item in sorted(graph)})
