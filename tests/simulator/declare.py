"""Random declarations over every kind of both providers: few names, so that one meets the leftovers of another."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from flext_reconciler.errors import Place
from flext_reconciler.model import Address, Declaration, Deferred, Json, Lifecycle, Resource
from flext_reconciler.plan.references import deferred_in, names_in

from .world import PROVIDERS, SERVICES, World

NAMES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("flexcore", "plugin"): ("core-runtime", "batch-runtime", "edge-runtime"),
    ("flext-service", "plugin"): ("oracle-source", "wms-source", "cleaner"),
    ("flext-service", "tap"): ("tap-orders", "tap-stock"),
    ("flext-service", "target"): ("target-lake",),
    ("flext-service", "pipeline"): ("orders", "stock", "returns"),
}
ADDRESSES = tuple(Address(*kind, name) for kind, names in NAMES.items() for name in names)
PLUGINS = tuple(address for address in ADDRESSES if address[:2] == ("flext-service", "plugin"))
PLACE = Place("simulated.yaml", 1, 1)

Specs = Mapping[Address, Mapping[str, Json]]


class Author:
    """Writes declarations, as a team does that edits the same few files again and again."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self._world = world
        self._chance = chance

    def declare(self, before: Specs | None = None) -> dict[Address, dict[str, Json]]:
        """Write specs; with earlier ones, most of them stay."""
        chance, specs = self._chance, {}
        for address in ADDRESSES:
            if before is None or address not in before:
                if chance.random() < (0.35 if before is None else 0.1):
                    specs[address] = self.spec(address)
            elif chance.random() < 0.4:
                specs[address] = {**before[address], **self.spec(address)}
                optional = sorted(specs[address].keys() - REQUIRED[address.kind])
                if optional and chance.random() < 0.4:
                    del specs[address][chance.choice(optional)]
            elif chance.random() < 0.85:
                specs[address] = dict(before[address])
        return self._consistent(specs)

    def _consistent(self, specs: dict[Address, dict[str, Json]]) -> dict[Address, dict[str, Json]]:
        """Declare every plugin that a step names, and keep references to what is declared."""
        for address in [address for address in specs if address.kind == "pipeline"]:
            if specs[address].get("active") and not specs[address].get("steps"):
                specs[address]["active"] = False
            for step in specs[address].get("steps", ()):
                needed = Address("flext-service", "plugin", step["plugin"])
                if needed not in specs:
                    specs[needed] = self.spec(needed)
        for spec in specs.values():
            if any(deferred.address not in specs for deferred in deferred_in(spec)):
                spec["config"] = {"flexcore_node_url": "http://127.0.0.1:8080"}
        return specs

    def spec(self, address: Address) -> dict[str, Json]:
        """Write the spec of one resource."""
        write = getattr(self, f"_{address.service.replace('-', '_')}_{address.kind}")
        found: dict[str, Json] = write()
        optional = [name for name in sorted(found) if name not in REQUIRED[address.kind]]
        for name in self._chance.sample(optional, self._chance.randint(0, len(optional))):
            del found[name]
        return found

    def _flexcore_plugin(self) -> dict[str, Json]:
        pick, chance = self._chance.choice, self._chance
        config: dict[str, Json] = {"flexcore_node_url": "http://127.0.0.1:8080", "level": pick(("info", "debug"))}
        if chance.random() < 0.3:
            config["api_token"] = self._world.secret("TOKEN")
        if chance.random() < 0.2:
            plugin = pick(PLUGINS)
            config["source"] = Deferred(f"${{ref:{plugin}.id}}", plugin, ("id",))
        spec = {"type": pick(("meltano", "ray")), "config": config}
        return {**spec, "enabled": False} if chance.random() < 0.1 else spec

    def _flext_service_plugin(self) -> dict[str, Json]:
        pick = self._chance.choice
        return {
            "type": pick(("source", "transformer")),
            "version": pick(("1.0.0", "1.0.0", "2.0.0")),
            "entry_point": "run:main",
            "description": pick(("reads", "reads more", "")),
            "author": pick(("ann", "bob")),
            "status": pick(("active", "inactive")),
            "configuration": pick(({}, {"batch": 10}, {"batch": 20, "api_key": self._world.secret("TOKEN")})),
        }

    def _flext_service_tap(self) -> dict[str, Json]:
        pick = self._chance.choice
        return {
            "version": pick(("1.0.0", "1.0.0", "1.1.0")),
            "executable": "tap",
            "description": pick(("taps", "")),
            "config_template": pick(({}, {"host": "db", "password": self._world.secret("TOKEN")}, {"host": "db2"})),
            "environment_vars": pick(({}, {"ZONE": "eu"})),
            "active": pick((True, False)),
        }

    _flext_service_target = _flext_service_tap

    def _flext_service_pipeline(self) -> dict[str, Json]:
        pick, names = self._chance.choice, [address.name for address in PLUGINS]
        steps: list[dict[str, Json]] = []
        for number in range(self._chance.randint(0, 3)):
            needed = [step["name"] for step in steps if self._chance.random() < 0.5]
            configuration = pick(({}, {"n": number}))
            steps.append(
                {"name": f"s{number}", "plugin": pick(names), "configuration": configuration, "depends_on": needed}
            )
        return {
            "description": pick(("moves", "moves more", "")),
            "tags": pick(([], ["red"], ["red", "blue"])),
            "configuration": pick(({}, {"batch": 1}, {"batch": 2, "mode": "full"})),
            "schedule": pick(("@daily", "0 5 * * *", "")),
            "active": bool(steps) and pick((True, False)),
            "steps": steps,
        }


REQUIRED: Mapping[str, frozenset[str]] = {
    "plugin": frozenset({"type", "config", "version", "entry_point"}),
    "tap": frozenset({"version", "executable"}),
    "target": frozenset({"version", "executable"}),
    "pipeline": frozenset(),
}


def declaration(specs: Specs, lifecycles: Mapping[Address, Lifecycle]) -> Declaration:
    """Return specs as the loader does: normalised, and with the edges that references imply."""
    resources = tuple(_resource(address, specs, lifecycles[address]) for address in sorted(specs))
    return Declaration("simulated", SERVICES, resources)


def _resource(address: Address, specs: Specs, lifecycle: Lifecycle) -> Resource:
    kind: Any = PROVIDERS[address.service].kinds[address.kind]
    spec = specs[address]
    named = names_in(kind, address, spec) | {deferred.address for deferred in deferred_in(spec)}
    needed = tuple(sorted(named & specs.keys()))
    return Resource(address, kind.normalise(spec), PLACE, needed, lifecycle)
