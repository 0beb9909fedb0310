"""Values and field differences as text, secrets by their fingerprints only."""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

from ..model import ABSENT, Deferred, Effect, FieldDiff, Json, Path, Secret
from ..spec import names_a_secret
from .safe import clean

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_LIMIT = 160
_MARK = 4  # hexadecimal digits of a fingerprint that people compare


def show_path(path: Path) -> str:
    """Write a path as people do: `steps[0].config.page_size`; unusual keys are quoted."""
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += f"[{step}]"
        elif _PLAIN_KEY.match(step):
            shown += f".{step}" if shown else step
        else:
            shown += f"[{_dumped(step)}]"
    return clean(shown) or "(whole)"


def show_value(value: Json) -> str:
    """Write a value on one line, as JSON; long ones are cut, and say so."""
    if value is ABSENT:
        return "(none)"
    if isinstance(value, Secret):
        return f"(secret #{value.fingerprint[:_MARK]})"
    if isinstance(value, Deferred):
        return clean(f"(known after apply: {value.text})")
    text = clean(_dumped(_plain(value)))
    return text if len(text) <= _LIMIT else f"{text[:_LIMIT]}… ({len(text):,} characters)"


def show_change(diff: FieldDiff) -> str:
    """Write what happens to one field: `"a" → "b"`, or how its secret changed."""
    shown = _secret(diff) if _is_secret(diff) else _plain_change(diff)
    if diff.effect is Effect.REPLACE:
        shown += "  (forces a replace)"
    return f"{shown}  ({clean(diff.note)})" if diff.note else shown


def show_drift(diff: FieldDiff) -> str:
    """Write what was found and what is declared."""
    if _is_secret(diff):
        return show_change(diff)
    told = f"found {show_value(diff.before)}, declared {show_value(diff.after)}"
    return f"{told}  ({clean(diff.note)})" if diff.note else told


def show_moved(diff: FieldDiff) -> str:
    """Write the three sides of a field that moved after the plan: planned from, now, wanted."""
    if _is_secret(diff):
        return show_change(diff)
    sides = f"planned from {show_value(diff.before)}, now {show_value(diff.after)}"
    return sides if diff.wanted is ABSENT else f"{sides}, wanted {show_value(diff.wanted)}"


def sign(diff: FieldDiff) -> str:
    """Return `+`, `-` or `~` for a field that comes, goes or changes."""
    if diff.before is ABSENT:
        return "+"
    return "-" if diff.after is ABSENT else "~"


def _plain_change(diff: FieldDiff) -> str:
    if diff.before is ABSENT:
        return show_value(diff.after)
    if diff.after is ABSENT:
        return show_value(diff.before)
    return f"{show_value(diff.before)} → {show_value(diff.after)}"


def _is_secret(diff: FieldDiff) -> bool:
    named = any(isinstance(step, str) and names_a_secret(step) for step in diff.path)
    return named or diff.secret or isinstance(diff.before, Secret) or isinstance(diff.after, Secret)


def _secret(diff: FieldDiff) -> str:
    before, after = _digest(diff.before), _digest(diff.after)
    length = next((n for n in range(_MARK, 17) if before[:n] != after[:n]), _MARK)
    if diff.before is ABSENT:
        return f"(secret) set #{after[:length]}" if after else "(secret) set"
    if diff.after is ABSENT:
        return "(secret) removed"
    if before and after:
        return f"(secret) changed #{before[:length]} → #{after[:length]}"
    return "(secret) changed"


def _digest(value: Json) -> str:
    return value.fingerprint if isinstance(value, Secret) else ""


def _plain(value: Json) -> Json:
    if isinstance(value, Secret | Deferred):
        return show_value(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(_hidden(str(key), item)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _hidden(key: str, value: Json) -> Json:
    """Hide what a service reported in clear under a name that means a secret; the last of several nets."""
    known = value is None or isinstance(value, Secret | Deferred | bool)
    return value if known or not names_a_secret(key) else "(secret)"


def _dumped(value: Json) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
