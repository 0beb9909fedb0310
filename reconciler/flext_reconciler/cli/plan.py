"""`flext plan`: what an apply would do."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import UsageError
from ..guard import Limits
from ..model import Plan
from ..plan import PlanOptions
from ..planfile import fingerprint
from ..planfile.bundle import dump_bundle
from ..planfile.files import save_whole
from .exit_codes import ExitCode, code_of_plan
from .interruption import run_looking
from .next_step import next_step
from .options import Location, formatted, limited, located, planning, reporting
from .output import Output
from .pipeline import Wishes, look, require_declared
from .platform import open_platform
from .resume import interrupted_by
from .review import Review, hold_against, replayed, reviewing
from .saved_plans import Saving, saving
from .show_plan import print_plan
from .simulate import Simulation, show_simulated, simulating


@click.command()
@located
@planning
@limited
@saving
@reviewing
@simulating
@reporting
@formatted
def command(
    location: Location,
    options: PlanOptions,
    limits: Limits,
    saving: Saving,
    review: Review,
    simulation: Simulation,
    form: str,
    output: Output,
) -> ExitCode:
    """Show what an apply of the desired state at PATH would do. Nothing is changed.

    \b
    Examples:
      flext plan -e dev
      flext plan -e prod --out plan.json --detailed-exitcode
      flext plan --compare plan.json
      flext plan --fail-at 3:lost-reply
      flext plan --format markdown > comment.md
    """
    if simulation.wanted:
        if review != Review():
            raise UsageError("a simulation goes with no --bundle, --replay, --compare or --detailed-exitcode")
        return show_simulated(location, Wishes(options, limits), simulation, saving, form, output)
    wishes = Wishes(options, limits)
    if review.replay is None:
        plan = _made(location, wishes, review.bundle, output)
    else:
        plan, limits = replayed(review.replay, wishes, output)
        wishes = Wishes(limits=limits)
    saving.save(plan)
    if review.reviewed is not None:
        return hold_against(review.reviewed, plan, form, output)
    is_here = review.replay is None or saving.out is not None
    print_plan(plan, form, output, next_step(plan, location, wishes, saving.out) if is_here else "")
    return code_of_plan(plan, detailed=review.detailed)


def _made(location: Location, wishes: Wishes, bundle: Path | None, output: Output) -> Plan:
    with open_platform(location) as platform, output.watching() as observer:
        require_declared(wishes.options, platform.declaration)
        made = run_looking(look(platform, wishes, observer))
        for text in interrupted_by(platform.ledger):
            output.note(text)
    if bundle is not None:
        save_whole(bundle, dump_bundle(made.inputs, fingerprint(made.plan)))
    return made.plan
