"""In which order changes may run.

Pure. Everything that builds runs first, dependencies before dependents; removals come last, dependents first, and
only when everything that builds has been verified:

    create a ─→ create b ─→ update c ─┐
    create d ─────────────────────────┴─→ delete y (used x) ─→ delete x
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from .model import Address, Change

Graph = Mapping[Address, frozenset[Address]]


def prerequisites(changes: Iterable[Change]) -> Graph:
    """Return what each change waits for; a removal's `depends_on` are the removals that must come before it."""
    listed = tuple(changes)
    known = {change.address for change in listed}
    return {change.address: frozenset(change.depends_on) & known for change in listed}


def groups(changes: Iterable[Change]) -> tuple[tuple[Address, ...], ...]:
    """Return the execution groups: what stands in one group may run at once; sorted inside."""
    listed = tuple(changes)
    building = [change for change in listed if not change.removes]
    removing = [change for change in listed if change.removes]
    return (*levels(prerequisites(building)), *levels(prerequisites(removing)))


def levels(graph: Graph) -> list[tuple[Address, ...]]:
    """Return the addresses of a graph without cycles, what each waits for before it; sorted inside."""
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    found = []
    while sorter.is_active():
        ready = sorter.get_ready()
        found.append(tuple(sorted(ready)))
        sorter.done(*ready)
    return found


def find_cycle(graph: Mapping[Address, Iterable[Address]]) -> tuple[Address, ...]:
    """Return one cycle, first address repeated at its end, or nothing; always the same one of the same graph."""
    try:
        TopologicalSorter({address: sorted(graph[address]) for address in sorted(graph)}).prepare()
    except CycleError as error:
        return tuple(reversed(error.args[1]))
    return ()
