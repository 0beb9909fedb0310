"""A generated platform with its services running, and flext's own steps on it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from flext_reconciler.cli.options import Location
from flext_reconciler.cli.pipeline import Wishes, carry_out, make
from flext_reconciler.cli.platform import Platform, open_platform
from flext_reconciler.load import Loaded, load
from flext_reconciler.model import Event, Plan, Report

from . import floors, platform

WISHES = Wishes()


def silent(event: Event) -> None:
    """Listen to nothing."""


@dataclass
class Bench:
    """One size of platform."""

    root: Path
    size: int
    urls: tuple[str, str]

    def edit(self, edited: int) -> None:
        """Write the platform's YAML with `edited` changes."""
        platform.write(self.root, self.size, flexcore=self.urls[0], flext_service=self.urls[1], edited=edited)

    @contextmanager
    def opened(self) -> Iterator[Platform]:
        """Open it the way every command does."""
        with open_platform(Location(self.root, "bench")) as found:
            yield found

    def validate(self, found: Platform, *, cached: bool) -> Loaded:
        """Load and validate everything."""
        return load(
            self.root,
            "bench",
            found.catalog,
            environ=os.environ,
            fingerprinter=found.fingerprinter,
            cache=found.state / "cache" if cached else None,
        )

    def plan(self) -> Plan:
        """Load, read and plan, as `flext plan` does."""

        async def run(found: Platform) -> Plan:
            async with found.readers() as readers:
                return (await make(found, readers, WISHES, silent)).plan

        with self.opened() as found:
            return asyncio.run(run(found))

    def apply(self) -> Report:
        """Plan, apply and prove, as `flext apply --auto-approve` does."""

        async def run(found: Platform) -> Report:
            async with found.readers() as readers:
                planned = await make(found, readers, WISHES, silent)
            with found.ledger.lock("bench"):
                found.ledger.records()
                return await carry_out(found, planned, WISHES, silent, threading.Event(), recheck_creates=False)

        with self.opened() as found:
            return asyncio.run(run(found))

    def log(self) -> list[list[tuple[str, str]]]:
        """Return and clear what each service was asked, as (method, target)."""
        found = []
        for url in self.urls:
            entries = httpx.get(f"{url}/_sandbox/log", timeout=60).json()["log"]
            httpx.delete(f"{url}/_sandbox/log", timeout=60)
            found.append([(entry["method"], _target(entry)) for entry in entries])
        return found

    def fetch(self, logs: Sequence[Sequence[tuple[str, str]]]) -> None:
        """Ask the same over a bare client."""
        for url, log in zip(self.urls, logs, strict=True):
            parts = urlsplit(url)
            requests = [(method, target, b"") for method, target in log]
            asyncio.run(floors.fetch(parts.hostname or "", parts.port or 0, requests))


def _target(entry: dict[str, str]) -> str:
    query = entry.get("query", "")
    return f"{entry['path']}?{query}" if query else entry["path"]


@contextmanager
def services() -> Iterator[tuple[str, str]]:
    """Run both embedded services in another process."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        yield child.stdout.readline().strip(), child.stdout.readline().strip()
    finally:
        child.stdin.close()
        child.wait(timeout=10)
        child.stdout.close()


@contextmanager
def bench(folder: Path, size: int) -> Iterator[Bench]:
    """Generate a platform and run its services."""
    with services() as urls:
        found = Bench(folder / f"platform-{size}", size, urls)
        found.edit(0)
        yield found
    shutil.rmtree(found.root)
