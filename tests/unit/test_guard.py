"""Limits: what violates them, and that the flag they name lifts them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_reconciler.guard import SMALL_KIND, Limits, guard
from flext_reconciler.model import Action, Address, Change, FieldDiff, Plan, Reason, Violation


def plan(deletes=0, ours=100, replaces=0):
    doomed = [(f"d{number}", Action.DELETE) for number in range(deletes)]
    anew = [(f"r{number}", Action.REPLACE) for number in range(replaces)]
    changes = tuple(change("k", name, action) for name, action in doomed + anew)
    return Plan("e", {}, changes=changes, kinds={"s.k": ours})


def change(kind, name, action):
    return Change(Address("s", kind, name), action, Reason.UNDECLARED, actual={})


def codes(found):
    return [violation.code for violation in found.violations]


@pytest.mark.parametrize(
    ("made", "limits", "declared", "expected"),
    [
        (plan(), Limits(), 1, []),
        (plan(), Limits(), 0, ["empty"]),
        (plan(), Limits(allow_empty=True), 0, []),
        (plan(deletes=10), Limits(), 1, []),
        (plan(deletes=11), Limits(), 1, ["max_deletes"]),
        (plan(deletes=11), Limits(max_deletes=11), 1, []),
        (plan(deletes=99), Limits(max_deletes=None, max_delete_share=None), 1, []),
        (plan(deletes=1), Limits(max_deletes=0), 1, ["max_deletes"]),
        (plan(deletes=3, ours=10), Limits(), 1, []),
        (plan(deletes=4, ours=10), Limits(), 1, ["max_delete_share"]),
        (plan(deletes=SMALL_KIND - 1, ours=SMALL_KIND - 1), Limits(), 1, []),
        (plan(deletes=31), Limits(), 0, ["empty", "max_deletes", "max_delete_share"]),
        (plan(deletes=29), Limits(None, 0.29), 1, []),
        (plan(deletes=30), Limits(None, 0.29), 1, ["max_delete_share"]),
        (plan(replaces=50), Limits(), 1, []),
    ],
)
def test_limits(made, limits, declared, expected):
    assert codes(guard(made, limits, declared)) == expected


def test_a_guard_marks_a_plan_and_changes_nothing_else():
    made = replace(plan(deletes=20), violations=(Violation("older", "", ""),))
    marked = guard(made, Limits(), 1)
    assert codes(marked) == ["older", "max_deletes"]
    assert replace(marked, violations=made.violations) == made


def test_each_kind_has_its_own_share():
    few = tuple(change("few", f"n{number}", Action.DELETE) for number in range(5))
    made = replace(plan(deletes=1), changes=few, kinds={"s.k": 100, "s.few": 10})
    (violation,) = guard(made, Limits(), 1).violations
    assert violation.message == "5 of 10 s.few would be deleted (50 %), and the limit is 30%"


def test_kinds_with_large_shares_name_one_flag_that_lifts_them_all():
    doomed = tuple(change(kind, f"n{number}", Action.DELETE) for kind in ("a", "b") for number in range(4))
    made = replace(plan(), changes=(*doomed, change("b", "n5", Action.DELETE)), kinds={"s.a": 10, "s.b": 10})
    assert [violation.flag for violation in guard(made, Limits(), 1).violations] == ["--max-delete-share 50"] * 2
    assert guard(made, Limits(max_delete_share=0.5), 1).violations == ()


def test_what_is_only_disabled_counts_and_is_not_called_a_delete():
    disabled = replace(change("k", "n", Action.UPDATE), grace=7, fields=(FieldDiff(("active",), True, False),))
    (violation,) = guard(replace(plan(), changes=(disabled,)), Limits(max_deletes=0), 1).violations
    assert violation.message == "1 would be disabled or deleted, and the limit is 0"


@given(st.integers(0, 300), st.integers(1, 300), st.integers(0, 20), st.integers(0, 100))
def test_the_flags_that_are_named_lift_the_limits(deletes, ours, most, percent):
    made = plan(deletes=min(deletes, ours), ours=ours)
    limits = Limits(most, percent / 100)
    for violation in guard(made, limits, 1).violations:
        flag, number = re.fullmatch(r"--(max-deletes|max-delete-share) (\d+)", violation.flag).groups()
        if flag == "max-deletes":
            limits = replace(limits, max_deletes=int(number))
        else:
            limits = replace(limits, max_delete_share=int(number) / 100)
    assert guard(made, limits, 1).violations == ()
