"""Comparing, and explaining a difference; what the cases of plans do not reach."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from flext_reconciler.diff import base_fingerprint, compare, explain, moved_defaults, same
from flext_reconciler.model import (
    ABSENT,
    Actual,
    Address,
    Deferred,
    Drift,
    KindSupport,
    Presence,
    Record,
    Secret,
    at,
    canonical,
)
from flext_reconciler.spec import Cleared, Spec
from platform_strategies import SPECS, maps
from toy_kinds import SERVICE, Tank

A = Address(SERVICE, "tank", "a")
keys = st.sampled_from(("a", "b", "__private", "a.b", "it's", 'q"', "", "[0]", "root"))
leaves = st.sampled_from(
    (0, 1, 1.0, 0.0, -0.0, True, False, None, "", "1", "absent", "x\ny", Secret("r", "aa"), 2**63 - 1)
)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4))


# ------------------------------------------------------------------------------------------------ compare


@given(SPECS["tank"], SPECS["tank"])
def test_the_quick_answer_is_the_thorough_one(desired, read):
    """A record that differs in a field that is never compared leads the long way round."""
    actual = Actual(A, id="1", spec=read)
    quick = compare(Tank, desired, actual, Record(A, "1", desired, read), KindSupport())
    slow = compare(Tank, desired, actual, Record(A, "1", {**desired, "patience": 99}, read), KindSupport())
    assert [item.path for item in quick.fields] == [item.path for item in slow.fields]


@given(maps, maps, maps)
def test_what_was_set_and_taken_away_is_all_that_differs(before, after, theirs):
    """Carrying out the differences of a map gives the declared one and leaves what is not ours."""
    seen = {**{f"their_{key}": value for key, value in theirs.items()}, **before}
    actual = Actual(A, id="1", spec={"config": seen})
    found = compare(Tank, {"config": after}, actual, Record(A, "1", {"config": before}, actual.spec), KindSupport())
    result = dict(seen)
    for key in {str(item.path[1]) for item in found.fields}:
        result.pop(key, None)
        if key in after:
            result[key] = after[key]
    assert after.items() <= result.items()
    assert result.keys() - after.keys() == {f"their_{key}" for key in theirs}


class Settings(Spec):
    settings: Annotated[dict[str, Any], Cleared({"left": 0})] = Field(default_factory=dict)


def test_a_map_is_cleared_to_what_the_service_leaves_in_it():
    record = Record(A, "1", {"settings": {"left": 0, "more": 1}}, {})
    (cleared,) = compare(
        Settings, {}, Actual(A, id="1", spec={"settings": {"left": 0, "more": 1}}), record, KindSupport()
    ).fields
    assert (cleared.path, cleared.after) == (("settings",), {"left": 0})
    rest = Actual(A, id="1", spec={"settings": {"left": 0, "theirs": 2}})
    assert compare(Settings, {}, rest, record, KindSupport()).fields == ()


def test_differences_are_sorted_with_indexes_as_numbers():
    desired = {"config": {"hosts": list(range(12)), "a": 1}}
    actual = Actual(A, id="1", spec={"config": {"hosts": [-1] * 12}})
    found = compare(Tank, desired, actual, None, KindSupport()).fields
    assert [item.path[1:] for item in found] == [("a",), *(("hosts", index) for index in range(12))]


def test_without_a_record_nobody_is_said_to_have_moved():
    found = compare(Tank, {"size": 1}, Actual(A, id="1", spec={"size": 2}), None, KindSupport())
    assert [item.drift for item in found.fields] == [None]


def test_a_moved_default_that_may_be_secret_is_marked():
    record = Record(A, "1", {}, {"note": "x", "token": Secret("", "aa")})
    actual = Actual(A, id="1", spec={"note": "y", "token": Secret("", "bb")})
    found = moved_defaults({}, actual, record)
    assert [(item.path, item.secret, item.drift) for item in found] == [
        (("note",), False, Drift.SERVER_DEFAULT),
        (("token",), True, Drift.SERVER_DEFAULT),
    ]


# ------------------------------------------------------------------------------------------------ explain


def nested(before, after):
    """The differences, found the plain way: down through maps and lists, and no further."""
    if isinstance(before, dict) and isinstance(after, dict):
        steps = sorted(before.keys() | after.keys())
        pairs = [(step, before.get(step, ABSENT), after.get(step, ABSENT)) for step in steps]
    elif isinstance(before, list) and isinstance(after, list):
        longest = range(max(len(before), len(after)))
        pairs = [(step, at(before, (step,)), at(after, (step,))) for step in longest]
    else:
        return [] if same(before, after) else [((), before, after)]
    return [((step, *path), left, right) for step, one, two in pairs for path, left, right in nested(one, two)]


@given(values, values)
def test_a_difference_is_explained_down_to_the_last_leaf(before, after):
    found = explain(before, after)
    assert [(path, repr(left), repr(right)) for path, left, right in found] == [
        (path, repr(left), repr(right)) for path, left, right in nested(before, after)
    ]


@given(values, values)
def test_nothing_is_explained_exactly_when_nothing_differs(before, after):
    assert (explain(before, after) == ()) == (canonical(before) == canonical(after))


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ([1, 2], [True, 2.0], [(0,), (1,)]),
        ({"a": 1}, {"b": 1, "c": 2, "d": 3, "e": 4}, [("a",), ("b",), ("c",), ("d",), ("e",)]),
        ([1, 1, 2], [1, 2], [(1,), (2,)]),
        ({"x": {}}, {"x": []}, [("x",)]),
        (ABSENT, "absent", [()]),
        (ABSENT, None, [()]),
        ({"p": Secret("${env:A}", "aa")}, {"p": Secret("${env:B}", "aa")}, []),
        ({"p": Secret("", "aa")}, {"p": Secret("", "bb")}, [("p",)]),
        (Deferred("${ref:a}", A, ("id",)), "${ref:a}", [()]),
    ],
)
def test_the_traps_of_deepdiff_are_closed(before, after, paths):
    assert [path for path, _, _ in explain(before, after)] == paths


# ------------------------------------------------------------------------------------------------ paths, fingerprints


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), {"a": [{"0": "x"}, 7]}),
        (("a", 1), 7),
        (("a", "1"), 7),
        (("a", 0, "0"), "x"),
        (("a", 0, 0), "x"),
        (("a", 2), ABSENT),
        (("a", -1), ABSENT),
        (("a", "9" * 9000), ABSENT),
        (("a", "²"), ABSENT),
        (("a", 1, "deeper"), ABSENT),
        (("b",), ABSENT),
    ],
)
def test_a_value_is_found_at_its_path(path, value):
    assert at({"a": [{"0": "x"}, 7]}, path) == value


BASE = Actual(A, id="1", spec={"size": 1, "note": "x"}, facts={"uptime": 1}, owned=None)


@pytest.mark.parametrize(
    "moved",
    [
        Actual(A, Presence.ABSENT, id="1", spec=BASE.spec),
        Actual(A, id="2", spec=BASE.spec),
        Actual(A, id="1", spec={"size": 1.0, "note": "x"}),
        Actual(A, id="1", spec={"size": 1}),
    ],
)
def test_a_base_tells_that_an_object_moved(moved):
    assert base_fingerprint(moved, BASE.spec.keys()) != base_fingerprint(BASE)


@pytest.mark.parametrize(
    "same_object",
    [
        Actual(A, id="1", spec={"note": "x", "size": 1}),
        Actual(A, id="1", spec={**BASE.spec, "more": "was not read then"}, facts={"uptime": 2}),
    ],
)
def test_a_base_looks_at_what_was_read_and_at_nothing_else(same_object):
    assert base_fingerprint(same_object, BASE.spec.keys()) == base_fingerprint(BASE)
