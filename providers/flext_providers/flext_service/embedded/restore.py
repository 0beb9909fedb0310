"""Puts what was read from another FLEXT Service into an embedded one: ids, marks and variant included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import NAMESPACE_OID, uuid5

from flext_reconciler.model import Actual, Json, Presence, Support
from flext_reconciler.sandbox import Collection, Sandbox

from ..kinds import MARK
from .replies import is_uuid
from .table import Item

_VARIANTS = {
    "flext-v1": "variant_echo",
    "flext-partial": "variant_partial",
    "flext-control-panel": "variant_control_panel",
}
_NOW = "2026-01-01T00:00:00+00:00"
_TIMES = {"created_at": _NOW, "updated_at": _NOW}
_PLUGIN = {"type": "utility", "version": "0.0.0", "entry_point": "unknown"}


def restore(sandbox: Sandbox, support: Support, actuals: Iterable[Actual]) -> None:
    """Make an embedded FLEXT Service hold exactly what was read."""
    if support.variant in _VARIANTS:
        sandbox.faults.switch_on(_VARIANTS[support.variant])
    plugins, pipelines, specs = (sandbox.store.collection(name) for name in ("plugins", "pipelines", "specs"))
    for collection in (plugins, pipelines, specs):
        collection.clear()
    present = [actual for actual in actuals if actual.presence is Presence.PRESENT and actual.id is not None]
    for actual in present:
        if actual.address.kind == "plugin":
            _put(plugins, _plugin(actual.address.name, str(actual.id), actual.spec))
        elif actual.address.kind != "pipeline":
            _put(specs, _spec(actual))
    ids = {str(item["name"]): id for id, item in plugins.items()}
    for actual in present:
        if actual.address.kind == "pipeline":
            _put(pipelines, _pipeline(actual, plugins, ids))


def _put(collection: Collection, item: Item) -> None:
    collection[item["id"]] = item


def _plugin(name: str, id: str, spec: Mapping[str, Json]) -> Item:
    nothing: Item = {"description": "", "author": "", "dependencies": [], "ports": [], "configuration": {}}
    return {"id": id, "name": name, "status": "registered", "metadata": {}, **nothing, **_PLUGIN, **spec}


def _spec(actual: Actual) -> Item:
    rest = {key: value for key, value in actual.spec.items() if key != "active"}
    more: Item = {"type": actual.address.kind, "is_active": actual.spec.get("active", True), "version_number": 1}
    return {"id": actual.id, "name": actual.address.name, **rest, **more, **_TIMES}


def _pipeline(actual: Actual, plugins: Collection, ids: dict[str, str]) -> Item:
    spec = actual.spec
    return {
        "id": actual.id,
        "name": actual.address.name,
        "description": spec.get("description", ""),
        "is_active": spec.get("active", False),
        "steps": _steps(actual, plugins, ids),
        "tags": [*spec.get("tags", []), *([MARK] if actual.owned else [])],
        "configuration": spec.get("configuration", {}),
        "schedule": spec.get("schedule", ""),
        "version": 1,
        **_TIMES,
    }


def _steps(actual: Actual, plugins: Collection, ids: dict[str, str]) -> list[Item]:
    made = {step["name"]: str(uuid5(NAMESPACE_OID, f"{actual.id}/{step['name']}")) for step in actual.spec["steps"]}
    return [
        {
            "id": made[step["name"]],
            "name": step["name"],
            "plugin_id": _plugin_id(step["plugin"], plugins, ids),
            "configuration": step["configuration"],
            "order": number,
            "depends_on": [made.get(name, name) for name in step["depends_on"]],
        }
        for number, step in enumerate(actual.spec["steps"], 1)
    ]


def _plugin_id(name: str, plugins: Collection, ids: dict[str, str]) -> str:
    """Return the id behind a name; a plugin that nobody read is made up, and an id that dangles goes on dangling."""
    if name not in ids and not is_uuid(name):
        ids[name] = str(uuid5(NAMESPACE_OID, name))
        _put(plugins, _plugin(name, ids[name], {}))
    return ids.get(name, name)
