"""An embedded FlexCore on a loopback socket."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import stamina

from flext_providers.flexcore.embedded import make
from flext_reconciler.sandbox import start
from unit.flexcore.world import Platform


@pytest.fixture(autouse=True)
def _without_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2):
        yield


@pytest.fixture
def platform() -> Iterator[Platform]:
    app = make()
    with start(app) as running:
        yield Platform(app, running.url)
    assert app.faults.violations == []


@pytest.fixture
def client(platform: Platform) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=platform.url, timeout=5, trust_env=False, verify=False) as http:
        yield http
