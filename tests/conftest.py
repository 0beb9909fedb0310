"""Options for the whole suite."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from postgres_server import postgres as postgres  # a fixture for whoever asks

# How fast a machine is says nothing about the code.
settings.register_profile("flext", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("flext")


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="write the golden files again, then review the diff")
