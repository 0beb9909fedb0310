"""YAML 1.2's core schema, scalar by scalar."""

from __future__ import annotations

import pytest

from flext_reconciler.load.scalars import resolve

TEXTS = ["no", "on", "yes", "off", "y", "N", "12:30:45", "2026-11-23", "0b1", "1_000", "0o8", "0xg", "1.2.3", "=", "<<"]
TEXTS += [
    "+",
    "-",
    ".",
    "..",
    "1e",
    "e1",
    "tRUE",
    "nULL",
    "0x",
    "+0x1",
    "-0o1",
    "1 2",
    "١",
    "--1",
    ".inf2",
    "inf",
    "nan",
]
VALUES = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    "0": 0,
    "010": 10,
    "+7": 7,
    "-7": -7,
    "0o10": 8,
    "0xfF": 255,
    "-9223372036854775808": -(2**63),
    "1.": 1.0,
    ".5": 0.5,
    "1e3": 1000.0,
    "-1.5E-3": -0.0015,
    "+.5e+1": 5.0,
    "0.0": 0.0,
}


@pytest.mark.parametrize("text", TEXTS)
def test_texts_stay_texts(text):
    assert resolve(text) == text


@pytest.mark.parametrize("text", VALUES)
def test_values(text):
    assert (resolve(text), type(resolve(text))) == (VALUES[text], type(VALUES[text]))


@pytest.mark.parametrize(
    "text", [".inf", "-.Inf", "+.INF", ".nan", ".NaN", "1e400", "9223372036854775808", "0x" + "f" * 17]
)
def test_what_json_has_no_word_for_is_refused(text):
    with pytest.raises(ValueError, match=r"JSON form|64 bits"):
        resolve(text)
