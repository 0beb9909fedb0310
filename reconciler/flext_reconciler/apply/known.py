"""What this run knows of every address: what was read before it began, then what it wrote itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ..errors import FlextError
from ..model import ABSENT, Actual, Address, Deferred, Json, Presence, Secret, at


class Known:
    """Answers references between resources; changes that ended well add to it."""

    def __init__(self, actuals: Mapping[Address, Actual]) -> None:
        self._actuals = dict(actuals)
        self._replaced: set[Address] = set()

    def note(self, actual: Actual, *, replaced: bool = False) -> None:
        """Remember what was read last of an address, and that it is another object now."""
        self._actuals[actual.address] = actual
        if replaced:
            self._replaced.add(actual.address)

    def replaced_among(self, addresses: Iterable[Address]) -> frozenset[str]:
        """Return the kinds of those that this run replaced."""
        return frozenset(address.kind for address in addresses if address in self._replaced)

    def id_of(self, service: str) -> Callable[[str, str], str | None]:
        """Return what finds the id of a kind's resource by name, within one service."""

        def find(kind: str, name: str) -> str | None:
            actual = self._actuals.get(Address(service, kind, name))
            return actual.id if actual is not None and actual.presence is Presence.PRESENT else None

        return find

    def settle(self, value: Json) -> Json:
        """Return a copy with every `${ref:}` replaced by its value; secrets stay symbolic."""
        if isinstance(value, Deferred):
            return self._look_up(value)
        if isinstance(value, Mapping):
            return {key: self.settle(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.settle(item) for item in value]
        return value

    def _look_up(self, deferred: Deferred) -> Json:
        actual = self._actuals.get(deferred.address)
        value: Json = ABSENT
        if actual is not None and actual.presence is Presence.PRESENT:
            value = actual.id if deferred.path == ("id",) else at(actual.spec, deferred.path)
        if value is ABSENT or value is None:
            missing = ".".join(str(step) for step in deferred.path)
            raise FlextError(
                f"{deferred.text} cannot be filled in: {deferred.address} has no {missing}",
                hint="refer to a field that the service reports, or to `id`",
            )
        if isinstance(value, Secret):
            raise FlextError(
                f"{deferred.text} is a secret that is not read back", hint="refer to where the secret comes from"
            )
        return value
