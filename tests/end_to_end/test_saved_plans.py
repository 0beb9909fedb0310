"""Saved plans as a team uses them: reviewed, signed, compared, made again elsewhere, and applied."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from flext_reconciler import planfile

from .house import PLATFORM

EDITED = PLATFORM.replace("@daily", "@weekly").replace("description: first", "description: second")
SECRET = "canary-7f3a9"
WITH_SECRET = PLATFORM.replace("config: {", "config: {api_token: '${env:TOKEN}', ")


def declare(house, text):
    house.write("desired-state/platform.yaml", text)


def key(house, name):
    """Make a key pair, and return the path of the private one; the public one stands in keys/."""
    private = Ed25519PrivateKey.generate()
    encoded = private.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())
    public = private.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
    house.write(f"keys/{name}.pub", public.decode())
    return str(house.write(f"{name}.pem", encoded.decode()))


# ------------------------------------------------------------------------------------------------ what makes no sense


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (("rollback", "9", "--auto-approve"), 1, "no run 9"),
        (("rollback", "1"), 1, "no run 1"),
        (("rollback", "one"), 64, "not a valid integer"),
        (("plan", "--sign", "key.pem"), 64, "--sign signs a saved plan"),
        (("plan", "--expires", "soon"), 64, "is not a duration"),
        (("plan", "--expires", "1d"), 64, "--expires is about a saved plan"),
        (("plan", "--out", "-"), 64, "--out saves a plan in a file"),
        (("plan", "--replay", "none.json", "--prune"), 64, "Give --replay alone"),
        (("plan", "--replay", "none.json", "-e", "dev"), 64, "Give --replay alone"),
        (("plan", "--replay", "none.json", "desired-state"), 64, "Give --replay alone"),
        (("plan", "--replay", "desired-state/platform.yaml"), 1, "is not a bundle"),
        (("plan", "--compare", "none.json"), 1, "cannot read none.json"),
        (("apply", "--verify", "desired-state", "--auto-approve"), 64, "--verify is about a saved plan"),
    ],
)
def test_what_makes_no_sense_is_refused(house, args, code, told):
    ended = house.flext(*args)
    assert (ended.code, told in ended.err) == (code, True), ended.err
    assert house.writes() == []


# ------------------------------------------------------------------------------------------------ made again, compared


def test_a_bundle_makes_the_same_plan_offline(house):
    house.environ["TOKEN"] = SECRET
    declare(house, WITH_SECRET)
    made = house.flext("plan", "--bundle", "bundle.json", "--out", "plan.json", "--json")
    assert made.code == 0, made.err
    for running in house.running.values():
        running.stop()
    del house.environ["TOKEN"]
    (house.root / "desired-state").rename(house.root / "gone")
    before = sorted(house.root.rglob("*"))
    again = house.flext("plan", "--replay", "bundle.json", "--json")
    assert again.code == 0, again.err
    assert again.out == made.out
    assert "offline: the plan is the one that was made then" in again.err
    assert "Apply with" not in house.flext("plan", "--replay", "bundle.json").out
    assert sorted(house.root.rglob("*")) == before
    for name in ("bundle.json", "plan.json"):
        assert SECRET not in (house.root / name).read_text()


def test_a_plan_is_held_against_the_reviewed_one(house):
    declare(house, EDITED)
    house.flext("plan", "--out", "reviewed.json")
    assert "Equal" in house.flext("plan", "--compare", "reviewed.json").out
    house.flext("apply", "--auto-approve", "--target", "flext-service.plugin/extractor")
    left = house.flext("plan", "--compare", "reviewed.json", "--out", "now.json", "--json")
    assert (left.code, left.json["verdict"]) == (0, "subset")
    assert [item["cause"] for item in left.json["differences"]] == ["actual"]
    declare(house, EDITED.replace("@weekly", "@hourly"))
    more = house.flext("plan", "--compare", "reviewed.json", "--json")
    assert (more.code, more.json["verdict"]) == (8, "different")
    assert {item["cause"] for item in more.json["differences"] if item["side"] == "both"} == {"declaration"}
    offline = house.flext("show", "now.json", "--compare", "reviewed.json")
    assert offline.code == 0
    assert "Subset" in offline.out


# ------------------------------------------------------------------------------------------------ expiry, revision


def test_a_plan_says_its_revision_and_when_it_expires(house):
    for args in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "first")):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.test")
        subprocess.run(["git", *identity, *args], cwd=house.root, check=True, capture_output=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=house.root, check=True, capture_output=True, text=True)
    house.flext("plan", "--out", "plan.json", "--expires", "2h")
    document = orjson.loads((house.root / "plan.json").read_bytes())
    assert document["revision"] == head.stdout.strip()
    declare(house, EDITED)
    house.apply()
    assert f"{head.stdout[:12]}-dirty" in house.flext("history").out
    left = datetime.fromisoformat(document["meta"]["expires"]) - datetime.now(UTC)
    assert timedelta(minutes=100) < left < timedelta(minutes=121)


def test_an_expired_plan_is_refused(house):
    house.flext("plan", "--out", "plan.json")
    plan = planfile.load_plan(house.root / "plan.json")
    planfile.save(plan, house.root / "plan.json", expires=datetime(2020, 1, 1, tzinfo=UTC))
    refused = house.flext("apply", "plan.json")
    assert refused.code == 8
    assert "expired at 2020-01-01" in refused.err
    assert "no longer applied" in house.flext("show", "plan.json").err
    assert house.writes() == []


# ------------------------------------------------------------------------------------------------ signatures


def test_only_what_was_signed_is_applied(house):
    alice = key(house, "alice")
    house.flext("plan", "--out", "plan.json", "--sign", alice)
    content = (house.root / "plan.json").read_bytes()
    (house.root / "plan.json").write_bytes(content.replace(b"@daily", b"@yearly"))
    assert "is not what alice.pub signed" in house.flext("apply", "plan.json", "--verify", "keys").err
    (house.root / "plan.json").write_bytes(content)
    assert "none of the trusted keys" in house.flext(
        "apply", "plan.json", "--verify", key_of_nobody(house)
    ).err.replace("any", "none")
    assert house.writes() == []
    assert "Signed with 1 trusted key" in house.flext("show", "plan.json", "--verify", "keys").err
    applied = house.flext("apply", "plan.json", "--verify", "keys")
    assert applied.code == 0, applied.err
    house.flext("plan", "--out", "plan.json")
    assert not (house.root / "plan.json.sig").exists()
    house.flext("plan", "--out", "other.json", "--sign", "nothing.pem")
    assert not (house.root / "other.json").exists()


def key_of_nobody(house):
    key(house, "nobody")
    return str((house.root / "keys" / "nobody.pub").rename(house.root / "nobody.pub"))


def test_the_policy_wants_signers_by_risk(house):
    house.environment()
    path = house.root / "desired-state" / "environments" / "dev.yaml"
    path.write_text(path.read_text() + "\npolicy: {require_signers: {low: 1, high: 2}}\n")
    alice, bob = key(house, "alice"), key(house, "bob")
    fresh = house.flext("apply", "--auto-approve")
    assert fresh.code == 7
    assert "wants 1 signer(s) for low risk, and 0 verified" in fresh.err
    assert "`flext plan --out FILE`" in fresh.err
    house.flext("plan", "--out", "plan.json", "--sign", alice)
    assert house.flext("apply", "plan.json", "--verify", "keys").code == 0
    declare(house, EDITED.replace("type: source", "type: utility"))
    house.flext("plan", "--out", "plan.json", "--sign", alice)
    refused = house.flext("apply", "plan.json", "--verify", "keys")
    assert refused.code == 7
    assert "wants 2 signer(s) for high risk, and 1 verified" in refused.err
    assert (
        "`flext rollback 1 --out FILE`"
        in house.flext("rollback", "1", "--auto-approve", "--max-delete-share", "100").err
    )
    signed = house.flext("sign", "plan.json", bob)
    assert signed.code == 0, signed.err
    assert house.flext("apply", "plan.json", "--verify", "keys").code == 0
