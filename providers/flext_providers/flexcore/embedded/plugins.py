"""FlexCore's plugin endpoints (contract §1.3)."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flext_reconciler.sandbox import Faults, cut

from .gin import failure, now, success
from .loading import deployment, loaded
from .plugin_map import Item, PluginMap

ROOT = "/api/v1/plugins"
NODE_ID = "flexcore-local"


class Plugins:
    """Answers for the plugins in the map."""

    def __init__(self, plugins: PluginMap, faults: Faults) -> None:
        self._map = plugins
        self._faults = faults

    def routes(self) -> Sequence[Route]:
        """Return the routes, fixed paths first."""
        return [
            Route(f"{ROOT}/list", self._list, methods=["GET"]),
            Route(f"{ROOT}/deploy", self._deploy, methods=["POST"]),
            Route(f"{ROOT}/broadcast", self._broadcast, methods=["POST"]),
            Route(f"{ROOT}/communication/status", self._bus, methods=["GET"]),
            Route(f"{ROOT}/{{plugin}}", self._unload, methods=["DELETE"]),
            Route(f"{ROOT}/{{plugin}}/metadata", self._metadata, methods=["GET"]),
            Route(f"{ROOT}/{{plugin}}/health", self._health, methods=["GET"]),
            Route(f"{ROOT}/{{plugin}}/capabilities", self._capabilities, methods=["GET"]),
            Route(f"{ROOT}/{{plugin}}/execute", self._execute, methods=["POST"]),
        ]

    async def _list(self, _: Request) -> Response:
        plugins = [{"plugin_id": plugin, **_described(item)} for plugin, item in self._map.read("list").items()]
        random.shuffle(plugins)
        return success(plugins=plugins, count=len(plugins), node_id=NODE_ID)

    async def _deploy(self, request: Request) -> Response:
        try:
            wanted = deployment(await request.body())
        except ValueError as error:
            return failure(400, "Invalid request format", details=str(error))
        plugin, what = wanted["plugin_id"], f"deploy of {wanted['plugin_id']}"
        if plugin in self._map.read(what):
            return failure(409, "Plugin already deployed", plugin_id=plugin)
        if fault := self._faults.take("slow_deploy", "POST", request.url.path):
            await cut(request.scope, request.receive)
            await asyncio.sleep(0.2 if fault.seconds is None else fault.seconds)
        try:
            item = loaded(wanted, factories="no_factories" not in self._faults.active)
        except ValueError as error:
            return failure(500, "Failed to load plugin", details=str(error))
        await self._map.write(plugin, item, what)
        return success(
            plugin_id=plugin,
            plugin_name=item["name"],
            plugin_type=item["type"],
            version=item["version"],
            capabilities=item["capabilities"],
            deployed_at=now(),
            node_id=NODE_ID,
            message="Plugin deployed successfully",
        )

    async def _unload(self, request: Request) -> Response:
        plugin, item = self._asked(request)
        if item is None:
            return _missing(plugin)
        await self._map.write(plugin, None, f"removal of {plugin}")
        return success(plugin_id=plugin, unloaded_at=now(), message="Plugin unloaded successfully")

    async def _metadata(self, request: Request) -> Response:
        plugin, item = self._asked(request)
        if item is None:
            return _missing(plugin)
        silent = self._faults.take("config_not_reported", "GET", request.url.path)
        config = None if silent else item["config"]
        metadata = {"id": f"{item['type']}-plugin", **_described(item), "config": config}
        return success(plugin_id=plugin, metadata=metadata)

    async def _health(self, request: Request) -> Response:
        plugin, item = self._asked(request)
        if item is None:
            return _missing(plugin)
        if self._faults.take("health_fails", "GET", request.url.path):
            return failure(500, "Failed to check plugin health", plugin_id=plugin)
        words = (word for word in ("unhealthy", "degraded") if self._faults.take(word, "GET", request.url.path))
        health = {"status": next(words, "healthy"), "initialized": True, "checks": {}}
        return success(plugin_id=plugin, health=health, checked_at=now())

    async def _capabilities(self, request: Request) -> Response:
        plugin, item = self._asked(request)
        if item is None:
            return _missing(plugin)
        capabilities = item["capabilities"]
        return success(plugin_id=plugin, capabilities=capabilities, count=len(capabilities or ()))

    async def _execute(self, request: Request) -> Response:
        plugin, item = self._asked(request)
        if item is None:
            return _missing(plugin)
        asked = await _fields(request, "plugin_id", "operation")
        if asked is None:
            return failure(400, "Invalid execution request", details="plugin_id and operation are required")
        operation = asked["operation"]
        if operation not in (item["capabilities"] or ()):
            return failure(500, "Plugin execution failed", plugin_id=plugin, operation=operation)
        return success(plugin_id=plugin, operation=operation, result={"status": "completed"}, executed_at=now())

    async def _broadcast(self, request: Request) -> Response:
        if await _fields(request, "plugin_type", "message") is None:
            return failure(400, "Invalid broadcast request", details="plugin_type and message are required")
        return await self._bus(request)

    async def _bus(self, _: Request) -> Response:
        return failure(503, "Communication bus not available")

    def _asked(self, request: Request) -> tuple[str, Item | None]:
        plugin = request.path_params["plugin"]
        return plugin, self._map.read(f"{request.method} {request.url.path}").get(plugin)


def _described(item: Item) -> Item:
    moment = now()  # the built-in plugins have no memory for it either
    return {
        "name": item["name"],
        "type": item["type"],
        "version": item["version"],
        "description": f"{item['name']} of the embedded FlexCore",
        "author": "flext sandbox",
        "capabilities": item["capabilities"],
        "dependencies": None,
        "created_at": moment,
        "updated_at": moment,
    }


async def _fields(request: Request, *required: str) -> Item | None:
    try:
        body = json.loads(await request.body())
    except ValueError:
        return None
    return body if isinstance(body, dict) and all(body.get(field) for field in required) else None


def _missing(plugin: str) -> Response:
    return failure(404, "Plugin not found", plugin_id=plugin)
