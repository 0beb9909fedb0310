"""A plan for a terminal: verdict, risk, table with deletes first, details, what is in the way, verdict again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..model import Action, Blocked, Change, Drift, DriftItem, Plan
from .details import detail_lines, field_lines, show_place
from .safe import clean
from .table import Cell, table
from .terminal import Terminal
from .values import show_change, show_drift
from .words import BLOCKS, DRIFTS, LISTED, REASONS, asides, by_severity, left_as_is, named, risk_sentence, verdict


def plan_text(plan: Plan, terminal: Terminal, next_step: str = "") -> str:
    """Render a plan; `next_step` is the command that a reader would run now."""
    body = [
        *_changes(plan, terminal),
        *_blocked(plan.blocked, terminal),
        *_guards(plan, terminal),
        *_asides(plan, terminal),
    ]
    lines = [terminal.paint("title", f"flext plan  {clean(plan.environment)}"), "", *_head(plan, terminal)]
    if body:
        last = verdict(plan) + (f". {clean(next_step)}" if next_step else "")
        lines += ["", *body, terminal.paint("title", last)]
    return terminal.fit("\n".join(lines) + "\n")


def _head(plan: Plan, terminal: Terminal) -> Iterator[str]:
    yield terminal.paint("title", verdict(plan))
    if plan.changes:
        yield terminal.paint(plan.risk, risk_sentence(plan))
    if plan.undoes:
        yield f"Takes back what run {plan.undoes} did."
    if not plan.complete:
        yield terminal.paint("warn", "Only a part was looked at.")


def _changes(plan: Plan, terminal: Terminal) -> Iterator[str]:
    if not plan.changes:
        return
    ordered = by_severity(plan.changes)
    yield from table(
        ("", "action", "resource", "because", "declared at"), [_row(c, terminal) for c in ordered], terminal
    )
    yield ""
    for change in ordered:
        yield from _detail(change, terminal)


def _row(change: Change, terminal: Terminal) -> Sequence[Cell]:
    return (
        (change.action, terminal.fit(change.action.symbol)),
        (change.action, change.action.value),
        ("", clean(str(change.address))),
        ("", REASONS[change.reason]),
        ("dim", show_place(change.place)),
    )


def _detail(change: Change, terminal: Terminal) -> Iterator[str]:
    told = list(detail_lines(change))
    if not told:
        return
    yield terminal.paint(change.action, f"{change.action.symbol} {clean(str(change.address))}")
    yield from _indented(told, terminal)
    yield ""


def _indented(lines: Iterable[str], terminal: Terminal) -> Iterator[str]:
    meanings = {"+": Action.CREATE, "-": Action.DELETE, "~": Action.UPDATE, "!": "warn", "(": "dim"}
    for line in lines:
        yield "    " + terminal.paint(meanings[line[0]], line)


def _blocked(blocked: Sequence[Blocked], terminal: Terminal) -> Iterator[str]:
    if not blocked:
        return
    yield terminal.paint("bad", f"{left_as_is(blocked)}:")
    for item in blocked:
        place = show_place(item.place)
        yield f"  ! {clean(str(item.address))}  {BLOCKS[item.code]}: {clean(item.message)}" + (
            f"  {terminal.paint('dim', place)}" if place else ""
        )
        if item.hint:
            yield f"      {clean(item.hint)}"
        yield from (f"  {line}" for line in _indented(field_lines(item.fields), terminal))
    yield ""


def _guards(plan: Plan, terminal: Terminal) -> Iterator[str]:
    if not plan.violations:
        return
    yield terminal.paint("bad", "Guards forbid applying this plan:")
    for violation in plan.violations:
        yield f"  ! {clean(violation.message)}  (to allow it: {clean(violation.flag)})"
    yield ""


def _asides(plan: Plan, terminal: Terminal) -> Iterator[str]:
    for title, lines in asides(plan):
        yield terminal.paint("title", f"{title}:")
        yield from (f"  {clean(line)}" for line in lines[:LISTED])
        if len(lines) > LISTED:
            yield f"  (and {len(lines) - LISTED:,} more; --json lists them all)"
        yield ""


def drift_text(plan: Plan, terminal: Terminal, headline: str) -> str:
    """Render who moved what since the last apply; `headline` is said first and last."""
    body = [line for item in plan.drift for line in _moved(item, terminal)]
    if body:
        body.append("")
    body.extend(_blocked(plan.blocked, terminal))
    lines = [terminal.paint("title", f"flext drift  {clean(plan.environment)}"), "", terminal.paint("title", headline)]
    if body:
        lines += ["", *body, lines[-1]]
    return terminal.fit("\n".join(lines) + "\n")


def _moved(item: DriftItem, terminal: Terminal) -> Iterator[str]:
    told = f": {clean(item.message)}" if item.message else ""
    yield terminal.paint("warn", f"{clean(named(item))}  {DRIFTS[item.drift]}") + told
    show = show_change if item.drift is Drift.SERVER_DEFAULT else show_drift
    yield from _indented(field_lines(item.fields, show), terminal)
