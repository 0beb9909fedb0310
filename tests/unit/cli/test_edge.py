"""Whatever goes wrong ends in one message and the right code."""

from __future__ import annotations

import contextlib
import errno
import io

import click
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_reconciler.cli.edge import explain
from flext_reconciler.cli.main import Terminated
from flext_reconciler.errors import (
    DesiredStateError,
    ErrorKind,
    FlextError,
    GuardRefused,
    LedgerError,
    Locked,
    Place,
    PlanFileError,
    Problem,
    ServiceError,
    StalePlan,
    UsageError,
)


def _aborted_by(cause):
    error = click.Abort()
    error.__cause__ = cause
    return error


ENDS = [
    (FlextError("x"), 1),
    (UsageError("x"), 64),
    (DesiredStateError([Problem(Place("a.yaml", 1, 2), "x")]), 1),
    (ServiceError("x", kind=ErrorKind.TIMEOUT, service="flexcore", status=None), 1),
    (PlanFileError("x"), 1),
    (LedgerError("x"), 1),
    (GuardRefused("x"), 7),
    (StalePlan("x"), 8),
    (Locked("x"), 9),
    (click.UsageError("x"), 64),
    (click.BadParameter("x"), 64),
    (click.FileError("x"), 1),
    (_aborted_by(KeyboardInterrupt()), 130),
    (_aborted_by(Terminated()), 143),
    (KeyboardInterrupt(), 130),
    (Terminated(), 143),
    (ZeroDivisionError("x"), 1),
    (MemoryError(), 1),
    (OSError(errno.EACCES, "x"), 1),
]


@pytest.mark.parametrize(("error", "code"), ENDS, ids=lambda value: type(value).__name__)
def test_each_end_has_its_code_and_one_message(error, code, capsys):
    assert explain(error, ["plan"]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(("error", "code"), ENDS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("flags", [["--json"], ["--format", "json"], ["--format=json"]], ids=" ".join)
def test_json_gets_a_document_for_every_end(error, code, flags, capsys):
    explain(error, ["plan", *flags])
    document = orjson.loads(capsys.readouterr().out)
    assert document["error"]["exit_code"] == code
    assert document["error"]["message"]


def test_what_click_lays_out_with_tabs_is_told_without_them(capsys):
    explain(click.UsageError("Choose from:\n\tbash,\n\tzsh"), ["completion"])
    assert "Choose from:\n    bash,\n    zsh\n" in capsys.readouterr().err


def test_the_text_of_a_bug_stays_inside(capsys):
    explain(ValueError("it may quote a secret"), ["plan", "--json"])
    shown = capsys.readouterr()
    assert "ValueError" in shown.err
    assert "quote a secret" not in shown.err + shown.out


def test_problems_are_listed_with_their_places(capsys):
    problems = [Problem(Place("b.yaml", 2, 1), "second", "a hint"), Problem(Place("a.yaml", 1, 3), "first")]
    explain(DesiredStateError(problems), ["validate", "--json"])
    document = orjson.loads(capsys.readouterr().out)
    assert [item["file"] for item in document["error"]["problems"]] == ["a.yaml", "b.yaml"]
    assert document["error"]["problems"][1]["hint"] == "a hint"


def test_debug_shows_the_traceback(capsys):
    try:
        raise ZeroDivisionError("deep inside\x1b[2J")
    except ZeroDivisionError as error:
        explain(error, ["plan", "--debug"])
    shown = capsys.readouterr().err
    assert "deep inside\\x1b[2J" in shown
    assert "\x1b" not in shown


@given(st.text(st.characters(codec="utf-8")))
def test_no_message_reaches_a_terminal_with_its_escapes(text):
    with contextlib.redirect_stderr(io.StringIO()) as shown:
        explain(FlextError(text, hint=text), ["plan"])
    assert shown.getvalue().replace("\n", "").isprintable()
