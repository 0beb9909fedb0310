"""Where a command's output goes: data to stdout, everything else to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO, cast

from ..model import Json, Observer
from ..render.documents import dumps
from ..render.terminal import ColorChoice, Terminal, terminal_of
from .streams import Lasting, tell, write


@dataclass(frozen=True)
class Output:
    """How this command was asked to speak."""

    json: bool
    out: Terminal
    err: Terminal

    def text(self, text: str) -> None:
        """Write data for people to stdout; a reader that went away is no error."""
        write(text)

    def document(self, document: Json) -> None:
        """Write the command's one JSON document."""
        self.text(dumps(document))

    def note(self, text: str) -> None:
        """Say something beside the data."""
        tell(self.err.fit(text) + "\n")

    @contextmanager
    def watching(self) -> Iterator[Observer]:
        """Show progress on stderr."""
        from ..render.progress import watching

        with watching(cast(TextIO, Lasting(sys.stderr)), self.err) as observer:
            yield observer


def output_of(*, as_json: bool, color: ColorChoice) -> Output:
    """Find out what the streams can show."""
    return Output(as_json, terminal_of(sys.stdout, color, os.environ), terminal_of(sys.stderr, color, os.environ))
