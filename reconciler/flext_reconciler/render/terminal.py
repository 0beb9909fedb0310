"""What a stream can show, and the few styles that are used on it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, TextIO

from ..model import Action, Risk

ColorChoice = Literal["auto", "always", "never"]

WIDTH_OFF_TERMINAL = 120

_ASCII = str.maketrans({"→": "->", "·": "|", "±": "-/+", "…": "...", "×": "x", "–": "-", "−": "-", "’": "'"})

STYLES: Mapping[str, str] = {
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.REPLACE: "magenta",
    Action.DELETE: "red",
    Action.ADOPT: "cyan",
    Risk.LOW: "green",
    Risk.MEDIUM: "yellow",
    Risk.HIGH: "bold red",
    "title": "bold",
    "bad": "bold red",
    "warn": "yellow",
    "good": "green",
    "dim": "dim",
}
"""Meaning → rich style; colour never carries a meaning alone."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """The abilities of one output stream."""

    color: bool = False
    unicode: bool = True
    width: int = WIDTH_OFF_TERMINAL
    live: bool = False  # a person is watching: a line may be rewritten in place

    def paint(self, meaning: str, text: str) -> str:
        """Colour text that is already clean."""
        return _painted(STYLES[meaning], text) if self.color and text else text

    def fit(self, text: str) -> str:
        """Replace the glyphs that this stream cannot show."""
        return text if self.unicode else text.translate(_ASCII)


def terminal_of(stream: TextIO, choice: ColorChoice, environ: Mapping[str, str]) -> Terminal:
    """Find out what a stream can show: the flag wins over NO_COLOR, that over FORCE_COLOR, that over the stream."""
    live = stream.isatty() and environ.get("TERM") != "dumb"
    return Terminal(
        color=_wants_color(choice, environ, live),
        unicode=(stream.encoding or "").lower().replace("-", "").startswith("utf"),
        width=shutil.get_terminal_size().columns if stream.isatty() else WIDTH_OFF_TERMINAL,
        live=live,
    )


def _wants_color(choice: ColorChoice, environ: Mapping[str, str], live: bool) -> bool:
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR") or environ.get("CLICOLOR_FORCE"):
        return True
    return live


@cache
def _style(name: str) -> object:
    from rich.style import Style

    return Style.parse(name)


def _painted(style: str, text: str) -> str:
    from rich.color import ColorSystem
    from rich.style import Style

    parsed = _style(style)
    assert isinstance(parsed, Style)
    return parsed.render(text, color_system=ColorSystem.STANDARD)
