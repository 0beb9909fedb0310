"""Signatures: nothing but the exact bytes that were signed is accepted, and nothing is parsed before."""

from __future__ import annotations

import random
import subprocess
import sys

import orjson
import pytest
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from flext_reconciler import planfile
from flext_reconciler.errors import FlextError, GuardRefused, PlanFileError
from flext_reconciler.model import RISKS, Action, Address, Change, FieldDiff, Plan, Reason, Risk, Secret
from flext_reconciler.planfile import encode
from flext_reconciler.planfile.sign import (
    forget_signatures,
    load_key,
    load_keys,
    require_signers,
    sign,
    signatures_of,
    verified,
)

WMS, ORDERS = Address("flexcore", "plugin", "wms"), Address("flext-service", "pipeline", "orders")
SMALL = Plan(
    "dev",
    {"flexcore": "http://localhost:8080"},
    changes=(
        Change(WMS, Action.DELETE, Reason.UNDECLARED, id="7", actual={"type": "x"}, risk=Risk.HIGH),
        Change(
            ORDERS,
            Action.UPDATE,
            Reason.EDITED,
            (FieldDiff(("schedule",), "@daily", Secret("${env:T}", "ab")),),
            id="8",
            desired={"schedule": Secret("${env:T}", "ab")},
            actual={"schedule": "@daily"},
        ),
    ),
    lineage="l",
)
CONTENT = planfile.dump(SMALL)


def private(path, key=None, passphrase=None):
    """Write a private key, and return its path."""
    how = pem.BestAvailableEncryption(passphrase) if passphrase else pem.NoEncryption()
    made = key or ed25519.Ed25519PrivateKey.generate()
    path.write_bytes(made.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, how))
    return path


def public(path, key):
    """Write the public half of a private key beside others, and return the folder."""
    loaded = pem.load_pem_private_key(key.read_bytes(), None).public_key()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(loaded.public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo))
    return path.parent


@pytest.fixture
def signed(tmp_path):
    """A small plan that Alice signed, and the keys that are trusted."""
    path, alice = tmp_path / "plan.json", private(tmp_path / "alice.pem")
    path.write_bytes(CONTENT)
    sign(path, CONTENT, load_key(alice, None))
    return path, load_keys(public(tmp_path / "keys" / "alice.pub", alice))


def is_refused(path, content, keys):
    try:
        verified(path, content, keys)
    except PlanFileError as error:
        assert error.hint
        return True
    return False


# ------------------------------------------------------------------------------------------------ tampering


def test_what_was_signed_is_accepted(signed):
    path, keys = signed
    assert verified(path, CONTENT, keys) == set(keys)


def test_no_flipped_bit_of_the_plan_is_accepted(signed):
    path, keys = signed
    for at in range(len(CONTENT)):
        for bit in range(8):
            flipped = bytearray(CONTENT)
            flipped[at] ^= 1 << bit
            assert is_refused(path, bytes(flipped), keys), (at, bit)


def test_no_flipped_bit_of_the_signature_is_accepted(signed):
    path, keys = signed
    beside = signatures_of(path)
    whole = beside.read_bytes()
    for at in range(len(whole)):
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[at] ^= 1 << bit
            beside.write_bytes(flipped)
            assert is_refused(path, CONTENT, keys), (at, bit)


