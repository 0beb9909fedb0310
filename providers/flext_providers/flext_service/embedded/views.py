"""What both generations say about themselves, and the control panel's views, whose data is invented."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from .replies import Room, json
from .table import Item

TAPS = ("tap-oracle", "tap-ldap", "tap-ldif")
TARGETS = ("target-postgres", "target-oracle", "target-ldap")
_INVENTED: dict[str, Item] = {
    "/api/v1/meltano/projects": {"projects": [{"name": "sample-project", "version": "1.0.0", "status": "active"}]},
    "/api/v1/singer/taps": {"taps": [{"name": name, "variant": "flext", "status": "installed"} for name in TAPS]},
    "/api/v1/singer/targets": {"targets": [{"name": name, "status": "installed"} for name in TARGETS]},
    "/api/v1/dbt/models": {"models": [{"name": "sample_model", "status": "success"}]},
}


def about(room: Room, service: str) -> list[Route]:
    """Return the routes for health, status and information."""

    async def health(_: Request) -> Response:
        return json({"status": "ok", "timestamp": room.now(), "service": "flext", "version": "2.0.0", "port": 8081})

    async def status(_: Request) -> Response:
        body = {"service": "flext", "version": "2.0.0", "status": "operational", "environment": "development"}
        return json({**body, "debug": False, "endpoints": {}})

    async def info(_: Request) -> Response:
        return json({"service": service, "version": "2.0.0", "capabilities": [], "handlers": {}})

    pages = {"/health": health, "/api/v1/health": health, "/api/v1/status": status, "/api/v1/info": info}
    return [Route(path, page, methods=["GET"]) for path, page in pages.items()]


def invented() -> list[Route]:
    """Return the control panel's views, which answer the same whatever FlexCore says."""

    async def view(request: Request) -> Response:
        return json({**_INVENTED[request.url.path], "source": "fallback", "message": "FlexCore is not available"})

    return [Route(path, view, methods=["GET"]) for path in _INVENTED]


async def echo_unknown(_: Request, __: Exception) -> Response:
    """Answer an unknown path as echo does."""
    return json({"message": "Not Found"}, 404)


async def echo_method(_: Request, __: Exception) -> Response:
    """Answer a wrong method as echo does."""
    return json({"message": "Method Not Allowed"}, 405)


async def gin_unknown(_: Request, __: Exception) -> Response:
    """Answer an unknown path or method as gin does."""
    return PlainTextResponse("404 page not found", 404)
