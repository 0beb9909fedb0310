"""Reads and changes the plugins of one FlexCore; what was deployed is held against what is expected of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from flext_reconciler.errors import ErrorKind, ServiceError
from flext_reconciler.model import EVERY_ACTION, Action, Actual, Address, Json, KindSupport, Presence, Service, Support
from flext_reconciler.provider import Embedded, Health, Provider, Reader, ServiceHealth, Traits, Wanted, Write, Writer
from flext_reconciler.references import Resolve

from .client import NODE, V1, Found, Plugins, addressable, addressed, health_word, untrusted
from .faults import FAULTS
from .kinds import KINDS

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from flext_reconciler.http import ReadClient, WriteClient
    from flext_reconciler.sandbox import Sandbox

SOURCE_NODE = "flext-cli"
DEPLOY_TIMEOUT = 40.0  # seconds; FlexCore stops writing its reply after 30
_READS = 3  # tries to list plugins that come and go meanwhile
_REMOTE: frozenset[str] = frozenset({"type", "config", "binary_url"})
_ENOUGH: Mapping[Json, frozenset[str]] = {
    "healthy": frozenset({"healthy"}),
    "degraded": frozenset({"healthy", "degraded"}),
}
_NO_DEPLOY = "a flexcore-node configures the plugins that are there and deploys none"
_CANNED = "this FlexCore (flexcore-container) gives canned answers; it has no plugins that can be managed"
_V1 = Support("flexcore-v1", {"plugin": KindSupport()})
_INFRA = Support("flexcore-infra", {"plugin": KindSupport(supported=False, why=_CANNED)})
_CHANGES = EVERY_ACTION - {Action.CREATE, Action.REPLACE}
_NODE = Support("flexcore-node", {"plugin": KindSupport(True, _CHANGES, frozenset({"config"}), _NO_DEPLOY)})


class FlexCoreReader:
    """Looks at one FlexCore; finds out which variant it is before anything else."""

    def __init__(self, http: ReadClient, service: Service) -> None:
        self._http = http
        self._service = service
        self._variant: Plugins | None = None

    async def probe(self) -> Support:
        """Find out which variant this is (contract §8.4)."""
        reply = await self._http.ask("/health")
        if isinstance(reply, ServiceError):
            if reply.kind in (ErrorKind.NOT_FOUND, ErrorKind.PATH_UNKNOWN):
                raise untrusted(f"this is not FlexCore: {reply.message}")
            raise reply
        health = reply.body if isinstance(reply.body, Mapping) else {}
        name = health.get("service")
        if name == "flexcore-container":
            return _INFRA
        if name != "flexcore" and "node_id" not in health:
            raise untrusted(f"{self._service.name} is not FlexCore: its health names {str(name)[:40]!r}")
        support, root = (_V1, V1) if name == "flexcore" else (_NODE, NODE)
        plugins = Plugins(self._http, root)
        await plugins.listed()
        self._variant = plugins
        return support

    async def health(self) -> ServiceHealth:
        """Ask FlexCore how it is; degraded is not healthy."""
        began = time.perf_counter()
        reply = await self._http.ask("/health")
        took = (time.perf_counter() - began) * 1000
        body = {"error": reply.message} if isinstance(reply, ServiceError) else reply.body
        word = health_word(body)
        status = Health.UNHEALTHY if word == "degraded" else Health(word)
        details = body if isinstance(body, Mapping) else {}
        return ServiceHealth(self._service.name, status, took, datetime.now(UTC), details)

    async def read(self, kind: str, wanted: Wanted | None = None) -> Sequence[Actual]:
        """List every plugin; config and health are asked for each that is wanted."""
        plugins = await self._plugins()
        for _ in range(_READS):
            listed = await plugins.listed()
            asked = [
                found.id for found in listed if plugins.tells_more_of(found) and (wanted is None or found.id in wanted)
            ]
            detailed = await _each(asked, plugins.found)
            if None not in detailed.values():
                return [
                    self._actual(kind, detailed.get(found.id) or found, (wanted or {}).get(found.id, frozenset()))
                    for found in listed
                ]
        raise untrusted("plugins come and go while they are being read: somebody else is deploying")

    async def read_one(self, kind: str, name: str, id: str | None, fields: frozenset[str]) -> Actual:
        """Read one plugin freshly; its id is its name."""
        found = await (await self._plugins()).found(name)
        if found is None:
            return Actual(Address(self._service.name, kind, name), Presence.ABSENT)
        return self._actual(kind, found, fields)

    async def _plugins(self) -> Plugins:
        if self._variant is None:
            await self.probe()
        if self._variant is None:
            raise self._refused(_CANNED)
        return self._variant

    def _actual(self, kind: str, found: Found, fields: frozenset[str]) -> Actual:
        address = Address(self._service.name, kind, found.id)
        if not addressable(found.id):
            reason = "FlexCore itself cannot find a plugin by such a name any more"
            return Actual(address, Presence.UNKNOWN, found.id, reason=reason)
        spec: dict[str, Json] = {}
        # FlexCore takes any type for a binary, and reports the one that the binary itself names.
        if found.type and "binary_url" not in fields:
            spec["type"] = found.type
        if found.config is not None:
            spec["config"] = found.config
        facts = {"version": found.version, "health": found.health}
        return Actual(address, id=found.id, spec=spec, unreadable=_REMOTE.difference(spec), facts=facts)

    def _refused(self, message: str, kind: ErrorKind = ErrorKind.INVALID) -> ServiceError:
        return ServiceError(f"{self._service.name}: {message}", kind=kind, service=self._service.name)


class FlexCoreWriter(FlexCoreReader):
    """Changes one FlexCore; an unknown outcome is left to the engine, which looks again for as long as it settles."""

    def __init__(self, http: WriteClient, service: Service, sleep: Callable[[float], Awaitable[object]]) -> None:
        super().__init__(http, service)
        self._writes = http
        self._sleep = sleep

    async def create(self, write: Write) -> str:
        """Deploy a plugin; one that is not what is expected is removed again."""
        if (await self._plugins()).root == NODE:
            raise self._refused(_NO_DEPLOY)
        body = {"plugin_id": write.name, "plugin_type": write.spec["type"], "source_node_id": SOURCE_NODE}
        body |= {name: write.spec[name] for name in ("config", "binary_url") if name in write.spec}
        timeout = max(DEPLOY_TIMEOUT, self._service.timeout)
        await self._writes.send("POST", f"{V1}/deploy", body=body, timeout=timeout, secret=write.carries_secret)
        if disappointed := await self._disappointment(write):
            raise self._refused(f"{disappointed}, {await self._removed(write)}", ErrorKind.UNFIT)
        return write.name

    async def update(self, write: Write) -> None:
        """Give a plugin its whole config, where the server can."""
        if (await self._plugins()).root != NODE:
            raise self._refused("FlexCore cannot change a plugin in place")
        path, config = f"{NODE}/{addressed(write.name)}", write.spec.get("config", {})
        await self._writes.send("POST", path, body=config, secret=write.carries_secret)
        if disappointed := await self._disappointment(write):
            raise self._refused(disappointed, ErrorKind.UNFIT)

    async def delete(self, write: Write) -> None:
        """Remove a plugin."""
        plugins = await self._plugins()
        try:
            reply = await self._writes.send("DELETE", f"{plugins.root}/{addressed(write.name)}")
        except ServiceError as error:
            # A flexcore-node answers 500 for what is gone already; and one answer alone is not believed.
            says_gone = error.kind in (ErrorKind.NOT_FOUND, ErrorKind.SERVER_ERROR)
            if not says_gone or await plugins.found(write.name) is not None:
                raise
            return
        says_so = isinstance(reply.body, Mapping) and reply.body.get("success") is True
        if not says_so and await plugins.found(write.name) is not None:
            unheard = untrusted(f"FlexCore answered the removal of {write.name} with something else")
            unheard.outcome_unknown = True
            raise unheard

    async def _removed(self, write: Write) -> str:
        try:
            await self.delete(write)
        except ServiceError as error:
            return f"and could not be removed again: {error.message}"
        return "so it was removed again"

    async def _disappointment(self, write: Write) -> str:
        """Hold a plugin against the version and health that are expected of it; say what is wrong, if anything."""
        name, spec, gate = write.name, write.spec, write.spec.get("health_gate", "none")
        expected, limit = spec.get("expect_version"), spec.get("health_limit", 60)
        if expected is None and gate == "none":
            return ""
        plugins = await self._plugins()
        for second in range(limit + 1):
            found = await plugins.found(name) or Found(name, "", "none", "gone")
            if expected not in (None, found.version):
                return f"{name} came up with version {found.version}; {expected} is expected"
            if gate == "none" or found.health in _ENOUGH[gate]:
                return ""
            if second < limit:
                await self._sleep(1.0)
        return f"{name} is {found.health} after {limit} s; {gate} is expected"


class FlexCore:
    """The provider, as the engine sees it; tests bring a `sleep` of their own."""

    def __init__(self, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self.name = "flexcore"
        self.kinds = KINDS
        # FlexCore's plugin map is not synchronised, and a deploy goes on after its connection is gone.
        self.traits = Traits(parallel_writes=1, volatile=True, settle_seconds=60.0)
        self.embedded: Embedded | None = Embedded(_embedded, 8080, FAULTS, _restore)
        self._sleep = sleep

    @asynccontextmanager
    async def reader(self, service: Service, resolve: Resolve) -> AsyncIterator[Reader]:
        """Open a reader."""
        from flext_reconciler.http import open_reader

        async with open_reader(service, resolve) as http:
            yield FlexCoreReader(http, service)

    @asynccontextmanager
    async def writer(self, service: Service, resolve: Resolve) -> AsyncIterator[Writer]:
        """Open a writer."""
        from flext_reconciler.http import open_writer

        async with open_writer(service, resolve) as http:
            yield FlexCoreWriter(http, service, self._sleep)


def _embedded(path: FilePath | None) -> ASGIApp:
    from .embedded import make

    return make(path)


def _restore(sandbox: Sandbox, support: Support, actuals: Iterable[Actual]) -> None:
    from .embedded.restore import restore

    restore(sandbox, support, actuals)


async def _each(
    names: Iterable[str], find: Callable[[str], Coroutine[None, None, Found | None]]
) -> Mapping[str, Found | None]:
    """Look at all of them at once, which the client bounds; the first failure ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(find(name)) for name in names}
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return {name: task.result() for name, task in tasks.items()}


PROVIDER: Provider = FlexCore()
