"""How a plan is looked at: made anew or again, held against a reviewed one, told by the exit code."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..errors import FlextError, UsageError
from ..guard import Limits
from ..model import Plan
from ..planfile import fingerprint, load_plan
from ..planfile.bundle import load_bundle
from ..planfile.compare import Verdict, compare
from ..planfile.inputs import planned
from ..registry import load_providers
from ..render.compare import comparison_document, comparison_markdown, comparison_text
from ..render.safe import clean
from .exit_codes import ExitCode
from .options import Command, was_given
from .output import Output
from .pipeline import Wishes
from .platform import catalog_of
from .saved_plans import FILE


@dataclass(frozen=True)
class Review:
    """What a plan is made from, where that is kept, and what the plan is held against."""

    bundle: Path | None = None
    replay: Path | None = None
    reviewed: Path | None = None
    detailed: bool = False


def reviewing(command: Command) -> Command:
    """Add `--bundle`, `--replay`, `--compare` and `--detailed-exitcode`; the command gets `review`."""

    @click.option("--bundle", type=FILE, help="Save everything that the plan is made from, for `--replay`.")
    @click.option("--replay", type=FILE, metavar="BUNDLE", help="Make the plan again from a bundle, offline.")
    @click.option("--compare", "reviewed", type=FILE, metavar="PLAN", help="Hold it against a saved plan; 8 when more.")
    @click.option("--detailed-exitcode", "detailed", is_flag=True, help="End with 2 when there is something to do.")
    @functools.wraps(command)
    def wrapped(
        *args: Any, bundle: Path | None, replay: Path | None, reviewed: Path | None, detailed: bool, **options: Any
    ) -> Any:
        if bundle is not None and replay is not None:
            raise UsageError("--bundle and --replay exclude each other")
        return command(*args, review=Review(bundle, replay, reviewed, detailed), **options)

    return wrapped


def replayed(path: Path, wishes: Wishes, output: Output) -> tuple[Plan, Limits]:
    """Make a plan again from its bundle, with the limits of then: no service, ledger or environment is looked at."""
    if wishes != Wishes() or was_given("path", "environment"):
        raise UsageError("a bundle holds all that its plan was made from", hint="Give --replay alone.")
    bundle = load_bundle(path)
    catalog = catalog_of(load_providers())
    services = bundle.inputs.declaration.services
    if missing := {service.provider for service in services.values()} - catalog.keys():
        raise FlextError(f"no provider {', '.join(sorted(missing))} is installed", hint="Install it to replay this.")
    kinds = {
        (name, kind): spec for name, service in services.items() for kind, spec in catalog[service.provider].items()
    }
    plan = planned(bundle.inputs, kinds)
    same = fingerprint(plan) == bundle.plan
    told = "the plan is the one that was made then" if same else f"flext {clean(bundle.flext)} made another plan then"
    output.note(f"Made again from {clean(str(path))}, offline: {told}.")
    return plan, bundle.inputs.limits


def hold_against(reviewed: Path, plan: Plan, form: str, output: Output) -> ExitCode:
    """Print how a plan stands to the reviewed one, and return the exit code of that."""
    found = compare(load_plan(reviewed), plan)
    if form == "json":
        output.document(comparison_document(found, plan.environment))
    elif form == "markdown":
        output.text(comparison_markdown(found))
    else:
        output.text(comparison_text(found, plan.environment, output.out))
    return ExitCode.STALE if found.verdict is Verdict.DIFFERENT else ExitCode.DONE
