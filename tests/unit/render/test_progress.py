"""What a person sees while flext works: a line a change in a log, one living line on a terminal."""

from __future__ import annotations

import io
import re

import pytest

from flext_reconciler.model import Action, Address, Event, EventName, Outcome, Status
from flext_reconciler.render.progress import watching
from flext_reconciler.render.terminal import Terminal

A = Address("flexcore", "plugin", "a\x1b[2J")
DONE = Outcome(A, Action.CREATE, Status.DONE, seconds=0.25)
FAILED = Outcome(A, Action.DELETE, Status.FAILED, message="no\x07")

LINES = [
    (Event(EventName.READING, text="flexcore.plugin"), ""),
    (Event(EventName.STARTED, A, done=0, total=2), ""),
    (
        Event(EventName.ENDED, A, outcome=DONE, done=1, total=2),
        "[1/2] done  + create flexcore.plugin/a\\x1b[2J  (0.2 s)\n",
    ),
    (
        Event(EventName.ENDED, A, outcome=FAILED, done=2, total=2),
        "[2/2] failed  - delete flexcore.plugin/a\\x1b[2J: no\\x07\n",
    ),
    (Event(EventName.WAITING, A, text="the deploy"), "flexcore.plugin/a\\x1b[2J: the deploy\n"),
    (Event(EventName.WAITING, text="the ledger\n"), "the ledger\\n\n"),
    (Event(EventName.WAITING, text="::error::x"), ":\\x3aerror::x\n"),
    (Event(EventName.INTERRUPTED, text="Stopping"), "Stopping\n"),
    (Event(EventName.VERIFYING), ""),
]


@pytest.mark.parametrize(("event", "line"), LINES, ids=lambda value: value.name if isinstance(value, Event) else "")
def test_a_log_gets_whole_lines(event, line):
    stream = io.StringIO()
    with watching(stream, Terminal()) as observer:
        observer(event)
    assert stream.getvalue() == line


def test_a_terminal_keeps_what_lasts_and_sees_no_escape_of_data():
    stream = io.StringIO()
    with watching(stream, Terminal(color=True, live=True)) as observer:
        for event, _ in LINES:
            observer(event)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "[1/2] done  + create flexcore.plugin/a\\x1b[2J  (0.2 s)" in plain
    assert "Stopping" in plain
    assert plain.replace("\n", "").replace("\r", "").isprintable()
    assert "\x1b[2J" not in stream.getvalue()
