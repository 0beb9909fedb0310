"""What every provider must do, level by level; each ends with a second plan that is empty.

empty → create → update → replace → adopt → prune → paging → errors → a lost reply → empty again.
"""

from __future__ import annotations

import pytest

from flext_reconciler.model import Action, BlockCode, Deletion, Drift, Reason, Status
from flext_reconciler.plan import PlanOptions
from flext_reconciler.spec import field_rules

from .bench_of_one import SERVICE, bench, merged
from .samples import EVERY_KIND, PROVIDERS

NAME = "the-first"


@pytest.fixture(params=EVERY_KIND, ids=lambda case: f"{case[0]}-{case[1].kind}")
def case(request, tmp_path):
    name, sample = request.param
    with bench(PROVIDERS[name][0], tmp_path) as opened:
        yield opened, sample


def declared(opened, sample, spec=None, names=(NAME,), **lifecycle):
    """The sample under each name, with what it refers to."""
    needs = [opened.resource(kind, needed, needed_spec) for kind, needed, needed_spec in sample.needs]
    return needs + [opened.resource(sample.kind, name, spec or sample.first, **lifecycle) for name in names]


def settle(opened, resources, options=None):
    """Apply, and demand the proof: everything done, nothing left, and nothing written by a second run."""
    report = opened.apply(resources, options)
    assert {outcome.status for outcome in report.outcomes} <= {Status.DONE}, report.outcomes
    assert report.converged, report.residual
    opened.ask("DELETE", "/_sandbox/log")
    assert opened.plan(resources, options).is_empty
    assert opened.apply(resources, options).outcomes == ()
    assert opened.writes() == []
    assert opened.violations() == []
    return report


def only(plan, sample):
    """The one change of the sample itself."""
    (change,) = [change for change in plan.changes if change.address == (SERVICE, sample.kind, NAME)]
    return change


def test_an_empty_service_and_an_empty_declaration_need_nothing(case):
    opened, _ = case
    assert opened.plan([]).is_empty


def test_what_is_declared_is_created_once(case):
    opened, sample = case
    resources = declared(opened, sample)
    assert {change.action for change in opened.plan(resources).changes} == {Action.CREATE}
    settle(opened, resources)
    assert list(opened.read(sample.kind)).count(NAME) == 1


def test_what_changes_in_place_is_updated(case):
    opened, sample = case
    if sample.updated is None:
        pytest.skip("this kind changes nothing in place")
    settle(opened, declared(opened, sample))
    before = opened.read(sample.kind)[NAME].id
    resources = declared(opened, sample, merged(sample, sample.updated))
    change = only(opened.plan(resources), sample)
    assert (change.action, change.reason) == (Action.UPDATE, Reason.EDITED)
    settle(opened, resources)
    assert opened.read(sample.kind)[NAME].id == before


def test_what_cannot_change_in_place_is_replaced(case):
    opened, sample = case
    settle(opened, declared(opened, sample))
    resources = declared(opened, sample, {**sample.first, **sample.replaced})
    assert only(opened.plan(resources), sample).action is Action.REPLACE
    settle(opened, resources)
    settle(opened, declared(opened, sample))  # and back


def test_a_protected_resource_is_not_replaced(case):
    opened, sample = case
    settle(opened, declared(opened, sample))
    plan = opened.plan(declared(opened, sample, {**sample.first, **sample.replaced}, protect=True))
    assert [blocked.code for blocked in plan.blocked] == [BlockCode.PROTECTED]


def test_what_the_service_adds_by_itself_is_no_difference(case):
    opened, sample = case
    rules = field_rules(opened.provider.kinds[sample.kind])
    required = {name for name, info in opened.provider.kinds[sample.kind].model_fields.items() if info.is_required()}
    fewer = {name: value for name, value in sample.first.items() if name in required or rules[name].immutable}
    settle(opened, declared(opened, sample, fewer))


def test_what_exists_and_equals_is_found_again_without_a_ledger(case, tmp_path):
    opened, sample = case
    resources = declared(opened, sample)
    settle(opened, resources)
    from flext_reconciler.ledger import open_ledger

    with open_ledger(tmp_path / "other", "contract") as empty:
        opened.ledger = empty
        opened.ask("DELETE", "/_sandbox/log")
        assert {change.action for change in opened.plan(resources).changes} <= {Action.ADOPT}
        settle(opened, resources)
        assert opened.writes() == []


def test_what_exists_and_differs_is_taken_over_only_with_leave(case, tmp_path):
    opened, sample = case
    settle(opened, declared(opened, sample, {**sample.first, **sample.replaced}))
    from flext_reconciler.ledger import open_ledger

    mark = opened.provider.kinds[sample.kind].mark_field
    with open_ledger(tmp_path / "other", "contract") as empty:
        opened.ledger = empty
        if mark is None:
            plan = opened.plan(declared(opened, sample))
            assert BlockCode.FOREIGN in {blocked.code for blocked in plan.blocked}
        settle(opened, declared(opened, sample, adopt=True), PlanOptions(adopt=True))


