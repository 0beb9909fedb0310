"""Bundles: everything that a plan was made from in one file, so that it can be made again elsewhere, offline.

No secret value is in it, and nothing that would find one: secrets are references with keyed fingerprints, services are
their origins. What services report for people only is left out too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path as FilePath
from typing import Any, TypeVar

import orjson

from .. import __version__
from ..errors import Place, PlanFileError
from ..guard import Limits
from ..model import (
    Actual,
    Actuals,
    Address,
    Declaration,
    Json,
    KindSupport,
    Lifecycle,
    Record,
    Resource,
    Service,
    Support,
    decode_value,
    encode_value,
)
from ..plan import PlanOptions
from .encode import BUNDLE, digest
from .files import MAX_BYTES, read_content
from .inputs import Inputs

FORMAT_VERSION = "1.0"
T = TypeVar("T")

_SPECS = frozenset({"spec", "desired", "observed", "attempted"})
_AGAIN = "Make the bundle again: `flext plan --bundle FILE`."


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a plan was made from, and the fingerprint that it had."""

    inputs: Inputs
    plan: str
    flext: str  # the version that made it


def dump_bundle(inputs: Inputs, plan: str) -> bytes:
    """Return a bundle as canonical JSON; `plan` is the fingerprint of what was made from it."""
    document = _document(inputs) | {"document": BUNDLE, "format_version": FORMAT_VERSION, "plan": plan}
    whole = {**document, "fingerprint": digest(document), "meta": {"flext": __version__}}
    return orjson.dumps(whole, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def load_bundle(path: FilePath) -> Bundle:
    """Read a bundle; raises PlanFileError for what is damaged, newer or something else."""
    try:
        document = orjson.loads(read_content(path, MAX_BYTES))
        if not isinstance(document, dict) or document.get("document") != BUNDLE:
            raise ValueError("it is something else")
        _check(document)
        return Bundle(_inputs(document), str(document["plan"]), str(document["meta"]["flext"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PlanFileError(f"{path} is not a bundle that flext wrote: {told}", hint=_AGAIN) from None


def _check(document: Mapping[str, Json]) -> None:
    version = document["format_version"]
    if version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise ValueError(f"its format is {version}, and this flext reads {FORMAT_VERSION}")
    if document["fingerprint"] != digest(document):
        raise ValueError("it was edited or damaged")


# ------------------------------------------------------------------------------------------------ to JSON


def _document(inputs: Inputs) -> dict[str, Json]:
    declaration, actuals = inputs.declaration, inputs.actuals
    return {
        "environment": declaration.environment,
        "services": {name: {"provider": at.provider, "url": at.url} for name, at in declaration.services.items()},
        "resources": [_plain(resource) for resource in declaration.resources],
        "actuals": [_without_facts(actual) for _, actual in sorted(actuals.found.items(), key=_address)],
        "support": {name: _support(support) for name, support in actuals.support.items()},
        "failures": [[*key, why] for key, why in sorted(actuals.failures.items())],
        "records": [_plain(record) for _, record in sorted(inputs.records.items(), key=_address)],
        "options": _plain(inputs.options),
        "limits": _plain(inputs.limits),
        "lineage": inputs.lineage,
        "serial": inputs.serial,
        "volatile": sorted(inputs.volatile),
        "revision": inputs.revision,
    }


def _address(item: tuple[Address, object]) -> Address:
    return item[0]


def _plain(value: Any) -> dict[str, Json]:
    """Return the fields of a frozen value as JSON."""
    return {
        item.name: encode_value(getattr(value, item.name)) if item.name in _SPECS else _leaf(getattr(value, item.name))
        for item in fields(value)
    }


def _leaf(value: Json) -> Json:
    if isinstance(value, Address):
        return str(value)
    if isinstance(value, Place | Lifecycle):
        return value._asdict() if isinstance(value, Place) else _plain(value)
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    if isinstance(value, tuple):
        return [_leaf(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def _without_facts(actual: Actual) -> dict[str, Json]:
    document = _plain(actual)
    del document["facts"]
    return document


def _support(support: Support) -> dict[str, Json]:
    return {"variant": support.variant, "kinds": {kind: _plain(able) for kind, able in support.kinds.items()}}


# ------------------------------------------------------------------------------------------------ from JSON


def _inputs(document: Mapping[str, Json]) -> Inputs:
    resources = tuple(_resource(item) for item in document["resources"])
    services = {
        str(name): Service(str(name), str(item["provider"]), str(item["url"]))
        for name, item in document["services"].items()
    }
    found = [_made(Actual, item, address=Address.parse, spec=decode_value) for item in document["actuals"]]
    records = [_record(item) for item in document["records"]]
    return _validated(
        Inputs,
        {
            "declaration": Declaration(str(document["environment"]), services, resources),
            "actuals": Actuals(
                {actual.address: actual for actual in found},
                {str(name): _read_support(item) for name, item in document["support"].items()},
                {(str(service), str(kind)): str(why) for service, kind, why in document["failures"]},
            ),
            "records": {record.address: record for record in records},
            "options": _made(PlanOptions, document["options"], force_replace=_all, targets=_all, remove=_all),
            "limits": _made(Limits, document["limits"]),
            **{name: document[name] for name in ("lineage", "serial", "volatile", "revision")},
        },
    )


def _resource(document: Mapping[str, Json]) -> Resource:
    return _made(
        Resource,
        document,
        address=Address.parse,
        spec=decode_value,
        place=lambda place: Place(**place),
        depends_on=_all,
        lifecycle=lambda lifecycle: _made(Lifecycle, lifecycle),
    )


def _record(document: Mapping[str, Json]) -> Record:
    return _made(
        Record, document, address=Address.parse, desired=decode_value, observed=decode_value, attempted=decode_value
    )


def _read_support(document: Mapping[str, Json]) -> Support:
    kinds = {str(kind): _made(KindSupport, able) for kind, able in document["kinds"].items()}
    return Support(str(document["variant"]), kinds)


def _all(texts: Iterable[str]) -> tuple[Address, ...]:
    return tuple(Address.parse(text) for text in texts)


def _made(kind: type[T], document: Mapping[str, Json], **readers: Callable[[Any], Any]) -> T:
    """Build a frozen value from its fields, each of them checked; unknown ones are a newer flext's."""
    return _validated(kind, {name: readers[name](item) if name in readers else item for name, item in document.items()})


def _validated(kind: type[T], values: Mapping[str, Any]) -> T:
    made: T = _adapter(kind).validate_python(values)  # type: ignore[arg-type]
    return made


@cache
def _adapter(kind: type[Any]) -> Any:
    from pydantic import TypeAdapter  # slow to import, and few commands need it

    return TypeAdapter(kind)
