"""The next step asks for exactly the plan that was shown."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from flext_reconciler.cli.next_step import next_step
from flext_reconciler.cli.options import DEFAULT_ROOT, Location, limited, located, planning
from flext_reconciler.cli.pipeline import Wishes
from flext_reconciler.guard import Limits
from flext_reconciler.model import Action, Address, Change, Plan, Reason, Violation
from flext_reconciler.plan import PlanOptions

ADDRESSES = st.frozensets(st.sampled_from([Address("s", "k", name) for name in ("one", "two", "a b")]))
OPTIONS = st.builds(
    PlanOptions,
    prune=st.just(True),
    purge=st.booleans(),
    adopt=st.booleans(),
    targets=ADDRESSES,
    force_replace=ADDRESSES,
    tombstone_days=st.integers(0, 3650),
) | st.just(PlanOptions())
LIMITS = st.builds(
    Limits, st.integers(0, 99), st.integers(0, 100).map(lambda percent: percent / 100), allow_empty=st.booleans()
)
PATHS = st.sampled_from([DEFAULT_ROOT, Path("else where"), Path("a/b.yaml")])
PLAN = Plan("prod", {}, changes=(Change(Address("s", "k", "n"), Action.CREATE, Reason.NEW),))
HERE = Location(DEFAULT_ROOT, None)


@click.command()
@located
@planning
@limited
def reads(location, options, limits):
    """Read a command line as `plan` and `apply` do."""
    reads.seen = location, Wishes(options, limits)


def words(shown):
    first, command, *rest = shlex.split(shown.removeprefix("Apply with: "))
    assert (first, command) == ("flext", "apply")
    return rest


@given(PATHS, OPTIONS, LIMITS)
def test_it_says_the_wishes_of_the_plan_again(path, options, limits):
    ended = CliRunner().invoke(reads, words(next_step(PLAN, Location(path, None), Wishes(options, limits))))
    assert ended.exit_code == 0, ended.output
    assert reads.seen == (Location(path, "prod"), Wishes(options, limits))


@pytest.mark.parametrize(
    ("path", "wishes", "said"),
    [
        (DEFAULT_ROOT, Wishes(), "Apply with: flext apply -e prod"),
        (DEFAULT_ROOT, Wishes(PlanOptions(prune=True)), "Apply with: flext apply -e prod --prune"),
    ],
)
def test_it_is_no_longer_than_it_must_be(path, wishes, said):
    assert next_step(PLAN, Location(path, None), wishes) == said


def test_a_saved_plan_has_its_options_and_not_its_limits():
    wishes = Wishes(PlanOptions(prune=True), Limits(max_deletes=20))
    shown = next_step(PLAN, Location(Path("there"), None), wishes, Path("plan.json"))
    assert shown == "Apply with: flext apply plan.json --desired-state there -e prod --max-deletes 20"


@pytest.mark.parametrize(
    "plan", [replace(PLAN, changes=()), replace(PLAN, violations=(Violation("max_deletes", "x", "--max-deletes 2"),))]
)
def test_nothing_is_said_of_an_apply_that_is_not(plan):
    assert next_step(plan, HERE, Wishes()) == ""
