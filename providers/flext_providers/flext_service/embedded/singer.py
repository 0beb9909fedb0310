"""Singer specs: no envelope, errors of one word, and every failure of a write a 500."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .replies import Field, Handler, Refused, Room, bind, body_of, is_uuid, json, number
from .table import Item, Table

_UPDATE: dict[str, Field] = {
    "description": (str, False, 500),
    "author": (str, False, 100),
    "settings": (dict, False, None),
    "capabilities": (dict, False, None),
    "config_template": (dict, False, None),
    "environment_vars": (dict, False, None),
}
_CREATE: dict[str, Field] = {
    "name": (str, True, 100),
    "version": (str, True, None),
    "type": (str, True, None),
    "executable": (str, True, None),
    **_UPDATE,
}
_FLAGS = ("discovery", "properties", "catalog", "state", "test_connection", "about_info", "stream_maps")
_FORMATS = ("supported_formats", "supported_protocols")


class SingerSpecs:
    """The handlers under `/api/v1/singer/specs`."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._table = Table(room.store.collection("specs"), lambda item: item)

    def routes(self) -> list[Route]:
        """Return the routes that a router is made of."""
        path = "/api/v1/singer/specs"
        one = path + "/{id}"
        return [
            Route(path, _answered(self.create), methods=["POST"]),
            Route(path, _answered(self.list), methods=["GET"]),
            Route(one, _answered(self.get, missing=404), methods=["GET"]),
            Route(one, _answered(self.update), methods=["PUT"]),
            Route(one, _answered(self.delete), methods=["DELETE"]),
            Route(one + "/activate", _answered(self.activate), methods=["POST"]),
            Route(one + "/deactivate", _answered(self.deactivate), methods=["POST"]),
        ]

    async def create(self, request: Request) -> Response:
        """Register a spec whose name is free, taps and targets together, and show it."""
        body = bind(await body_of(request), _CREATE)
        if body["type"] not in ("tap", "target"):
            raise Refused("field type must be one of tap target", validation=True)
        if self._table.has_name(body["name"]) and not self._room.faults.take("duplicate_names"):
            raise Refused(f"specification with name '{body['name']}' already exists")
        now = self._room.now()
        nothing: Item = {"description": "", "author": "", "config_template": {}, "environment_vars": {}}
        times: Item = {"created_at": now, "updated_at": now, "version_number": 1}
        item = {"id": self._room.new_id(), "is_active": True, **nothing, **body, **times}
        self._table.put(_typed(item))
        return json(item, 201)

    async def list(self, request: Request) -> Response:
        """List specs from an offset; a limit of 0 means all, and an offset past the end is not looked at."""
        query = request.query_params
        type_, active = query.get("type"), query.get("active") == "true"
        ids = self._table.all(
            lambda item: type_ in (None, item["type"]) and (item["is_active"] or not active) if query else True
        )
        limit, offset = number(request, "limit", 0), number(request, "offset", 0)
        cut = ids[offset:] if 0 < offset < len(ids) else ids
        cut = cut[:limit] if limit > 0 else cut
        specs = [self._table.written(id) for id in cut]
        return json({"specs": specs, "total": len(ids), "limit": limit, "offset": offset})

    async def get(self, request: Request) -> Response:
        """Show one spec."""
        return json(self._known(request))

    async def update(self, request: Request) -> Response:
        """Change what is sent, each field as a whole."""
        item = self._known(request)
        return json(self._changed(item, bind(await body_of(request), _UPDATE)))

    async def delete(self, request: Request) -> Response:
        """Delete a spec; that there is none is an internal error."""
        self._table.remove(self._known(request)["id"])
        return Response(status_code=204)

    async def activate(self, request: Request) -> Response:
        """Activate a spec that is not active."""
        return self._switch(self._known(request), active=True)

    async def deactivate(self, request: Request) -> Response:
        """Deactivate a spec that is active."""
        return self._switch(self._known(request), active=False)

    def _switch(self, item: Item, *, active: bool) -> Response:
        if item["is_active"] is active:
            raise Refused(f"singer spec is already {'active' if active else 'inactive'}")
        self._changed(item, {"is_active": active})
        return json({"status": f"Specification {'activated' if active else 'deactivated'}"})

    def _changed(self, item: Item, change: Item) -> Item:
        version = item["version_number"] + 1
        changed = _typed({**item, **change, "updated_at": self._room.now(), "version_number": version})
        self._table.put(changed)
        return changed

    def _known(self, request: Request) -> Item:
        id = str(request.path_params["id"])
        if not is_uuid(id):
            raise Refused("Invalid spec ID", validation=True)
        item = self._table.get(id)
        if item is None:
            raise Refused("specification not found")
        return item


def _typed(item: Item) -> Item:
    """Write settings and capabilities as Go writes its structs: every flag there, missing lists null."""
    settings, able = item.get("settings", {}), item.get("capabilities", {})
    flags = {name: able.get(name, False) for name in (*_FLAGS, "schema_flattening")}
    item["settings"] = {"properties": settings.get("properties"), "required": settings.get("required")}
    item["capabilities"] = {**flags, **{name: able.get(name) for name in _FORMATS}}
    return item


def _answered(handle: Handler, missing: int = 500) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            return await handle(request)
        except Refused as refused:
            invalid = refused.validation or "invalid request" in str(refused)
            return json({"error": str(refused)}, 400 if invalid else missing)

    return answer
