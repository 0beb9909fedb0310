"""Pipelines of the echo generation: names that repeat, steps that only come, configuration that only grows."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flext_reconciler.sandbox import cut

from .replies import Field, Refused, Room, bind, body_of, enveloped, id_of, is_uuid, page_of, success
from .table import Item, Table

_CREATE: dict[str, Field] = {
    "name": (str, True, 100),
    "description": (str, False, 500),
    "tags": (list, False, None),
    "configuration": (dict, False, None),
}
_UPDATE: dict[str, Field] = {
    **_CREATE,
    "name": (str, False, 100),
    "is_active": (bool, False, None),
    "schedule": (str, False, None),
}
_STEP: dict[str, Field] = {
    "name": (str, True, 100),
    "plugin_id": (str, True, None),
    "configuration": (dict, False, None),
    "depends_on": (list, False, None),
}


class Pipelines:
    """The handlers under `/api/v1/pipelines`."""

    def __init__(self, room: Room) -> None:
        self._room = room
        # The schedule is stored, and never shown.
        self.table = Table(room.store.collection("pipelines"), lambda item: {**item, "schedule": None})

    def routes(self) -> list[Route]:
        """Return the routes that a router is made of."""
        path, room = "/api/v1/pipelines", self._room
        one = path + "/{id}"
        return [
            Route(path, enveloped(room, self.create), methods=["POST"]),
            Route(path, enveloped(room, self.list), methods=["GET"]),
            Route(one, enveloped(room, self.get), methods=["GET"]),
            Route(one, enveloped(room, self.update), methods=["PUT"]),
            Route(one + "/steps", enveloped(room, self.add_step), methods=["POST"]),
            Route(one + "/status", enveloped(room, self.status), methods=["GET"]),
            Route(one + "/execute", enveloped(room, self.execute), methods=["POST"]),
            Route(one + "/pause", enveloped(room, self.pause), methods=["POST"]),
            Route(one + "/resume", enveloped(room, self.resume), methods=["POST"]),
        ]

    async def create(self, request: Request) -> Response:
        """Create a pipeline; nobody checks whether the name is taken."""
        body = bind(await body_of(request), _CREATE)
        return success(self._room, {"id": self.add(body)}, 201)

    def add(self, body: Item) -> str:
        """Store a new pipeline and return its id."""
        id, now = self._room.new_id(), self._room.now()
        item = {
            "id": id,
            "name": body["name"].strip(),
            "description": body.get("description", "").strip(),
            "is_active": self._room.faults.take("born_active") is not None,
            "steps": [],
            "tags": _tags(body.get("tags", [])),
            "configuration": body.get("configuration", {}),
            "schedule": "",
            "created_at": now,
            "updated_at": now,
            "version": 1,
        }
        self.table.put(item)
        return id

    async def list(self, request: Request) -> Response:
        """List a page of pipelines."""
        active, tags = request.query_params.get("active"), request.query_params.get("tags")
        wanted = set(tags.split(",")) if tags else set()
        matches = None
        if active is not None or wanted:
            matches = lambda item: (  # noqa: E731
                (active is None or item["is_active"] is (active.lower() == "true")) and wanted <= set(item["tags"])
            )
        items, _, _, total = page_of(self._room, request, self.table, self.table.all(matches))
        return success(self._room, {"pipelines": items, "total": total})

    async def get(self, request: Request) -> Response:
        """Show one pipeline, without its schedule."""
        return success(self._room, self.table.written(self.known(request)["id"]))

    async def update(self, request: Request) -> Response:
        """Change what is sent; configuration is merged by key."""
        item = self.known(request)
        body = bind(await body_of(request), _UPDATE)
        if len(body.get("name", "named").strip()) < 3:
            raise Refused("invalid name: must be between 3 and 100 characters")
        if body.get("is_active"):
            _must_be_able_to_run(item)
        changed = self._changed(item, body)
        shown = ("name", "description", "is_active", "updated_at", "version")
        status = "active" if changed["is_active"] else "draft"
        result = {"pipeline_id": item["id"], "status": status, **{name: changed[name] for name in shown}}
        return success(self._room, result)

    async def add_step(self, request: Request) -> Response:
        """Add a step at the end; nobody checks whether the name is taken."""
        item = self.known(request)
        body = bind(await body_of(request), _STEP)
        depends_on = body.get("depends_on", [])
        if not is_uuid(body["plugin_id"]) or not all(is_uuid(id) for id in depends_on):
            raise Refused("invalid request body format: invalid UUID")
        known = {step["id"] for step in item["steps"]}
        for id in depends_on:
            if id not in known:
                raise Refused(f"failed to add step: dependency step {id} does not exist")
        step = {
            "id": self._room.new_id(),
            "name": body["name"].strip(),
            "plugin_id": body["plugin_id"],
            "configuration": body.get("configuration", {}),
            "order": len(item["steps"]) + 1,
            "depends_on": depends_on,
        }
        self._changed(item, {"steps": [*item["steps"], step]})
        if self._room.faults.take("lost_step_reply"):
            await cut(request.scope, request.receive)
        return success(self._room, {"step_id": step["id"]}, 201)

    async def status(self, request: Request) -> Response:
        """Tell how a pipeline is; the only place that knows the schedule."""
        item = self.known(request)
        metrics: Item = {
            "steps_count": len(item["steps"]),
            "is_active": item["is_active"],
            "version": item["version"],
            "configuration_keys": len(item["configuration"]),
            "has_schedule": item["schedule"] != "",
        }
        if item["schedule"]:
            metrics["schedule"] = item["schedule"]
        healthy = "healthy" if item["steps"] else "unhealthy"
        result = {
            "pipeline_id": item["id"],
            "name": item["name"],
            "status": "active" if item["is_active"] else "draft",
            "is_active": item["is_active"],
            "execution_count": 0,
            "success_count": 0,
            "failure_count": 0,
            "health_status": healthy,
            "health_checks": [{"name": "steps_configured", "status": healthy}],
            "metrics": metrics,
        }
        return success(self._room, result)

    async def execute(self, request: Request) -> Response:
        """Accept a run that never happens."""
        item = self.known(request)
        result = {"execution_id": self._room.new_id(), "pipeline_id": item["id"], "status": "pending"}
        return success(self._room, result, 202)

    async def pause(self, request: Request) -> Response:
        """Deactivate a pipeline by hand."""
        return await self._switch(request, "paused_by", active=False)

    async def resume(self, request: Request) -> Response:
        """Activate a pipeline by hand."""
        return await self._switch(request, "resumed_by", active=True)

    async def _switch(self, request: Request, who: str, *, active: bool) -> Response:
        item = self.known(request)
        bind(await body_of(request), {who: (str, True, None)})
        if active:
            _must_be_able_to_run(item)
        elif not item["is_active"]:
            raise Refused("pipeline is not active")
        changed = self._changed(item, {"is_active": active})
        return success(self._room, {"pipeline_id": item["id"], "name": item["name"], "is_active": changed["is_active"]})

    def known(self, request: Request) -> Item:
        """Return the pipeline that the path names."""
        item = self.table.get(id_of(request))
        if item is None:
            raise Refused("pipeline not found")
        return item

    def _changed(self, item: Item, change: Item) -> Item:
        configuration = {**item["configuration"], **change.get("configuration", {})}
        changed = {**item, **change, "configuration": configuration, "version": item["version"] + 1}
        for name in ("name", "description"):
            changed[name] = changed[name].strip()
        changed["tags"] = _tags(changed["tags"])
        changed["updated_at"] = self._room.now()
        self.table.put(changed)
        return changed


def _must_be_able_to_run(item: Item) -> None:
    if item["is_active"]:
        raise Refused("pipeline is already active")
    if not item["steps"]:
        raise Refused("invalid activation: a pipeline needs at least one step")


def _tags(tags: list[Any]) -> list[str]:
    if not all(isinstance(tag, str) for tag in tags):
        raise Refused("invalid request body format: tags")
    return list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
