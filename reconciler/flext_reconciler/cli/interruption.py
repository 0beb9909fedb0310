"""Signals: they end at once what only looks; an apply stops at the end of the running steps, a second one ends it.

No signal handler raises while a loop runs: an exception out of nowhere is lost wherever something catches it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ..errors import FlextError
from ..model import Event, EventName, Observer
from .exit_codes import ExitCode
from .main import Terminated

T = TypeVar("T")

_TOLD = "Stopping: the running steps are finished, no new one starts. Once more stops at once."

_CODES = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}


def run_looking(looking: Coroutine[Any, Any, T]) -> T:
    """Run what only looks; SIGTERM cancels it, as asyncio has Ctrl-C do, and Terminated is raised in the end."""
    arrived = False

    async def watched() -> T:
        task = asyncio.current_task()

        def cancel() -> None:
            nonlocal arrived
            arrived = True
            if task is not None:
                task.cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, cancel)
        return await looking

    try:
        with _handlers_kept():
            return asyncio.run(watched())
    except asyncio.CancelledError:
        if not arrived:
            raise
        raise Terminated from None


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Put back what a loop takes away with its own handlers."""
    before = {number: signal.getsignal(number) for number in _CODES}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Aborted(FlextError):
    """An apply was ended in the middle of a step."""

    def __init__(self, code: ExitCode) -> None:
        super().__init__(
            "stopped at once, in the middle of a step",
            hint="What was under way is written in the ledger; `flext plan` finds out how it ended.",
        )
        self.exit_code = code


class Interruption:
    """What signals asked for so far; apply looks at it before each step."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._task: asyncio.Task[object] | None = None
        self.code: ExitCode | None = None

    def is_set(self) -> bool:
        """Tell whether nothing new should start."""
        return self.code is not None

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run an apply with the signals watched; raises Aborted on the second one."""
        with _handlers_kept():
            return asyncio.run(self._watched(work))

    async def _watched(self, work: Callable[[], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        for number in _CODES:
            loop.add_signal_handler(number, self._arrived, number)
        try:
            return await work()
        except asyncio.CancelledError:
            if self.code is None:
                raise
            raise Aborted(self.code) from None

    def _arrived(self, number: signal.Signals) -> None:
        if self.code is not None and self._task is not None:
            self._task.cancel()
            return
        self.code = _CODES[number]
        self._observer(Event(EventName.INTERRUPTED, text=_TOLD))
