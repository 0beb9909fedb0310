"""Looks at a FLEXT Service: what it is, how it is, and what it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING
from urllib.parse import quote

from flext_reconciler.errors import ErrorKind, ServiceError
from flext_reconciler.model import EVERY_ACTION, Action, Actual, Address, KindSupport, Presence, Service, Support
from flext_reconciler.provider import Health, ServiceHealth, Wanted

from .client import Client, Item, each
from .translate import CLEAN, LISTINGS, actual, plugin_ids

if TYPE_CHECKING:
    from flext_reconciler.http import ReadClient, Reply

_HEALTHY = {"ok": Health.HEALTHY, "healthy": Health.HEALTHY, "unhealthy": Health.UNHEALTHY}
_LACKS = (ErrorKind.PATH_UNKNOWN, ErrorKind.NOT_FOUND)
_ANSWERS = (*_LACKS, ErrorKind.UNTRUSTED, ErrorKind.SERVER_ERROR, ErrorKind.INVALID, ErrorKind.CONFLICT)
_PROBES = ("/health", *(LISTINGS[kind].path for kind in ("plugin", "tap", "pipeline")), CLEAN)
_NO_DELETE = KindSupport(
    actions=EVERY_ACTION - {Action.DELETE, Action.REPLACE},
    why=f"this server cannot delete pipelines: it has no {CLEAN}",
)
_UNSUPPORTED = KindSupport(supported=False, actions=frozenset(), why="unsupported by this server")


class FlextReader:
    """Reads one FLEXT Service."""

    def __init__(self, http: ReadClient, service: Service) -> None:
        self._client = Client(http, service.name)
        self._service = service.name
        self._plugins: dict[str, str] = {}  # id → name, which never changes

    async def probe(self) -> Support:
        """Tell the variants of contract §8.4 apart, only by looking."""
        health, plugin, spec, pipeline, clean = map(_answer, await asyncio.gather(*map(self._ask, _PROBES)))
        says = _map(health).get("service")
        if not (isinstance(says, str) and says.startswith("flext")) and not any(map(_enveloped, (plugin, pipeline))):
            raise self._stranger(health, says)
        pipelines = KindSupport() if _map(clean) else _NO_DELETE
        kinds = {
            "plugin": KindSupport() if _there(plugin) else _UNSUPPORTED,
            "tap": KindSupport() if _there(spec) else _UNSUPPORTED,
            "target": KindSupport() if _there(spec) else _UNSUPPORTED,
            "pipeline": pipelines if _there(pipeline) else _UNSUPPORTED,
        }
        if _there(pipeline):
            return Support("flext-clean" if _map(clean) else "flext-v1", kinds)
        return Support("flext-partial" if _there(plugin) or _there(spec) else "flext-control-panel", kinds)

    def _stranger(self, health: Reply | ServiceError, says: object) -> ServiceError:
        """Return why this is no FLEXT Service: what is broken, or not to be asked at all, may still be one."""
        if isinstance(health, ServiceError) and health.kind not in _LACKS:
            return health
        return self._client.untrusted(
            f"{self._client.http.origin} is not a FLEXT Service" + (f" but {says}" if says == "flexcore" else ""),
            hint="check the service's `url` in the environment file",
        )

    async def _ask(self, path: str) -> Reply | ServiceError:
        return await self._client.http.ask(path, params=None if path == "/health" else {"limit": 1, "page_size": 1})

    async def health(self) -> ServiceHealth:
        """Ask for `/health`; what is neither ok nor healthy is unknown."""
        started = perf_counter()
        reply = await self._client.http.ask("/health")
        elapsed = (perf_counter() - started) * 1000
        status, details = Health.UNKNOWN, {}
        if isinstance(reply, ServiceError):
            details = {"error": reply.message}
        elif isinstance(reply.body, dict):
            status = _HEALTHY.get(str(reply.body.get("status")).lower(), Health.UNKNOWN)
            details = {name: reply.body[name] for name in ("service", "version") if name in reply.body}
        return ServiceHealth(self._service, status, elapsed, datetime.now(UTC), details)

    async def read(self, kind: str, wanted: Wanted | None = None) -> Sequence[Actual]:
        """List a kind; schedules cost a request each and are only asked for where they will be compared."""
        items = await self._items(kind, wanted or ())
        if kind == "pipeline":
            if plugin_ids(items) - self._plugins.keys():
                await self._list_plugins()
            timed = [item for item in items if wanted is None or "schedule" in wanted.get(item["name"], ())]
            asked = dict(zip((item["id"] for item in timed), await each(self._timed, timed), strict=True))
            return [asked.get(item["id"]) or self._actual(kind, item) for item in items]
        if kind == "plugin":
            self._plugins = {item["id"]: item["name"] for item in items}
        return [self._actual(kind, item) for item in items]

    async def read_one(self, kind: str, name: str, id: str | None, fields: frozenset[str]) -> Actual:
        """Read by id, and by name when there is no id or somebody renamed the object."""
        item = await self._client.one(path_of(kind, id)) if id is not None else await self._named(kind, name)
        if item is not None and item.get("name") != name:
            item = await self._named(kind, name)
        if item is None:
            return Actual(Address(self._service, kind, name), Presence.ABSENT)
        if kind == "plugin":
            self._plugins[item["id"]] = item["name"]  # its name outlives it: steps may go on pointing at it
        if kind != "pipeline":
            return self._actual(kind, item)
        await each(self._learn_plugin, plugin_ids([item]) - self._plugins.keys())
        return await self._timed(item) if "schedule" in fields else self._actual(kind, item)

    async def _items(self, kind: str, wanted: Collection[str]) -> list[Item]:
        items = await self._client.all(LISTINGS[kind], wanted)
        return [item for item in items if item.get("type") == kind] if kind in ("tap", "target") else items

    async def _named(self, kind: str, name: str) -> Item | None:
        items = [item for item in await self._items(kind, [name]) if item["name"] == name]
        if len(items) > 1:
            ids = " and ".join(sorted(item["id"] for item in items))
            raise self._conflict(f"two objects share the name of {kind} {name}: {ids}", "Remove or rename all but one.")
        return items[0] if items else None

    async def _timed(self, item: Item) -> Actual:
        """Return a pipeline with its schedule; unknown when only the schedule cannot be read."""
        try:
            schedule = await self._schedule(item["id"])
        except ServiceError as error:
            if error.kind not in _ANSWERS:
                raise
            address = Address(self._service, "pipeline", item["name"])
            return Actual(address, Presence.UNKNOWN, item["id"], reason=f"its schedule cannot be read: {error.message}")
        return self._actual("pipeline", item, schedule)

    async def _schedule(self, id: str) -> str:
        status = await self._client.one(f"{path_of('pipeline', id)}/status", named=False)
        metrics = status.get("metrics") if status is not None else None
        schedule = metrics.get("schedule", "") if isinstance(metrics, dict) else None
        if not isinstance(schedule, str):
            raise self._client.untrusted(f"pipeline {id} has no status that tells its schedule")
        return schedule

    def _actual(self, kind: str, item: Item, schedule: str | None = None) -> Actual:
        try:
            return actual(Address(self._service, kind, item["name"]), item, self._plugins, schedule)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._client.untrusted(f"{kind} {item['name']} makes no sense: {error}") from None

    async def _list_plugins(self) -> None:
        self._plugins = {item["id"]: item["name"] for item in await self._client.all(LISTINGS["plugin"])}

    async def _learn_plugin(self, id: str) -> None:
        plugin = await self._client.one(path_of("plugin", id))
        if plugin is not None:
            self._plugins[id] = plugin["name"]

    def _conflict(self, message: str, hint: str = "") -> ServiceError:
        return ServiceError(message, kind=ErrorKind.CONFLICT, service=self._service, hint=hint)


def path_of(kind: str, id: str) -> str:
    """Return the path of one object."""
    return f"{LISTINGS[kind].path}/{quote(id, safe='')}"


def _there(reply: Reply | ServiceError) -> bool:
    return not (isinstance(reply, ServiceError) and reply.kind in _LACKS)


def _answer(reply: Reply | ServiceError) -> Reply | ServiceError:
    """Return what the service said; raises what came instead of an answer."""
    if isinstance(reply, ServiceError) and reply.kind not in _ANSWERS:
        raise reply
    return reply


def _map(reply: Reply | ServiceError) -> Item:
    return reply.body if not isinstance(reply, ServiceError) and isinstance(reply.body, dict) else {}


def _enveloped(reply: Reply | ServiceError) -> bool:
    return {"success", "data"} <= _map(reply).keys()
