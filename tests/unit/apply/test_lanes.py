"""How many changes each service bears at once."""

from __future__ import annotations

from flext_reconciler.apply.lanes import Lanes
from flext_reconciler.model import Address


def addresses(service, count):
    return [Address(service, "widget", f"w{number}") for number in range(count)]


def test_each_service_gets_as_many_as_it_bears_and_the_others_wait_in_order():
    lanes = Lanes({"one": 1, "two": 3})
    lanes.offer(reversed(addresses("one", 2) + addresses("two", 4)))
    assert list(lanes.take()) == addresses("one", 1) + addresses("two", 3)
    assert list(lanes.take()) == []
    lanes.release(addresses("two", 1)[0])
    assert list(lanes.take()) == addresses("two", 4)[3:]
    lanes.release(addresses("one", 1)[0])
    assert list(lanes.take()) == addresses("one", 2)[1:]
