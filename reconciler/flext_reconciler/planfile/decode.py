"""The JSON document back to a plan. Whatever is wrong with a document is a `PlanFileError` that names it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import orjson

from ..errors import Place, PlanFileError
from ..model import (
    ABSENT,
    Address,
    Blocked,
    Change,
    DriftItem,
    FieldDiff,
    Impact,
    Inverse,
    Irreversible,
    Json,
    Path,
    Plan,
    Violation,
    decode_value,
)
from ..order import find_cycle, prerequisites
from .encode import BUNDLE, FORMAT_VERSION, MARKED, digest, digest_meta, looks_like_index

if TYPE_CHECKING:
    from .document import (
        BlockedDocument,
        ChangeDocument,
        DriftDocument,
        FieldDocument,
        InverseDocument,
        PathDocument,
        PlaceDocument,
        PlanDocument,
    )

_AGAIN = "Make the plan again."
_META_IS_TIED = 1  # the minor version of the format since which `meta` has a fingerprint


class Saved(NamedTuple):
    """A plan as its file holds it."""

    plan: Plan
    expires: datetime | None = None  # None for one that was printed and not saved


def from_json(document: Json) -> Plan:
    """Read a document that `to_json` made; raises PlanFileError for anything else."""
    return read_document(document).plan


def read_document(document: Json) -> Saved:
    """Read a plan and when it expires; raises PlanFileError for what flext never wrote."""
    if not isinstance(document, dict):
        raise PlanFileError("not a plan: a JSON object is expected", hint=_AGAIN)
    if document.get("document") == BUNDLE:
        raise PlanFileError(
            "a bundle, not a plan", hint="Make the plan from it: `flext plan --replay FILE --out PLAN`."
        )
    minor = _check_format(document.get("format_version"))
    _check_fingerprint(document, with_meta=minor >= _META_IS_TIED)
    try:
        parsed = _parsed(document)
        saved = Saved(_plan(parsed), _time(parsed.meta.expires))
    except (KeyError, TypeError, ValueError) as error:
        raise PlanFileError(f"not a plan that flext wrote: {error}", hint=_AGAIN) from None
    _check_order(saved.plan)
    return saved


def read_fields(documents: Iterable[Json]) -> tuple[FieldDiff, ...]:
    """Read field differences; raises KeyError, TypeError or ValueError for what `dump_fields` never wrote."""
    from .document import FieldDocument

    return tuple(_field(FieldDocument.model_validate(document)) for document in documents)


# ------------------------------------------------------------------------------------------------ checks


def _check_format(version: Json) -> int:
    """Return the minor version of a document that can be read."""
    written = re.fullmatch(r"([0-9]{1,9})\.([0-9]{1,9})", version) if isinstance(version, str) else None
    if written is None:
        raise PlanFileError("not a plan: `format_version` is missing or unreadable", hint=_AGAIN)
    ours = FORMAT_VERSION.partition(".")[0]
    if int(written[1]) > int(ours):
        raise PlanFileError(
            f"the plan was made by a newer flext (format {version}, this one reads {ours})",
            hint="Upgrade flext, or make the plan again with this one.",
        )
    if int(written[1]) < int(ours):
        raise PlanFileError(f"the plan has the format {version}, which this flext no longer reads", hint=_AGAIN)
    return int(written[2])


def _check_fingerprint(document: Mapping[str, Json], *, with_meta: bool) -> None:
    meta = document.get("meta")
    try:
        whole = document.get("fingerprint") == digest(document)
        if whole and with_meta:
            whole = isinstance(meta, dict) and meta.get("fingerprint") == digest_meta(meta, document["fingerprint"])
    except TypeError as error:  # deeper or larger than anything that was ever written
        raise PlanFileError(f"not a plan that flext wrote: {error}", hint=_AGAIN) from None
    if not whole:
        raise PlanFileError(
            "the plan was edited or damaged: its content does not match its fingerprint",
            hint="A plan is applied as it was made or not at all. " + _AGAIN,
        )


def _parsed(document: Mapping[str, Json]) -> PlanDocument:
    from pydantic import ValidationError

    from .document import PlanDocument

    try:
        return PlanDocument.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = "/".join(str(step) for step in first["loc"])
        raise ValueError(f"/{place}: {first['msg']}") from None


def _check_order(plan: Plan) -> None:
    addresses = {change.address for change in plan.changes}
    if len(addresses) != len(plan.changes):
        raise PlanFileError("the plan changes one resource twice", hint=_AGAIN)
    if cycle := find_cycle(prerequisites(plan.changes)):
        raise PlanFileError(
            "the plan's changes wait for each other: " + " → ".join(str(address) for address in cycle), hint=_AGAIN
        )


# ------------------------------------------------------------------------------------------------ documents to values


def _plan(document: PlanDocument) -> Plan:
    return Plan(
        environment=document.environment,
        services=document.services,
        changes=tuple(_change(change) for change in document.changes),
        blocked=tuple(_blocked(blocked) for blocked in document.blocked),
        violations=tuple(Violation(item.code, item.message, item.flag) for item in document.violations),
        drift=tuple(_drift(item) for item in document.drift),
        prunable=_addresses(document.prunable),
        unmanaged=_addresses(document.unmanaged),
        notices=tuple(document.notices),
        unchanged=document.unchanged,
        kinds=document.kinds,
        lineage=document.lineage,
        serial=document.serial,
        complete=document.complete,
        revision=document.revision,
        objects=_fingerprints(document.objects),
        impact=Impact(_addresses(document.impact.outages), _addresses(document.impact.dependents)),
        inverse=_inverse(document.inverse),
        undoes=document.undoes,
    )


def _inverse(document: InverseDocument) -> Inverse:
    return Inverse(
        changes=tuple(_change(change) for change in document.changes),
        forget=_addresses(document.forget),
        irreversible=tuple(
            Irreversible(Address.parse(item.address), _path(item), item.why) for item in document.irreversible
        ),
    )


def _change(document: ChangeDocument) -> Change:
    return Change(
        address=Address.parse(document.address),
        action=document.action,
        reason=document.reason,
        fields=tuple(_field(field) for field in document.fields),
        id=document.id,
        desired=_spec(document.desired),
        actual=_spec(document.actual),
        base=document.base,
        depends_on=_addresses(document.depends_on),
        place=_place(document.place),
        risk=document.risk,
        notes=tuple(document.notes),
        uses=_fingerprints(document.uses),
        deletion=document.deletion,
        protect=document.protect,
        grace=document.grace,
    )


def _spec(document: Mapping[str, Json] | None) -> Mapping[str, Json] | None:
    spec = _value(document)
    if not isinstance(spec, dict | None):
        raise TypeError("a spec is a mapping")
    return spec


def _field(document: FieldDocument) -> FieldDiff:
    return FieldDiff(
        path=_path(document),
        before=_side(document.before),
        after=_side(document.after),
        effect=document.effect,
        drift=document.drift,
        secret=document.secret,
        note=document.note,
        wanted=_side(document.wanted),
    )


def _side(value: Json) -> Json:
    return value if value is ABSENT else _value(value)


def _value(document: Json) -> Json:
    # Few values hold a mark, and looking for one in C costs a fraction of decoding, which is a copy.
    return decode_value(document) if MARKED in orjson.dumps(document) else document


def _path(document: PathDocument) -> Path:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in document.path.split("/")[1:]]
    keys = frozenset(document.keys)
    return tuple(int(step) if looks_like_index(step) and at not in keys else step for at, step in enumerate(steps))


def _blocked(document: BlockedDocument) -> Blocked:
    return Blocked(
        address=Address.parse(document.address),
        code=document.code,
        message=document.message,
        hint=document.hint,
        place=_place(document.place),
        fields=tuple(_field(field) for field in document.fields),
    )


def _drift(document: DriftDocument) -> DriftItem:
    fields = tuple(_field(field) for field in document.fields)
    others = _addresses(document.others)
    return DriftItem(Address.parse(document.address), document.drift, fields, document.message, others)


def _place(document: PlaceDocument | None) -> Place | None:
    return None if document is None else Place(document.file, document.line, document.column)


def _fingerprints(documents: Mapping[str, str]) -> dict[Address, str]:
    return {Address.parse(text): found for text, found in documents.items()}


def _time(text: str | None) -> datetime | None:
    found = None if text is None else datetime.fromisoformat(text)
    if found is not None and found.tzinfo is None:
        raise ValueError("a time without its zone")
    return found


def _addresses(texts: Iterable[str]) -> tuple[Address, ...]:
    return tuple(Address.parse(text) for text in texts)
