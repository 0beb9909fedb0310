"""What a run of the ledger did, made ready to be taken back."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..diff import same
from ..errors import FlextError
from ..inverse import Undo, touched_by, undo_of
from ..inverse.earlier import KNOWN_TO_THE_SERVICE, Why, moved_on
from ..ledger import Run, whoami
from ..model import ABSENT, Address, Declaration, Json, Plan, Record, Secret
from .platform import Platform

REVERT = "The declaration still asks for what was taken back: revert it too, or the next apply brings it again."


def undo_of_run(platform: Platform, run: int, records: Mapping[Address, Record]) -> Undo:
    """Return what takes back what a run touched; raises FlextError when that is not known."""
    kept = kept_plan(platform, run)
    touched = touched_by(run, platform.ledger.touches(run))
    return undo_of(kept, touched, platform.declaration, records, platform.kinds, _why(platform))


def adopted(platform: Platform, run: int) -> tuple[Address, ...]:
    """Return what a run adopted and the ledger still knows: to be nobody's again."""
    return undo_of_run(platform, run, platform.ledger.records()).forget


def forget_adopted(platform: Platform, run: int) -> None:
    """Forget what a run adopted, once the rest of it is taken back; no service is asked."""
    addresses = adopted(platform, run)
    if addresses:
        platform.ledger.forget(addresses, whoami(os.environ))


def still_declared(plan: Plan, declaration: Declaration) -> bool:
    """Tell whether the declaration asks for something else than a rollback has left."""
    declared = {resource.address: resource.spec for resource in declaration.resources}
    return any(_differs(change.desired, declared.get(change.address)) for change in plan.changes)


def _differs(left: Mapping[str, Json] | None, declared: Mapping[str, Json] | None) -> bool:
    if left is None or declared is None:
        return left is not declared
    return any(not same(left.get(name, ABSENT), value) for name, value in declared.items())


def kept_plan(platform: Platform, run: int) -> Plan:
    """Return the plan that the ledger kept with a run; raises FlextError when there is none."""
    _find(platform, run)
    plan = platform.ledger.plan_of(run)
    if plan is None:
        raise FlextError(f"the plan of run {run} was not kept", hint="`flext history` lists what can be taken back.")
    return plan


def _find(platform: Platform, run: int) -> Run:
    found = platform.ledger.run(run)
    if found is None:
        raise FlextError(f"no run {run} in {platform.environment.name}", hint="`flext history` lists the latest runs.")
    return found


def _why(platform: Platform) -> Why:
    """Tell of a secret why its earlier value cannot be sent again."""

    def why(secret: Secret) -> str:
        if not secret.text:
            return KNOWN_TO_THE_SERVICE
        try:
            found = platform.fingerprinter.of(platform.resolve(secret))
        except FlextError as error:
            return error.message
        return "" if found == secret.fingerprint else moved_on(secret)

    return why
