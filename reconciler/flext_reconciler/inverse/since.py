"""What later runs did to what a run touched: to be respected when that run is taken back. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from ..model import Action, Address, BlockCode, Blocked, Status, Touch

Touched = Mapping[Address, tuple[Touch, ...]]
"""What a run touched → what later runs did to it that still stands, newest first."""

_DID = {Action.CREATE: "made it", Action.REPLACE: "made it anew", Action.DELETE: "deleted it"}


def touched_by(run: int, touches: Iterable[Touch]) -> Touched:
    """Return what a run touched, from all that it and later runs did there."""
    found: defaultdict[Address, list[Touch]] = defaultdict(list)
    for touch in sorted(touches, key=lambda touch: touch.run, reverse=True):
        found[touch.address].append(touch)
    return {address: tuple(_standing(run, listed)) for address, listed in found.items() if listed[-1].run == run}


def _standing(run: int, newest_first: Iterable[Touch]) -> Iterator[Touch]:
    """Leave out the run itself, its own rollbacks, and later runs that were taken back in turn."""
    taken_back = {run}
    for touch in newest_first:
        if touch.run in taken_back:
            continue
        if touch.undoes < run:
            yield touch
        elif touch.status is Status.DONE:
            taken_back.add(touch.undoes)


def successor(later: Iterable[Touch]) -> Touch | None:
    """Return the last of the later changes after which this is another object, or none at all."""
    return next((touch for touch in later if touch.action in _DID and _may_be_carried_out(touch)), None)


def _may_be_carried_out(touch: Touch) -> bool:
    return touch.status in (Status.DONE, None) or (touch.action is not Action.DELETE and touch.id is not None)


def overtaken(touch: Touch) -> Blocked:
    """Say that an object is not the one any more that the run to be taken back has left."""
    return Blocked(
        touch.address,
        BlockCode.OVERTAKEN,
        f"it is not as the run left it: run {touch.run} {_DID[touch.action]} since",
        f"`flext rollback {touch.run}` takes that back",
    )
