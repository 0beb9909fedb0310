"""Plans as JSON: nothing lost, nothing accepted that was not written, the same bytes everywhere."""

import dataclasses
import hashlib
import json
import os
import pathlib
import stat
import subprocess
import sys

import jsonschema
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flext_reconciler import planfile
from flext_reconciler.errors import Place, PlanFileError
from flext_reconciler.model import (
    ABSENT,
    Action,
    Address,
    BlockCode,
    Blocked,
    Change,
    Drift,
    DriftItem,
    FieldDiff,
    Plan,
    Reason,
    Secret,
)
from flext_reconciler.order import groups
from flext_reconciler.planfile import encode, files
from strategies import plans, texts

CASES = pathlib.Path(__file__).parents[1] / "cases" / "planfile"
WMS, ORDERS = Address("flexcore", "plugin", "wms"), Address("flext-service", "pipeline", "orders")
SMALL = Plan(
    environment="dev",
    services={"flexcore": "http://localhost:8080"},
    changes=(
        Change(
            WMS,
            Action.REPLACE,
            Reason.EDITED,
            (FieldDiff(("config", "0", 0), "a", ABSENT), FieldDiff(("token",), ABSENT, Secret("${env:T}", "ab"))),
            id="7",
            desired={"$secret": {"x": 1.0}},
            actual={},
            place=Place("a.yaml", 3, 1),
        ),
        Change(ORDERS, Action.CREATE, Reason.NEW, desired={"n": -0.0}, depends_on=(WMS,)),
    ),
    blocked=(Blocked(WMS._replace(name="x"), BlockCode.FOREIGN, "exists"),),
    drift=(DriftItem(WMS, Drift.GIT),),
    lineage="l",
    serial=3,
)


def image(value):
    """Return what two values share only when they are equal in every type, unlike ==."""
    if dataclasses.is_dataclass(value):
        return type(value), {field.name: image(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return dict, {key: image(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value), [image(item) for item in value]
    return type(value), repr(value)


def sign(document):
    """Give an edited document the fingerprints that fit it."""
    found = encode.digest(document)
    signed = {**document, "fingerprint": found}
    if isinstance(document.get("meta"), dict):
        signed["meta"] = {**document["meta"], "fingerprint": encode.digest_meta(document["meta"], found)}
    return signed


def small_document():
    return planfile.to_json(SMALL)


# ------------------------------------------------------------------------------------------------ round trip


@given(plans())
def test_a_plan_survives_its_document(plan):
    assert image(planfile.from_json(planfile.to_json(plan))) == image(plan)


@given(plan=plans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_a_plan_survives_its_file(plan, tmp_path):
    planfile.save(plan, tmp_path / "plan.json")
    loaded = planfile.load_plan(tmp_path / "plan.json", environment=plan.environment)
    assert image(loaded) == image(plan)
    assert planfile.dump(loaded) == (tmp_path / "plan.json").read_bytes()


@given(plans())
@settings(max_examples=40)
def test_a_document_says_what_the_plan_says(plan):
    document = planfile.to_json(plan)
    assert document["fingerprint"] == planfile.fingerprint(plan)
    assert document["execution_groups"] == [[str(address) for address in group] for group in groups(plan.changes)]
    assert {action: document["summary"][action] for action in Action} == plan.counts
    assert document["summary"]["risk"] == plan.risk
    assert orjson.loads(planfile.dump(plan)) == document


def test_a_side_that_is_absent_has_no_member():
    removed, added = small_document()["changes"][0]["fields"]
    assert (removed["path"], removed["keys"], removed["before"]) == ("/config/0/0", [1], "a")
    assert "after" not in removed
    assert "before" not in added
    assert added["after"] == {"$secret": {"reference": "${env:T}", "fingerprint": "ab"}}


# ------------------------------------------------------------------------------------------------ the same bytes


def test_the_bytes_do_not_depend_on_the_hash_seed():
    script = (
        "import sys; from flext_reconciler import planfile; from test_planfile import SMALL; "
        "sys.stdout.buffer.write(planfile.dump(SMALL))"
    )
    path = os.pathsep.join((str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parents[1])))
    written = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path, "TZ": zone, "LANG": "C"},
            capture_output=True,
            check=True,
        ).stdout
        for seed, zone in (("0", "UTC"), ("1", "Asia/Tokyo"))
    }
    assert written == {planfile.dump(SMALL)}


