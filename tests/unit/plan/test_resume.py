"""What is left of an interrupted plan that came from nowhere, as a rollback does."""

from __future__ import annotations

from flext_reconciler.model import Action, Address, Change, Plan, Reason, Record
from flext_reconciler.plan.resume import rest_of
from toy_kinds import KINDS, SERVICE
from toy_platform import World

TANK = Address(SERVICE, "tank", "a")


def test_what_was_declared_nowhere_gets_no_place():
    kept = Plan("test", {SERVICE: "http://toys.example"}, (Change(TANK, Action.CREATE, Reason.UNDONE, desired={}),))
    begun = {TANK: Record(TANK, None, {}, {}, pending=Action.CREATE)}
    (change,) = rest_of(kept, (), World().read(), begun, KINDS).changes
    assert (change.action, change.place) == (Action.CREATE, None)
