"""`flext rollback`: take back what a run did, as a plan like any other."""

from __future__ import annotations

import os

import click

from ..errors import FlextError
from ..guard import Limits
from ..ledger import whoami
from ..plan import PlanOptions
from .apply import Order, apply_planned, made_for
from .approval import Approval, approved, approving
from .exit_codes import ExitCode, code_of_plan
from .interruption import run_looking
from .next_step import next_step
from .options import Location, limited, located_by_option, reporting
from .output import Output
from .pipeline import Planned, Wishes, look
from .platform import Platform, open_platform
from .saved_plans import Saving, saving
from .show_plan import print_plan
from .undoing import adopted, forget_adopted


@click.command()
@click.argument("run", type=click.IntRange(min=1))
@located_by_option
@limited
@approving
@saving
@reporting
def command(
    run: int, location: Location, limits: Limits, approval: Approval, saving: Saving, output: Output
) -> ExitCode:
    """Take back what the run of that number did, as far as it can be: `flext history` lists the runs.

    The earlier values were kept with the run. They are planned against what is there now, and shown with what cannot
    be brought back; only what the run touched is touched. With --out the plan is saved, for `flext apply FILE`.

    \b
    Examples:
      flext rollback 12 -e prod
      flext rollback 12 -e prod --out back.json --sign alice.pem
    """
    order = Order(Wishes(PlanOptions(), limits, undoes=run), None, ask=saving.out is None and not approval.auto)
    with open_platform(location) as platform:
        platform.declaration  # noqa: B018 - what is wrong with the YAML is told before anybody is locked out
        if saving.out is not None:
            return _saved(platform, order, saving, output)
        with platform.ledger.lock("rollback", approval.lock_timeout, who=whoami(os.environ)):
            return _taken_back(platform, made_for(platform, order, output), order, output)


def _saved(platform: Platform, order: Order, saving: Saving, output: Output) -> ExitCode:
    with output.watching() as observer:
        plan = run_looking(look(platform, order.wishes, observer)).plan
    saving.save(plan)
    print_plan(
        plan, "json" if output.json else "text", output, next_step(plan, platform.location, order.wishes, saving.out)
    )
    return code_of_plan(plan, detailed=False)


def _taken_back(platform: Platform, made: Planned, order: Order, output: Output) -> ExitCode:
    run = order.wishes.undoes
    code = apply_planned(platform, made, order, output)
    if code is not ExitCode.DONE:
        return code
    # Forgetting is no change to the platform, so without one nobody has been asked yet.
    if order.ask and not made.plan.changes and adopted(platform, run) and not approved(output, made.plan.environment):
        raise FlextError("not approved; nothing was changed")
    forget_adopted(platform, run)
    return code