def test_what_is_no_longer_declared_goes_with_prune_only(case):
    opened, sample = case
    settle(opened, declared(opened, sample, names=(NAME, "the-second")))
    fewer = declared(opened, sample)
    plan = opened.plan(fewer)
    assert plan.changes == ()
    assert [address.name for address in plan.prunable] == ["the-second"]
    settle(opened, fewer, PlanOptions(prune=True, purge=True))
    assert "the-second" not in opened.read(sample.kind)


@pytest.fixture
def disabled(case):
    """Something that was declared, applied, taken out and pruned, of a kind that can be disabled."""
    opened, sample = case
    if not opened.provider.kinds[sample.kind].disabled_by:
        pytest.skip("this kind cannot be disabled")
    settle(opened, declared(opened, sample, names=(NAME, "the-second")))
    settle(opened, declared(opened, sample), PlanOptions(prune=True, tombstone_days=1))
    return opened, sample


def test_what_can_be_disabled_is_disabled_first_and_deleted_on_its_day(disabled):
    opened, sample = disabled
    off = opened.provider.kinds[sample.kind].disabled_by
    assert opened.read(sample.kind)["the-second"].spec.items() >= off.items()
    fewer = declared(opened, sample)
    (told,) = opened.plan(fewer, PlanOptions(today="2026-01-31")).notices
    assert told.endswith("the-second: disabled, due on 2026-02-01 to be deleted")
    assert opened.plan(fewer, PlanOptions(today="2026-02-01")).prunable != ()
    settle(opened, fewer, PlanOptions(prune=True, today="2026-02-01"))
    assert "the-second" not in opened.read(sample.kind)


def test_what_is_declared_again_before_its_day_is_as_it_was(disabled):
    opened, sample = disabled
    before = opened.read(sample.kind)["the-second"].id
    resources = declared(opened, sample, names=(NAME, "the-second"))
    (change,) = opened.plan(resources).changes
    assert (change.action in (Action.UPDATE, Action.ADOPT), change.reason) == (True, Reason.REVIVED)
    settle(opened, resources)
    revived = opened.read(sample.kind)
    assert revived["the-second"].id == before
    for name in sample.first:
        assert revived["the-second"].spec[name] == revived[NAME].spec[name]
    assert opened.plan(resources, PlanOptions(prune=True, today="2027-01-01")).is_empty


def test_what_is_to_go_at_once_is_remembered_to(case):
    opened, sample = case
    settle(opened, declared(opened, sample, names=(NAME, "the-second"), delete=Deletion.IMMEDIATE))
    settle(opened, declared(opened, sample, delete=Deletion.IMMEDIATE), PlanOptions(prune=True))
    assert "the-second" not in opened.read(sample.kind)


def test_drift_is_noticed_and_mended(case):
    opened, sample = case
    resources = declared(opened, sample)
    settle(opened, resources)
    opened.ledger_id = opened.read(sample.kind)[NAME].id
    settle(opened, declared(opened, sample, {**sample.first, **sample.replaced}))
    settle(opened, resources)
    assert {item.drift for item in opened.plan(resources).drift} <= {Drift.SERVER_DEFAULT}


def test_a_list_longer_than_a_page_is_read_whole(case):
    opened, sample = case
    names = [f"number-{index:03}" for index in range(25 if opened.provider.traits.parallel_writes == 1 else 105)]
    settle(opened, declared(opened, sample, names=names))
    assert set(names) <= set(opened.read(sample.kind))


@pytest.mark.parametrize("fault", ["down", "html", "truncated", "wrong_shape", "http_401", "http_500", "http_503"])
def test_a_service_that_cannot_be_read_is_unknown_and_never_empty(case, fault):
    opened, sample = case
    resources = declared(opened, sample)
    settle(opened, resources)
    opened.fault(fault, times=None)
    plan = opened.plan(resources, PlanOptions(prune=True))
    assert plan.changes == ()
    assert {blocked.code for blocked in plan.blocked} == {BlockCode.UNKNOWN}
    opened.ask("DELETE", "/_sandbox/faults")
    assert opened.plan(resources).is_empty


@pytest.mark.parametrize("fault", ["reset_before", "lost_reply"])
def test_a_write_whose_outcome_is_unknown_is_neither_lost_nor_doubled(case, fault):
    opened, sample = case
    resources = declared(opened, sample)
    opened.fault(fault, times=1, method="POST")
    opened.apply(resources)
    opened.ask("DELETE", "/_sandbox/faults")
    settle(opened, resources)
    assert list(opened.read(sample.kind)).count(NAME) == 1
