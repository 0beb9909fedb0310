"""Apply stopped at every boundary, over the embedded FlexCore and FLEXT Service and the SQLite ledger."""

from __future__ import annotations

import gc

import pytest

from every_stop import boundaries, every_stop
from http_world import HttpWorld
from stop_scenarios import AFTER_TROUBLE, SCENARIOS

UNDISTURBED = [scenario for scenario in SCENARIOS if scenario not in AFTER_TROUBLE]
MANY = 2000
"""Boundaries in all."""


@pytest.fixture(autouse=True)
def _without_collector():
    """What is loaded stays, and what comes and goes is not looked at all the time."""
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    yield
    gc.set_threshold(*usual)
    gc.unfreeze()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_whatever_a_stopped_apply_leaves_the_next_run_mends(scenario):
    with HttpWorld() as world:
        assert every_stop(world, scenario) >= 2


def test_that_is_shown_at_many_boundaries():
    found = {}
    for scenario in SCENARIOS:
        with HttpWorld() as world:
            found[str(scenario)] = boundaries(world, scenario)
    assert len(found) >= 20
    assert sum(found.values()) >= MANY, found


def _resumed(scenario):
    with HttpWorld() as world:
        assert every_stop(world, scenario, resume=True) >= 2


@pytest.mark.parametrize("scenario", UNDISTURBED[:41:6] + UNDISTURBED[-1:], ids=str)
def test_resuming_finishes_the_plan_and_nothing_else(scenario):
    _resumed(scenario)


@pytest.mark.nightly
@pytest.mark.parametrize("scenario", UNDISTURBED, ids=str)
def test_resuming_finishes_every_plan_and_nothing_else(scenario):
    _resumed(scenario)
