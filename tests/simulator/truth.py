"""What the services really hold, looked up in their stores: no code of flext's own reading stands in between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flext_reconciler.model import Address, Deferred, Resource, Secret

from .world import PROVIDERS, World

MARK = "flext-managed"
_VOLATILE = {"created_at", "updated_at", "version_number", "metadata"}


class Thing(NamedTuple):
    """One object of a service."""

    address: Address
    id: str
    marked: bool
    fields: Mapping[str, Any]


def things(world: World) -> list[Thing]:
    """List every object of every service."""
    return sorted((*_of_flexcore(world), *_of_flext_service(world)), key=lambda thing: (thing.address, thing.id))


def _of_flexcore(world: World) -> Iterator[Thing]:
    for name, item in world.apps["flexcore"].store.collection("plugins").items():
        fields = {"type": item["type"], "config": item["config"]}
        yield Thing(Address("flexcore", "plugin", name), name, False, fields)


def _of_flext_service(world: World) -> Iterator[Thing]:
    store = world.apps["flext-service"].store
    plugins = dict(store.collection("plugins"))
    for id, item in plugins.items():
        fields = {key: value for key, value in item.items() if key not in {*_VOLATILE, "id", "name"}}
        fields["status"] = "active" if item["status"] == "registered" else item["status"]
        yield Thing(Address("flext-service", "plugin", item["name"]), id, False, fields)
    for id, item in store.collection("specs").items():
        fields = {key: value for key, value in item.items() if key not in {*_VOLATILE, "id", "name", "type"}}
        fields["active"] = fields.pop("is_active")
        yield Thing(Address("flext-service", item["type"], item["name"]), id, False, fields)
    for id, item in store.collection("pipelines").items():
        fields = {key: value for key, value in item.items() if key not in {*_VOLATILE, "id", "name", "version"}}
        fields["active"] = fields.pop("is_active")
        fields["tags"] = sorted(tag for tag in item["tags"] if tag != MARK)
        fields["steps"] = [_step(step, item["steps"], plugins) for step in item["steps"]]
        yield Thing(Address("flext-service", "pipeline", item["name"]), id, MARK in item["tags"], fields)


def _step(step: Any, steps: Any, plugins: Mapping[str, Any]) -> dict[str, Any]:
    names = {other["id"]: other["name"] for other in steps}
    plugin = plugins.get(step["plugin_id"])
    return {
        "name": step["name"],
        "plugin": plugin["name"] if plugin else f"nothing has the id {step['plugin_id']}",
        "configuration": step["configuration"],
        "depends_on": sorted(names[id] for id in step["depends_on"]),
    }


def is_wanted(resource: Resource) -> bool:
    """Whether a declared resource is to exist."""
    return resource.spec.get("enabled") is not False


def is_disabled(world: World, address: Address) -> bool:
    """Whether something is there and does nothing, where its kind can be so."""
    off: Mapping[str, Any] = PROVIDERS[address.service].kinds[address.kind].disabled_by
    found = [thing for thing in things(world) if thing.address == address]
    return bool(off) and all(thing.fields[name] == value for thing in found for name, value in off.items())


def plain(world: World, value: Any) -> Any:
    """A declared value with every reference replaced by what it stands for now."""
    if isinstance(value, Secret):
        return world.resolve(value)
    if isinstance(value, Deferred):
        return next((thing.id for thing in things(world) if thing.address == value.address), None)
    if isinstance(value, Mapping):
        return {key: plain(world, item) for key, item in value.items()}
    return [plain(world, item) for item in value] if isinstance(value, list) else value


def holds(found: Any, declared: Any) -> bool:
    """Whether a found value is as declared; keys that are not declared are nobody's business."""
    if isinstance(declared, Mapping):
        return isinstance(found, Mapping) and all(
            key in found and holds(found[key], value) for key, value in declared.items()
        )
    if isinstance(declared, list):
        return isinstance(found, list) and len(found) == len(declared) and all(map(holds, found, declared))
    return type(found) is type(declared) and found == declared


def lacks(world: World, resource: Resource) -> str:
    """Say how a declared resource is not what it should be; empty when it is."""
    found = [thing for thing in things(world) if thing.address == resource.address]
    if not is_wanted(resource):
        return "" if not found else "it is there"
    if len(found) != 1:
        return f"there are {len(found)} of it"
    declared = plain(world, {name: value for name, value in resource.spec.items() if name != "enabled"})
    wrong = [name for name, value in declared.items() if not holds(found[0].fields.get(name), value)]
    return ", ".join(f"{name} is {found[0].fields.get(name)!r}, declared {declared[name]!r}" for name in wrong)
