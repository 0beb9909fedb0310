"""The command that a reader of a plan runs next: what was wished for the plan is said again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from ..guard import Limits
from ..model import Plan
from ..plan import PlanOptions
from .options import DEFAULT_ROOT, Location
from .pipeline import Wishes


def next_step(plan: Plan, location: Location, wishes: Wishes, saved: Path | None = None) -> str:
    """Say how exactly this plan is applied, fresh or as it was saved; nothing when there is no such apply."""
    if not plan.changes or plan.violations:
        return ""
    words = ["flext", "apply", *_what(location, saved), "-e", plan.environment]
    if saved is None:
        words += _planning(wishes.options)
    return "Apply with: " + shlex.join([*words, *_limits(wishes.limits)])


def _what(location: Location, saved: Path | None) -> Iterator[str]:
    elsewhere = location.path != DEFAULT_ROOT
    if saved is not None:
        yield str(saved)
        yield from ("--desired-state", str(location.path)) if elsewhere else ()
    elif elsewhere:
        yield str(location.path)


def _planning(options: PlanOptions) -> Iterator[str]:
    for address in sorted(options.targets):
        yield from ("--target", str(address))
    for flag, given in (("--prune", options.prune), ("--purge-now", options.purge), ("--adopt", options.adopt)):
        if given:
            yield flag
    if options.tombstone_days != PlanOptions().tombstone_days:
        yield from ("--tombstone-days", str(options.tombstone_days))
    for address in sorted(options.force_replace):
        yield from ("--force-replace", str(address))


def _limits(limits: Limits) -> Iterator[str]:
    usual = Limits()
    if limits.max_deletes != usual.max_deletes:
        yield from ("--max-deletes", str(limits.max_deletes))
    if limits.max_delete_share is not None and limits.max_delete_share != usual.max_delete_share:
        yield from ("--max-delete-share", f"{limits.max_delete_share * 100:.12g}")
    if limits.allow_empty:
        yield "--allow-empty"
