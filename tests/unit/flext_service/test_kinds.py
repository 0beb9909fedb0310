"""What may be declared, and the form in which it is compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from pydantic import ValidationError

from flext_providers.flext_service.kinds import KINDS
from flext_reconciler.spec import field_rules

from .specs import SPECS, specs_of
from .world import PLUGIN, TAP

STEP = {"name": "load", "plugin": "loader"}

REFUSED = [
    ("plugin", {**PLUGIN, "type": "extractor"}, "type"),
    ("plugin", {**PLUGIN, "version": "v1.0.0"}, "version"),
    ("plugin", {**PLUGIN, "entry_point": ""}, "entry_point"),
    ("plugin", {"type": "source", "version": "1.0.0"}, "entry_point"),
    ("plugin", {**PLUGIN, "description": "<b>bold</b>"}, "leave < and > out"),
    ("plugin", {**PLUGIN, "dependencies": ["<i>"]}, "leave < and > out"),
    ("plugin", {**PLUGIN, "description": "x" * 501}, "description"),
    ("plugin", {**PLUGIN, "status": "deprecated"}, "status"),
    ("plugin", {**PLUGIN, "ports": [{"name": "in"}]}, "type"),
    ("plugin", {**PLUGIN, "colour": "red"}, "colour"),
    ("pipeline", {"schedule": "often"}, "five cron fields"),
    ("pipeline", {"schedule": "61 * * * *"}, "cron"),
    ("pipeline", {"active": True}, "needs a step"),
    ("pipeline", {"active": "yes", "steps": [STEP]}, "active"),
    ("pipeline", {"tags": ["flext-managed"]}, "leave the tag flext-managed out"),
    ("pipeline", {"tags": ["a", "a"]}, "stands twice"),
    ("pipeline", {"tags": [f"t{n}" for n in range(20)]}, "20 tags are too many"),
    ("pipeline", {"tags": ["a b"]}, "tags"),
    ("pipeline", {"steps": [STEP, STEP]}, "two steps are named 'load'"),
    ("pipeline", {"steps": [{**STEP, "depends_on": ["later"]}]}, "not a step before it"),
    ("pipeline", {"steps": [{**STEP, "depends_on": ["load"]}]}, "not a step before it"),
    ("pipeline", {"steps": [{"name": "load"}]}, "plugin"),
    ("tap", {**TAP, "version": "1"}, "version"),
    ("tap", {"version": "1.0.0"}, "executable"),
    ("tap", {**TAP, "settings": {"properties": {"host": {"type": "text"}}}}, "type"),
    ("target", {**TAP, "capabilities": {"flying": True}}, "flying"),
    ("target", {**TAP, "environment_vars": {"PORT": 1}}, "environment_vars"),
]


@pytest.mark.parametrize(("kind", "spec", "said"), REFUSED)
def test_what_the_service_would_refuse_or_change_is_refused_offline(kind, spec, said):
    with pytest.raises(ValidationError) as caught:
        KINDS[kind].model_validate(spec)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("pipeline", {"schedule": ""}),
        ("pipeline", {"schedule": "@once", "active": False}),
        ("pipeline", {"schedule": "*/5 * * * *", "active": True, "steps": [STEP]}),
        ("pipeline", {"tags": [f"t{n}" for n in range(19)]}),
        ("plugin", {**PLUGIN, "ports": [{"name": "in", "type": "stream", "schema": {"x": 1}}]}),
    ],
)
def test_what_the_service_takes_is_accepted(kind, spec):
    KINDS[kind].model_validate(spec)


NORMAL = [
    ("pipeline", {"description": "Orders\n"}, {"description": "Orders"}),
    ("pipeline", {"tags": ["b", "a"]}, {"tags": ["a", "b"]}),
    (
        "pipeline",
        {"configuration": {"rate": 1.0, "deep": [2.0, 2.5]}},
        {"configuration": {"rate": 1, "deep": [2, 2.5]}},
    ),
    ("pipeline", {"steps": [STEP]}, {"steps": [{**STEP, "configuration": {}, "depends_on": []}]}),
    (
        "pipeline",
        {"steps": [{**STEP, "depends_on": ["b", "a"], "configuration": None}]},
        {"steps": [{**STEP, "configuration": {}, "depends_on": ["a", "b"]}]},
    ),
    (
        "plugin",
        {"ports": [{"name": "in", "type": "stream"}]},
        {"ports": [{"name": "in", "type": "stream", "required": False, "description": "", "schema": {}}]},
    ),
    (
        "tap",
        {"settings": {"properties": {"n": {"type": "number", "minimum": 1.0}}, "required": None}},
        {
            "settings": {
                "properties": {
                    "n": {"type": "number", "minimum": 1, "description": "", "enum": [], "format": "", "secret": False}
                },
                "required": [],
            }
        },
    ),
]


@pytest.mark.parametrize(("kind", "spec", "normal"), NORMAL)
def test_declared_and_reported_values_meet_in_one_form(kind, spec, normal):
    assert KINDS[kind].normalise(spec) == normal


@given(specs_of(SPECS))
def test_the_form_is_stable(case):
    kind, spec = case
    KINDS[kind].model_validate(spec)
    once = KINDS[kind].normalise(spec)
    assert KINDS[kind].normalise(once) == once


def test_a_cleared_field_is_in_the_form_that_is_compared():
    for kind in KINDS.values():
        cleared = {
            name: rule.cleared for name, rule in field_rules(kind).items() if rule.merge_only or name == "settings"
        }
        assert kind.normalise(cleared) == cleared


def test_parents_come_first():
    assert list(KINDS) == ["plugin", "tap", "target", "pipeline"]
