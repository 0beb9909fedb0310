"""Routes requests as gin, FlexCore's framework, does; and the shapes of its replies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send


class Gin:
    """An ASGI app without Starlette's own opinions on what is not found."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for route in self._routes:
            match, child = route.matches(scope)
            if match is Match.FULL:
                scope.update(child)
                await route.handle(scope, receive, send)
                return
        await self._unmatched(scope)(scope, receive, send)

    def _unmatched(self, scope: Scope) -> Response:
        path = scope["path"]
        other = path[:-1] if path.endswith("/") else f"{path}/"
        if any(route.matches({**scope, "path": other})[0] is Match.FULL for route in self._routes):
            return RedirectResponse(other, 301 if scope["method"] == "GET" else 307)
        return PlainTextResponse("404 page not found", 404)


def success(**body: Any) -> Response:
    """Return what succeeded."""
    return JSONResponse({"success": True, **body})


def failure(status: int, error: str, **body: Any) -> Response:
    """Return what failed; FlexCore says no `success: false`."""
    return JSONResponse({"error": error, **body}, status)


def now() -> str:
    """Return this moment as Go writes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
