"""Plans held against each other: tables of cases, and what holds of any two plans."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from flext_reconciler.errors import PlanFileError
from flext_reconciler.model import (
    Action,
    Address,
    BlockCode,
    Blocked,
    Change,
    Effect,
    FieldDiff,
    Plan,
    Reason,
    Secret,
)
from flext_reconciler.planfile.compare import Verdict, compare
from flext_reconciler.render.compare import comparison_document, comparison_markdown, comparison_text
from flext_reconciler.render.terminal import Terminal
from strategies import plans

CASES = Path(__file__).parents[2] / "cases" / "compare"


def plan_of(written):
    """Build a plan from a case; what a change does not say is the same on both sides."""
    return Plan(
        environment=written.get("environment", "dev"),
        services=written.get("services", {"s": "http://s.example"}),
        changes=tuple(change_of(Address.parse(text), item) for text, item in written.get("changes", {}).items()),
        blocked=tuple(
            Blocked(Address.parse(text), BlockCode.UNKNOWN, why) for text, why in written.get("blocked", {}).items()
        ),
        prunable=tuple(map(Address.parse, written.get("prunable", ()))),
        objects={Address.parse(text): str(digest) for text, digest in written.get("objects", {}).items()},
        lineage=written.get("lineage", "l"),
        complete=written.get("complete", True),
    )


def change_of(address, written):
    sides = {name: (None if spec is None else values(spec)) for name, spec in written.items() if name in SPECS}
    fields = tuple(
        FieldDiff((name,), before, after, Effect(written.get("effect", "update")))
        for name, (before, after) in written.get("fields", {}).items()
    )
    reason = Reason(written.get("reason", "edited"))
    return Change(address, Action(written["action"]), reason, fields, written.get("id"), **sides)


SPECS = ("desired", "actual")


def values(value):
    if isinstance(value, dict) and value.keys() == {"secret", "fingerprint"}:
        return Secret(value["secret"], value["fingerprint"])
    return {key: values(item) for key, item in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_case_gives_what_it_says(path):
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = compare(plan_of(case["reviewed"]), plan_of(case["now"]))
    document = comparison_document(found, "dev")
    assert document["verdict"] == case["verdict"]
    assert [
        f"{item['address']} {item['side']} {item['cause']}: {item['message']}" for item in document["differences"]
    ] == case.get("differences", [])
    assert document["services"] == case.get("services", [])
    assert len(document["notices"]) == case.get("notices", 0)
    assert [
        f"{item['address']}{field['path']} {field['note']}"
        for item in document["differences"]
        for field in item["fields"]
    ] == case.get("fields", [])


def test_plans_of_two_environments_are_not_compared():
    with pytest.raises(PlanFileError, match="'dev', the other of 'prod'") as caught:
        compare(Plan("dev", {}), Plan("prod", {}))
    assert caught.value.hint


# ------------------------------------------------------------------------------------------------ what always holds


@given(plans())
@settings(max_examples=50)
def test_a_plan_equals_itself_wherever_it_is_declared(plan):
    moved = replace(plan, changes=tuple(replace(change, place=None, notes=()) for change in plan.changes), serial=99)
    assert compare(plan, moved) == compare(plan, plan)
    assert compare(plan, plan).verdict is Verdict.EQUAL


@given(plans(), st.data())
@settings(max_examples=50)
def test_what_is_left_out_makes_a_subset(plan, data):
    kept = tuple(change for change in plan.changes if data.draw(st.booleans()))
    found = compare(plan, replace(plan, changes=kept))
    left = len(plan.changes) - len(kept)
    assert found.verdict is (Verdict.SUBSET if left else Verdict.EQUAL)
    assert len(found.differences) == left
    assert compare(replace(plan, changes=kept), plan).verdict is (Verdict.DIFFERENT if left else Verdict.EQUAL)


@given(plans(), plans())
@settings(max_examples=50)
def test_both_ways_name_the_same_changes(one, two):
    two = replace(two, environment=one.environment)
    there, back = compare(one, two), compare(two, one)
    assert [item.address for item in there.differences] == [item.address for item in back.differences]
    assert (there.verdict is Verdict.EQUAL) is (back.verdict is Verdict.EQUAL)
    assert there.services == back.services


@given(plans(), plans())
@settings(max_examples=30)
def test_every_format_can_show_it(one, two):
    found = compare(one, replace(two, environment=one.environment))
    text = comparison_text(found, one.environment, Terminal())
    assert text.isprintable() or all(line.isprintable() for line in text.split("\n"))
    assert comparison_markdown(found).startswith("### flext compare: ")
