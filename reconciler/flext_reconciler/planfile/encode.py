"""A plan to its JSON document. Pure: the same plan gives the same bytes; a clock stands in `meta` only, if at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

import orjson

from .. import __version__
from ..errors import Place
from ..model import (
    ABSENT,
    Address,
    Blocked,
    Change,
    Drift,
    DriftItem,
    FieldDiff,
    Inverse,
    Irreversible,
    Json,
    Path,
    Plan,
    Reason,
    at,
    encode_value,
)
from ..order import groups

FORMAT_VERSION = "1.2"
"""Readers accept a newer minor, whose additions they do not know, and refuse a newer major."""

BUNDLE = "flext-bundle"
"""What a bundle says that it is, which is no plan."""

_NOT_FINGERPRINTED = frozenset({"fingerprint", "meta"})
_CANONICAL = orjson.OPT_SORT_KEYS

Encode = Callable[[Mapping[str, Json] | None], Json]
"""How a spec gets into the document: as plain JSON, or as bytes that are JSON already."""


def to_json(plan: Plan, *, expires: datetime | None = None) -> dict[str, Json]:
    """Return the plan document; secrets are their references and keyed fingerprints."""
    document = _document(plan, encode_value)
    return {**document, **_signs(document, expires)}


def dump(plan: Plan, *, expires: datetime | None = None) -> bytes:
    """Return the document as canonical JSON, ended by a newline."""
    document = _document(plan, _fragment)
    return orjson.dumps({**document, **_signs(document, expires)}, option=_CANONICAL | orjson.OPT_APPEND_NEWLINE)


def fingerprint(plan: Plan) -> str:
    """Return the digest that tells this plan from every other."""
    return digest(_document(plan, _fragment))


def digest(document: Mapping[str, Json]) -> str:
    """Return the SHA-256 of a document's canonical bytes, without what may differ between equal plans."""
    meant = {key: value for key, value in document.items() if key not in _NOT_FINGERPRINTED}
    return hashlib.sha256(orjson.dumps(meant, option=_CANONICAL)).hexdigest()


def digest_meta(meta: Mapping[str, Json], fingerprint: Json) -> str:
    """Return the SHA-256 that ties `meta`, the expiry in it included, to the plan."""
    return digest({**{key: value for key, value in meta.items() if key != "fingerprint"}, "plan": fingerprint})


def _signs(document: Mapping[str, Json], expires: datetime | None) -> dict[str, Json]:
    found = digest(document)
    meta = {"flext": __version__}
    if expires is not None:
        meta["expires"] = expires.astimezone(UTC).isoformat(timespec="seconds")
    return {"fingerprint": found, "meta": {**meta, "fingerprint": digest_meta(meta, found)}}


def dump_change(change: Change) -> bytes:
    """Return one change as the document holds it."""
    return orjson.dumps(_change(change, _fragment), option=_CANONICAL)


def dump_fields(fields: Iterable[FieldDiff]) -> bytes:
    """Return field differences as the document holds them."""
    return orjson.dumps(fields_to_json(fields), option=_CANONICAL)


def dump_spec(spec: Mapping[str, Json] | None) -> bytes:
    """Return a spec as the document holds it."""
    # Most specs hold no secret and no key like our marks; finding that out in C costs a fraction of copying them.
    try:
        plain = orjson.dumps(spec, option=_CANONICAL | orjson.OPT_PASSTHROUGH_DATACLASS)
    except TypeError:
        plain = None
    if plain is None or MARKED in plain:
        return orjson.dumps(encode_value(spec), option=_CANONICAL)
    return plain


MARKED = b'"$'
"""Stands in canonical bytes whenever a value in them is not what it looks like, and rarely else."""


def _fragment(spec: Mapping[str, Json] | None) -> Json:
    return orjson.Fragment(dump_spec(spec))


def _document(plan: Plan, encode: Encode) -> dict[str, Json]:
    return {
        "format_version": FORMAT_VERSION,
        "environment": plan.environment,
        "services": dict(plan.services),
        "revision": plan.revision,
        "lineage": plan.lineage,
        "serial": plan.serial,
        "complete": plan.complete,
        "undoes": plan.undoes,
        "unchanged": plan.unchanged,
        "kinds": dict(plan.kinds),
        "summary": _summary(plan),
        "changes": [_change(change, encode) for change in plan.changes],
        "execution_groups": [_addresses(group) for group in groups(plan.changes)],
        "blocked": [_blocked(blocked) for blocked in plan.blocked],
        "violations": [
            {"code": violation.code, "message": violation.message, "flag": violation.flag}
            for violation in plan.violations
        ],
        "drift": [_drift(item) for item in plan.drift],
        "impact": {"outages": _addresses(plan.impact.outages), "dependents": _addresses(plan.impact.dependents)},
        "inverse": _inverse(plan.inverse, encode),
        "objects": _fingerprints(plan.objects),
        "prunable": _addresses(plan.prunable),
        "unmanaged": _addresses(plan.unmanaged),
        "notices": list(plan.notices),
    }