def nodes(value, above=()):
    """Return the path of every node of a document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [above, *(found for key, item in inside for found in nodes(item, (*above, key)))]


def edited(document, draw):
    """Change one to three places of a document: set, drop, copy from elsewhere, or add."""
    for _ in range(draw.randint(1, 3)):
        *parents, last = draw.choice(nodes(document)[1:])
        parent = document
        for step in parents:
            parent = parent[step]
        what = draw.randrange(4)
        if what == 0:
            parent[last] = draw.choice([None, True, 0, -1, 2**40, "", "x", "delete", "low", [], {}, ["a"], {"a": 1}])
        elif what == 1:
            del parent[last]
        elif what == 2:
            parent[last] = orjson.loads(orjson.dumps(draw.choice([document.get(key) for key in sorted(document)])))
        elif isinstance(parent, dict):
            parent[f"{last}x"] = parent[last]
        else:
            parent.append(parent[last])
        if len(nodes(document)) < 2:
            break
    return document


def no_structured_edit_is_accepted(signed, number, seed):
    path, keys = signed
    draw, original = random.Random(seed), orjson.loads(CONTENT)
    canonical = orjson.dumps(original, option=orjson.OPT_SORT_KEYS)
    for turn in range(number):
        document = edited(orjson.loads(CONTENT), draw)
        content = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
        if content == canonical:
            continue
        with pytest.raises(PlanFileError):
            planfile.from_json(document)
        forged = {**document, "fingerprint": encode.digest(document)}
        if isinstance(forged.get("meta"), dict):
            forged["meta"] = {
                **forged["meta"],
                "fingerprint": encode.digest_meta(forged["meta"], forged["fingerprint"]),
            }
        for attempt in (document, forged):
            written = orjson.dumps(attempt, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
            repaired = written == CONTENT  # when the edit was in the fingerprints alone
            assert repaired or is_refused(path, written, keys), f"seed {seed}, turn {turn}"


def test_no_structured_edit_is_accepted(signed):
    no_structured_edit_is_accepted(signed, 1_000, seed=1)


@pytest.mark.nightly
def test_no_structured_edit_is_accepted_in_a_long_search(signed):
    no_structured_edit_is_accepted(signed, 10_000, seed=random.SystemRandom().getrandbits(32))


def test_the_order_of_keys_and_blanks_count(signed):
    path, keys = signed
    for content in (CONTENT + b"\n", CONTENT[:-1], b" " + CONTENT, orjson.dumps(orjson.loads(CONTENT)), b""):
        assert content == CONTENT or is_refused(path, content, keys)


def test_nothing_is_parsed_before_it_is_verified(signed, monkeypatch):
    path, keys = signed
    path.write_bytes(b"[" * 10_000)
    monkeypatch.setattr(planfile.files, "read_document", lambda _: pytest.fail("parsed"))
    with pytest.raises(PlanFileError, match=r"is not what alice\.pub signed"):
        planfile.load_saved(path, check=lambda content: verified(path, content, keys))


# ------------------------------------------------------------------------------------------------ several signers


def test_several_sign_and_one_counts_once(signed, tmp_path):
    path, _ = signed
    bob = private(tmp_path / "bob.pem")
    keys = load_keys(public(tmp_path / "keys" / "bob.pub", bob))
    for _ in range(2):
        sign(path, CONTENT, load_key(bob, None))
    assert verified(path, CONTENT, keys) == set(keys)
    assert len(keys) == 2
    assert signatures_of(path).read_bytes().count(b"\n") == 2


def test_one_wrong_signature_of_a_trusted_key_spoils_all(signed, tmp_path):
    path, _ = signed
    bob = private(tmp_path / "bob.pem")
    keys = load_keys(public(tmp_path / "keys" / "bob.pub", bob))
    sign(path, CONTENT + b"x", load_key(bob, None))
    assert is_refused(path, CONTENT, keys)


def test_a_signature_of_a_stranger_counts_nothing(signed, tmp_path):
    path, _ = signed
    stranger = load_keys(public(tmp_path / "others" / "bob.pub", private(tmp_path / "bob.pem")))
    assert is_refused(path, CONTENT, stranger)


def test_a_plan_that_is_made_anew_is_not_signed_any_more(signed):
    path, keys = signed
    forget_signatures(path)
    assert is_refused(path, CONTENT, keys)
    assert not signatures_of(path).exists()
    signatures_of(path).write_text("somebody else's notes")
    with pytest.raises(PlanFileError, match="something other than signatures"):
        forget_signatures(path)


def test_other_tools_verify_it(signed, tmp_path):
    path, _ = signed
    _, _, signature = signatures_of(path).read_text().split()
    (tmp_path / "raw").write_bytes(bytes.fromhex(signature))
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "keys/alice.pub", "-rawin"]
    ended = subprocess.run(
        [*command, "-in", "plan.json", "-sigfile", "raw"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "Verified Successfully" in ended.stdout, ended.stderr


# ------------------------------------------------------------------------------------------------ policy


@pytest.mark.parametrize("change", SMALL.changes, ids=lambda change: change.action)
def test_a_risk_that_is_written_too_low_is_not_believed(change):
    plan = Plan(
        "dev", {}, changes=(Change(change.address, change.action, change.reason, change.fields, risk=Risk.LOW),)
    )
    with pytest.raises(GuardRefused, match="wants 1 signer"):
        require_signers(plan, {Risk.MEDIUM: 1, Risk.HIGH: 1}, ())


@pytest.mark.parametrize("needed", range(4))
@pytest.mark.parametrize("found", range(4))
def test_as_many_signers_as_the_policy_wants(needed, found):
    policy = dict.fromkeys(RISKS, needed)
    signers = [str(number) for number in range(found)]
    if found < needed:
        with pytest.raises(GuardRefused):
            require_signers(SMALL, policy, [*signers, *signers])
    else:
        require_signers(SMALL, policy, signers)
    require_signers(Plan("dev", {}), policy, ())


# ------------------------------------------------------------------------------------------------ keys


def no_key(path):
    path.write_text("not a key")


def private_key(path):
    private(path)


def other_key(path):
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(key.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (no_key, "is not a public key in PEM"),
        (private_key, "holds a private key"),
        (other_key, "something other than an Ed25519 public key"),
        (lambda path: path.mkdir(), "holds no public key"),
        (lambda path: path.with_name("elsewhere").touch(), r"cannot read .*key\.pem: No such file"),
    ],
)
def test_what_is_no_public_key_is_refused(make, told, tmp_path):
    make(tmp_path / "key.pem")
    with pytest.raises(FlextError, match=told) as caught:
        load_keys(tmp_path / "key.pem")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("make", "passphrase", "told"),
    [
        (no_key, None, "no private key in PEM"),
        (other_key, None, "no private key in PEM"),
        (lambda path: private(path, ec.generate_private_key(ec.SECP256R1())), None, "is not an Ed25519 key"),
        (lambda path: private(path, passphrase=b"open"), None, "is encrypted"),
        (lambda path: private(path, passphrase=b"open"), "wrong", "the passphrase is wrong"),
        (private, "needless", "is not encrypted"),
        (lambda path: path.mkdir(), None, "cannot read the key"),
    ],
)
def test_what_is_no_private_key_is_refused(make, passphrase, told, tmp_path):
    make(tmp_path / "key.pem")
    with pytest.raises(FlextError, match=told) as caught:
        load_key(tmp_path / "key.pem", passphrase)
    assert caught.value.hint
    assert "PRIVATE" not in str(caught.value)


def test_a_key_may_have_a_passphrase(tmp_path):
    path, key = tmp_path / "plan.json", private(tmp_path / "key.pem", passphrase=b"open")
    sign(path, CONTENT, load_key(key, "open"))
    assert signatures_of(path).stat().st_mode & 0o777 == 0o600


def test_without_the_library_the_extra_is_named(tmp_path):
    private(tmp_path / "key.pem")
    script = (
        "import sys, pathlib; sys.modules['cryptography'] = None\n"
        "from flext_reconciler.planfile.sign import load_key\n"
        "try: load_key(pathlib.Path('key.pem'), None)\n"
        "except Exception as error: print(type(error).__name__, error.hint)"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "FlextError pip install 'flext-reconciler[sign]'"
