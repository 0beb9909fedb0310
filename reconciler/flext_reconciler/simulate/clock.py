"""An event loop on which waiting takes no time: when nothing can run, the clock jumps to the next timer."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Timeless(asyncio.SelectorEventLoop):
    """A loop without a clock of its own and without a network; timers fire in order, and at once."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Skipping(self._skip))

    def time(self) -> float:
        """Return the seconds that would have gone by."""
        return self._now

    def _skip(self, seconds: float | None) -> None:
        if seconds is None:
            raise RuntimeError("everybody waits, and nothing will ever happen")
        self._now += max(0.0, seconds)


class _Skipping(selectors.SelectSelector):
    """Never has news, and never waits for any."""

    def __init__(self, skip: Callable[[float | None], None]) -> None:
        super().__init__()
        self._skip = skip

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._skip(timeout)
        return []


def run_timeless(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that reaches nothing outside this process; its waits, deadlines and backoffs take no time."""
    with asyncio.Runner(loop_factory=Timeless) as runner:
        return runner.run(work)
