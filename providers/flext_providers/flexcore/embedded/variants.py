"""FlexCore's older relatives (contract §1.8): the node, which configures in place, and the one with canned answers."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from flext_reconciler.sandbox import Store

from .gin import now, success

_NODE_ID = "node-8080"
_DEMOS = {"data-transformer": "transformer", "data-validator": "validator", "event-processor": "processor"}
_DEMO_CONFIG = {"demo": True, "mode": "development"}


class Node:
    """A flexcore-node: errors in plain text, demo plugins from the start, and a config that its list never renews."""

    def __init__(self, store: Store) -> None:
        self._plugins = store.collection("node")
        self._started = store.collection("node-started")
        if not self._started:
            self.start()

    def start(self) -> None:
        """Create the demo plugins, as every start of the real one does."""
        self._started["once"] = {}
        for name, kind in _DEMOS.items():
            self._plugins[name] = {"type": kind, "config": _DEMO_CONFIG}

    def routes(self) -> Sequence[Route]:
        """Return the routes, fixed paths first."""
        return [
            Route("/health", self._health),
            Route("/plugins/list", self._list),
            Route("/plugins/health", self._plugins_health),
            Route("/plugins/{plugin}", self._one),
            Route("/plugins/{plugin}", self._configure, methods=["POST"]),
            Route("/plugins/{plugin}", self._unload, methods=["DELETE"]),
        ]

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "healthy", "node_id": _NODE_ID, "port": 8080, "timestamp": 1750000000})

    async def _list(self, _: Request) -> Response:
        plugins = [self._described(name) for name in self._plugins]
        random.shuffle(plugins)
        return JSONResponse({"plugins": plugins or None, "count": len(plugins), "node_id": _NODE_ID})

    async def _plugins_health(self, _: Request) -> Response:
        health = {name: {"status": "healthy", "timestamp": now()} for name in self._plugins}
        return JSONResponse({"plugins_health": health, "checked_at": now(), "node_id": _NODE_ID})

    async def _one(self, request: Request) -> Response:
        name = request.path_params["plugin"]
        return JSONResponse(self._described(name)) if name in self._plugins else _missing(name, 404)

    async def _configure(self, request: Request) -> Response:
        name = request.path_params["plugin"]
        try:
            config = json.loads(await request.body())
        except ValueError:
            config = None
        if not isinstance(config, dict):
            return PlainTextResponse("Invalid JSON", 400)
        if name not in self._plugins:
            return _missing(name, 500)
        self._plugins[name] = {**self._plugins[name], "configured": config}
        return success(message="Plugin configured successfully")

    async def _unload(self, request: Request) -> Response:
        name = request.path_params["plugin"]
        if self._plugins.pop(name, None) is None:
            return _missing(name, 500)
        return success(message="Plugin unloaded successfully")

    def _described(self, name: str) -> dict[str, object]:
        plugin = self._plugins[name]
        return {
            "name": name,
            "version": "1.0.0",
            "description": f"demo {plugin['type']}",
            "author": "flext sandbox",
            "license": "MIT",
            "type": plugin["type"],
            "config": plugin["config"],
            "status": "loaded",
            "loaded_at": now(),
            "health": {"status": "healthy", "timestamp": now()},
        }


def infra_routes() -> Sequence[Route]:
    """Return the routes of a flexcore-container."""

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "healthy", "service": "flexcore-container", "components": {}})

    async def plugins(_: Request) -> Response:
        return JSONResponse({"plugins": [{"name": "flext-service", "version": "2.0.0", "status": "loaded"}]})

    return [Route("/health", health), Route("/api/v1/flexcore/plugins", plugins)]


def _missing(name: str, status: int) -> Response:
    return PlainTextResponse(f"plugin not found: {name}", status)
