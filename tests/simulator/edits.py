"""What people and programs other than flext do to the services."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import orjson

from flext_reconciler.model import Address

from .declare import ADDRESSES, Author
from .truth import Thing, things
from .world import World

STRANGERS = ("stranger", "theirs-too")
PATHS = {"plugin": "/api/v1/plugins", "tap": "/api/v1/singer/specs", "target": "/api/v1/singer/specs"}


@dataclass
class Outsiders:
    """Somebody else, and what is known of what they did."""

    world: World
    chance: random.Random
    author: Author
    made: dict[tuple[Address, str], Any] = field(default_factory=dict)  # (address, id) of what is theirs → its fields
    intruded: set[Address] = field(default_factory=set)  # where something of theirs stands under a name of ours
    touched: set[Address] = field(default_factory=set)  # what they changed in any way

    async def act(self) -> None:
        """Do one thing."""
        everything = things(self.world)
        acts: list[Callable[[Thing], Coroutine[Any, Any, None]]] = [self._edit, self._edit, self._remove, self._special]
        if everything and self.chance.random() < 0.7:
            await self.chance.choice(acts)(self.chance.choice(everything))
        elif self.chance.random() < 0.2:
            self.world.tell("somebody else: flexcore restarts")
            self.touched |= {thing.address for thing in everything if thing.address.service == "flexcore"}
            self.world.apps["flexcore"].restart()
        else:
            await self._make()
        now = {(thing.address, thing.id): thing.fields for thing in things(self.world)}
        self.made = {key: now[key] for key in self.made if key in now}

    async def _send(self, method: str, path: str, body: Any = None, service: str = "flext-service") -> Any:
        answer = await self.world.outside(service, method, path, b"" if body is None else orjson.dumps(body))
        return orjson.loads(answer.body) if answer and answer.body else None

    async def _make(self) -> None:
        address = self.chance.choice(ADDRESSES)
        if self.chance.random() < 0.6:
            address = address._replace(name=self.chance.choice(STRANGERS))
        if address.service == "flexcore":
            body = {"plugin_id": address.name, "plugin_type": "ray", "source_node_id": "theirs"}
            made = await self._send(
                "POST", "/api/v1/plugins/deploy", {**body, "config": {"flexcore_node_url": "x"}}, "flexcore"
            )
            id = address.name if made and made.get("success") else ""
        elif address.kind == "pipeline":
            if any(thing.address == address for thing in things(self.world)):
                return  # a second one of a name makes it ambiguous, which only people can mend
            made = await self._send("POST", "/api/v1/pipelines", {"name": address.name, "description": "theirs"})
            id = made["data"]["id"]
        else:
            body = {"name": address.name, "version": "9.0.0"}
            more = {"type": "utility", "entry_point": "x"} if address.kind == "plugin" else {"type": address.kind}
            made = await self._send("POST", PATHS[address.kind], {**body, **more, "executable": "x"})
            id = made.get("data", made).get("id", "") if made else ""
        if id:
            self.made[address, id] = None
            self.intruded.add(address)
            self.touched.add(address)

    async def _remove(self, thing: Thing) -> None:
        self.touched.add(thing.address)
        if thing.address.service == "flexcore":
            await self._send("DELETE", f"/api/v1/plugins/{thing.id}", service="flexcore")
        elif thing.address.kind == "pipeline":
            await self._send("DELETE", f"/api/v1/clean/pipelines/{thing.id}")
        else:
            await self._send("DELETE", f"{PATHS[thing.address.kind]}/{thing.id}")

    async def _edit(self, thing: Thing) -> None:
        self.touched.add(thing.address)
        address, spec = thing.address, self.author.spec(thing.address)
        if address.service == "flexcore":
            await self._remove(thing)
            body = {"plugin_id": address.name, "plugin_type": "ray", "source_node_id": "theirs"}
            await self._send(
                "POST", "/api/v1/plugins/deploy", {**body, "config": {"flexcore_node_url": "x"}}, "flexcore"
            )
            return
        plain = {"description": "edited", "author": spec.get("author", "eve")}
        if address.kind == "pipeline":
            changes = [{"description": "edited"}, {"configuration": {"batch": 99}}, {"schedule": "@hourly"}]
            await self._send("PUT", f"/api/v1/pipelines/{thing.id}", self.chance.choice(changes))
        elif address.kind == "plugin":
            changes = [plain, {"status": self.chance.choice(("active", "inactive"))}]
            await self._send("PUT", f"/api/v1/plugins/{thing.id}", self.chance.choice(changes))
        else:
            changes = [plain, {"config_template": {"host": "elsewhere"}}]
            await self._send("PUT", f"/api/v1/singer/specs/{thing.id}", self.chance.choice(changes))

    async def _special(self, thing: Thing) -> None:
        """Take our mark away, rename, pause, add a step; anything else is edited."""
        if thing.address.kind != "pipeline":
            await self._edit(thing)
            return
        self.touched.add(thing.address)
        path = f"/api/v1/pipelines/{thing.id}"
        what = self.chance.choice(("unmark", "pause", "step", "rename"))
        if what == "unmark":
            self.intruded.add(thing.address)  # flext knows again what carries its mark, or what it wrote down
            await self._send("PUT", path, {"tags": ["theirs"]})
        elif what == "pause":
            await self._send("POST", f"{path}/pause", {"paused_by": "eve"})
        elif what == "step":
            plugins = [other.id for other in things(self.world) if other.address[:2] == ("flext-service", "plugin")]
            if plugins:
                step = {"name": "extra", "plugin_id": self.chance.choice(plugins), "configuration": {}}
                await self._send("POST", f"{path}/steps", {**step, "depends_on": []})
        elif not any(other.address.name == "renamed" for other in things(self.world)):
            self.touched.add(thing.address._replace(name="renamed"))
            await self._send("PUT", path, {"name": "renamed"})
            if (thing.address, thing.id) in self.made:
                self.made[thing.address._replace(name="renamed"), thing.id] = None
