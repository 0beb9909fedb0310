"""The exit codes of every command, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..model import Plan, Report


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    ERROR = 1
    PENDING = 2
    DRIFTED = 3
    PENDING_AND_DRIFTED = 4
    NOT_CONVERGED = 5
    PARTLY_APPLIED = 6
    REFUSED = 7
    STALE = 8
    LOCKED = 9
    USAGE = 64
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.DONE: "done, or nothing to do",
    ExitCode.ERROR: "an error",
    ExitCode.PENDING: "changes are pending (`plan --detailed-exitcode`, `drift`)",
    ExitCode.DRIFTED: "the platform drifted, the declaration did not move (`drift`)",
    ExitCode.PENDING_AND_DRIFTED: "both (`drift`)",
    ExitCode.NOT_CONVERGED: "applied, and reading again still found something to do",
    ExitCode.PARTLY_APPLIED: "some changes were applied and some were not",
    ExitCode.REFUSED: "a guard, or an object that is protected or not ours, forbids the apply",
    ExitCode.STALE: "what the plan was made from has moved since",
    ExitCode.LOCKED: "somebody else is applying",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.INTERRUPTED: "stopped by Ctrl-C, at the end of a step",
    ExitCode.TERMINATED: "stopped by SIGTERM, at the end of a step",
}


def code_of_plan(plan: Plan, *, detailed: bool) -> ExitCode:
    """Tell how `plan` ends: what cannot be planned is an error, what must not be applied is not."""
    if unseen(plan):
        return ExitCode.ERROR
    return ExitCode.PENDING if detailed and not plan.is_empty else ExitCode.DONE


def code_of_drift(plan: Plan) -> ExitCode:
    """Tell how `drift` ends, by who moved; a server's own defaults page nobody."""
    if unseen(plan):
        return ExitCode.ERROR
    pending, drifted = moved(plan)
    if pending and drifted:
        return ExitCode.PENDING_AND_DRIFTED
    if drifted:
        return ExitCode.DRIFTED
    return ExitCode.PENDING if pending else ExitCode.DONE


def moved(plan: Plan) -> tuple[bool, bool]:
    """Tell whether the declaration moved and whether the platform did."""
    from ..model import Drift

    seen = {item.drift for item in plan.drift}
    return bool(seen & {Drift.GIT, Drift.BOTH}), bool(seen & {Drift.ACTUAL, Drift.BOTH})


def code_of_report(report: Report) -> ExitCode:
    """Tell how `apply` ends when it was not interrupted."""
    from ..model import Status

    counts = report.counts
    undone = counts[Status.FAILED] + counts[Status.BLOCKED] + counts[Status.NOT_STARTED]
    if counts[Status.STALE] and not counts[Status.FAILED]:
        return ExitCode.STALE
    if undone:
        return ExitCode.PARTLY_APPLIED if counts[Status.DONE] else ExitCode.ERROR
    return ExitCode.DONE if report.converged else ExitCode.NOT_CONVERGED


def code_of_apply(plan: Plan, report: Report) -> ExitCode:
    """Tell how `apply` ends, what was left out of the plan included; a report without outcomes did nothing."""
    code = code_of_report(report) if report.outcomes else ExitCode.DONE
    if code not in (ExitCode.DONE, ExitCode.NOT_CONVERGED):
        return code
    if unseen(plan):
        return ExitCode.PARTLY_APPLIED if report.outcomes else ExitCode.ERROR
    return ExitCode.REFUSED if plan.blocked else code


def unseen(plan: Plan) -> int:
    """Count what could not be looked at, so that nothing is known of it."""
    from ..model import BlockCode

    return sum(item.code in (BlockCode.UNKNOWN, BlockCode.UNSUPPORTED, BlockCode.AMBIGUOUS) for item in plan.blocked)
