"""Each way a command can end has its code, and only one."""

from __future__ import annotations

import pytest

from flext_reconciler.cli.exit_codes import (
    MEANINGS,
    ExitCode,
    code_of_apply,
    code_of_drift,
    code_of_plan,
    code_of_report,
)
from flext_reconciler.model import (
    Action,
    Address,
    BlockCode,
    Blocked,
    Change,
    Drift,
    DriftItem,
    Outcome,
    Plan,
    Reason,
    Report,
    Status,
    Violation,
)

A, B = Address("flexcore", "plugin", "a"), Address("flexcore", "plugin", "b")
CHANGE = Change(A, Action.CREATE, Reason.NEW)
EMPTY = Plan("dev", {})


def plan(*, changes=(), blocked=(), drift=(), violations=()):
    return Plan(
        "dev",
        {},
        changes=changes,
        blocked=tuple(Blocked(B, code, "why") for code in blocked),
        drift=tuple(DriftItem(A, kind) for kind in drift),
        violations=violations,
    )


PLANS = [
    (EMPTY, False, ExitCode.DONE),
    (EMPTY, True, ExitCode.DONE),
    (plan(changes=(CHANGE,)), False, ExitCode.DONE),
    (plan(changes=(CHANGE,)), True, ExitCode.PENDING),
    (plan(changes=(CHANGE,), violations=(Violation("a", "b", "c"),)), False, ExitCode.DONE),
    (plan(blocked=[BlockCode.FOREIGN]), False, ExitCode.DONE),
    (plan(blocked=[BlockCode.PROTECTED]), True, ExitCode.PENDING),
    (plan(blocked=[BlockCode.UNKNOWN]), False, ExitCode.ERROR),
    (plan(blocked=[BlockCode.UNSUPPORTED]), True, ExitCode.ERROR),
    (plan(changes=(CHANGE,), blocked=[BlockCode.AMBIGUOUS]), True, ExitCode.ERROR),
]
DRIFTS = [
    ([], ExitCode.DONE),
    ([Drift.SERVER_DEFAULT], ExitCode.DONE),
    ([Drift.GIT], ExitCode.PENDING),
    ([Drift.ACTUAL], ExitCode.DRIFTED),
    ([Drift.ACTUAL, Drift.SERVER_DEFAULT], ExitCode.DRIFTED),
    ([Drift.GIT, Drift.ACTUAL], ExitCode.PENDING_AND_DRIFTED),
    ([Drift.BOTH], ExitCode.PENDING_AND_DRIFTED),
]
STATUSES = [
    ([Status.DONE], True, ExitCode.DONE),
    ([Status.DONE], False, ExitCode.NOT_CONVERGED),
    ([Status.DONE, Status.FAILED], False, ExitCode.PARTLY_APPLIED),
    ([Status.FAILED], False, ExitCode.ERROR),
    ([Status.FAILED, Status.BLOCKED], False, ExitCode.ERROR),
    ([Status.STALE], False, ExitCode.STALE),
    ([Status.DONE, Status.STALE], False, ExitCode.STALE),
    ([Status.DONE, Status.STALE, Status.BLOCKED], False, ExitCode.STALE),
    ([Status.DONE, Status.STALE, Status.FAILED], False, ExitCode.PARTLY_APPLIED),
    ([Status.DONE, Status.NOT_STARTED], False, ExitCode.PARTLY_APPLIED),
]


def report(statuses, *, converged):
    outcomes = tuple(Outcome(A, Action.CREATE, status) for status in statuses)
    return Report(outcomes, residual=EMPTY if converged else plan(changes=(CHANGE,)))


@pytest.mark.parametrize(("given", "detailed", "code"), PLANS)
def test_plan(given, detailed, code):
    assert code_of_plan(given, detailed=detailed) is code


@pytest.mark.parametrize(("drifts", "code"), DRIFTS)
def test_drift(drifts, code):
    assert code_of_drift(plan(drift=drifts)) is code


def test_drift_that_could_not_look_is_an_error():
    assert code_of_drift(plan(drift=[Drift.ACTUAL], blocked=[BlockCode.UNKNOWN])) is ExitCode.ERROR


@pytest.mark.parametrize(("statuses", "converged", "code"), STATUSES)
def test_report(statuses, converged, code):
    assert code_of_report(report(statuses, converged=converged)) is code


@pytest.mark.parametrize(
    ("blocked", "statuses", "code"),
    [
        ([], [], ExitCode.DONE),
        ([BlockCode.FOREIGN], [], ExitCode.REFUSED),
        ([BlockCode.FOREIGN], [Status.DONE], ExitCode.REFUSED),
        ([BlockCode.PROTECTED], [Status.FAILED], ExitCode.ERROR),
        ([BlockCode.UNKNOWN], [], ExitCode.ERROR),
        ([BlockCode.UNKNOWN, BlockCode.FOREIGN], [Status.DONE], ExitCode.PARTLY_APPLIED),
    ],
)
def test_apply_counts_what_was_left_out(blocked, statuses, code):
    assert code_of_apply(plan(blocked=blocked), report(statuses, converged=False)) is code


def test_every_code_has_a_meaning():
    assert set(MEANINGS) == set(ExitCode)
