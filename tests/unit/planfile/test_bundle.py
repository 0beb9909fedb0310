"""Bundles: the same plan from them, byte for byte, and no secret in them."""

from __future__ import annotations

from dataclasses import fields, replace

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flext_reconciler import planfile
from flext_reconciler.errors import Place, PlanFileError
from flext_reconciler.guard import Limits
from flext_reconciler.model import (
    ABSENT,
    Actual,
    Actuals,
    Address,
    Declaration,
    KindSupport,
    Record,
    Resource,
    Secret,
    Service,
    Support,
)
from flext_reconciler.planfile import encode
from flext_reconciler.planfile.bundle import dump_bundle, load_bundle
from flext_reconciler.planfile.inputs import Inputs, planned
from platform_strategies import platforms
from toy_kinds import KINDS, SERVICE

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
CANARY = "canary-5d1e"


def inputs_of(platform, **more):
    world = platform.world
    given = {"lineage": "l", "serial": 3, "revision": "a" * 40, "limits": Limits(3, None)}
    return Inputs(platform.declaration, world.read(), world.records, platform.options, **{**given, **more})


@given(platforms(), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
def test_a_bundle_makes_the_same_plan(tmp_path, platform, volatile):
    inputs = inputs_of(platform, volatile=frozenset({SERVICE}) if volatile else frozenset())
    plan = planned(inputs, KINDS)
    (tmp_path / "bundle.json").write_bytes(dump_bundle(inputs, planfile.fingerprint(plan)))
    bundle = load_bundle(tmp_path / "bundle.json")
    assert planfile.dump(planned(bundle.inputs, KINDS)) == planfile.dump(plan)
    assert bundle.plan == planfile.fingerprint(plan)
    assert dump_bundle(bundle.inputs, bundle.plan) == (tmp_path / "bundle.json").read_bytes()


@given(platforms())
@settings(max_examples=30, deadline=None, suppress_health_check=SLOW)
def test_nothing_that_finds_a_secret_is_in_a_bundle(platform):
    inputs = inputs_of(platform)
    token = Secret("${env:CANARY}", CANARY)
    told = Service(SERVICE, "toys", "http://toys.example", token=token, headers={"X-Key": CANARY}, ca_file=CANARY)
    facts = {address: replace(actual, facts={"note": CANARY}) for address, actual in inputs.actuals.found.items()}
    guarded = replace(
        inputs,
        declaration=replace(inputs.declaration, services={SERVICE: told}, root=CANARY),
        actuals=replace(inputs.actuals, found=facts),
    )
    assert CANARY.encode() not in dump_bundle(guarded, "")
    assert dump_bundle(guarded, "") == dump_bundle(inputs, "")


TANK = Address(SERVICE, "tank", "a")
SMALL = Inputs(
    Declaration(
        "dev",
        {SERVICE: Service(SERVICE, "toys", "http://toys.example")},
        (Resource(TANK, {"size": 2, "password": Secret("${env:P}", "ab")}, Place("a.yaml", 1, 1)),),
    ),
    Actuals({TANK: Actual(TANK, id="1", spec={"size": 1})}, {SERVICE: Support("toy", {"tank": KindSupport()})}),
    {TANK: Record(TANK, "1", {"size": 1}, {"size": 1})},
)


def test_every_input_is_kept():
    """A field that is added to what plans are made from must be added to bundles, or left out on purpose."""
    left_out = {"facts"}
    document = orjson.loads(dump_bundle(SMALL, ""))
    assert {field.name for field in fields(Actual)} - left_out == document["actuals"][0].keys()
    assert {field.name for field in fields(Inputs)} - {"declaration"} <= document.keys()


def sign(document):
    return {**document, "fingerprint": encode.digest(document)}


def put(*path, value):
    """Return an edit that sets one place of a document; ABSENT drops it."""

    def edit(document):
        *parents, last = path
        parent = document
        for step in parents:
            parent = parent[step]
        if value is ABSENT:
            del parent[last]
        else:
            parent[last] = value
        return sign(document)

    return edit


MALFORMED = {
    "edited": lambda document: {**document, "serial": 7},
    "newer": put("format_version", value="2.0"),
    "a plan": lambda document: planfile.to_json(planned(SMALL, KINDS)),
    "a list": lambda document: [document],
    "no resources": put("resources", value=ABSENT),
    "resources of another type": put("resources", value={"a": 1}),
    "an address that is none": put("resources", 0, "address", value="tank"),
    "an address that is no text": put("records", 0, "address", value=4),
    "a spec that is none": put("actuals", 0, "spec", value=[1]),
    "a secret without its fingerprint": put("resources", 0, "spec", value={"p": {"$secret": {"reference": "x"}}}),
    "a place that is none": put("resources", 0, "place", value={"file": "a", "row": 1}),
    "a word that is none": put("actuals", 0, "presence", value="perhaps"),
    "a limit that is none": put("limits", "max_deletes", value="many"),
    "options that are none": put("options", "targets", value=[7]),
    "a serial that is none": put("serial", value="x"),
    "support that is none": put("support", value={SERVICE: {"variant": "x", "kinds": {"tank": 1}}}),
    "no meta": put("meta", value=ABSENT),
}


@pytest.mark.parametrize("edit", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_bundle_is_refused_by_name(edit, tmp_path):
    path = tmp_path / "bundle.json"
    path.write_bytes(orjson.dumps(edit(orjson.loads(dump_bundle(SMALL, "")))))
    with pytest.raises(PlanFileError) as caught:
        load_bundle(path)
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


@given(content=st.binary(max_size=100))
@settings(suppress_health_check=SLOW)
def test_any_bytes_are_refused(content, tmp_path):
    (tmp_path / "bundle.json").write_bytes(content)
    with pytest.raises(PlanFileError):
        load_bundle(tmp_path / "bundle.json")


def test_a_newer_minor_may_add_members(tmp_path):
    document = orjson.loads(dump_bundle(SMALL, ""))
    document["format_version"] = "1.9"
    document["records"][0]["colour"] = "red"
    (tmp_path / "bundle.json").write_bytes(orjson.dumps(sign({**document, "weather": "fine"})))
    assert load_bundle(tmp_path / "bundle.json").inputs == SMALL
