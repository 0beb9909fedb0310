"""How a simulated apply went: each write request, each outcome, what is left, and whether it comes right."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Json, Plan, Status
from ..planfile import to_json
from ..simulate import Rehearsal, Request
from .documents import FORMAT_VERSION, report_document
from .report import report_text
from .safe import clean, fence
from .table import Cell, table
from .terminal import Terminal
from .words import LISTED, STATUSES, count, verdict


def simulation_text(shown: Rehearsal, terminal: Terminal) -> str:
    """Render a simulation for a terminal."""
    lines = [terminal.paint("title", f"flext plan --simulate  {clean(shown.plan.environment)}"), ""]
    lines += [
        verdict(shown.plan),
        "Carried out on embedded services that hold what was read; the real ones were not written.",
        "",
    ]
    lines += _requests(shown, terminal)
    lines += _ending(shown, terminal)
    lines += _afterwards(shown, terminal)
    return terminal.fit("\n".join(lines) + "\n")


def simulation_markdown(shown: Rehearsal) -> str:
    """Render a simulation for a comment."""
    return "\n".join(fence(simulation_text(shown, Terminal()).rstrip("\n").split("\n"), "text")) + "\n"


def _requests(shown: Rehearsal, terminal: Terminal) -> Iterator[str]:
    if not shown.requests:
        return
    rows = [_row(request) for request in shown.requests]
    yield from table(("step", "for", "request", "answer"), rows, terminal)
    yield ""


def _row(request: Request) -> tuple[Cell, ...]:
    answer = str(request.status) if request.status else "no answer"
    return (
        ("", str(request.step)),
        ("", clean(str(request.address))),
        ("", clean(f"{request.method} {request.service}{request.path}")),
        ("bad" if request.fault else "", answer + (f" ({request.fault})" if request.fault else "")),
    )


def _ending(shown: Rehearsal, terminal: Terminal) -> Iterator[str]:
    if shown.report is None:
        assert shown.fail_at is not None
        yield terminal.paint("bad", f"flext was killed at step {shown.fail_at.step}, before it heard of the answer.")
    else:
        done = [outcome for outcome in shown.report.outcomes if outcome.status is Status.DONE]
        for outcome in done[:LISTED]:
            how = f"{STATUSES[outcome.status]}  {outcome.action.symbol} {outcome.action}"
            yield terminal.paint("good", f"{how} {clean(str(outcome.address))}")
        if len(done) > LISTED:
            yield f"(and {len(done) - LISTED:,} more done)"
        yield from report_text(shown.report, terminal).rstrip("\n").split("\n")
    yield ""


def _afterwards(shown: Rehearsal, terminal: Terminal) -> Iterator[str]:
    there = ", ".join(f"{number:,} {clean(kind)}" for kind, number in shown.there.items()) or "nothing"
    yield f"Then there were: {there}."
    proof = shown.report.residual if shown.report is not None else None
    if not shown.resume.is_empty and (proof is None or proof.changes != shown.resume.changes):
        yield f"The next plan: {verdict(shown.resume)}"
        yield from _listed(shown.resume)
    if shown.converges:
        runs = f"after {count(shown.runs, 'further run')}" if shown.runs else "at once"
        yield terminal.paint("good", f"It converges, {runs}.")
    else:
        yield terminal.paint("bad", f"It does not converge. After {count(shown.runs, 'further run')}:")
        yield from _listed(shown.left)


def _listed(plan: Plan) -> Iterator[str]:
    changes = [f"  {change.action.symbol} {change.action} {clean(str(change.address))}" for change in plan.changes]
    blocked = [f"  ! {clean(str(item.address))}: {clean(item.message)}" for item in plan.blocked]
    lines = changes + blocked
    yield from lines[:LISTED]
    if len(lines) > LISTED:
        yield f"  (and {len(lines) - LISTED:,} more; --json lists them all)"


def simulation_document(shown: Rehearsal) -> dict[str, Json]:
    """Everything about a simulation, as JSON; the seconds that nothing took are left out."""
    return {
        "format_version": FORMAT_VERSION,
        "environment": shown.plan.environment,
        "plan": to_json(shown.plan),
        "fail_at": {"step": shown.fail_at.step, "fault": shown.fail_at.fault} if shown.fail_at else None,
        "requests": [_request(request) for request in shown.requests],
        "apply": _apply(shown),
        "there": dict(shown.there),
        "resume": to_json(shown.resume),
        "further_runs": shown.runs,
        "left": to_json(shown.left),
        "converges": shown.converges,
    }


def _request(request: Request) -> dict[str, Json]:
    return {
        "step": request.step,
        "address": str(request.address),
        "service": request.service,
        "method": request.method,
        "path": request.path,
        "status": request.status or None,
        "fault": request.fault or None,
    }


def _apply(shown: Rehearsal) -> dict[str, Json] | None:
    if shown.report is None:
        return None
    document = report_document(shown.report, shown.plan)
    outcomes = [{name: value for name, value in each.items() if name != "seconds"} for each in document["outcomes"]]
    return {**document, "outcomes": outcomes}
