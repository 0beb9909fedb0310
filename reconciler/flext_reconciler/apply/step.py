"""One change, one state after the other; `states` draws the ways between them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from ..errors import ErrorKind, FlextError, ServiceError
from ..model import Action, Actual, Change, FieldDiff, Json, Outcome, Presence, Record, Status
from .judge import applied, moved_how, named, three_way, unseen, with_uncleared
from .requests import Requests, Run
from .states import NEXT, State

_FIRST = {Action.CREATE: State.CREATE, Action.DELETE: State.DELETE, Action.REPLACE: State.DELETE}
_TRIES = 2  # a create that nobody answered and that provably did not happen is sent once more
_LYING = "the service may be unwell; `flext status` shows how it is"


class Step:
    """A change on its way; `advance` makes exactly one transition."""

    def __init__(self, change: Change, run: Run, waits: Callable[[str], None]) -> None:
        self.change = change
        self.state = State.RECHECK
        self.outcome: Outcome | None = None
        self.wrote = False  # a request was sent
        self._run, self._session = run, run.session
        self._requests = Requests(change, run)
        self._previous = self._requests.previous
        self._desired: Mapping[str, Json] = change.desired or {}
        self._waits = waits
        self._began = time.monotonic()
        self._id = change.id
        self._settled = False  # it is certain what the ledger is to hold in the end, which is:
        self._kept: Record | None = None
        self._request = State.UPDATE  # the last one sent
        self._error: ServiceError | None = None  # why we LOOK
        self._lost: ServiceError | None = None  # why we RESTORE
        self._in_doubt = False  # a request of ours may have been carried out, or may be yet
        self._tries = 0
        self._waited = 0.0

    async def advance(self) -> State:
        """Do what the state says, and return the next one."""
        state = await _DO[self.state](self)
        assert state in NEXT[self.state], f"{self.state} leads to {state}"
        self.state = state
        return state

    # -------------------------------------------------------------------------------------------- before the request

    async def _recheck(self) -> State:
        change = self.change
        try:
            self._requests.write(self._desired, None)  # what cannot be filled in must not fail half-way
            if moved := self._requests.moved_use():
                return self._end(Status.STALE, f"{moved}, on which it depends, moved since the plan", "plan again")
            if change.action is Action.CREATE and self._previous is None and not self._session.recheck_creates:
                return State.INTEND
            actual = await self._requests.read(self._id or self._requests.last_id)
            while self._requests.may_still_come(actual) and await self._is_given_time():
                actual = await self._requests.read(self._id)
            self._waited = 0.0
        except FlextError as error:
            return self._fail(f"not touched: {error.message}", error.hint)
        if not self._requests.has_moved(actual):
            return State.INTEND if change.writes else self._done(actual)
        if self._was_done_before(actual):
            return self._done(actual)
        fields = three_way(change, actual)
        return self._end(Status.STALE, moved_how(change, actual, fields), "plan again", fields)

    def _was_done_before(self, actual: Actual) -> bool:
        """What is gone needs no delete, and a run that was cut short may have done the rest already."""
        if self.change.action is Action.DELETE:
            return actual.presence is Presence.ABSENT
        cut_short = self._previous is not None and self._previous.pending is self.change.action
        return cut_short and self._is_met(actual)

    async def _intend(self) -> State:
        if self._session.stop.is_set():
            self.outcome = Outcome(self.change.address, self.change.action, Status.NOT_STARTED, self.change.id)
            return State.ENDED
        self._session.ledger.intend(self._run.number, self.change)
        return _FIRST.get(self.change.action, State.UPDATE)

    # ------------------------------------------------------------------------------------------------- the requests

    async def _delete(self) -> State:
        after = State.CREATE if self.change.action is Action.REPLACE else State.READ_BACK
        return await self._send(State.DELETE, self._requests.delete(self._id), after)

    async def _create(self) -> State:
        self._tries += 1
        return await self._send(State.CREATE, self._create_anew(self._desired), State.READ_BACK)

    async def _create_anew(self, desired: Mapping[str, Json]) -> None:
        self._id = None
        try:
            self._id = await self._requests.create(desired)
        except ServiceError as error:
            self._id = error.made
            raise

    async def _update(self) -> State:
        return await self._send(State.UPDATE, self._requests.update(self._desired, self._id), State.READ_BACK)

    async def _send(self, request: State, sending: Awaitable[None], after: State) -> State:
        self._request, self.wrote = request, True
        try:
            await sending
        except FlextError as error:
            self._error = _as_answer(error)
            self._in_doubt = self._in_doubt or self._error.outcome_unknown
            return State.LOOK
        return after

    # ---------------------------------------------------------------------------------------------- after an error

    async def _look(self) -> State:
        """Read what an error left behind, and let that decide."""
        error = self._error
        assert error is not None
        try:
            actual = await self._requests.read(self._id)
        except FlextError as again:
            message = f"{error.message}; whether it was carried out could not be read: {again.message}"
            return self._fail(message, error.hint or again.hint)
        if error.kind is not ErrorKind.UNFIT and self._is_reached(actual):
            if self._request is State.DELETE and self.change.action is Action.REPLACE:
                self._in_doubt, self._waited = False, 0.0  # what was in doubt is certain now; the create starts anew
                return State.CREATE
            return self._done(actual)
        if error.outcome_unknown and await self._is_given_time():
            return State.LOOK
        if self._request is State.CREATE:
            return self._not_created(error, actual)
        if self._in_doubt or self._requests.has_moved(actual):
            return self._fail(error.message, error.hint)
        return self._refused(error)

    def _is_reached(self, actual: Actual) -> bool:
        """Tell whether the last request did its work after all.

        Where something cannot be read back, that is known only of a create that nobody answered: it was not there
        before, and now it is.
        """
        if self._request is State.DELETE:
            return actual.presence is Presence.ABSENT
        appeared = self._request is State.CREATE and self._in_doubt
        if appeared and self._requests.is_the_old_one(self._desired, actual):
            return False
        return self._is_met(actual) and (appeared or not unseen(self._desired, actual))

    def _is_met(self, actual: Actual) -> bool:
        return actual.presence is Presence.PRESENT and not self._requests.unmet(self._desired, actual)

    async def _is_given_time(self) -> bool:
        """Wait a little for a service that works on after its connection broke; False when it had its time."""
        limit = self._session.traits[self.change.address.service].settle_seconds
        if self._waited >= limit or self._session.stop.is_set():
            return False
        pause = min(max(1.0, self._waited), limit - self._waited)
        self._waits("no answer came; looking what the service makes of it")
        await self._session.sleep(pause)
        self._waited += pause
        return True

    def _not_created(self, error: ServiceError, actual: Actual) -> State:
        if actual.presence is Presence.PRESENT:
            if error.kind is ErrorKind.CONFLICT and not (self._in_doubt or self._id):
                return self._refused(self._conflict(error, actual))
            return self._fail(error.message, error.hint)
        if self._id is not None:  # it was made, so it is not made again, whatever a reading says
            return self._fail(error.message, error.hint)
        if error.outcome_unknown and self._tries < _TRIES and not self._session.stop.is_set():
            return State.CREATE
        if self.change.action is Action.REPLACE:
            self._lost = error
            return State.RESTORE
        return self._fail(error.message, error.hint) if self._in_doubt else self._refused(error)

    def _conflict(self, error: ServiceError, actual: Actual) -> ServiceError:
        differing = named(self._requests.unmet(self._desired, actual))
        why = f"differs in {differing}" if differing else f"hides {', '.join(unseen(self._desired, actual))}"
        message = f"somebody else made one of this name (id {actual.id}), which {why}"
        return ServiceError(message, kind=error.kind, hint="plan again, then adopt it or give yours another name")

    async def _restore(self) -> State:
        """Put back, once, what a replace took away."""
        assert self._lost is not None
        lost, hint = f"{self._lost.message}; the old one is gone", self._lost.hint
        if self._previous is None:
            return self._fail(f"{lost}, and what it held is not known", hint)
        try:
            await self._create_anew(self._previous.desired)
        except FlextError as error:
            return self._fail(f"{lost} and could not be put back: {error.message}", error.hint or hint)
        return State.READ_BACK

    # ------------------------------------------------------------------------------------------------ after success

    async def _read_back(self) -> State:
        try:
            actual = await self._requests.read(self._id)
        except FlextError as error:
            return self._fail(f"sent, and could not be verified: {error.message}", error.hint)
        present = actual.presence is Presence.PRESENT
        if self._lost is not None:
            return self._restored(self._lost, actual)
        if present is (self.change.action is Action.DELETE):
            what = "said that it is deleted, and still shows it" if present else "accepted it, and does not show it"
            return self._fail(f"the service {what}", _LYING)
        fields = self._requests.unmet(self._desired, actual) if present else ()
        if not fields:
            return self._done(actual)
        if self.change.grace is None:
            self._settle(applied(self.change, with_uncleared(self._desired, fields, self._previous), actual))
        message = f"the service stored a different value for {named(fields)}"
        return self._end(Status.FAILED, message, "declare what the service stores", fields)

    def _restored(self, lost: ServiceError, actual: Actual) -> State:
        assert self._previous is not None
        old = self._previous.desired
        if actual.presence is Presence.ABSENT or self._requests.unmet(old, actual):
            return self._fail(f"{lost.message}; the old one was put back incompletely", lost.hint)
        self._settle(applied(self.change, old, actual))
        return self._fail(f"{lost.message}; the old one was put back", lost.hint)

    async def _record(self) -> State:
        assert self.outcome is not None
        self.outcome = replace(self.outcome, seconds=time.monotonic() - self._began)
        if self._settled:
            self._session.ledger.record(self._run.number, self.outcome, self._kept)
        else:
            self._session.ledger.note(self._run.number, self.outcome)
        return State.ENDED

    # ---------------------------------------------------------------------------------------------------- how it ends

    def _done(self, actual: Actual) -> State:
        self._id = actual.id or self._id
        self._run.known.note(actual, replaced=self.change.action is Action.REPLACE)
        self._settle(self._remembered(actual))
        return self._end(Status.DONE)

    def _remembered(self, actual: Actual) -> Record | None:
        if self.change.action is Action.DELETE:
            return None
        if self.change.grace is not None:
            return self._requests.disabled(self._desired, actual, self.change.grace)
        return applied(self.change, self._desired, actual)

    def _settle(self, record: Record | None) -> None:
        self._settled, self._kept = True, record

    def _refused(self, error: ServiceError) -> State:
        """Nothing came of the request, so the ledger holds what it held; unless an earlier run left a doubt."""
        if self._previous is None or self._previous.pending is None:
            self._settle(self._previous)
        return self._fail(error.message, error.hint)

    def _fail(self, message: str, hint: str) -> State:
        return self._end(Status.FAILED, message, hint)

    def _end(self, status: Status, message: str = "", hint: str = "", fields: tuple[FieldDiff, ...] = ()) -> State:
        self.outcome = Outcome(self.change.address, self.change.action, status, self._id, message, hint, fields)
        return State.RECORD


def _as_answer(error: FlextError) -> ServiceError:
    """What was refused before it was sent is answered as surely as what the service refused."""
    if isinstance(error, ServiceError):
        return error
    return ServiceError(error.message, kind=ErrorKind.INVALID, hint=error.hint)


_DO: Mapping[State, Callable[[Step], Awaitable[State]]] = {
    State.RECHECK: Step._recheck,
    State.INTEND: Step._intend,
    State.DELETE: Step._delete,
    State.CREATE: Step._create,
    State.UPDATE: Step._update,
    State.LOOK: Step._look,
    State.RESTORE: Step._restore,
    State.READ_BACK: Step._read_back,
    State.RECORD: Step._record,
}
