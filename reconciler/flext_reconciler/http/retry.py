"""When a read is tried again, and how long flext waits before it does."""

from __future__ import annotations

from collections.abc import AsyncIterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from ..errors import ErrorKind, ServiceError

if TYPE_CHECKING:
    from stamina import Attempt

ATTEMPTS = 4
LONGEST_WAIT = 60.0
_PASSING_STATUSES = frozenset({429, 502, 503, 504})  # FlexCore's 500 will be a 500 the next time too
_PASSING_KINDS = frozenset({ErrorKind.UNAVAILABLE, ErrorKind.TIMEOUT})


class Backoff:
    """Decides for stamina; `asked` is what the service itself asked for in its last answer, in seconds."""

    def __init__(self) -> None:
        self.asked: float | None = None

    def __call__(self, error: Exception) -> bool | float:
        """Return False to give up, True for the usual wait, or the seconds to wait."""
        asked, self.asked = self.asked, None
        return passes(error) and (asked or True)


def passes(error: Exception) -> bool:
    """Tell whether a failure may be over in a moment."""
    if not isinstance(error, ServiceError):
        return False
    if error.status is not None:
        return error.status in _PASSING_STATUSES
    return error.kind in _PASSING_KINDS


def attempts(backoff: Backoff) -> AsyncIterable[Attempt]:
    """Return stamina's attempts, each a context manager around one try."""
    import stamina

    return stamina.retry_context(on=backoff, attempts=ATTEMPTS, wait_jitter=0.5)


def seconds_to_wait(retry_after: str, now: datetime | None = None) -> float | None:
    """Read a `Retry-After` header, seconds or an HTTP date; None when it says nothing, never above a minute."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT)
