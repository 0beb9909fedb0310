"""Observers: what a person sees while flext reads and writes. They write to stderr and decide nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from ..model import Event, EventName, Observer
from .report import outcome_line
from .safe import clean, inert
from .terminal import Terminal

if TYPE_CHECKING:
    from rich.status import Status


@contextmanager
def watching(stream: TextIO, terminal: Terminal) -> Iterator[Observer]:
    """Yield an observer that fits the stream: one living line on a terminal, a line a change elsewhere."""

    def write(line: str) -> None:
        stream.write(line + "\n")
        stream.flush()

    if not terminal.live:
        yield lambda event: _tell(event, write, terminal)
        return
    with _living_line(stream, terminal) as status:
        yield lambda event: _live(event, status, terminal)


def _tell(event: Event, write: Callable[[str], None], terminal: Terminal) -> None:
    line = _kept(event, terminal)
    if line:
        write(line)


def _live(event: Event, status: Status, terminal: Terminal) -> None:
    from rich.text import Text

    line = _kept(event, terminal)
    if line:
        status.console.print(Text.from_ansi(line), soft_wrap=True)
    now = _now(event)
    if now:
        status.update(Text(terminal.fit(now)))


def _kept(event: Event, terminal: Terminal) -> str:
    return inert(_ended(event, terminal) or _lasting(event, terminal))


def _ended(event: Event, terminal: Terminal) -> str:
    if event.name is not EventName.ENDED or event.outcome is None:
        return ""
    return f"[{event.done}/{event.total}] {outcome_line(event.outcome, terminal)}"


def _lasting(event: Event, terminal: Terminal) -> str:
    if event.name is EventName.INTERRUPTED:
        return terminal.paint(
            "warn", clean(event.text) or "Interrupted: the running steps are finished, no new one starts."
        )
    if event.name is EventName.WAITING and not terminal.live:
        return f"{clean(str(event.address))}: {clean(event.text)}" if event.address else clean(event.text)
    return ""


def _now(event: Event) -> str:
    about = clean(str(event.address)) if event.address else clean(event.text)
    return {
        EventName.READING: f"Reading {about}",
        EventName.STARTED: f"[{event.done}/{event.total}] {about}",
        EventName.WAITING: f"[{event.done}/{event.total}] {about}: {clean(event.text)}",
        EventName.VERIFYING: "Reading again, to prove that nothing is left",
    }.get(event.name, "")


@contextmanager
def _living_line(stream: TextIO, terminal: Terminal) -> Iterator[Status]:
    from rich.console import Console

    console = Console(
        file=stream,
        highlight=False,
        markup=False,
        emoji=False,
        no_color=not terminal.color,
        force_terminal=True,
        width=terminal.width,
    )
    with console.status("", spinner="dots" if terminal.unicode else "line") as status:
        yield status
