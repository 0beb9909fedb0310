"""`flext drift`: who moved since the last apply."""

from __future__ import annotations

import click

from ..model import Plan
from ..render.documents import drift_document
from ..render.text import drift_text
from ..render.words import count
from .exit_codes import ExitCode, code_of_drift, moved, unseen
from .interruption import run_looking
from .options import Location, located, reporting
from .output import Output
from .pipeline import Wishes, look
from .platform import open_platform


@click.command()
@located
@reporting
def command(location: Location, output: Output) -> ExitCode:
    """Tell who moved since the last apply: the declaration, the platform, both, or a server's defaults.

    Ends with 0 when nobody did, 2 when the declaration did, 3 when the platform did, 4 when both did.
    A default that a server changed on its own is told, and ends with 0.

    \b
    Example:
      flext drift -e prod --json
    """
    with open_platform(location) as platform, output.watching() as observer:
        plan = run_looking(look(platform, Wishes(), observer)).plan
    if output.json:
        pending, drifted = moved(plan)
        output.document(drift_document(plan, pending=pending, drifted=drifted, complete=not unseen(plan)))
    else:
        output.text(drift_text(plan, output.out, _headline(plan)))
    return code_of_drift(plan)


_SAID = {
    (False, False): "Nobody moved: the platform is as it was applied.",
    (True, False): "The declaration moved; the platform did not.",
    (False, True): "The platform drifted; the declaration did not move.",
    (True, True): "Both moved: the declaration and the platform.",
}
# What was not looked at may have moved too: silence is never absence.
_KNOWN = {
    (False, False): "Nothing is known to have moved",
    (True, False): "The declaration moved",
    (False, True): "The platform drifted",
    (True, True): "Both moved, the declaration and the platform",
}


def _headline(plan: Plan) -> str:
    missed = unseen(plan)
    if missed:
        seen = len(plan.changes) + plan.unchanged + len(plan.blocked)
        return f"{_KNOWN[moved(plan)]}; {missed} of {count(seen, 'resource')} could not be looked at."
    return _SAID[moved(plan)]
