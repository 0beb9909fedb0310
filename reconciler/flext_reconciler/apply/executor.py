"""The loop over a plan: what may run, runs; what cannot, says why; then everything is read and planned again.

building: create update replace adopt  ──(every one of them done)──→  removing  ──→  proof
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterable
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePath
from typing import TypeVar

from ..errors import FlextError, LedgerError
from ..model import Address, Change, Event, EventName, Observer, Outcome, Plan, Report, Status
from ..order import prerequisites
from .known import Known
from .lanes import Lanes
from .requests import Run
from .session import Session
from .states import State
from .step import Step

T = TypeVar("T")

_HOW = {Status.FAILED: "failed", Status.STALE: "moved since the plan was made", Status.BLOCKED: "is blocked itself"}
_NEVER_BEGUN = frozenset({Status.BLOCKED, Status.NOT_STARTED})


async def apply_plan(plan: Plan, session: Session, observer: Observer) -> Report:
    """Carry a plan out and prove it; the report has exactly one outcome for each change, whatever happens."""
    if not plan.changes:
        return Report((), residual=plan)
    building = _sorter(change for change in plan.changes if not change.removes)
    removing = _sorter(change for change in plan.changes if change.removes)
    execution = _Execution(plan, session, observer)
    if execution.begin():
        await execution.carry_out(building)
        execution.hold_removals_back()
        await execution.carry_out(removing)
    execution.leave_the_rest()
    residual, unproven = await execution.prove()
    message = execution.halted or unproven
    report = Report(execution.in_order(), residual, execution.interrupted, execution.number, message)
    execution.finish(report)
    return report


def _sorter(changes: Iterable[Change]) -> TopologicalSorter[Address]:
    sorter = TopologicalSorter(prerequisites(changes))
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " → ".join(str(address) for address in error.args[1])
        raise FlextError(f"the plan's changes wait for each other: {circle}", hint="plan again") from None
    return sorter


class _Execution:
    """One run of a plan: what ended how, and whether it may go on."""

    def __init__(self, plan: Plan, session: Session, observer: Observer) -> None:
        self.number = 0
        self.halted = ""  # why nothing more may be written
        self.interrupted = False
        self._plan = plan
        self._session = session
        self._observer = observer
        self._changes = {change.address: change for change in plan.changes}
        self._outcomes: dict[Address, Outcome] = {}
        self._known = Known(session.actuals)
        self._lanes = Lanes({name: traits.parallel_writes for name, traits in session.traits.items()})

    def begin(self) -> bool:
        """Open the run in the ledger; without one nothing may be written."""
        try:
            self.number = self._session.ledger.start_run(self._session.plan_fingerprint, self._session.who)
        except LedgerError as error:
            self._halt(error)
        return not self.halted

    # ------------------------------------------------------------------------------------------------ the loop

    async def carry_out(self, sorter: TopologicalSorter[Address]) -> None:
        """Run changes as they become ready, until nothing is left that may start."""
        tasks: dict[asyncio.Task[Outcome], Address] = {}
        try:
            while True:
                self._queue_ready(sorter)
                if self._may_start():
                    for address in self._lanes.take():
                        tasks[asyncio.create_task(self._run_one(self._changes[address]))] = address
                if not tasks:
                    return
                ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in sorted(ended, key=lambda task: tasks[task]):
                    address = tasks.pop(task)
                    self._end(task.result())
                    self._lanes.release(address)
                    sorter.done(address)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _queue_ready(self, sorter: TopologicalSorter[Address]) -> None:
        """Queue what may run now; what cannot any more ends here, and with it what waits for it in turn."""
        while sorter.is_active() and (ready := sorter.get_ready()):
            runnable = []
            for address in sorted(ready):
                if address in self._outcomes or self._is_blocked(self._changes[address]):
                    sorter.done(address)
                else:
                    runnable.append(address)
            self._lanes.offer(runnable)

    def _is_blocked(self, change: Change) -> bool:
        for needed in change.depends_on:
            ended = self._outcomes.get(needed)
            if ended is not None and ended.status is not Status.DONE:
                if ended.status is not Status.NOT_STARTED:
                    self._block(change, f"depends on {needed}, which {_HOW[ended.status]}")
                return True
        return False

    def _may_start(self) -> bool:
        return not (self.halted or self._session.stop.is_set())

    async def _run_one(self, change: Change) -> Outcome:
        self._tell(EventName.STARTED, change.address)
        step = Step(change, Run(self.number, self._session, self._known), self._wait_teller(change.address))
        ended = await _attempt(_drive(step))
        if isinstance(ended, Outcome):
            return ended
        if isinstance(ended, LedgerError):
            self._halt(ended)
            return _unrecorded(step, ended)
        hint = ended.hint or "plan again: it shows how far this came"
        return Outcome(change.address, change.action, Status.FAILED, change.id, ended.message, hint)

    def _wait_teller(self, address: Address) -> Callable[[str], None]:
        return lambda text: self._tell(EventName.WAITING, address, text=text)

    # ------------------------------------------------------------------------------------------ what does not run

    def hold_removals_back(self) -> None:
        """Nothing is taken away unless everything that builds was verified."""
        unverified = [
            address
            for address, change in sorted(self._changes.items())
            if not change.removes and not self._is_done(address)
        ]
        if not unverified or not self._may_start():
            return
        more = f" and {len(unverified) - 1} more" if len(unverified) > 1 else ""
        for change in self._plan.changes:
            if change.removes:
                self._block(change, f"nothing is removed while {unverified[0]}{more} is not as declared")

    def _is_done(self, address: Address) -> bool:
        return address in self._outcomes and self._outcomes[address].status is Status.DONE

    def _block(self, change: Change, why: str) -> None:
        self._end(Outcome(change.address, change.action, Status.BLOCKED, change.id, why, "mend that, then plan again"))

    def leave_the_rest(self) -> None:
        """Give everything that never started its outcome."""
        why = self.halted or "the run was interrupted first"
        for change in self._plan.changes:
            if change.address not in self._outcomes:
                ended = Outcome(change.address, change.action, Status.NOT_STARTED, change.id, why)
                self._outcomes[change.address] = ended
        self.interrupted = not self.halted and any(
            outcome.status is Status.NOT_STARTED for outcome in self._outcomes.values()
        )

    def _halt(self, error: LedgerError) -> None:
        self.halted = f"the ledger cannot be written: {error.message}"

    # ------------------------------------------------------------------------------------------------ afterwards

    async def prove(self) -> tuple[Plan | None, str]:
        """Read and plan again; nothing, and why, when that is not possible."""
        if self.interrupted or self.halted:
            return None, ""
        self._tell(EventName.VERIFYING)
        residual = await _attempt(self._session.replan())
        if isinstance(residual, Plan):
            return residual, ""
        return None, f"whether the platform is as declared could not be verified: {residual.message}"

    def finish(self, report: Report) -> None:
        """Close the run in the ledger, with what never began; the other outcomes are recorded already."""
        if not self.halted:
            rest = [outcome for outcome in report.outcomes if outcome.status in _NEVER_BEGUN]
            try:
                self._session.ledger.finish_run(self.number, _result(report), rest)
            except LedgerError as error:
                self._tell(EventName.WAITING, text=f"the run could not be closed in the ledger: {error.message}")

    def in_order(self) -> tuple[Outcome, ...]:
        """The outcomes in the order of the plan."""
        return tuple(self._outcomes[change.address] for change in self._plan.changes)

    def _end(self, outcome: Outcome) -> None:
        self._outcomes[outcome.address] = outcome
        self._tell(EventName.ENDED, outcome.address, outcome=outcome)

    def _tell(
        self, name: EventName, address: Address | None = None, *, text: str = "", outcome: Outcome | None = None
    ) -> None:
        self._observer(Event(name, address, text, outcome, len(self._outcomes), len(self._changes)))


async def _drive(step: Step) -> Outcome:
    while step.state is not State.ENDED:
        await step.advance()
    assert step.outcome is not None
    return step.outcome


async def _attempt(work: Awaitable[T]) -> T | FlextError:
    """Turn whatever goes wrong into an error with a message, so that one mistake of ours ends one change only."""
    try:
        return await work
    except FlextError as error:
        return error
    except Exception as error:  # noqa: BLE001 - its text may hold a secret, so only its type and place are told
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{PurePath(last.filename).name}:{last.lineno}"
        return FlextError(
            f"a mistake in flext or in the provider: {type(error).__name__} at {place}",
            hint="plan again to see what came of it, and report this",
        )


def _unrecorded(step: Step, error: LedgerError) -> Outcome:
    change = step.change
    if not step.wrote:
        return Outcome(change.address, change.action, Status.NOT_STARTED, change.id, error.message, error.hint)
    how = step.outcome.message if step.outcome and step.outcome.message else "done and verified"
    message = f"{how}; the ledger could not be written after it: {error.message}"
    return Outcome(change.address, change.action, Status.FAILED, change.id, message, error.hint)


def _result(report: Report) -> str:
    if report.interrupted:
        return "interrupted"
    if report.counts[Status.STALE] and not report.counts[Status.FAILED]:  # as the exit code tells it
        return "stale"
    if report.counts[Status.DONE] < len(report.outcomes):
        return "partial"
    return "converged" if report.converged else "not converged"
