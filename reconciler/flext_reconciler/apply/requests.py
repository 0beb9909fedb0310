"""The requests of one change: secrets are filled in right before, and masked right after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from ..diff import base_fingerprint
from ..errors import FlextError
from ..model import Action, Actual, Address, Change, FieldDiff, Json, Presence, Record, Secret, holds_secret
from ..provider import Write, Writer
from ..read import Models, understand
from ..references import fill
from ..spec import Spec
from . import judge
from .known import Known
from .session import Session


@dataclass(frozen=True)
class Run:
    """What the changes of one run share."""

    number: int
    session: Session
    known: Known


class Requests:
    """Reads and writes the one object that a change is about; every failure is a `FlextError`."""

    def __init__(self, change: Change, run: Run) -> None:
        service, kind, self._name = change.address
        self._change = change
        self._known = run.known
        self._session = run.session
        self._writer: Writer = run.session.writers[service]
        self._kind: type[Spec] = run.session.kinds[service, kind]
        self.previous: Record | None = run.session.records.get(change.address)

    @property
    def last_id(self) -> str | None:
        """The id of what the ledger says is there; where a plan found it gone, a list may lack what its id finds."""
        return self.previous.id if self.previous is not None and self.previous.pending is None else None

    def may_still_come(self, actual: Actual) -> bool:
        """Tell whether a create that was cut short may be under way yet.

        A second one would then make a second object, and forgetting it would make it nobody's.
        """
        if self.previous is None or self.previous.pending not in (Action.CREATE, Action.REPLACE):
            return False
        matters = self._change.action is Action.DELETE or self._kind.names_repeat
        return matters and actual.presence is Presence.ABSENT

    async def read(self, id: str | None) -> Actual:
        """Read it freshly; present or absent, never unknown."""
        change = self._change
        fields = frozenset((change.actual or {}).keys() | (change.desired or {}).keys())
        found = await self._writer.read_one(change.address.kind, self._name, id, fields)
        actual = understand(found, self._kind, self._models(), self._session.fingerprinter)
        if actual.presence is Presence.UNKNOWN:
            raise FlextError(actual.reason or "the service does not say whether it exists")
        return actual

    async def create(self, desired: Mapping[str, Json]) -> str:
        """Send a create and return the service's id."""
        return await self._writer.create(self.write(desired, None))

    async def update(self, desired: Mapping[str, Json], id: str | None) -> None:
        """Send an update."""
        await self._writer.update(self.write(desired, id))

    async def delete(self, id: str | None) -> None:
        """Send a delete."""
        await self._writer.delete(self.write({}, id))

    def write(self, desired: Mapping[str, Json], id: str | None) -> Write:
        """Fill in every reference; raises FlextError when one has no value, or not the one that was planned with."""
        symbolic = self._known.settle(desired)
        spec: Mapping[str, Json] = fill(symbolic, self._resolve, self._known.settle)
        change = replace(self._change, desired=desired) if desired else self._change
        return Write(change, spec, id, self._known.id_of(change.address.service), holds_secret(symbolic))

    def unmet(self, desired: Mapping[str, Json], actual: Actual) -> tuple[FieldDiff, ...]:
        """List what a present object still lacks."""
        return judge.unmet(self._kind, self._known.settle(desired), actual, self._change, self.previous)

    def is_the_old_one(self, desired: Mapping[str, Json], actual: Actual) -> bool:
        """Tell whether this may yet be what a replace was to take away, and a service only said that it did."""
        change = self._change
        if change.action is not Action.REPLACE or actual.presence is Presence.ABSENT:
            return False
        kept = replace(change, action=Action.UPDATE)  # in place, a field that is no longer declared would have stayed
        has_its_id = actual.id == change.id and actual.id != self._name
        return has_its_id or bool(judge.unmet(self._kind, self._known.settle(desired), actual, kept, self.previous))

    def has_moved(self, actual: Actual) -> bool:
        """Tell whether somebody else changed it since the plan was made."""
        replaced = self._known.replaced_among(self._change.depends_on)
        ours = [pattern for pattern, target in self._kind.refers_to.items() if target in replaced]
        return judge.has_moved(self._change, actual, ours)

    def moved_use(self) -> Address | None:
        """Return what the change relies on and nothing in this plan changes, if it is not as a saved plan found it."""
        for address, planned in self._change.uses.items() if self._session.recheck_creates else ():
            actual = self._session.actuals.get(address) or Actual(address, Presence.ABSENT)
            if actual.presence is Presence.UNKNOWN:
                raise FlextError(f"it depends on {address}, which cannot be read: {actual.reason}")
            if base_fingerprint(actual) != planned:
                return address
        return None

    def disabled(self, desired: Mapping[str, Json], actual: Actual, days: int) -> Record:
        """Return what the ledger holds of something that was disabled and goes in so many days."""
        return judge.disabled(desired, actual, self.previous, self._session.today() + timedelta(days))

    def _resolve(self, secret: Secret) -> str:
        value = self._session.resolve(secret)
        if self._session.fingerprinter.of(value) != secret.fingerprint:
            raise FlextError(f"{secret.text} is not what it was when the plan was made", hint="plan again")
        return value

    def _models(self) -> Models:
        change, record = self._change, self.previous
        applied = (record.desired, record.observed) if record else ()
        return tuple(model for model in (change.desired, *applied, change.actual) if model is not None)
