"""Two embedded services on sockets of this process, and the real command in processes that can be killed.

Whoever wants to kill one does so from the outside, when a service has seen its k-th write.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flext_providers.flexcore.embedded import make as make_flexcore
from flext_providers.flext_service.embedded.app import make as make_flext
from flext_reconciler.sandbox import Running, Sandbox, start
from fork_server import Child, ForkServer
from http_world import KEPT

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOLDERS = ("desired-state", "desired-too")
"""Two declarations of one platform, which share its ledger."""

POSITIONS = ("before it is carried out", "before the reply", "after the reply")
APPLY = ("apply", "--auto-approve", "--prune", "--purge-now", "--max-deletes", "99", "--max-delete-share", "100")
_OWN = frozenset({"id", "depends_on", "created_at", "updated_at", "version_number"})  # differ between equal platforms


ONE = """\
kind: plugin
name: runtime
service: flexcore
spec: {type: meltano, config: {flexcore_node_url: "http://localhost", level: info}}
---
{kind: plugin, name: old-runtime, service: flexcore, spec: {type: ray, config: {flexcore_node_url: "http://localhost"}}}
---
{kind: plugin, name: extractor, spec: {type: source, version: 1.0.0, entry_point: orders.extract, description: one}}
---
{kind: tap, name: tap-orders, spec: {version: 1.0.0, executable: tap, active: true}}
---
{kind: pipeline, name: orders, spec: {schedule: "@daily", active: true, steps: [{name: extract, plugin: extractor}]}}
---
{kind: pipeline, name: old-orders, spec: {steps: [{name: extract, plugin: extractor}]}}
"""
TWO = """\
kind: plugin
name: runtime
service: flexcore
spec: {type: meltano, config: {flexcore_node_url: "http://localhost", level: debug}}
---
{kind: plugin, name: extractor, spec: {type: source, version: 1.0.0, entry_point: orders.extract, description: two}}
---
{kind: plugin, name: loader, spec: {type: target, version: 1.0.0, entry_point: orders.load}}
---
{kind: tap, name: tap-orders, spec: {version: 2.0.0, executable: tap, active: false}}
---
{kind: target, name: target-orders, spec: {version: 1.0.0, executable: target}}
---
kind: pipeline
name: orders
spec:
  schedule: "@hourly"
  active: true
  steps: [{name: extract, plugin: extractor}, {name: load, plugin: loader, depends_on: [extract]}]
"""
"""Two declarations: from one to the other and back, something is created, changed, replaced and removed."""


@dataclass
class Gate:
    """Every write of every client passes here; at the k-th one somebody dies."""

    writers: list[str] = field(default_factory=list)  # who made each write that began, in order
    _deadline: int = 0
    _position: str = ""
    _victim: Child | None = None
    _known: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def doom(self, write: int, position: str) -> None:
        """Kill the process that makes the write of that number from now on."""
        self._deadline, self._position, self._victim = len(self.writers) + write, position, None
        self._known.clear()

    def aim(self, victim: Child | None) -> None:
        """Say who that is."""
        self._victim = victim
        self._known.set()

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return a service behind the gate."""

        async def gated(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["method"] == "GET":
                await app(scope, receive, send)
            elif self._pass(scope):
                await self._strike(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return gated

    def _pass(self, scope: Scope) -> bool:
        with self._lock:
            self.writers.append(dict(scope["headers"])[b"authorization"].decode().removeprefix("Bearer "))
            return len(self.writers) == self._deadline

    async def _strike(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if self._position == POSITIONS[0]:
            self._kill()
        elif self._position == POSITIONS[1]:
            await app(scope, receive, _swallow)
            self._kill()
        else:
            await app(scope, receive, send)
            self._kill()
            return
        scope["state"]["cut"]()

    def _kill(self) -> None:
        self._known.wait()
        if self._victim is not None:
            os.kill(self._victim.pid, signal.SIGKILL)


async def _swallow(message: Message) -> None:
    """Nobody hears of it."""


@dataclass
class RealPlatform:
    """A desired state on disk, services on sockets, and the command."""

    folder: Path
    apps: dict[str, Sandbox]
    running: dict[str, Running]
    gate: Gate
    flext: ForkServer

    def declare(self, documents: str, folder: str = "desired-state") -> None:
        """Replace what is declared in a folder."""
        (self.folder / folder / "platform.yaml").write_text(documents, encoding="utf-8")

    def state(self) -> Any:
        """Return what the services hold, ids and times left out, names instead of ids."""
        stores = [(each, dict(app.store.collection(each))) for name, app in self.apps.items() for each in KEPT[name]]
        names = {id: item["name"] for _, items in stores[1:] for id, item in items.items()}
        return [
            (each, sorted((_plain({"key": id, **item}, names) for id, item in items.items()), key=repr))
            for each, items in stores
        ]


def _plain(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        counts = "version" if isinstance(value.get("version"), int) else ""
        return {key: _plain(item, names) for key, item in value.items() if key not in _OWN | {counts}}
    if isinstance(value, list):
        return [_plain(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


@contextmanager
def real_platform(folder: Path, ledger: str = "") -> Iterator[RealPlatform]:
    """Start everything; `ledger` is the URL of a PostgreSQL database."""
    gate = Gate()
    apps = {"flexcore": make_flexcore(), "flext-service": make_flext(None)}
    with start(gate.around(apps["flexcore"])) as core, start(gate.around(apps["flext-service"])) as service:
        running = {"flexcore": core, "flext-service": service}
        services = {name: {"url": it.url, "timeout": 10, "token": "${env:FLEXT_WHO}"} for name, it in running.items()}
        settings = {"services": services, "defaults": {"plugin": "flext-service"}}
        settings |= {"ledger": ledger} if ledger else {}
        for name in FOLDERS:
            environments = folder / name / "environments"
            environments.mkdir(parents=True)
            (environments / "dev.yaml").write_text(json.dumps(settings), encoding="utf-8")
        environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "FLEXT_WHO": "tester"}
        environ["FLEXT_STATE_DIR"] = str(folder / "state")
        with ForkServer(folder, environ) as flext:
            yield RealPlatform(folder, apps, running, gate, flext)
