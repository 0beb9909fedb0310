"""Untrusted text made harmless: the only way that data reaches a terminal or Markdown.

Names, values and messages come from pull requests and from services. On a terminal they could move the cursor or hide
a line; in Markdown they could forge a heading, mention a team or load an image. So every unprintable character is shown
as its escape, and in Markdown data stands in code spans and fences only, where nothing is markup.
In the log of a CI job they could be commands to its runner, so finished text is broken where a runner would obey it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

_BACKTICKS = re.compile("`+")

# GitHub's runner trims a line before it looks for `::`, and like those of Azure and TeamCity it looks for `##[` and
# `##vso[` anywhere. Colours of our own may stand before.
_COMMAND_LINE = re.compile(r"^((?:[ \t]|\x1b\[[0-9;]*m)*:):", re.MULTILINE)
_COMMAND_WORD = re.compile(r"##(?=[A-Za-z]*\[)")
_UNSEEN = re.compile(r"[^\n -~]")


def clean(text: str) -> str:
    """Show control, bidirectional, invisible and line-breaking characters as `\\x1b`, `\\u202e` and the like."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def clean_lines(text: str) -> list[str]:
    """Clean text whose newlines are meant, line by line."""
    return [clean(line) for line in text.split("\n")]


def inert(text: str) -> str:
    """Break what the runner of a CI job would obey, in finished text: `:\\x3aerror::` and `#\\x23vso[` are words."""
    lines = _COMMAND_LINE.sub(r"\1\\x3a", text) if "::" in text else text  # looking at every line takes longer
    return _COMMAND_WORD.sub(r"#\\x23", lines)


def inert_json(document: str) -> str:
    """Write the same JSON so that no runner obeys it, and with every character that cannot be seen as its escape."""
    shown = _UNSEEN.sub(lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], document)
    return _COMMAND_WORD.sub(r"#\\u0023", shown)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def code(text: str, *, in_table: bool = False) -> str:
    """Put text into a Markdown code span that it cannot leave."""
    shown = clean(text) or "(empty)"
    if in_table:
        shown = shown.replace("|", "\\|")
    ticks = "`" * (_longest_run(shown) + 1)
    padding = " " if shown.startswith(("`", " ")) or shown.endswith(("`", " ")) else ""
    return f"{ticks}{padding}{shown}{padding}{ticks}"


def fence(lines: Iterable[str], language: str = "diff") -> list[str]:
    """Put cleaned lines into a Markdown fence that they cannot close."""
    shown = [clean(line) for line in lines]
    ticks = "`" * max(3, _longest_run("\n".join(shown)) + 1)
    return [f"{ticks}{language}", *shown, ticks]


def marker(name: str, **values: str) -> str:
    """Write an HTML comment that only software sees; values are percent-encoded, so that none can end it."""
    shown = " ".join(f"{key}={quote(value, safe='').replace('--', '-%2D')}" for key, value in values.items())
    return f"<!-- {name} {shown} -->"


def _longest_run(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)
