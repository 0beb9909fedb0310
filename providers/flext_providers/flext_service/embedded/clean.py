"""The clean variant's `/api/v1/clean/pipelines`: the same pipelines, with real conflicts and a DELETE."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .pipelines import Pipelines
from .replies import Field, Handler, Refused, Room, bind, body_of, is_uuid, json, number
from .table import Item

_CREATE: dict[str, Field] = {
    "name": (str, True, 100),
    "description": (str, False, 500),
    "tags": (list, False, None),
    "configuration": (dict, False, None),
}
_BY_WORDS = (
    ("not found", 404, "The requested resource does not exist"),
    ("already exists", 409, "Resource already exists"),
    ("invalid", 400, None),
    ("required", 400, None),
    ("at most", 400, None),
    ("busy", 409, "Resource is currently busy or running"),
)


class CleanPipelines:
    """The handlers of the clean variant, which has no envelope."""

    def __init__(self, room: Room, pipelines: Pipelines) -> None:
        self._room = room
        self._pipelines = pipelines

    def routes(self) -> list[Route]:
        """Return the routes that a router is made of."""
        path = "/api/v1/clean/pipelines"
        return [
            Route(path, _answered(self.create), methods=["POST"]),
            Route(path, _answered(self.list), methods=["GET"]),
            Route(path + "/{id}", _answered(self.get), methods=["GET"]),
            Route(path + "/{id}", _answered(self.delete), methods=["DELETE"]),
        ]

    async def create(self, request: Request) -> Response:
        """Create a pipeline whose name is free."""
        body = bind(await body_of(request), _CREATE)
        if self._pipelines.table.has_name(body["name"]):
            raise Refused("pipeline already exists")
        return json({"id": self._pipelines.add(body)}, 201)

    async def list(self, request: Request) -> Response:
        """List pipelines from an offset."""
        limit, offset = number(request, "limit", 10), number(request, "offset", 0)
        if not 1 <= limit <= 1000 or offset < 0:
            raise Refused("invalid limit or offset parameter")
        table = self._pipelines.table
        ids = table.all()
        items = [table.written(id) for id in ids[offset : offset + limit]]
        return json({"pipelines": items, "total": len(ids), "limit": limit, "offset": offset})

    async def get(self, request: Request) -> Response:
        """Show one pipeline."""
        return json(self._pipelines.table.written(self._known(request)["id"]))

    async def delete(self, request: Request) -> Response:
        """Delete a pipeline that is not running."""
        item = self._known(request)
        if self._room.faults.take("busy_pipeline"):
            raise Refused("pipeline is busy")
        self._pipelines.table.remove(item["id"])
        return Response(status_code=204)

    def _known(self, request: Request) -> Item:
        id = str(request.path_params["id"])
        if not is_uuid(id):
            raise Refused("invalid pipeline ID format")
        item = self._pipelines.table.get(id)
        if item is None:
            raise Refused("pipeline not found")
        return item


def _answered(handle: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            return await handle(request)
        except Refused as refused:
            return _failure(str(refused))

    return answer


def _failure(message: str) -> Response:
    for word, status, said in _BY_WORDS:
        if word in message:
            return json({"error": HTTPStatus(status).phrase, "message": said or message, "code": status}, status)
    return json({"error": "Internal Server Error", "message": "An unexpected error occurred", "code": 500}, 500)
