"""Signatures beside a plan file: over its exact bytes, and checked before any of them is parsed.

    FILE       the plan
    FILE.sig   a line for each signer: `ed25519 PUBLIC-KEY SIGNATURE`, in lowercase hexadecimal digits

The only importer of cryptography, which is an extra.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from ..errors import FlextError, GuardRefused, PlanFileError
from ..model import RISKS, Action, Change, Plan, Risk
from .files import read_capped, save_whole

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PASSPHRASE = "FLEXT_SIGN_PASSPHRASE"  # noqa: S105 - the name of a variable

Keys = Mapping[str, str]
"""Public key, in hexadecimal digits → the name of the file that holds it."""

_MAX_KEY_BYTES = 64 * 1024
_MAX_SIGNATURES = 100
_LINE = re.compile(rb"ed25519 ([0-9a-f]{64}) ([0-9a-f]{128})\n")
_PUBLIC = re.compile(rb"-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----")
_ENDINGS = (".pem", ".pub")
_MAKE_KEYS = "Make one with `openssl genpkey -algorithm ed25519`, and its public half with `openssl pkey -pubout`."


def signatures_of(path: FilePath) -> FilePath:
    """Return where the signatures of a plan file stand."""
    return path.with_name(f"{path.name}.sig")


def sign(path: FilePath, content: bytes, private: Ed25519PrivateKey) -> str:
    """Sign the content of a plan file beside those who signed it before; return the signer's public key."""
    public = private.public_key().public_bytes_raw().hex()
    found = {**_read(path), public: private.sign(content).hex()}
    lines = (f"ed25519 {name} {signature}\n" for name, signature in sorted(found.items()))
    save_whole(signatures_of(path), "".join(lines).encode())
    return public


def forget_signatures(path: FilePath) -> None:
    """Remove the signatures of a plan file that is about to be written anew; raises PlanFileError."""
    if _read(path):
        try:
            signatures_of(path).unlink()
        except OSError as error:
            raise PlanFileError(
                f"cannot remove {signatures_of(path)}: {error.strerror or error}", hint="Check the directory."
            ) from None


def verified(path: FilePath, content: bytes, keys: Keys) -> frozenset[str]:
    """Return who of the trusted `keys` signed exactly this content; raises PlanFileError when nobody did."""
    signed = {name: signature for name, signature in _read(path).items() if name in keys}
    if not signed:
        raise PlanFileError(
            f"{path} is not signed with any of the trusted keys",
            hint=f"Have it reviewed and signed: `flext sign {path} KEY`.",
        )
    for name, signature in signed.items():
        if not _matches(name, signature, content):
            raise PlanFileError(
                f"{path} is not what {keys[name]} signed", hint="Do not apply it; make the plan again and review it."
            )
    return frozenset(signed)


def require_signers(plan: Plan, policy: Mapping[Risk, int], signers: Iterable[str]) -> None:
    """Refuse a plan with fewer signers than the environment's policy wants for its risk; raises GuardRefused.

    What a file says of its risk is believed only where it is more than its actions tell.
    """
    risks = {risk for change in plan.changes for risk in (change.risk, _least(change))}
    risk = max(risks, default=Risk.LOW, key=RISKS.index)
    needed, found = policy.get(risk, 0), len(set(signers))
    if plan.changes and found < needed:
        made = f"flext rollback {plan.undoes}" if plan.undoes else "flext plan"
        raise GuardRefused(
            f"the policy of {plan.environment} wants {needed} signer(s) for {risk} risk, and {found} verified",
            hint=f"Save the plan (`{made} --out FILE`), have it signed (`flext sign FILE KEY`), "
            "and apply it with `flext apply FILE --verify KEYS`.",
        )


def _least(change: Change) -> Risk:
    if change.action in (Action.REPLACE, Action.DELETE):
        return Risk.HIGH
    return Risk.MEDIUM if change.fields or change.action is Action.UPDATE else Risk.LOW


def _read(path: FilePath) -> dict[str, str]:
    """Return public key → signature; nothing of the plan is looked at."""
    beside = signatures_of(path)
    try:
        content = read_capped(beside, _MAX_SIGNATURES * 200)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise PlanFileError(f"cannot read {beside}: {error}", hint="Check the path.") from None
    found = _LINE.findall(content)
    if b"".join(b"ed25519 %s %s\n" % pair for pair in found) != content:
        raise PlanFileError(f"{beside} holds something other than signatures", hint="Have the plan signed again.")
    return {name.decode(): signature.decode() for name, signature in found}


def _matches(name: str, signature: str, content: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(name)).verify(bytes.fromhex(signature), content)
    except InvalidSignature:
        return False
    return True


# ------------------------------------------------------------------------------------------------ keys


def load_keys(path: FilePath) -> Keys:
    """Read trusted public keys (PEM) from a file or from every .pem and .pub file of a folder."""
    keys = {key: file.name for file in _key_files(path) for key in _public_keys(file)}
    if not keys:
        raise FlextError(f"{path} holds no public key", hint=_MAKE_KEYS)
    return keys


def _key_files(path: FilePath) -> list[FilePath]:
    try:
        return sorted(file for file in path.iterdir() if file.suffix in _ENDINGS)
    except NotADirectoryError:
        return [path]
    except OSError as error:
        raise FlextError(f"cannot read {path}: {error.strerror or error}", hint="Check the path.") from None


def _public_keys(file: FilePath) -> list[str]:
    content = _read_key(file)
    if b"PRIVATE KEY" in content:
        raise FlextError(f"{file} holds a private key", hint="Only public keys belong where plans are verified.")
    blocks = _PUBLIC.findall(content)
    if not blocks:
        raise FlextError(f"{file} is not a public key in PEM", hint=_MAKE_KEYS)
    return [_public_key(block, file).public_bytes_raw().hex() for block in blocks]


def _public_key(block: bytes, file: FilePath) -> Ed25519PublicKey:
    _require_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(block)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise FlextError(f"{file} holds something other than an Ed25519 public key", hint=_MAKE_KEYS)
    return key


def load_key(file: FilePath, passphrase: str | None) -> Ed25519PrivateKey:
    """Read the private key (PEM) of a signer."""
    _require_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = _read_key(file)
    try:
        key = load_pem_private_key(content, passphrase.encode() if passphrase else None)
    except TypeError:  # with a passphrase that is not needed, or without one that is
        what = "is not encrypted, and a passphrase is given" if passphrase else "is encrypted"
        hint = f"{'Unset' if passphrase else 'Set'} {PASSPHRASE}."
        raise FlextError(f"the key {file} {what}", hint=hint) from None
    except (ValueError, UnsupportedAlgorithm):
        raise FlextError(
            f"the key {file} cannot be read: it is no private key in PEM, or the passphrase is wrong", hint=_MAKE_KEYS
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise FlextError(f"the key {file} is not an Ed25519 key", hint=_MAKE_KEYS)
    return key


def _read_key(file: FilePath) -> bytes:
    try:
        return read_capped(file, _MAX_KEY_BYTES)
    except (OSError, ValueError) as error:
        raise FlextError(f"cannot read the key {file}: {error}", hint="Check the path.") from None


def _require_library() -> None:
    try:
        import cryptography  # noqa: F401 - only looked for
    except ImportError:
        raise FlextError(
            "signatures need a library that is not installed", hint="pip install 'flext-reconciler[sign]'"
        ) from None
