"""Who else feels a plan."""

from __future__ import annotations

import pytest

from flext_reconciler.errors import Place
from flext_reconciler.impact import Impact, impact
from flext_reconciler.model import Action, Address, Change, Plan, Reason, Resource


def address(name):
    return Address("s", "k", name)


def resources(**needs):
    """A resource for each name, and the names that it depends on."""
    return [
        Resource(address(name), {}, Place("f", 1, 1), tuple(map(address, needed))) for name, needed in needs.items()
    ]


def plan(**actions):
    changes = (Change(address(name), action, Reason.EDITED, actual={}) for name, action in actions.items())
    return Plan("e", {}, changes=tuple(changes))


def told(found: Impact):
    return "".join(item.name for item in found.outages), "".join(item.name for item in found.dependents)


CHAIN = resources(a="", b="a", c="b", d="b", e="")


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (plan(), ("", "")),
        (plan(a=Action.UPDATE), ("", "")),
        (plan(a=Action.CREATE, e=Action.ADOPT), ("", "")),
        (plan(a=Action.REPLACE), ("a", "bcd")),
        (plan(b=Action.DELETE), ("b", "cd")),
        (plan(e=Action.REPLACE), ("e", "")),
        (plan(a=Action.REPLACE, b=Action.REPLACE, c=Action.UPDATE), ("ab", "d")),
        (plan(undeclared=Action.DELETE), ("undeclared", "")),
    ],
)
def test_impact_follows_dependencies_upwards(made, expected):
    assert told(impact(made, CHAIN)) == expected


def test_a_ring_of_dependencies_ends():
    assert told(impact(plan(a=Action.REPLACE), resources(a="c", b="a", c="b"))) == ("a", "bc")


def test_the_order_of_the_resources_means_nothing():
    made = plan(a=Action.REPLACE)
    assert impact(made, CHAIN) == impact(made, list(reversed(CHAIN)))