def _summary(plan: Plan) -> dict[str, Json]:
    return {
        **{action.value: count for action, count in plan.counts.items()},
        "unchanged": plan.unchanged,
        "blocked": len(plan.blocked),
        "violations": len(plan.violations),
        "drifted": len(plan.drift),
        "prunable": len(plan.prunable),
        "unmanaged": len(plan.unmanaged),
        "risk": plan.risk.value,
    }


def _inverse(inverse: Inverse, encode: Encode) -> dict[str, Json]:
    return {
        "changes": [_change(change, encode) for change in inverse.changes],
        "forget": _addresses(inverse.forget),
        "irreversible": [_irreversible(item) for item in inverse.irreversible],
    }


def _irreversible(item: Irreversible) -> dict[str, Json]:
    return {"address": str(item.address), **_path(item.path), "why": item.why}


def _change(change: Change, encode: Encode) -> dict[str, Json]:
    return {
        "address": str(change.address),
        "action": change.action.value,
        "reason": change.reason.value,
        "risk": change.risk.value,
        "place": _place(change.place),
        "id": change.id,
        "depends_on": _addresses(change.depends_on),
        "uses": _fingerprints(change.uses),
        "fields": [_change_field(diff, change) for diff in change.fields],
        "desired": encode(change.desired),
        "actual": encode(change.actual),
        "base": change.base,
        "deletion": change.deletion.value,
        "protect": change.protect,
        "grace": change.grace,
        "notes": list(change.notes),
    }


_REASONS = {Drift.GIT: Reason.EDITED, Drift.ACTUAL: Reason.DRIFTED, Drift.BOTH: Reason.BOTH_MOVED}


def _change_field(diff: FieldDiff, change: Change) -> dict[str, Json]:
    """Return a difference with what was read of it, and why it is to change."""
    from ..diff import UNDECLARED  # loads pydantic, which readers of the ledger do without

    document = _field(diff)
    actual = at(change.actual, diff.path)
    if actual is not ABSENT:
        document["actual"] = encode_value(actual)
    moved = _REASONS.get(diff.drift) if diff.drift is not None else None
    document["reason"] = (Reason.UNDECLARED if diff.note == UNDECLARED else moved or change.reason).value
    return document


def fields_to_json(fields: Iterable[FieldDiff]) -> list[dict[str, Json]]:
    """Return field differences as the document holds them."""
    return [_field(diff) for diff in fields]


def _field(diff: FieldDiff) -> dict[str, Json]:
    document: dict[str, Json] = {
        **_path(diff.path),
        "effect": diff.effect.value,
        "drift": None if diff.drift is None else diff.drift.value,
        "secret": diff.secret,
        "note": diff.note,
    }
    if diff.before is not ABSENT:
        document["before"] = encode_value(diff.before)
    if diff.after is not ABSENT:
        document["after"] = encode_value(diff.after)
    if diff.wanted is not ABSENT:
        document["wanted"] = encode_value(diff.wanted)
    return document


def _path(path: Path) -> dict[str, Json]:
    document: dict[str, Json] = {"path": pointer(path)}
    if keys := [step for step, name in enumerate(path) if isinstance(name, str) and looks_like_index(name)]:
        document["keys"] = keys
    return document


def looks_like_index(step: str) -> bool:
    """Tell whether a key reads as a list index, which a JSON pointer cannot tell apart."""
    return step.isdecimal() and step.isascii() and (step == "0" or not step.startswith("0"))


def pointer(path: Path) -> str:
    """Return the JSON pointer of a path."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _blocked(blocked: Blocked) -> dict[str, Json]:
    return {
        "address": str(blocked.address),
        "code": blocked.code.value,
        "message": blocked.message,
        "hint": blocked.hint,
        "place": _place(blocked.place),
        "fields": fields_to_json(blocked.fields),
    }


def _drift(item: DriftItem) -> dict[str, Json]:
    return {
        "address": str(item.address),
        "drift": item.drift.value,
        "fields": fields_to_json(item.fields),
        "message": item.message,
        "others": _addresses(item.others),
    }


def _place(place: Place | None) -> dict[str, Json] | None:
    return None if place is None else {"file": place.file, "line": place.line, "column": place.column}


def _addresses(addresses: Iterable[Address]) -> list[str]:
    return [str(address) for address in addresses]


def _fingerprints(found: Mapping[Address, str]) -> dict[str, str]:
    return {str(address): digest for address, digest in found.items()}
