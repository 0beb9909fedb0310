"""Two plans held against each other, in every format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..model import Json
from ..planfile.compare import Comparison, Difference, Side, Verdict
from ..planfile.encode import fields_to_json
from .documents import FORMAT_VERSION
from .safe import clean, fence
from .terminal import Terminal
from .values import show_change, show_path
from .words import count

_SIDES = {Side.REVIEWED: "only reviewed", Side.NOW: "only now", Side.BOTH: "differs"}
_MEANINGS = {Side.REVIEWED: "dim", Side.NOW: "bad", Side.BOTH: "bad"}


def headline(comparison: Comparison) -> str:
    """Say in one line whether what would be done now was reviewed."""
    number = sum(1 for difference in comparison.differences if difference.side is not Side.REVIEWED)
    if comparison.verdict is Verdict.EQUAL:
        return "Equal: exactly what was reviewed"
    if comparison.verdict is Verdict.SUBSET:
        return f"Subset: nothing but what was reviewed, {len(comparison.differences):,} of it not needed any more"
    if not number:
        return "Different: the services are not the reviewed ones"
    return f"Different: {count(number, 'change')} that nobody reviewed"


def comparison_text(comparison: Comparison, environment: str, terminal: Terminal) -> str:
    """Render a comparison for a terminal."""
    meaning = "bad" if comparison.verdict is Verdict.DIFFERENT else "good"
    told = terminal.paint(meaning, headline(comparison))
    body = list(_lines(comparison, terminal))
    lines = [terminal.paint("title", f"flext compare  {clean(environment)}"), "", told]
    if body:
        lines += ["", *body, "", told]
    return terminal.fit("\n".join(lines) + "\n")


def comparison_markdown(comparison: Comparison) -> str:
    """Render a comparison for a pull request."""
    body = list(_lines(comparison, Terminal()))
    lines = [f"### flext compare: {headline(comparison)}", ""]
    return "\n".join([*lines, *(fence(body, "text") if body else [])]) + "\n"


def comparison_document(comparison: Comparison, environment: str) -> dict[str, Json]:
    """Return a comparison as JSON."""
    return {
        "format_version": FORMAT_VERSION,
        "environment": environment,
        "verdict": comparison.verdict.value,
        "services": list(comparison.services),
        "notices": list(comparison.notices),
        "differences": [_document(difference) for difference in comparison.differences],
    }


def _document(difference: Difference) -> dict[str, Json]:
    return {
        "address": str(difference.address),
        "side": difference.side.value,
        "cause": difference.cause.value,
        "message": difference.message,
        "reviewed": difference.reviewed.value if difference.reviewed else None,
        "now": difference.now.value if difference.now else None,
        "fields": fields_to_json(difference.fields),
    }


def _lines(comparison: Comparison, terminal: Terminal) -> Iterator[str]:
    width = max((len(_SIDES[difference.side]) for difference in comparison.differences), default=0)
    for difference in comparison.differences:
        side = terminal.paint(_MEANINGS[difference.side], _SIDES[difference.side].ljust(width))
        yield f"{side}  {_actions(difference)} {clean(str(difference.address))}: {clean(difference.message)}"
        for field in difference.fields:
            yield f"    {field.note} {show_path(field.path)}: {show_change(replace(field, note=''))}"
    for service in comparison.services:
        yield f"{clean(service)} is another service than the reviewed one: its origin differs"
    yield from map(clean, comparison.notices)


def _actions(difference: Difference) -> str:
    actions = dict.fromkeys(action for action in (difference.reviewed, difference.now) if action)
    return " → ".join(f"{action.symbol} {action}" for action in actions)
