"""Values to plain JSON and back, secrets as their references: what plan files and the ledger hold."""

from __future__ import annotations

from collections.abc import Mapping

from .values import Address, Deferred, Json, Path, Secret

_SECRET = "$secret"  # noqa: S105 - a mark, not a password
_DEFERRED = "$deferred"
_PLAIN = frozenset({str, int, float, bool, type(None)})  # most values; seen where they stand, they cost no call


def encode_value(value: Json) -> Json:
    """Return plain JSON; a user's own key that looks like one of our marks gets one more `$`."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, dict):
        return {
            _escape(key) if key[:1] == "$" else key: item if type(item) in _PLAIN else encode_value(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [item if type(item) in _PLAIN else encode_value(item) for item in value]
    if isinstance(value, Secret):
        return {_SECRET: {"reference": value.text, "fingerprint": value.fingerprint}}
    if isinstance(value, Deferred):
        return {_DEFERRED: {"reference": value.text, "address": str(value.address), "path": list(value.path)}}
    return encode_value(dict(value)) if isinstance(value, Mapping) else value


def decode_value(value: Json) -> Json:
    """Undo `encode_value`; raises KeyError, TypeError or ValueError for what it never wrote."""
    if isinstance(value, dict):
        if len(value) == 1:
            if _SECRET in value:
                secret = value[_SECRET]
                return Secret(_text(secret["reference"]), _text(secret["fingerprint"]))
            if _DEFERRED in value:
                deferred = value[_DEFERRED]
                return Deferred(
                    _text(deferred["reference"]), Address.parse(_text(deferred["address"])), _path(deferred["path"])
                )
        return {
            _unescape(key) if key[:1] == "$" else key: item if type(item) in _PLAIN else decode_value(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [item if type(item) in _PLAIN else decode_value(item) for item in value]
    return value


def _escape(key: str) -> str:
    return f"${key}" if key.lstrip("$") in ("secret", "deferred") and key.startswith("$") else key


def _unescape(key: str) -> str:
    return key[1:] if key.startswith("$$") and key.lstrip("$") in ("secret", "deferred") else key


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError("text expected")
    return value


def _path(value: Json) -> Path:
    if not isinstance(value, list) or not all(type(step) in (str, int) for step in value):
        raise TypeError("a list of keys and indexes expected")
    return tuple(value)
