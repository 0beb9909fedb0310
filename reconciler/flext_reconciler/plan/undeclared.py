"""What was found and is not declared: ours to prune, or somebody else's.

Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ..model import Actual, Address, Presence
from .decide import is_ours
from .given import Given


@dataclass(frozen=True, slots=True)
class Undeclared:
    """What is there beyond the declaration, sorted by address."""

    ours: tuple[Actual, ...]
    foreign: tuple[Actual, ...]
    kinds: Mapping[str, int]  # how many of `service.kind` are ours, declared ones included


def undeclared(given: Given) -> Undeclared:
    """Split what was found by whose it is."""
    counted: Counter[tuple[str, str]] = Counter()
    ours: list[Actual] = []
    foreign: list[Actual] = []
    for address, actual in given.actuals.found.items():
        if actual.presence is not Presence.PRESENT:
            continue
        mine = is_ours(actual, given.records.get(address))
        if mine:
            counted[address[:2]] += 1
        if address not in given.resources and address[:2] in given.kinds:
            (ours if mine else foreign).append(actual)
    return Undeclared(
        tuple(sorted(ours, key=_address)),
        tuple(sorted(foreign, key=_address)),
        {f"{service}.{kind}": count for (service, kind), count in sorted(counted.items())},
    )


def _address(actual: Actual) -> Address:
    return actual.address
