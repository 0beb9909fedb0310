"""Turns what the service reports into specs, and specs into what it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flext_reconciler.model import ABSENT, Actual, Address, Json
from flext_reconciler.spec import field_rules

from .client import Item, Listing
from .kinds import KINDS, MARK

LISTINGS: Mapping[str, Listing] = {
    "plugin": Listing("/api/v1/plugins", "plugins"),
    "tap": Listing("/api/v1/singer/specs", "specs", by_offset=True, filters={"type": "tap"}),
    "target": Listing("/api/v1/singer/specs", "specs", by_offset=True, filters={"type": "target"}),
    "pipeline": Listing("/api/v1/pipelines", "pipelines"),
}
CLEAN = "/api/v1/clean/pipelines"

_NAMES = {"active": "is_active"}
_SHOWN = {"plugin": ("status",), "pipeline": ("version",)}


def actual(address: Address, item: Item, plugins: Mapping[str, str], schedule: str | None = None) -> Actual:
    """Return what an object says about itself; raises KeyError, TypeError or ValueError when it makes no sense.

    `plugins` names plugins by id. A schedule of None was not asked for. The engine brings the spec to its normal form.
    """
    kind = address.kind
    spec = {name: value for name in field_rules(KINDS[kind]) if (value := _value(kind, name, item)) is not ABSENT}
    owned = None
    if kind == "plugin" and spec["status"] not in ("active", "inactive"):
        del spec["status"]  # "registered" and the like cannot be declared
    if kind == "pipeline":
        owned = MARK in spec["tags"]
        spec["tags"] = [tag for tag in spec["tags"] if tag != MARK]
        spec["steps"] = _steps(spec["steps"], plugins)
        del spec["schedule"]
        if schedule is not None:
            spec["schedule"] = schedule
    return Actual(
        address,
        id=item["id"],
        spec=spec,
        owned=owned,
        unreadable=frozenset({"schedule"}) if kind == "pipeline" and schedule is None else frozenset(),
        facts={name: item[name] for name in _SHOWN.get(kind, ()) if name in item},
    )


def _value(kind: str, name: str, item: Item) -> Json:
    value, nothing = item.get(_NAMES.get(name, name)), field_rules(KINDS[kind])[name].cleared
    if value is None and (nothing == "" or isinstance(nothing, list | Mapping)):  # Go writes what is empty as null
        return nothing
    if not isinstance(value, str if nothing is ABSENT else type(nothing)):
        raise TypeError(f"{name} is not of the right type")
    return value


def _steps(steps: Iterable[Item], plugins: Mapping[str, str]) -> list[Item]:
    ordered = sorted(steps, key=lambda step: int(step["order"]))
    names = {step["id"]: step["name"] for step in ordered}
    return [
        {
            "name": step["name"],
            "plugin": plugins.get(step["plugin_id"], step["plugin_id"]),
            "configuration": dict(step["configuration"] or {}),
            "depends_on": [names.get(id, id) for id in step["depends_on"] or ()],
        }
        for step in ordered
    ]


def steps_of(pipeline: Item) -> list[Item]:
    """Return the steps of a pipeline that are steps at all."""
    steps = pipeline.get("steps")
    return [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []


def plugin_ids(pipelines: Iterable[Item]) -> set[str]:
    """Return the ids of the plugins that steps use."""
    ids = (step.get("plugin_id") for item in pipelines for step in steps_of(item))
    return {id for id in ids if isinstance(id, str)}


def body(spec: Mapping[str, Json]) -> Item:
    """Return fields as the service is sent them; tags always carry our mark."""
    sent = {_NAMES.get(name, name): value for name, value in spec.items()}
    if "tags" in sent:
        sent["tags"] = [*sent["tags"], MARK]
    return sent


def overlaid(current: Json, declared: Json) -> Json:
    """Put what is declared over what is there, so that sending a whole map loses nobody's keys."""
    if not (isinstance(current, Mapping) and isinstance(declared, Mapping)):
        return declared
    return {**current, **{name: overlaid(current.get(name), value) for name, value in declared.items()}}
