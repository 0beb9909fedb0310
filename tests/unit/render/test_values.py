"""Values on one line, and secrets that stay secret."""

from __future__ import annotations

import pytest
from hypothesis import given

from flext_reconciler.model import ABSENT, Address, Deferred, Effect, FieldDiff, Secret
from flext_reconciler.render.values import show_change, show_path, show_value, sign
from strategies import field_diffs, json_values


def _secret(fingerprint):
    return Secret("${env:T}", fingerprint)


PATHS = [
    ((), "(whole)"),
    (("schedule",), "schedule"),
    (("steps", 0, "name"), "steps[0].name"),
    (("config", "a.b"), 'config["a.b"]'),
    (("0", 0), '["0"][0]'),
    (("x\x1b[2J",), '["x\\u001b[2J"]'),
    (("\u202e",), '["\\u202e"]'),
]
VALUES = [
    (None, "null"),
    (True, "true"),
    (1, "1"),
    (1.0, "1.0"),
    ("1", '"1"'),
    (ABSENT, "(none)"),
    ({"b": 1, "a": [True]}, '{"a":[true],"b":1}'),
    (_secret("a1b2c3d4e5f60718"), "(secret #a1b2)"),
    ({"x": _secret("a1b2c3d4e5f60718")}, '{"x":"(secret #a1b2)"}'),
    ({"password": "in clear"}, '{"password":"(secret)"}'),
    (Deferred("${ref:a.b/c.id}", Address("a", "b", "c"), ("id",)), "(known after apply: ${ref:a.b/c.id})"),
]
CHANGES = [
    (FieldDiff(("a",), 1, 2), "~", "1 → 2"),
    (FieldDiff(("a",), ABSENT, 2), "+", "2"),
    (FieldDiff(("a",), 1, ABSENT), "-", "1"),
    (FieldDiff(("a",), 1, 2, Effect.REPLACE), "~", "1 → 2  (forces a replace)"),
    (FieldDiff(("a",), 1, 2, note="why\x07"), "~", "1 → 2  (why\\x07)"),
    (FieldDiff(("a",), _secret("a" * 16), _secret("b" * 16)), "~", "(secret) changed #aaaa → #bbbb"),
    (
        FieldDiff(("a",), _secret("aaaa" + "0" * 12), _secret("aaaa1" + "0" * 11)),
        "~",
        "(secret) changed #aaaa0 → #aaaa1",
    ),
    (FieldDiff(("a",), ABSENT, _secret("b" * 16)), "+", "(secret) set #bbbb"),
    (FieldDiff(("a",), _secret("b" * 16), ABSENT), "-", "(secret) removed"),
    (FieldDiff(("password",), "in clear", "too"), "~", "(secret) changed"),
    (FieldDiff(("x",), "in clear", "too", secret=True), "~", "(secret) changed"),
]


@pytest.mark.parametrize(("path", "shown"), PATHS)
def test_paths(path, shown):
    assert show_path(path) == shown


@pytest.mark.parametrize(("value", "shown"), VALUES)
def test_values(value, shown):
    assert show_value(value) == shown


@pytest.mark.parametrize(("diff", "mark", "shown"), CHANGES)
def test_changes(diff, mark, shown):
    assert (sign(diff), show_change(diff)) == (mark, shown)


def test_a_long_value_is_cut_and_says_so():
    shown = show_value("x" * 1000)
    assert len(shown) < 200
    assert shown.endswith("… (1,002 characters)")


@given(json_values())
def test_any_value_takes_one_printable_line(value):
    assert show_value(value).isprintable()


@given(field_diffs())
def test_any_change_takes_one_printable_line(diff):
    assert show_change(diff).isprintable()
    assert show_path(diff.path).isprintable()
