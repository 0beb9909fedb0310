"""`flext lock`: who holds an environment's lock, and whether they are still alive."""

from __future__ import annotations

import click

from ..render.remembered import lock_document, lock_text
from .options import Location, located_by_option, reporting
from .output import Output
from .platform import open_remembered


@click.group(no_args_is_help=False)
def command() -> None:
    """Look at the lock that lets one process at a time work on an environment.

    \b
    Example:
      flext lock show -e prod
    """


@command.command(short_help="tell who holds the lock")
@located_by_option
@reporting
def show(location: Location, output: Output) -> None:
    """Tell who holds the lock, since when, for what, and whether they are still alive.

    \b
    Examples:
      flext lock show -e prod
      flext lock show --json
    """
    with open_remembered(location) as ledger:
        lease = ledger.lease()
    if output.json:
        output.document(lock_document(ledger.environment, lease))
    else:
        output.text(lock_text(ledger.environment, lease, output.out))