def test_only_meta_names_the_version_of_flext(monkeypatch):
    before = small_document()
    monkeypatch.setattr(encode, "__version__", "99.0.0")
    after = small_document()
    meta = after.pop("meta")
    assert meta == {"flext": "99.0.0", "fingerprint": encode.digest_meta({"flext": "99.0.0"}, after["fingerprint"])}
    del before["meta"]
    assert after == before


def test_the_fingerprint_is_a_sha_256_that_others_can_compute():
    document = small_document()
    meant = {key: value for key, value in document.items() if key not in ("fingerprint", "meta")}
    text = json.dumps(meant, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert document["fingerprint"] == hashlib.sha256(text.encode()).hexdigest()


# ------------------------------------------------------------------------------------------------ the schema


def test_the_schema_is_one_of_2020_12():
    jsonschema.Draft202012Validator.check_schema(planfile.schema())
    assert planfile.schema()["$id"] == "urn:flext:plan:1.2"
    assert planfile.schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


VALIDATOR = jsonschema.Draft202012Validator(planfile.schema())


@given(plans())
@settings(max_examples=40)
def test_every_document_fits_the_schema(plan):
    VALIDATOR.validate(planfile.to_json(plan))


@pytest.mark.parametrize("case", sorted(CASES.glob("*-number.json")), ids=lambda case: case.stem)
def test_the_schema_refuses_wrong_types(case):
    wrong = json.loads(case.read_text())
    document = apply_edit(small_document(), wrong)
    if not case.stem.startswith(("secret", "deferred")):  # inside values, only the reader looks
        assert not VALIDATOR.is_valid(document)


# ------------------------------------------------------------------------------------------------ what is refused


def apply_edit(document, case):
    for pointer, value in case.get("set", {}).items():
        parent, key = find(document, pointer)
        parent[key] = value
    if "drop" in case:
        parent, key = find(document, case["drop"])
        del parent[key]
    if "copy" in case:
        (source, source_key), (target, target_key) = (find(document, pointer) for pointer in case["copy"])
        target[target_key] = source[source_key]
    return document


def find(document, pointer):
    *parents, last = [int(step) if step.isdecimal() else step for step in pointer.split("/")[1:]]
    for step in parents:
        document = document[step]
    return document, last


@pytest.mark.parametrize("path", sorted(CASES.glob("*.json")), ids=lambda path: path.stem)
def test_a_malformed_document_is_refused_by_name(path, tmp_path):
    case = json.loads(path.read_text(encoding="utf-8"))
    if "text" in case:
        content = case["text"].encode(case.get("encoding", "utf-8"))
    else:
        document = apply_edit(small_document(), case)
        content = orjson.dumps(sign(document) if case.get("sign", True) else document)
    (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(PlanFileError) as caught:
        planfile.load_plan(tmp_path / "plan.json")
    assert case["message"] in caught.value.message
    assert str(tmp_path / "plan.json") in caught.value.message
    assert caught.value.hint


def test_a_newer_minor_may_add_members():
    document = small_document()
    document["format_version"] = "1.7"
    document["forecast"] = {}
    document["changes"][0]["cost"] = 5
    assert image(planfile.from_json(sign(document))) == image(SMALL)


OF_1_1 = ("impact", "inverse", "objects", "revision", "undoes")


def without_1_2(document):
    for change in document["changes"]:
        del change["protect"]
    for blocked in document["blocked"]:
        del blocked["fields"]
    return document


def test_the_second_minor_is_still_read():
    document = without_1_2(small_document())
    document["format_version"] = "1.1"
    assert image(planfile.from_json(sign(document))) == image(SMALL)


def test_the_first_minor_is_still_read():
    document = without_1_2({key: value for key, value in small_document().items() if key not in OF_1_1})
    document["meta"] = {"flext": "0.1.0"}
    document["format_version"] = "1.0"
    document["fingerprint"] = encode.digest(document)
    assert image(planfile.from_json(document)) == image(SMALL)


def test_every_flipped_bit_is_refused():
    content = planfile.dump(SMALL)
    for at in range(len(content)):
        for bit in range(8):
            flipped = bytearray(content)
            flipped[at] ^= 1 << bit
            with pytest.raises((PlanFileError, orjson.JSONDecodeError)):
                planfile.from_json(orjson.loads(bytes(flipped)))


def nodes(value, above=()):
    """Return the path of every node of a document."""
    found = [above]
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        found += nodes(item, (*above, key))
    return found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**63) | texts(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts(), inner, max_size=2),
    max_leaves=4,
)


