"""`flext apply`: make the platform as declared, from a fresh plan or exactly as a saved one says."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import click

from ..errors import FlextError, GuardRefused, StalePlan, UsageError
from ..guard import Limits, guard
from ..ledger import whoami
from ..model import Plan, Report
from ..plan import PlanOptions
from ..planfile.sign import require_signers
from ..render.documents import report_document
from ..render.report import report_text
from ..render.text import plan_text
from .approval import Approval, approved, approving
from .exit_codes import ExitCode, code_of_apply
from .interruption import Interruption, run_looking
from .options import Location, limited, located_by_option, planning, reporting
from .output import Output
from .pipeline import Planned, Wishes, carry_out, look, require_declared
from .platform import Platform, open_platform
from .resume import interrupted_by, require_alone, rest, resuming
from .saved_plans import Verification, verifying
from .show_plan import print_plan
from .undoing import REVERT, forget_adopted, still_declared


@dataclass(frozen=True)
class Order:
    """What an apply was asked to do."""

    wishes: Wishes
    saved: Plan | None
    ask: bool
    signers: frozenset[str] = frozenset()
    resume: bool = False


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False, metavar="[FILE|PATH]")
@located_by_option
@planning
@limited
@approving
@click.option("--resume", is_flag=True, help="Finish the plan of the interrupted run, and nothing else.")
@verifying
@reporting
def command(
    file: Path | None,
    location: Location,
    options: PlanOptions,
    limits: Limits,
    approval: Approval,
    resume: bool,
    verification: Verification,
    output: Output,
) -> ExitCode:
    """Make the platform as declared, and prove it by reading and planning again.

    FILE is a plan that `flext plan --out FILE` saved: it is applied as it was reviewed, or refused. Without it, or
    with the PATH of a desired state, a fresh plan is shown and asked about. With --resume the rest of an interrupted
    run is finished, which was approved before it began.

    \b
    Examples:
      flext apply -e dev
      flext apply -e prod --auto-approve --prune --max-deletes 3
      flext apply plan.json --verify keys/
    """
    saved, signers = _saved(file, location, verification)
    if resume:
        require_alone(saved is not None or options != PlanOptions())
    ask = saved is None and not (approval.auto or resume)
    if saved is not None:
        location = replace(location, environment=saved.environment)
    elif file is not None:
        location = replace(location, path=file)
    wishes = Wishes(_options(options, saved), limits, saved.undoes if saved else 0)
    order = Order(wishes, saved, ask, signers, resume)
    with open_platform(location) as platform:
        if saved is None:
            require_declared(options, platform.declaration)
        with platform.ledger.lock("apply", approval.lock_timeout, who=whoami(os.environ)):
            if resume:
                order = replace(order, wishes=resuming(platform, wishes))
            code = apply_planned(platform, made_for(platform, order, output), order, output)
            if order.wishes.undoes and code is ExitCode.DONE:
                forget_adopted(platform, order.wishes.undoes)
    return code


def _saved(file: Path | None, location: Location, verification: Verification) -> tuple[Plan | None, frozenset[str]]:
    if file is None or not _is_plan(file):
        if verification.keys is not None:
            raise UsageError("--verify is about a saved plan", hint="Name its file.")
        return None, frozenset()
    trusted = verification.load(file, environment=location.environment, now=datetime.now(UTC))
    return trusted.plan, trusted.signers


def _is_plan(path: Path) -> bool:
    """Tell a saved plan from the path of a desired state, also when there is nothing at that path."""
    if path.is_dir() or path.suffix in (".yaml", ".yml"):
        return False
    return path.exists() or bool(path.suffix)


def _options(options: PlanOptions, saved: Plan | None) -> PlanOptions:
    """Let the proof after a plan that left something out look at what that plan looked at."""
    if saved is None:
        return options
    if options != PlanOptions():
        raise UsageError(
            "a saved plan is applied as it is", hint="Give --target, --prune and the like to `flext plan`."
        )
    return (
        options if saved.complete else replace(options, targets=frozenset(change.address for change in saved.changes))
    )


def made_for(platform: Platform, order: Order, output: Output) -> Planned:
    """Make the plan that is to be applied, or take the saved one with what is there now."""
    with output.watching() as observer:
        fresh = run_looking(look(platform, order.wishes, observer))
    for text in interrupted_by(platform.ledger):
        output.note(text)
    if order.resume:
        return rest(platform, fresh)
    if order.saved is None:
        return fresh
    _require_same_house(order.saved, platform)
    declared = len(order.saved.changes if order.saved.undoes else platform.declaration.resources)
    return fresh._replace(plan=guard(replace(order.saved, violations=()), order.wishes.limits, declared))


def _require_same_house(saved: Plan, platform: Platform) -> None:
    """Refuse a plan of another ledger or of other services; objects that moved are refused one by one later."""
    if saved.lineage != platform.ledger.lineage:
        raise StalePlan("the plan was made with another ledger", hint="Make the plan again with this one.")
    origins = {name: service.url for name, service in platform.declaration.services.items()}
    if dict(saved.services) != origins:
        raise StalePlan(
            "the plan was made for services at other addresses: "
            + ", ".join(sorted({name for name, _ in saved.services.items() ^ origins.items()})),
            hint="Make the plan again.",
        )


def apply_planned(platform: Platform, planned: Planned, order: Order, output: Output) -> ExitCode:
    """Show a plan, refuse it or have it approved, carry it out, and tell how it ended."""
    plan = planned.plan
    if not output.json:
        print_plan(plan, "text", output)
    elif order.ask:
        output.note(plan_text(plan, output.err))
    if plan.violations:
        raise GuardRefused(
            "\n".join(["guards forbid applying this plan:", *(f"  {item.message}" for item in plan.violations)]),
            hint="To allow it: " + " ".join(dict.fromkeys(item.flag for item in plan.violations)),
        )
    if not order.resume:  # it was let in when it was applied first
        require_signers(plan, platform.environment.require_signers, order.signers)
    if not plan.changes:
        return _ended(Report((), residual=plan), plan, output, None)
    if order.ask and not approved(output, plan.environment):
        raise FlextError("not approved; nothing was changed")
    with output.watching() as observer:
        interruption = Interruption(observer)
        saved = order.saved is not None or order.resume
        report = interruption.run(
            lambda: carry_out(platform, planned, order.wishes, observer, interruption, recheck_creates=saved)
        )
    code = _ended(report, plan, output, interruption.code)
    if plan.undoes and code is ExitCode.DONE and still_declared(plan, platform.declaration):
        output.note(REVERT)
    return code


def _ended(report: Report, plan: Plan, output: Output, interrupted: ExitCode | None) -> ExitCode:
    if output.json:
        output.document(report_document(report, plan))
    elif report.outcomes:
        output.text(report_text(report, output.out))
    return interrupted or code_of_apply(plan, report)
