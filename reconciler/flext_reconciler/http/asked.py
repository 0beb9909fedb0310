"""What was asked of a service, and what came back: the words of this package."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ..errors import ErrorKind, ServiceError
from ..model import Json


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as messages and logs may name it."""

    service: str
    origin: str
    method: str = "GET"
    path: str = "/"

    @property
    def writes(self) -> bool:
        """Whether the request may have changed something."""
        return self.method != "GET"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def failed(
        self, kind: ErrorKind, what: str, *, hint: str = "", status: int | None = None, unknown: bool = False
    ) -> ServiceError:
        """Make the error that says what the service did; only a write has an outcome that can be unknown."""
        return ServiceError(
            f"{self.service} {what}",
            kind=kind,
            service=self.service,
            status=status,
            outcome_unknown=unknown and self.writes,
            hint=hint,
        )


@dataclass(frozen=True, slots=True)
class Call:
    """One request with everything that it carries; lives only as long as the request."""

    method: str
    path: str
    query: str = ""
    body: Json = field(default=None, repr=False)
    timeout: float | None = None
    secret: bool = False  # the body holds a secret


class Answer(NamedTuple):
    """One response, read to its end."""

    status: int
    content_type: str
    body: bytes
    location: str = ""
    retry_after: str = ""
