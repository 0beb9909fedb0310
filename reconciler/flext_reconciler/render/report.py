"""How an apply went: what is done, what is not and why, and whether the platform is now as declared."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Outcome, Report, Status
from .details import field_lines
from .safe import clean
from .terminal import Terminal
from .values import show_change, show_moved
from .words import STATUSES, count, verdict

_MEANING = {
    Status.DONE: "good",
    Status.FAILED: "bad",
    Status.STALE: "warn",
    Status.BLOCKED: "warn",
    Status.NOT_STARTED: "warn",
}


def report_text(report: Report, terminal: Terminal) -> str:
    """Render the result of a run: what did not end well in full, then the totals and the proof."""
    lines = [line for outcome in report.outcomes for line in _trouble(outcome, terminal)]
    if lines:
        lines.append("")
    lines.append(terminal.paint("title", report_line(report)))
    if report.message:
        lines.append(terminal.paint("bad", clean(report.message)))
    lines.extend(_proof(report, terminal))
    return terminal.fit("\n".join(lines) + "\n")


def report_line(report: Report) -> str:
    """Say in one line how many changes ended how."""
    named = [f"{number:,} {STATUSES[status]}" for status, number in report.counts.items() if number]
    seen = f"{count(len(report.outcomes), 'change')}: {', '.join(named)}" if named else "Nothing was to be done"
    return f"Interrupted. {seen}" if report.interrupted else seen


def outcome_line(outcome: Outcome, terminal: Terminal) -> str:
    """Say how one change ended."""
    shown = f"{STATUSES[outcome.status]}  {outcome.action.symbol} {outcome.action} {clean(str(outcome.address))}"
    told = f"  ({outcome.seconds:.1f} s)" if outcome.status is Status.DONE else f": {clean(outcome.message)}"
    return terminal.fit(terminal.paint(_MEANING[outcome.status], shown) + told)


def _trouble(outcome: Outcome, terminal: Terminal) -> Iterator[str]:
    if outcome.status is Status.DONE:
        return
    yield outcome_line(outcome, terminal)
    show = show_moved if outcome.status is Status.STALE else show_change
    yield from (f"    {line}" for line in field_lines(outcome.fields, show))
    if outcome.hint:
        yield f"    {clean(outcome.hint)}"


def _proof(report: Report, terminal: Terminal) -> Iterator[str]:
    if report.residual is None:
        yield "The platform was not read again, so nothing is proven. Run `flext plan` to see what is left."
    elif report.converged:
        yield terminal.paint("good", "Read again and planned again: nothing is left to do.")
    else:
        yield terminal.paint("warn", f"Read again and planned again, not converged: {verdict(report.residual)}")
        for change in report.residual.changes:
            yield f"  {change.action.symbol} {change.action} {clean(str(change.address))}"
        for item in report.residual.blocked:
            yield f"  ! {clean(str(item.address))}: {clean(item.message)}"
