"""FlexCore's plugin map, with what makes it dangerous."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

from flext_reconciler.sandbox import Faults, Store

Item = dict[str, Any]

_COMMIT_TURNS = 20  # turns of the loop that a write takes, so that an overlap shows


class Crashed(Exception):
    """The process died; nobody gets a reply."""


class PluginMap:
    """An unsynchronised Go map: whoever touches it while it is written kills the process."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self.crashed = False
        self._items = store.collection("plugins")
        self._faults = faults
        self._writer = ""

    def check_alive(self) -> None:
        """Raise when the process is dead."""
        if self.crashed:
            raise Crashed

    def read(self, what: str) -> MutableMapping[str, Item]:
        """Return the map for a look at it; a crash when somebody is writing it."""
        if self._writer:
            self.crashed = True
            self._faults.violations.append(f"concurrent map access: {what} during {self._writer}")
        self.check_alive()
        return self._items

    async def write(self, plugin: str, item: Item | None, what: str) -> None:
        """Set an entry, or remove it when there is no item; either takes a moment."""
        self.read(what)
        self._writer = what
        try:
            await self._take_a_moment()
        finally:
            self._writer = ""
        self.check_alive()
        if item is None:
            self._items.pop(plugin, None)
        else:
            self._items[plugin] = item

    async def _take_a_moment(self) -> None:
        if fault := self._faults.take("slow_commit"):
            await asyncio.sleep(0.2 if fault.seconds is None else fault.seconds)
        for _ in range(_COMMIT_TURNS):
            await asyncio.sleep(0)
