"""Everything a plan is made from, and how to look things up in it.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from ..model import (
    ABSENT,
    Actual,
    Actuals,
    Address,
    Declaration,
    Deferred,
    Drift,
    Json,
    KindSupport,
    Presence,
    Record,
    Resource,
    at,
)
from ..spec import Spec
from .case import Case, PlanOptions
from .references import deferred_in, filled

Kinds = Mapping[tuple[str, str], type[Spec]]
Records = Mapping[Address, Record]
Moving = Mapping[Address, Drift]

NOTHING_MOVES: Moving = {}
_ANYTHING = KindSupport()
_NOTHING = KindSupport(supported=False)


@dataclass(frozen=True, slots=True)
class Given:
    """The declaration, what was read, what was applied before, and what the user allows."""

    declaration: Declaration
    resources: Mapping[Address, Resource]  # sorted by address
    actuals: Actuals
    records: Records
    kinds: Kinds
    options: PlanOptions
    restarted: frozenset[str]  # services that lost everything of ours at once

    def kind(self, address: Address) -> type[Spec]:
        """Return the model of an address."""
        return self.kinds[address[:2]]

    def actual(self, address: Address) -> Actual:
        """Return what was read; of a service that was not read, nothing is known."""
        actual = self.actuals.get(address)
        if actual.presence is Presence.ABSENT and address.service not in self.actuals.support:
            return Actual(address, Presence.UNKNOWN, reason=f"{address.service} was not read")
        return actual

    def support(self, address: Address) -> KindSupport:
        """Return what the server can do with the kind of an address."""
        support = self.actuals.support.get(address.service)
        return support.kinds.get(address.kind, _NOTHING) if support else _ANYTHING

    def case(self, address: Address, moving: Moving = NOTHING_MOVES) -> Case:
        """Gather what the decision about a resource looks at; what is `moving` has no id to refer to yet."""
        resource = self.resources[address]
        return Case(
            resource if not resource.depends_on else self._with_known(resource, moving),
            self.kind(address),
            self.actual(address),
            self.records.get(address),
            self.support(address),
            self.options,
            address.service in self.restarted,
            moving,
        )

    def users(self) -> Mapping[Address, tuple[Address, ...]]:
        """Return, for every address that something depends on, what does so directly."""
        found: dict[Address, list[Address]] = {}
        for resource in self.resources.values():
            for needed in resource.depends_on:
                found.setdefault(needed, []).append(resource.address)
        return {needed: tuple(users) for needed, users in found.items()}

    def _with_known(self, resource: Resource, moving: Moving) -> Resource:
        if not deferred_in(resource.spec):
            return resource
        spec = filled(resource.spec, partial(self._look_up, moving=moving))
        return replace(resource, spec=self.kind(resource.address).normalise(spec))

    def _look_up(self, deferred: Deferred, moving: Moving) -> Json:
        """A declared field is known at once; what the service assigns, once the resource is there to stay."""
        resource = self.resources.get(deferred.address)
        value = at(resource.spec, deferred.path) if resource else ABSENT
        if value is not ABSENT:
            return filled(value, partial(self._look_up, moving=moving))
        actual = self.actual(deferred.address)
        if deferred.address not in moving and actual.presence is Presence.PRESENT:
            value = actual.id if deferred.path == ("id",) else at(actual.spec, deferred.path)
        return deferred if value is ABSENT or value is None else value
