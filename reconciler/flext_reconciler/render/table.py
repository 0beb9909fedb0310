"""Rows in aligned columns: a rich table as long as a person reads it, joined lines beyond."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from .terminal import STYLES, Terminal

RICH_ROWS = 200
"""rich needs a third of a millisecond a row; nobody reads more rows than this on a screen."""

Cell = tuple[str, str]
"""A meaning (see `terminal.STYLES`, or empty) and clean text."""


def table(headings: Sequence[str], rows: Sequence[Sequence[Cell]], terminal: Terminal) -> list[str]:
    """Lay out rows under headings."""
    if len(rows) > RICH_ROWS:
        return _lines([[("", heading) for heading in headings], *rows], terminal)
    return _rich(headings, rows, terminal)


def _rich(headings: Sequence[str], rows: Sequence[Sequence[Cell]], terminal: Terminal) -> list[str]:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for heading in headings:
        grid.add_column(heading, overflow="fold", no_wrap=not heading)
    for row in rows:
        grid.add_row(*(Text(text, style=STYLES.get(meaning, "")) for meaning, text in row))
    buffer = StringIO()
    console = Console(
        file=buffer,
        width=max(40, terminal.width - 2),
        force_terminal=terminal.color,
        color_system="standard" if terminal.color else None,
        no_color=not terminal.color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    console.print(grid)
    return [f"  {line.rstrip()}" for line in buffer.getvalue().splitlines()]


def _lines(rows: Sequence[Sequence[Cell]], terminal: Terminal) -> list[str]:
    widths = [max(len(row[column][1]) for row in rows) for column in range(len(rows[0]))]
    return ["  " + _line(row, widths, terminal).rstrip() for row in rows]


def _line(row: Sequence[Cell], widths: Sequence[int], terminal: Terminal) -> str:
    cells = []
    for (meaning, text), width in zip(row, widths, strict=True):
        padding = " " * (width - len(text))
        cells.append((terminal.paint(meaning, text) if meaning else text) + padding)
    return "  ".join(cells)
