"""The garbage collector, paused while many objects are made that live on."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the collector, and give it back with everything made meanwhile in its oldest generation.

    Loading, reading and planning make hardly a cycle: the collector would only walk what is new, again and again.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.freeze()  # straight to the oldest generation: otherwise the next collections walk all of it, twice
            gc.unfreeze()
            gc.enable()
