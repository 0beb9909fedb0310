from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina

from flext_reconciler.http.retry import ATTEMPTS


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Try again at once, and not more often than flext would."""
    with stamina.set_testing(True, attempts=ATTEMPTS):
        yield
