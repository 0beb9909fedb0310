"""`flext unlock`: the way out when a lock outlives whoever took it."""

from __future__ import annotations

import click

from ..render.remembered import lock_document
from ..render.safe import clean
from .options import Location, located_by_option, reporting
from .output import Output
from .platform import open_remembered


@click.command()
@click.argument("id")
@located_by_option
@click.option("--force", is_flag=True, help="Also from a process that is alive; it can write nothing more.")
@reporting
def command(id: str, location: Location, force: bool, output: Output) -> None:
    """Take the lock ID away from a process that is gone or has not been heard of. `flext lock show` tells the ID.

    Nobody needs this to go on: the next apply takes such a lock by itself.

    \b
    Examples:
      flext unlock 3f9a2c1b -e prod
      flext unlock 3f9a2c1b --force
    """
    with open_remembered(location) as ledger:
        lease = ledger.unlock(id, force=force)
    if output.json:
        output.document(lock_document(ledger.environment, lease))
    else:
        output.text(output.out.fit(f"Unlocked {clean(ledger.environment)}, which was held: {clean(str(lease))}\n"))
