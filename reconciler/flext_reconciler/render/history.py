"""Past runs: a table of them, or everything about one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from ..ledger import Run
from ..model import Json, Plan, Report
from ..planfile import to_json
from .documents import FORMAT_VERSION, outcome_document
from .report import outcome_line, report_line
from .safe import clean
from .table import Cell, table
from .terminal import Terminal
from .text import plan_text

_REVISION = 12  # characters of a Git revision that people compare
_GOOD = ("converged",)


def history_text(runs: Sequence[Run], terminal: Terminal, *, under_way: bool) -> str:
    """Render runs, newest first; `under_way` tells that somebody is applying now."""
    if not runs:
        return "Nothing was applied yet.\n"
    rows = [_row(run, under_way and number == 0) for number, run in enumerate(runs)]
    lines = table(("run", "started", "who", "revision", "ended", "what"), rows, terminal)
    return terminal.fit("\n".join(lines) + "\n")


def run_text(run: Run, plan: Plan | None, terminal: Terminal, *, under_way: bool) -> str:
    """Render one run and the plan that it applied."""
    meaning, ended = _end(run, under_way)
    lines = [
        terminal.paint("title", f"flext run {run.id}"),
        "",
        f"started   {_when(run.started)}",
        f"ended     {_when(run.ended) if run.ended else '-'}",
        f"by        {clean(run.who)}",
        f"revision  {clean(run.revision) or '-'}",
        *([f"undoes    run {run.undoes}"] if run.undoes else []),
        f"plan      {clean(run.plan) or '-'}",
        terminal.paint(meaning, ended),
        *_outcomes(run, terminal),
    ]
    return terminal.fit("\n".join(lines) + "\n") + ("" if plan is None else "\n" + plan_text(plan, terminal))


def history_document(environment: str, runs: Iterable[Run]) -> dict[str, Json]:
    """Return runs as JSON."""
    return {"format_version": FORMAT_VERSION, "environment": environment, "runs": [_run(run) for run in runs]}


def run_document(environment: str, run: Run, plan: Plan | None) -> dict[str, Json]:
    """Return one run and its plan as JSON."""
    return {
        "format_version": FORMAT_VERSION,
        "environment": environment,
        "run": _run(run),
        "plan": None if plan is None else to_json(plan),
    }


def _row(run: Run, under_way: bool) -> Sequence[Cell]:
    return (
        ("", str(run.id)),
        ("", _when(run.started)),
        ("", clean(run.who)),
        ("dim", clean(_short(run.revision)) or "-"),
        _end(run, under_way),
        ("", _changed(run)),
    )


def _outcomes(run: Run, terminal: Terminal) -> Iterator[str]:
    if run.outcomes or run.unknown:
        yield _changed(run)
    for outcome in run.outcomes:
        yield f"  {outcome_line(outcome, terminal)}"
    for address, action in run.unknown.items():
        shown = f"in flight  {action.symbol} {action} {clean(str(address))}"
        yield terminal.fit(f"  {terminal.paint('warn', shown)}: it began, and its end was not written down")


def _changed(run: Run) -> str:
    told = [report_line(Report(run.outcomes))] if run.outcomes else []
    told += [f"{len(run.unknown):,} in flight"] if run.unknown else []
    said = ", ".join(told) or "-"
    return f"rollback of run {run.undoes}: {said}" if run.undoes else said


def _short(revision: str) -> str:
    commit, dash, mark = revision.partition("-")
    return commit[:_REVISION] + dash + mark


def _end(run: Run, under_way: bool) -> Cell:
    if run.ended is not None:
        return ("good" if run.result in _GOOD else "warn", clean(run.result))
    return ("dim", "under way") if under_way else ("bad", "cut short")


def _when(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _run(run: Run) -> dict[str, Json]:
    return {
        "id": run.id,
        "started": run.started.isoformat(),
        "ended": None if run.ended is None else run.ended.isoformat(),
        "who": run.who,
        "revision": run.revision,
        "undoes": run.undoes,
        "plan": run.plan,
        "result": run.result,
        "outcomes": [outcome_document(outcome) for outcome in run.outcomes],
        "in_flight": [{"address": str(address), "action": action.value} for address, action in run.unknown.items()],
    }
