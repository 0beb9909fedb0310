"""Options for the whole suite."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from postgres_server import postgres as postgres  # a fixture for whoever asks

# How fast a machine is says nothing about the code. What lands must not depend on luck either: only the nightly search
# tries other examples every time, and tells how to replay what it finds.
ANY_SPEED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("the same every time", derandomize=True, **ANY_SPEED)
settings.register_profile("nightly", print_blob=True, **ANY_SPEED)


def pytest_configure(config):
    settings.load_profile("nightly" if config.option.markexpr == "nightly" else "the same every time")


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="write the golden files again, then review the diff")
