"""Values, addresses, plans: what the vocabulary promises on its own."""

from __future__ import annotations

import copy
from enum import StrEnum
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_reconciler.model import (
    ABSENT,
    Action,
    Actual,
    Actuals,
    Address,
    BlockCode,
    Blocked,
    Change,
    Deferred,
    Plan,
    Presence,
    Reason,
    Risk,
    Secret,
    at,
    canonical,
    decode_value,
    encode_value,
    put,
)

A, B = Address("s", "k", "a"), Address("s", "k", "b")


class Word(StrEnum):
    ONE = "one"


texts = st.sampled_from(("", "$", "$secret", "$$secret", "$$$secret", "$deferred", "$$deferred", "secret")) | st.text(
    st.characters(codec="utf-8"), max_size=4
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.builds(Secret, texts, st.sampled_from(("aa", "bb")))
    | st.builds(Deferred, texts, st.just(A), st.lists(texts | st.integers(0, 9), max_size=3).map(tuple))
)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))


# ------------------------------------------------------------------------------------------------ equality


DIFFERENT = (1, 1.0, True, "1", [1], {"1": 1}, None, "", 0, False, 0.0)


@pytest.mark.parametrize(("left", "right"), list(combinations(DIFFERENT, 2)))
@pytest.mark.parametrize("place", [lambda value: value, lambda value: [value], lambda value: {"deep": [{"er": value}]}])
def test_values_of_different_types_are_never_equal(left, right, place):
    assert canonical(place(left)) != canonical(place(right))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"a": 1, "b": [2]}, {"b": [2], "a": 1}),
        ([1, 2], (1, 2)),
        ("one", Word.ONE),
        (Secret("${env:A}", "aa"), Secret("", "aa")),
        ({"in": [Secret("${env:A}", "aa")]}, {"in": [Secret("${env:B}", "aa")]}),
    ],
)
def test_what_means_the_same_is_equal(left, right):
    assert canonical(left) == canonical(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([1, 2], [2, 1]),
        (Secret("${env:A}", "aa"), Secret("${env:A}", "bb")),
        (Secret("x", "aa"), "aa"),
        (Secret("x", "aa"), Deferred("aa", A, ())),
        (Deferred("${ref:s.k/a.id}", A, ("id",)), "${ref:s.k/a.id}"),
    ],
)
def test_what_means_something_else_is_not_equal(left, right):
    assert canonical(left) != canonical(right)


def test_what_is_not_json_is_refused():
    with pytest.raises(TypeError, match="not JSON serializable"):
        canonical({"a": object()})


# ------------------------------------------------------------------------------------------------ codec


@given(values)
def test_a_value_survives_being_stored(value):
    back = decode_value(encode_value(value))
    assert canonical(back) == canonical(value)
    assert repr(back) == repr(value)  # the references of secrets, too


@given(values)
def test_what_is_stored_is_plain_json(value):
    waiting = [encode_value(value)]
    while waiting:
        item = waiting.pop()
        assert item is None or type(item) in (bool, int, float, str, list, dict)
        waiting.extend(item if isinstance(item, list) else item.values() if isinstance(item, dict) else ())


@pytest.mark.parametrize(
    "stored",
    [
        {"$secret": "x"},
        {"$secret": {}},
        {"$secret": {"reference": 1, "fingerprint": "x"}},
        {"$deferred": {"reference": "x", "address": 1, "path": []}},
        {"$deferred": {"reference": "x", "address": "nonsense", "path": []}},
        {"$deferred": {"reference": "x", "address": "s.k/a", "path": "id"}},
        {"$deferred": {"reference": "x", "address": "s.k/a", "path": [{}]}},
    ],
)
def test_what_was_never_stored_is_refused(stored):
    with pytest.raises((KeyError, TypeError, ValueError)):
        decode_value([stored])


# ------------------------------------------------------------------------------------------------ addresses


words = st.from_regex(r"[a-z][a-z0-9_-]*", fullmatch=True)


@given(words, words, st.text(min_size=1))
def test_an_address_is_read_as_it_is_written(service, kind, name):
    address = Address(service, kind, name)
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize("text", ["", "a", "a.b", "a/b", ".b/c", "a./c", "a.b/", "/", "./"])
def test_half_an_address_is_refused(text):
    with pytest.raises(ValueError, match=r"write service\.kind/name"):
        Address.parse(text)


# ------------------------------------------------------------------------------------------------ actuals


def test_what_was_not_found_is_absent_only_where_it_could_be_read():
    actuals = Actuals({A: Actual(A, id="1")}, failures={("s", "other"): "no answer"})
    assert actuals.get(A).id == "1"
    assert actuals.get(B).presence is Presence.ABSENT
    lost = actuals.get(Address("s", "other", "x"))
    assert (lost.presence, lost.reason) == (Presence.UNKNOWN, "no answer")


# ------------------------------------------------------------------------------------------------ plans


def test_a_plan_sorts_itself():
    changes = (Change(B, Action.CREATE, Reason.NEW), Change(A, Action.CREATE, Reason.NEW))
    plan = Plan("e", {}, changes=changes, prunable=(B, A), unmanaged=(B, A), notices=("b", "a"))
    assert [change.address for change in plan.changes] == [A, B]
    assert plan.prunable == plan.unmanaged == (A, B)
    assert plan.notices == ("a", "b")


def test_a_plan_counts_every_action_and_knows_its_highest_risk():
    plan = Plan(
        "e",
        {},
        changes=(Change(A, Action.DELETE, Reason.DISABLED, risk=Risk.HIGH), Change(B, Action.CREATE, Reason.NEW)),
    )
    assert plan.counts == {action: int(action in (Action.CREATE, Action.DELETE)) for action in Action}
    assert plan.risk is Risk.HIGH
    assert Plan("e", {}).risk is Risk.LOW


def test_a_plan_is_empty_when_nothing_is_to_do_and_nothing_in_the_way():
    assert Plan("e", {}, prunable=(A,), notices=("told",)).is_empty
    assert not Plan("e", {}, changes=(Change(A, Action.CREATE, Reason.NEW),)).is_empty
    assert not Plan("e", {}, blocked=(Blocked(A, BlockCode.UNKNOWN, "why"),)).is_empty


def test_absent_is_neither_null_nor_false():
    assert ABSENT is not None
    assert repr(ABSENT) == "ABSENT"


def test_every_action_has_its_glyph():
    assert "".join(action.symbol for action in Action) == "+~±-="


# ------------------------------------------------------------------------------------------------ paths


@pytest.mark.parametrize(
    ("value", "path", "item", "then"),
    [
        ({"a": 1, "b": 2}, ("a",), 3, {"a": 3, "b": 2}),
        ({"a": 1}, ("b", "c"), 2, {"a": 1, "b": {"c": 2}}),
        ({"a": {"b": 1}}, ("a", "b"), ABSENT, {"a": {}}),
        ({"a": 1}, ("b", "c"), ABSENT, {"a": 1}),
        ({"a": [1, 2]}, ("a", 1), 3, {"a": [1, 3]}),
        ({"a": [1, 2]}, ("a", "1"), 3, {"a": [1, 3]}),
        ({"a": [1]}, ("a", 1), 2, {"a": [1, 2]}),
        ({"a": [1, 2]}, ("a", 0), ABSENT, {"a": [2]}),
        ({"a": 1}, (), 2, 2),
    ],
)
def test_an_item_is_put_at_a_path_of_a_copy(value, path, item, then):
    before = copy.deepcopy(value)
    assert put(value, path, item) == then
    assert value == before
    assert item is ABSENT or at(put(value, path, item), path) == item
