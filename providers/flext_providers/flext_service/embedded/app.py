"""Puts the imitation together: one router for each variant of the service, and lies to switch on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from flext_reconciler.sandbox import Faults, Sandbox, Store, with_faults

from . import FAULTS, views
from .clean import CleanPipelines
from .pipelines import Pipelines
from .plugins import Plugins
from .replies import Room, json
from .singer import SingerSpecs

VARIANTS = ("clean", "echo", "partial", "control_panel")


def make(
    path: Path | None,
    *,
    variant: str = "clean",
    new_id: Callable[[], str] = lambda: str(uuid4()),
    now: Callable[[], str] = lambda: datetime.now(UTC).isoformat(),
) -> Sandbox:
    """Make the service, kept in a file or forgotten with the process."""
    store, faults = Store(path), Faults(FAULTS)
    app = _Service(Room(store, faults, new_id, now), variant)

    def restart() -> None:
        if "forget" in faults.active:
            store.clear()

    return with_faults(app, faults, store, service="flext-service", restart=restart)


class _Service:
    """One router a variant; the variant can be switched while the service runs."""

    def __init__(self, room: Room, variant: str) -> None:
        self._room = room
        self._variant = variant
        plugins, pipelines, specs = Plugins(room), Pipelines(room), SingerSpecs(room)
        partial = [*views.about(room, "flext"), *plugins.routes(), *specs.routes()]
        echo = [*partial, *pipelines.routes()]
        self._routers = {
            "clean": _echo([*echo, *CleanPipelines(room, pipelines).routes()]),
            "echo": _echo(echo),
            "partial": _echo(partial),
            "control_panel": Starlette(
                routes=[*views.about(room, "flext-control-panel"), *views.invented()],
                exception_handlers={404: views.gin_unknown, 405: views.gin_unknown},
            ),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        active = self._room.faults.active
        app: ASGIApp = next(
            (self._routers[name] for name in VARIANTS if f"variant_{name}" in active), self._routers[self._variant]
        )
        if active and scope["method"] == "GET" and scope["path"] in _LISTS:
            app = self._lie(scope["path"]) or app
        await app(scope, receive, send)

    def _lie(self, path: str) -> ASGIApp | None:
        faults = self._room.faults
        if faults.take("fallback_data", "GET", path):
            sample = [{"name": name, "status": "installed"} for name in (*views.TAPS, *views.TARGETS)]
            return json({"source": "fallback", "message": "FlexCore is not available", _LISTS[path]: sample})
        if faults.take("error_in_200", "GET", path):
            return json({"error": "Failed to reach FlexCore", "data": []})
        return None


_LISTS = {
    "/api/v1/plugins": "plugins",
    "/api/v1/pipelines": "pipelines",
    "/api/v1/singer/specs": "specs",
    "/api/v1/clean/pipelines": "pipelines",
}


def _echo(routes: list[Route]) -> Starlette:
    return Starlette(routes=routes, exception_handlers={404: views.echo_unknown, 405: views.echo_method})
