"""Puts the embedded FlexCore together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flext_reconciler.sandbox import Faults, Sandbox, Store, cut, with_faults

from ..faults import FAULTS
from .gin import Gin, now, success
from .plugin_map import Crashed, PluginMap
from .plugins import NODE_ID, Plugins
from .variants import Node, infra_routes

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


def make(path: Path | None = None) -> Sandbox:
    """Make an embedded FlexCore that keeps its plugins in a file, or in memory only."""
    store, faults = Store(path), Faults(FAULTS)
    plugins, node = PluginMap(store, faults), Node(store)
    usual = Gin([*_basic_routes(), *Plugins(plugins, faults).routes(), *_node_routes(plugins)])
    variants: Mapping[str, ASGIApp] = {"node_variant": Gin(node.routes()), "infra_variant": Gin(infra_routes())}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            plugins.check_alive()
            await next((variants[name] for name in variants if name in faults.active), usual)(scope, receive, send)
        except Crashed:
            await cut(scope, receive)

    def restart() -> None:
        store.clear()
        node.start()
        plugins.crashed = False

    return with_faults(app, faults, store, service="flexcore", restart=restart)


def _basic_routes() -> Sequence[Route]:
    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "timestamp": now(), "service": "flexcore", "version": "dev"})

    async def info(_: Request) -> Response:
        facts = {"service": "flexcore", "version": "dev", "build_time": "unknown", "commit": "unknown"}
        features = ["events", "commands", "queries", "plugins", "orchestration"]
        settings = {"environment": "development", "debug": True, "port": 8080}
        return JSONResponse({**facts, **settings, "timestamp": now(), "features": features})

    async def root(_: Request) -> Response:
        endpoints = {name: f"/api/v1/{name}" for name in ("orchestration", "workflows", "runtimes")}
        return JSONResponse({"api_version": "v1", "service": "flexcore", "endpoints": endpoints})

    return [Route("/health", health), Route("/info", info), Route("/api/v1", root)]


def _node_routes(plugins: PluginMap) -> Sequence[Route]:
    async def info(_: Request) -> Response:
        loaded = sorted(plugins.read("node info"))
        facts = {"node_id": NODE_ID, "node_type": "flexcore", "version": "2.0.0", "capabilities": ["plugins"]}
        state = {"status": "active", "uptime": now(), "communication_status": "unavailable", "discovered_nodes": []}
        return success(node={**facts, **state, "loaded_plugins": loaded})

    async def status(_: Request) -> Response:
        count = len(plugins.read("node status"))
        return success(plugin_health={"total": count, "healthy": count, "unhealthy": 0, "unknown": 0})

    async def register(_: Request) -> Response:
        return success(message="Node registered", registered_at=now())

    root = "/api/v1/node"
    return [
        Route(f"{root}/info", info),
        Route(f"{root}/status", status),
        Route(f"{root}/register", register, methods=["POST"]),
    ]