@given(st.data())
@settings(max_examples=300)
def test_a_document_of_any_structure_is_read_or_refused(data):
    document = small_document()
    *parents, last = data.draw(st.sampled_from(nodes(document)[1:]))
    parent = document
    for step in parents:
        parent = parent[step]
    if data.draw(st.booleans()):
        parent[last] = data.draw(JSON)
    else:
        del parent[last]
    edited = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    if (*parents, last) != ("format_version",) and edited != orjson.dumps(
        small_document(), option=orjson.OPT_SORT_KEYS
    ):
        with pytest.raises(PlanFileError, match="edited or damaged"):
            planfile.from_json(document)
    try:
        plan = planfile.from_json(sign(document))
    except PlanFileError as error:
        assert error.message
    else:
        assert image(planfile.from_json(planfile.to_json(plan))) == image(plan)


@given(content=st.binary(max_size=200) | JSON.map(orjson.dumps))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_refused(content, tmp_path):
    (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(PlanFileError):
        planfile.load_plan(tmp_path / "plan.json")


@pytest.mark.parametrize("depth", [200, 900, 100_000])
def test_deep_nesting_is_refused(depth, tmp_path):
    text = planfile.dump(SMALL).replace(b'"a"', b"[" * depth + b"]" * depth, 1)
    (tmp_path / "plan.json").write_bytes(text)
    with pytest.raises(PlanFileError):
        planfile.load_plan(tmp_path / "plan.json")


def test_a_plan_of_another_environment_is_refused(tmp_path):
    planfile.save(SMALL, tmp_path / "plan.json")
    with pytest.raises(PlanFileError, match="was made for the environment 'dev', not for 'prod'"):
        planfile.load_plan(tmp_path / "plan.json", environment="prod")


# ------------------------------------------------------------------------------------------------ files


def make_missing(path):
    pass


def make_too_large(path):
    path.write_bytes(b" " * 5000)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (make_missing, "No such file"),
        (pathlib.Path.mkdir, "not a regular file"),
        (os.mkfifo, "not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
        (make_too_large, "larger than 4,096 bytes"),
        (pathlib.Path.touch, "is not a plan"),
    ],
)
def test_what_is_no_plan_file_is_refused(make, message, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 4096)
    make(tmp_path / "plan.json")
    with pytest.raises(PlanFileError, match=message):
        planfile.load_plan(tmp_path / "plan.json")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (pathlib.Path.mkdir, "is not a regular file"),
        (os.mkfifo, "is not a regular file"),
        (lambda path: path.symlink_to(path.parent / "elsewhere"), "is not a regular file"),
        (lambda path: path.parent.rmdir(), "No such file"),
    ],
)
def test_a_plan_is_not_written_over_what_is_no_plan(make, message, tmp_path):
    directory = tmp_path / "plans"
    directory.mkdir()
    make(directory / "plan.json")
    before = sorted(directory.glob("*"))
    with pytest.raises(PlanFileError, match=message) as caught:
        planfile.save(SMALL, directory / "plan.json")
    assert caught.value.hint
    assert sorted(directory.glob("*")) == before
    assert not (directory / "elsewhere").exists()


def test_a_plan_file_is_private_and_replaces_the_old_one(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text("old")
    path.chmod(0o644)
    planfile.save(SMALL, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().endswith(b"}\n")
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "plan.json"
    path.write_text("old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(PlanFileError, match="No space left on device"):
        planfile.save(SMALL, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_importing_is_cheap():
    script = (
        "import sys, flext_reconciler.planfile, flext_reconciler.ledger; "
        "print(*sorted({'pydantic', 'sqlite3', 'filelock', 'deepdiff', 'httpx'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert result.stdout.split() == []
