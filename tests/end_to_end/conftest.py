"""Fixtures: the embedded services of one test, and a small platform declared on them."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from flext_reconciler.registry import load_providers
from flext_reconciler.sandbox import start

from .house import PLATFORM, House


@pytest.fixture
def house(tmp_path):
    with ExitStack() as stack:
        sandboxes = {name: provider.embedded.make(None) for name, provider in load_providers().items()}
        running = {name: stack.enter_context(start(app)) for name, app in sandboxes.items()}
        built = House(tmp_path, running, sandboxes)
        built.environment()
        built.write("desired-state/platform.yaml", PLATFORM)
        yield built
