"""FlexCore's two dialects: what to ask, and what an answer has to look like before it counts as evidence.

flexcore-v1     /api/v1/plugins/...   deploys and removes; its list shows no config
flexcore-node   /plugins/...          older; configures in place, deploys nothing; shows the config it started with
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from flext_reconciler.errors import ErrorKind, ServiceError
from flext_reconciler.model import Json

if TYPE_CHECKING:
    from flext_reconciler.http import ReadClient

V1, NODE = "/api/v1/plugins", "/plugins"
_LONGEST_ID = 1000  # characters in a path
_WORDS = {"ok": "healthy", "healthy": "healthy", "degraded": "degraded", "unhealthy": "unhealthy"}


@dataclass(frozen=True, slots=True)
class Found:
    """One plugin as FlexCore reported it."""

    id: str
    type: str
    version: str
    health: str = "unknown"
    config: Mapping[str, Json] | None = None  # None when it is not told, or tells nothing


class Plugins:
    """Reads the plugins of one FlexCore; `root` is where its dialect keeps them."""

    def __init__(self, http: ReadClient, root: str) -> None:
        self._http = http
        self.root = root

    async def listed(self) -> list[Found]:
        """List every plugin, complete or not at all, without config."""
        body = _object((await self._http.get(f"{self.root}/list")).body, "list")
        plugins, count = body.get("plugins"), body.get("count")
        if "plugins" in body and plugins is None and count == 0:
            return []  # how Go writes an empty list
        if not isinstance(plugins, list) or count != len(plugins):
            raise untrusted("FlexCore's list of plugins is not complete: its count and its length differ")
        key = "plugin_id" if self.root == V1 else "name"
        return [_found(_object(item, "list"), key) for item in plugins]

    def tells_more_of(self, plugin: Found) -> bool:
        """Tell whether `found` knows more of a plugin than the list does."""
        return self.root == V1 and addressable(plugin.id)

    async def found(self, plugin: str) -> Found | None:
        """Ask for one plugin and all that is told of it; None when it is provably gone."""
        if self.root == NODE:  # a missing plugin and a missing path answer alike there, so only the list is evidence
            return next((found for found in await self.listed() if found.id == plugin), None)
        reply = await self._http.ask(f"{V1}/{addressed(plugin)}/metadata")
        if isinstance(reply, ServiceError):
            if reply.kind is ErrorKind.NOT_FOUND:
                return None
            raise reply
        metadata = _object(_object(reply.body, "metadata").get("metadata"), "metadata")
        config = metadata.get("config")
        return Found(
            plugin,
            _text(metadata, "type"),
            str(metadata.get("version") or ""),
            await self._health(plugin),
            None if config is None else _object(config, "config"),
        )

    async def _health(self, plugin: str) -> str:
        reply = await self._http.ask(f"{V1}/{addressed(plugin)}/health")
        body = None if isinstance(reply, ServiceError) else reply.body
        return health_word(body.get("health") if isinstance(body, Mapping) else None)


def addressable(plugin: str) -> bool:
    """Tell whether FlexCore can find a plugin by its id in a path."""
    return "/" not in plugin and plugin not in (".", "..") and len(quote(plugin)) <= _LONGEST_ID


def addressed(plugin: str) -> str:
    """Write a plugin's id for a path; raises ServiceError when that is impossible."""
    if not addressable(plugin):
        raise ServiceError(f"FlexCore cannot find a plugin by the name {plugin[:40]!r}", kind=ErrorKind.INVALID)
    return quote(plugin, safe="")


def health_word(health: Json) -> str:
    """Return the word for how a plugin or a whole FlexCore is: healthy, degraded, unhealthy or unknown."""
    status = health.get("status") if isinstance(health, Mapping) else None
    return _WORDS.get(str(status).lower(), "unknown")


def untrusted(message: str) -> ServiceError:
    """Return the error for an answer that is not evidence of anything."""
    return ServiceError(message, kind=ErrorKind.UNTRUSTED, hint="check the service's `url` in the environment file")


def _found(item: Mapping[str, Json], key: str) -> Found:
    return Found(
        _text(item, key), str(item.get("type") or ""), str(item.get("version") or ""), health_word(item.get("health"))
    )


def _object(value: Json, what: str) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise untrusted(f"FlexCore's {what} is not an object")
    return value


def _text(fields: Mapping[str, Json], key: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or not value:
        raise untrusted(f"FlexCore reports a plugin without {key}")
    return value
