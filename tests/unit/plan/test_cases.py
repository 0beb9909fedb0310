"""Every case of `cases/plan`, and whether together they reach everything that a plan can say."""

from __future__ import annotations

import pytest

import plan_cases
from flext_reconciler.model import Action, BlockCode, Drift, Effect, Reason

PLANS = {path: plan_cases.plan_of(plan_cases.load(path)) for path in plan_cases.FILES}
CHANGES = [change for plan in PLANS.values() for change in plan.changes]


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_case(path):
    expected = plan_cases.load(path)["plan"] or {}
    assert plan_cases.told(PLANS[path], expected) == plan_cases.expectation(expected)


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_the_order_of_the_input_means_nothing(path):
    case = plan_cases.load(path)
    turned = {name: dict(reversed(case.get(name, {}).items())) for name in ("desired", "actual", "records")}
    assert repr(plan_cases.plan_of({**case, **turned})) == repr(PLANS[path])


def test_every_action_reason_and_effect_has_a_case():
    assert {change.action for change in CHANGES} == set(Action)
    assert {change.reason for change in CHANGES} == set(Reason) - {Reason.UNDONE}  # which only a rollback has
    assert {field.effect for change in CHANGES for field in change.fields} == set(Effect)


ROLLBACK = {BlockCode.OVERTAKEN}  # tests/unit/planfile/test_since.py has it


def test_every_block_and_every_drift_has_a_case():
    assert {blocked.code for plan in PLANS.values() for blocked in plan.blocked} == set(BlockCode) - ROLLBACK
    assert {item.drift for plan in PLANS.values() for item in plan.drift} == set(Drift)
