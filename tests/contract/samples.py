"""The providers that must keep the contract, with valid specs of their kinds. A new provider is one entry here."""

from __future__ import annotations

from flext_providers.flexcore.provider import FlexCore
from flext_providers.flext_service.provider import PROVIDER as FLEXT_SERVICE

from .bench_of_one import Sample, no_sleep

_PLUGIN = {"type": "source", "version": "1.0.0", "entry_point": "orders.main", "description": "reads orders"}
_CORE = {"type": "meltano", "config": {"flexcore_node_url": "http://localhost:8080", "python_venv": "./venv"}}
_TAP = {"version": "1.0.0", "executable": "tap-orders", "description": "taps orders", "active": True}
_STEP = {"name": "extract", "plugin": "orders-source", "configuration": {"table": "ORDERS"}}
_PIPELINE = {
    "description": "moves orders",
    "tags": ["orders", "nightly"],
    "configuration": {"batch_size": 100, "mode": "append"},
    "schedule": "0 2 * * *",
    "active": True,
    "steps": [_STEP],
}

PROVIDERS = {
    "flexcore": (
        FlexCore(sleep=no_sleep),
        (Sample("plugin", _CORE, None, {"config": {**_CORE["config"], "python_venv": "./other"}}),),
    ),
    "flext-service": (
        FLEXT_SERVICE,
        (
            Sample("plugin", _PLUGIN, {"description": "reads all orders"}, {"version": "2.0.0"}),
            Sample("tap", _TAP, {"description": "taps all orders", "active": False}, {"version": "2.0.0"}),
            Sample("target", _TAP, {"description": "loads all orders"}, {"executable": "target-orders"}),
            Sample(
                "pipeline",
                _PIPELINE,
                {"schedule": "@daily", "steps": [_STEP, {**_STEP, "name": "load", "depends_on": ["extract"]}]},
                {"configuration": {"batch_size": 100}},
                needs=(("plugin", "orders-source", _PLUGIN),),
            ),
        ),
    ),
}

EVERY_KIND = [(name, sample) for name, (_, samples) in PROVIDERS.items() for sample in samples]
