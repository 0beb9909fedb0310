from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flext_reconciler.errors import ErrorKind, ServiceError
from flext_reconciler.http.retry import Backoff, seconds_to_wait

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5.0),
        (" 0 ", 0.0),
        ("60", 60.0),
        ("3600", 60.0),
        ("9" * 5000, 60.0),
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 12:00:30 -0000", 30.0),
        ("Mon, 23 Nov 2026 13:00:30 +0100", 30.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2099 11:00:00 GMT", 60.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("٥", None),
        ("Mon, 99 Nov 2026 11:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_never_above_a_minute(header: str, seconds: float | None) -> None:
    assert seconds_to_wait(header, NOW) == seconds


@settings(deadline=None)
@given(st.text())
def test_any_retry_after_is_understood_or_ignored(header: str) -> None:
    seconds = seconds_to_wait(header, NOW)
    assert seconds is None or 0 <= seconds <= 60


def failure(kind: ErrorKind, status: int | None = None) -> ServiceError:
    return ServiceError("x", kind=kind, status=status)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (failure(ErrorKind.UNAVAILABLE), True),
        (failure(ErrorKind.TIMEOUT), True),
        (failure(ErrorKind.RATE_LIMITED, 429), True),
        (failure(ErrorKind.UNAVAILABLE, 502), True),
        (failure(ErrorKind.UNAVAILABLE, 503), True),
        (failure(ErrorKind.TIMEOUT, 504), True),
        (failure(ErrorKind.SERVER_ERROR, 500), False),
        (failure(ErrorKind.CONFLICT, 409), False),
        (failure(ErrorKind.UNAUTHORIZED, 401), False),
        (failure(ErrorKind.UNTRUSTED, 200), False),
        (failure(ErrorKind.UNTRUSTED), False),
        (failure(ErrorKind.INVALID), False),
        (ValueError("a bug"), False),
    ],
)
def test_only_what_may_be_over_in_a_moment_is_tried_again(error: Exception, again: bool) -> None:
    assert Backoff()(error) is again


def test_what_the_service_asked_for_counts_once() -> None:
    backoff = Backoff()
    backoff.asked = 7.0
    busy = failure(ErrorKind.UNAVAILABLE, 503)
    assert backoff(busy) == 7.0
    assert backoff(busy) is True


def test_an_answer_that_may_come_at_once_still_gets_the_usual_wait() -> None:
    backoff = Backoff()
    backoff.asked = 0.0
    assert backoff(failure(ErrorKind.UNAVAILABLE, 503)) is True
