"""How many changes each service bears at once.

A change occupies its service's lane from its first read to its last, so that a lane of one also keeps every read of
that service away from its writes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from ..model import Address


class Lanes:
    """Queues ready changes by service and hands out as many as fit."""

    def __init__(self, widths: Mapping[str, int]) -> None:
        self._free = dict(widths)
        self._waiting: dict[str, deque[Address]] = {service: deque() for service in widths}

    def offer(self, ready: Iterable[Address]) -> None:
        """Queue changes that may run now."""
        for address in sorted(ready):
            self._waiting[address.service].append(address)

    def take(self) -> Iterator[Address]:
        """Hand out every queued change that fits; each occupies its lane until it is released."""
        for service, queue in sorted(self._waiting.items()):
            while queue and self._free[service] > 0:
                self._free[service] -= 1
                yield queue.popleft()

    def release(self, address: Address) -> None:
        """Free the place of a change that ended."""
        self._free[address.service] += 1
