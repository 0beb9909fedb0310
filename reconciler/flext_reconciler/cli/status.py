"""`flext status`: the health of every configured service."""

from __future__ import annotations

import asyncio

import click

from ..provider import Health, ServiceHealth
from ..render.documents import status_document
from ..render.status import status_text
from .exit_codes import ExitCode
from .interruption import run_looking
from .options import Location, located, reporting
from .output import Output
from .platform import Platform, open_platform


@click.command()
@located
@reporting
def command(location: Location, output: Output) -> ExitCode:
    """Ask every service of the environment how it is. Ends with 1 when one is not healthy.

    \b
    Example:
      flext status -e prod --json
    """
    with open_platform(location) as platform:
        healths = run_looking(_ask(platform))
    if output.json:
        output.document(status_document(platform.environment.name, healths))
    else:
        output.text(status_text(healths, output.out))
    well = all(health.status is Health.HEALTHY for health in healths)
    return ExitCode.DONE if well else ExitCode.ERROR


async def _ask(platform: Platform) -> list[ServiceHealth]:
    async with platform.readers() as readers:
        return list(await asyncio.gather(*(readers[name].health() for name in sorted(readers))))
