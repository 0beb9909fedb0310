"""What an interrupted run left: told before every plan, and finished by `flext apply --resume`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import replace

from ..errors import FlextError, UsageError
from ..ledger import LeaseState, Ledger, Run
from ..model import Plan, Status
from ..plan.resume import rest_of
from ..render.safe import clean
from .pipeline import Planned, Wishes
from .platform import Platform

_CUT_SHORT = frozenset({"", "interrupted", "rescued"})
_LISTED = 10


def not_taken_back(ledger: Ledger) -> Iterator[str]:
    """Say where that waits which an earlier run could not store."""
    for path in ledger.waiting:
        told = shlex.join(["flext", "ledger", "import", str(path), "-e", ledger.environment])
        yield clean(f"What a run could not store is still in {path}: `{told}` takes it back.")


def interrupted_by(ledger: Ledger) -> Iterator[str]:
    """Say what an interrupted run left, and what in it has an end that nobody knows."""
    yield from not_taken_back(ledger)
    lease = ledger.lease()
    if lease is not None and _is_under_way(ledger):
        yield f"Somebody is at work right now: {lease}."
        return
    run, flying = _interrupted(ledger), ledger.in_flight()
    named = [f"{action} {address}" for address, action in sorted(flying.items())]
    more = [f"{len(named) - _LISTED} more"] if len(named) > _LISTED else []
    listed = ", ".join([*named[:_LISTED], *more])
    if run is not None:
        what = f"in flight: {listed}" if named else "nothing was in flight"
        yield f"Run {run.id} by {run.who} was interrupted; {what}. This goes on from what is there now."
    elif named:
        yield f"Nobody knows how this ended: {listed}. This goes on from what is there now."


def _interrupted(ledger: Ledger) -> Run | None:
    latest = next((run for run in ledger.history() if run.plan), None)
    return latest if latest is not None and latest.result in _CUT_SHORT and not _is_under_way(ledger) else None


def _is_under_way(ledger: Ledger) -> bool:
    lease = ledger.lease()
    return lease is not None and lease.state is LeaseState.HELD and lease.pid != os.getpid()


# ------------------------------------------------------------------------------------------------ finishing it


def require_alone(more: bool) -> None:
    """Refuse to mix the rest of one plan with another, or with wishes for one."""
    if more:
        raise UsageError("--resume finishes the plan of the interrupted run as it is", hint="Give nothing else.")


def _to_finish(platform: Platform) -> tuple[Run, Plan]:
    run = _interrupted(platform.ledger)
    if run is None:
        raise FlextError(
            "no run was interrupted, so there is nothing to resume", hint="`flext history` lists the runs."
        )
    kept = platform.ledger.plan_of(run.id)
    if kept is None:
        raise FlextError(f"the plan of run {run.id} was not kept", hint="`flext apply` brings what is declared.")
    return run, kept


def resuming(platform: Platform, wishes: Wishes) -> Wishes:
    """Let the proof look at what the interrupted plan looked at; raises FlextError when there is none."""
    _, kept = _to_finish(platform)
    if kept.complete:
        return replace(wishes, undoes=kept.undoes)
    targets = frozenset(change.address for change in kept.changes)
    return replace(wishes, undoes=kept.undoes, options=replace(wishes.options, targets=targets))


def rest(platform: Platform, fresh: Planned) -> Planned:
    """Return what is left of the interrupted plan."""
    run, kept = _to_finish(platform)
    done = {outcome.address for outcome in run.outcomes if outcome.status is Status.DONE}
    plan = rest_of(kept, done, fresh.actuals, platform.ledger.records(), platform.kinds)
    if not plan.changes:
        platform.ledger.finish_run(run.id, "resumed")
    return fresh._replace(plan=plan)
