"""What can be declared of a plugin."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from flext_providers.flexcore.kinds import Plugin
from flext_providers.flexcore.provider import PROVIDER
from flext_reconciler.spec import field_rules

GOOD: list[dict[str, Any]] = [
    {"type": "meltano"},
    {"type": "anything", "binary_url": "/opt/plugin.so", "config": {"a": {"b": [1, None]}}},
    {"type": "ray", "enabled": False},
    {"type": "ray", "expect_version": "2.0.0", "health_gate": "degraded", "health_limit": 0},
]
BAD: list[dict[str, Any]] = [
    {},
    {"type": ""},
    {"type": 1},
    {"type": "ray", "config": []},
    {"type": "ray", "binary_url": ""},
    {"type": "ray", "enabled": "yes"},
    {"type": "ray", "expect_version": "2"},
    {"type": "ray", "health_gate": "perfect"},
    {"type": "ray", "health_limit": -1},
    {"type": "ray", "health_limit": 1.5},
    {"type": "ray", "version": "2.0.0"},
]


@pytest.mark.parametrize("spec", GOOD)
def test_good(spec: dict[str, Any]) -> None:
    assert Plugin.model_validate(spec).type == spec["type"]


@pytest.mark.parametrize("spec", BAD)
def test_bad(spec: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Plugin.model_validate(spec)


def test_what_is_sent_replaces_and_what_is_ours_is_not_compared() -> None:
    rules = field_rules(Plugin)
    assert {name for name, rule in rules.items() if rule.immutable} == {"type", "config", "binary_url"}
    assert {name for name, rule in rules.items() if rule.local} == rules.keys() - {"type", "config", "binary_url"}
    assert Plugin.outage


def test_one_writer_and_a_minute_to_settle() -> None:
    traits = PROVIDER.traits
    assert (traits.parallel_writes, traits.volatile, traits.settle_seconds) == (1, True, 60.0)


def test_loading_the_provider_loads_no_client_and_no_server() -> None:
    code = "import sys, flext_providers.flexcore.provider; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"httpx", "starlette", "uvicorn", "sqlite3"} & set(loaded)
