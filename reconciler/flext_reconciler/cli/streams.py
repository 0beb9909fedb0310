"""The two streams of the process: no CI runner obeys what is written to them, and losing a reader stops nothing."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from typing import Any, TextIO

from ..errors import FlextError
from ..render.safe import inert
from .main import STDERR, STDOUT, quieten

UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Why a stream that is still open takes no more."""


class Lasting:
    """A stderr that goes on in silence: losing the log is no reason to stop an apply half-way."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or let the rest vanish."""
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Flush, or let the rest vanish."""
        self._try(self._stream.flush)

    def _try(self, step: Callable[..., Any], *args: str) -> None:
        try:
            step(*args)
        except OSError:
            quieten(STDERR)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def tell(text: str) -> None:
    """Write finished text to stderr."""
    stream = Lasting(sys.stderr)
    stream.write(inert(text))
    stream.flush()


def write(text: str) -> None:
    """Write finished text to stdout; raises FlextError when it takes no more although somebody reads."""
    try:
        sys.stdout.write(inert(text))
        sys.stdout.flush()
    except BrokenPipeError:
        quieten(STDOUT)
    except OSError as error:
        raise unwritable(error) from error


def unwritable(error: OSError) -> FlextError:
    """Let stdout swallow what it still holds, and return what there is to say about it."""
    quieten(STDOUT)
    return FlextError(
        f"cannot write the output: {error.strerror or error}",
        hint="`flext history` tells what was applied, if anything.",
    )
