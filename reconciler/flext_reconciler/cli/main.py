"""The entry point: finds the command, runs it, turns its end into an exit code. Imports nothing heavy."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType

import click

from .. import __version__
from .commands import COMMANDS
from .exit_codes import MEANINGS

STDOUT, STDERR = 1, 2


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived: as Ctrl-C, with an exit code of its own."""


class Commands(click.Group):
    """A group that imports a command only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f".{cmd_name}", __package__).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or name the nearest one."""
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise click.exceptions.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the summaries without importing the commands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the exit codes."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), meaning) for code, meaning in MEANINGS.items()])


@click.group(
    cls=Commands,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="flext", message="%(prog)s %(version)s")
def cli() -> None:
    """Plan, apply and watch the declared state of a FLEXT data platform.

    Start with `flext init`, then `flext plan`. Every command has --help with an example.
    """


def main() -> None:
    """Run the command line and end the process."""
    sys.exit(run(sys.argv[1:]))


def run(args: Sequence[str]) -> int:
    """Run one command line and return its exit code; nothing gets past this but an exit code."""
    _prepare_streams()
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code = int(cli.main(list(args), prog_name="flext", standalone_mode=False) or 0)
        sys.stdout.flush()
    except BrokenPipeError:
        quieten(STDOUT)
        return 0
    except SystemExit:  # a shell asked for completions; otherwise nobody reads what click itself writes
        if "_FLEXT_COMPLETE" in os.environ:
            raise
        quieten(STDOUT)
        return 0
    except BaseException as error:  # noqa: BLE001 - the one place where everything ends
        from .edge import explain

        return explain(error, args)
    return code


def quieten(descriptor: int) -> None:
    """Let a stream that nobody reads any more swallow the rest."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _prepare_streams() -> None:
    """Give closed streams a place to go, and let no character be the reason of a crash."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - open for good
        else:
            stream.reconfigure(errors="backslashreplace")


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated
