"""The blast radius of a plan: which declared resources feel it, beyond the ones that change.

Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from .model import Action, Address, Impact, Plan, Resource

__all__ = ["Impact", "impact"]


def impact(plan: Plan, resources: Iterable[Resource]) -> Impact:
    """Follow the declared dependencies upwards from everything that is replaced or deleted."""
    outages = tuple(
        change.address
        for change in plan.changes
        if change.writes and (change.removes or change.action is Action.REPLACE)
    )
    users: defaultdict[Address, list[Address]] = defaultdict(list)
    for resource in resources:
        for needed in resource.depends_on:
            users[needed].append(resource.address)
    reached: set[Address] = set()
    waiting = list(outages)
    while waiting:
        fresh = set(users[waiting.pop()]) - reached
        reached |= fresh
        waiting.extend(fresh)
    changing = {change.address for change in plan.changes}
    return Impact(outages, tuple(sorted(reached - changing)))
