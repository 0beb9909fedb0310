"""Plugins of the echo generation: unique names, texts rewritten on the way in, three fields that can change."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .replies import Field, Refused, Room, bind, body_of, enveloped, id_of, json, page_of, success
from .table import Item, Table

_FIELDS: dict[str, Field] = {
    "name": (str, True, 100),
    "type": (str, True, None),
    "version": (str, True, None),
    "description": (str, False, 1000),
    "author": (str, False, 100),
    "entry_point": (str, True, None),
    "dependencies": (list, False, None),
    "ports": (list, False, None),
    "configuration": (dict, False, None),
}
_TYPES = ("source", "target", "transformer", "utility")
_STATUSES = ("active", "inactive", "pending", "deprecated")
_CHANGEABLE: dict[str, Field] = {
    "description": (str, False, 1000),
    "author": (str, False, 100),
    "status": (str, False, None),
}


class Plugins:
    """The handlers under `/api/v1/plugins`."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._table = Table(room.store.collection("plugins"), lambda item: item)

    def routes(self) -> list[Route]:
        """Return the routes that a router is made of."""
        path, room = "/api/v1/plugins", self._room
        return [
            Route(path, enveloped(room, self.create), methods=["POST"]),
            Route(path, enveloped(room, self.list), methods=["GET"]),
            Route(path + "/{id}", enveloped(room, self.get), methods=["GET"]),
            Route(path + "/{id}", enveloped(room, self.update), methods=["PUT"]),
            Route(path + "/{id}", enveloped(room, self.delete), methods=["DELETE"]),
        ]

    async def create(self, request: Request) -> Response:
        """Register a plugin."""
        body = {name: _sanitised(value) for name, value in bind(await body_of(request), _FIELDS).items()}
        if body["type"] not in _TYPES:
            raise Refused(f"invalid plugin type: {body['type']}")
        if self._table.has_name(body["name"]) and not self._room.faults.take("duplicate_names"):
            raise Refused(f"plugin with name '{body['name']}' already exists")
        id = self._room.new_id()
        nothing: Item = {"description": "", "author": "", "dependencies": [], "ports": [], "configuration": {}}
        body["ports"] = [_port(port) for port in body.get("ports", [])]
        self._table.put({"id": id, "status": "registered", "metadata": {}, **nothing, **body})
        return success(self._room, {"id": id}, 201)

    async def list(self, request: Request) -> Response:
        """List a page of plugins."""
        query = request.query_params
        filters = {name: query[name] for name in ("type", "status", "author") if name in query}
        matches = (lambda item: filters.items() <= item.items()) if filters else None
        items, page, size, total = page_of(self._room, request, self._table, self._table.all(matches))
        pagination: Item = {"page": page, "page_size": size}
        if not self._room.faults.take("no_totals"):
            pagination |= {"total": total, "total_pages": -(-total // size)}
        return success(self._room, items, pagination=pagination)

    async def get(self, request: Request) -> Response:
        """Show one plugin."""
        return success(self._room, self._known(id_of(request)))

    async def update(self, request: Request) -> Response:
        """Change what can be changed, and reply without the envelope."""
        item = self._known(id_of(request))
        body = {name: _sanitised(value) for name, value in bind(await body_of(request), _CHANGEABLE).items()}
        if body.get("status", "active") not in _STATUSES:
            raise Refused("invalid status (must be: active, inactive, pending, or deprecated)")
        changed = {**item, **body}
        self._table.put(changed)
        return json(changed)

    async def delete(self, request: Request) -> Response:
        """Unregister a plugin."""
        if not self._table.remove(id_of(request)):
            raise Refused("plugin not found")
        return Response(status_code=204)

    def _known(self, id: str) -> Item:
        item = self._table.get(id)
        if item is None:
            raise Refused("plugin not found")
        return item


def _sanitised(value: Any) -> Any:
    if isinstance(value, list):
        return [_sanitised(item) if isinstance(item, str) else item for item in value]
    return re.sub(r"<[^>]*>", "", value).strip() if isinstance(value, str) else value


def _port(port: Any) -> Item:
    fields: dict[str, Field] = {"name": (str, True, None), "type": (str, True, None), "required": (bool, False, None)}
    fields |= {"description": (str, False, None), "schema": (dict, False, None)}
    if not isinstance(port, dict):
        raise Refused("invalid request body format: ports")
    return {"required": False, "description": "", **bind(port, fields)}
