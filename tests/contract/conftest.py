"""Reads are retried here as everywhere, but without waiting between the attempts."""

import pytest
import stamina


@pytest.fixture(autouse=True)
def no_waiting():
    stamina.set_testing(True, attempts=3)
    yield
    stamina.set_testing(False)
