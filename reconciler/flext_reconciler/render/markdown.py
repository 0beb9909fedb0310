"""A plan for a pull request: the same order as on a terminal, within the size that forges accept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..model import Action, Blocked, Change, Plan
from .details import detail_lines, field_lines, show_place
from .safe import clean, code, fence, marker
from .words import BLOCKS, LISTED, REASONS, asides, by_severity, count, left_as_is, risk_sentence, verdict

BUDGET = 60_000
"""Characters; GitHub refuses a comment of more than 65,536."""

_LINE = 300  # no single line of data is longer
_DETAIL_LINES = 100
_ROOM_FOR_COUNTS = 200


def plan_markdown(plan: Plan, fingerprint: str, budget: int = BUDGET) -> str:
    """Render a plan; details are dropped from the lowest risk up, and counted, when they do not fit."""
    ordered = by_severity(plan.changes)
    head = [marker("flext:plan", environment=plan.environment, fingerprint=fingerprint), *_head(plan)]
    told = _within([*_guards(plan), *_blocked(plan), *_asides(plan)], budget // 2)
    foot = [*told, f"**{verdict(plan)}** · plan `{fingerprint[:12]}`"]
    room = budget - _size(head) - _size(foot) - _ROOM_FOR_COUNTS
    rows = _table(ordered, room)
    details = _details(ordered, room - _size(rows))
    return "\n".join([*head, *rows, *details, *foot]) + "\n"


def _head(plan: Plan) -> Iterator[str]:
    yield f"### flext plan {_data(plan.environment)}: {verdict(plan)}"
    yield ""
    if plan.changes:
        yield f"**{risk_sentence(plan)}**"
        yield ""
    if plan.undoes:
        yield f"Takes back what run {plan.undoes} did."
        yield ""
    if not plan.complete:
        yield "Only a part was looked at."
        yield ""
    yield from _warning(plan)


def _warning(plan: Plan) -> Iterator[str]:
    harsh = [change for change in by_severity(plan.changes) if change.action in (Action.DELETE, Action.REPLACE)]
    if harsh:
        yield "> [!WARNING]"
        for change in harsh[:LISTED]:
            yield f"> - {change.action} {_data(str(change.address))}"
        if len(harsh) > LISTED:
            yield f"> - and {len(harsh) - LISTED:,} more"
        yield ""


def _table(changes: Sequence[Change], room: int) -> list[str]:
    if not changes:
        return []
    lines = ["| | Resource | Action | Why | Risk | Declared at |", "|--|--|--|--|--|--|"]
    room -= _size(lines)
    for index, change in enumerate(changes):
        line = _row(change)
        if len(line) + 1 > room:
            left = count(len(changes) - index, "change")
            return [*lines, "", f"{left} of lower risk not listed; the JSON has all.", ""]
        room -= len(line) + 1
        lines.append(line)
    return [*lines, ""]


def _row(change: Change) -> str:
    place = _data(show_place(change.place), in_table=True) if change.place else ""
    address = _data(str(change.address), in_table=True)
    why = REASONS[change.reason]
    return f"| `{change.action.symbol}` | {address} | {change.action} | {why} | {change.risk} | {place} |"


def _details(changes: Sequence[Change], room: int) -> list[str]:
    blocks = [block for block in map(_detail, by_risk(changes)) if block]
    shown: list[str] = []
    for index, block in enumerate(blocks):
        if _size(block) > room:
            left = count(len(blocks) - index, "change")
            return _folded([*shown, f"The details of {left} of lower risk do not fit here; the JSON has them.", ""])
        room -= _size(block)
        shown.extend(block)
    return _folded(shown)


def by_risk(changes: Iterable[Change]) -> list[Change]:
    """Sort changes by falling risk, keeping their order otherwise."""
    return sorted(changes, key=lambda change: ["high", "medium", "low"].index(change.risk))


def _folded(lines: list[str]) -> list[str]:
    return ["<details><summary>Details</summary>", "", *lines, "</details>", ""] if lines else []


def _detail(change: Change) -> list[str]:
    lines = [_clip(line) for line in detail_lines(change)]
    if not lines:
        return []
    if len(lines) > _DETAIL_LINES:
        lines = [*lines[:_DETAIL_LINES], f"({len(lines) - _DETAIL_LINES} more lines)"]
    return [f"{_data(str(change.address))} {change.action}", "", *fence(map(_as_diff, lines)), ""]


def _as_diff(line: str) -> str:
    """Let the forge colour lines: its diff language knows `!` for changed and `#` for said."""
    return {"~": "!", "!": "#"}.get(line[0], line[0]) + line[1:]


def _blocked(plan: Plan) -> Iterator[str]:
    if plan.blocked:
        yield f"**{left_as_is(plan.blocked)}**"
        yield ""
        yield from _listed([_held_back(item) for item in plan.blocked])


def _held_back(item: Blocked) -> str:
    told = f"{BLOCKS[item.code]}: {_data(f'{item.address}: {item.message}')}"
    return told + "".join(f"\n  - {_data(line)}" for line in field_lines(item.fields)[:LISTED])


def _guards(plan: Plan) -> Iterator[str]:
    if plan.violations:
        yield "**Guards forbid applying this plan**"
        yield ""
        yield from _listed([f"{_data(v.message)}, lifted by {_data(v.flag)}" for v in plan.violations])


def _asides(plan: Plan) -> Iterator[str]:
    for title, lines in asides(plan):
        yield f"**{title}**"
        yield ""
        yield from _listed([_data(line) for line in lines])


def _listed(items: Sequence[str]) -> Iterator[str]:
    yield from (f"- {item}" for item in items[:LISTED])
    if len(items) > LISTED:
        yield f"- and {len(items) - LISTED:,} more"
    yield ""


def _data(text: str, *, in_table: bool = False) -> str:
    return code(_clip(clean(text)), in_table=in_table)


def _clip(text: str) -> str:
    return text if len(text) <= _LINE else text[: _LINE - 1] + "…"


def _within(lines: Sequence[str], room: int) -> list[str]:
    kept: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return [*kept, "", "The rest does not fit here; the JSON has all.", ""]
        kept.append(line)
    return kept


def _size(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)
