"""A FlexCore to talk to, and the provider that talks to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flext_providers.flexcore.provider import FlexCore
from flext_reconciler.model import Action, Address, Change, Reason, Service
from flext_reconciler.provider import Reader, Write, Writer
from flext_reconciler.sandbox import Faults, Sandbox

T = TypeVar("T")
CONFIG = {"flexcore_node_url": "http://localhost:8080"}


@dataclass
class Platform:
    """A running FlexCore and what a test wants to do with it."""

    app: Sandbox
    url: str
    slept: list[float] = field(default_factory=list)
    on_sleep: Callable[[], None] = lambda: None

    @property
    def faults(self) -> Faults:
        return self.app.faults

    @property
    def service(self) -> Service:
        return Service("core", "flexcore", self.url, timeout=5)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.on_sleep()

    def read(self, work: Callable[[Reader], Awaitable[T]]) -> T:
        return self._run(FlexCore(self.sleep).reader(self.service, lambda _: ""), work)

    def write(self, work: Callable[[Writer], Awaitable[T]]) -> T:
        return self._run(FlexCore(self.sleep).writer(self.service, lambda _: ""), work)

    def deploy(self, name: str, **spec: Any) -> str:
        spec = {"type": "meltano", "config": CONFIG} | spec
        return self.write(lambda writer: writer.create(write(name, spec)))

    def names(self) -> list[str]:
        return sorted(self.app.store.collection("plugins"))

    def asked(self, method: str) -> list[str]:
        return [entry.path for entry in self.faults.log if entry.method == method]

    @staticmethod
    def _run(opened: AbstractAsyncContextManager[Any], work: Callable[[Any], Awaitable[T]]) -> T:
        async def run() -> T:
            async with opened as client:
                return await work(client)

        return asyncio.run(run())


def write(name: str, spec: dict[str, Any], action: Action = Action.CREATE) -> Write:
    """One write, as apply hands it over."""
    return Write(Change(Address("core", "plugin", name), action, Reason.NEW), spec, None, lambda *_: None)
