"""The edge: what goes wrong becomes one message with a next step, in JSON when JSON was asked for."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

import click

from ..errors import DesiredStateError, FlextError, UsageError
from ..render.safe import clean_lines
from ..render.words import count
from .exit_codes import ExitCode
from .main import Terminated
from .streams import UNWRITABLE, tell, unwritable, write

REPORT_HINT = "Please report it, with the command line and the traceback that --debug shows; look it through first."


class Interrupted(FlextError):
    """Nothing was being applied when the signal arrived."""

    def __init__(self, error: BaseException) -> None:
        super().__init__("interrupted; nothing was being applied")
        self.exit_code = ExitCode.TERMINATED if isinstance(error, Terminated) else ExitCode.INTERRUPTED


class Bug(FlextError):
    """What flext did not foresee. Its text is not shown: it may hold anything."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(f"flext met a bug: {type(error).__name__}", hint=REPORT_HINT)


def explain(error: BaseException, args: Sequence[str]) -> int:
    """Say what happened and return the exit code."""
    known = _known(error)
    if "--debug" in args:
        tell("\n".join(clean_lines("".join(traceback.format_exception(error)))))
    if _wants_json(args):
        from ..render.documents import dumps, error_document

        with suppress(FlextError):  # what is said below is all that can be said then
            write(dumps(error_document(known)))
    _tell(known)
    return int(known.exit_code)


def _known(error: BaseException) -> FlextError:
    if isinstance(error, FlextError):
        return error
    if isinstance(error, click.Abort):
        error = error.__cause__ or error
    if isinstance(error, KeyboardInterrupt):
        return Interrupted(error)
    if isinstance(error, click.FileError):
        return FlextError(error.format_message())
    if isinstance(error, click.ClickException):
        return _usage(error)
    if isinstance(error, OSError) and error.errno in UNWRITABLE:  # click writes its help itself
        return unwritable(error)
    return Bug(error)


def _usage(error: click.ClickException) -> UsageError:
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "flext"
    return UsageError(error.format_message().expandtabs(4), hint=f"Try `{path} --help`.")


def _tell(error: FlextError) -> None:
    lines = clean_lines(error.message)
    if isinstance(error, DesiredStateError):
        lines.append(count(len(error.problems), "problem"))
    else:
        lines[0] = f"Error: {lines[0]}"
    lines.extend(f"  {line}" for line in clean_lines(error.hint) if line)
    tell("\n".join(lines) + "\n")


def _wants_json(args: Sequence[str]) -> bool:
    """Look at the words themselves: a command line that is wrong was never parsed."""
    return "--json" in args or "--format=json" in args or ("--format", "json") in pairwise(args)
