"""The exceptions of flext, each with the exit code it ends a command with.

    FlextError                    1   anything flext can explain
    ├── UsageError               64   the command line is wrong
    ├── DesiredStateError         1   the YAML is wrong; carries every problem at once
    ├── ServiceError              1   a service failed, refused or cannot be believed
    ├── PlanFileError             1   a saved plan cannot be used
    ├── LedgerError               1   the ledger cannot be read or written
    ├── GuardRefused              7   a guard forbids the apply
    ├── StalePlan                 8   what the plan was made from has moved
    └── Locked                    9   somebody else is applying

A message says what happened; `hint` says what to do next. Neither ever holds a secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Place(NamedTuple):
    """Where in the YAML something stands; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(NamedTuple):
    """One thing that is wrong with the desired state."""

    place: Place
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f"\n    {self.hint}" if self.hint else "")


class FlextError(Exception):
    """Base of everything flext raises on purpose."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(FlextError):
    """The command line does not say what to do."""

    exit_code = 64


class DesiredStateError(FlextError):
    """The declaration has problems; all of them are listed, in order of place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ErrorKind(StrEnum):
    """What a service's answer means, whatever shape it came in (contract §8.5)."""

    NOT_FOUND = "not_found"  # the service knows the path, not the object
    PATH_UNKNOWN = "path_unknown"  # the service lacks the path: unsupported, not absent
    CONFLICT = "conflict"
    INVALID = "invalid"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    SERVER_ERROR = "server_error"
    UNFIT = "unfit"  # it was made, and is not what is expected of it
    UNTRUSTED = "untrusted_response"  # an answer that is not evidence of anything


class ServiceError(FlextError):
    """A service failed, refused, or answered what cannot be believed.

    `outcome_unknown` says that a write may have been carried out although no answer arrived; `made` is the id of what
    a create made before it failed at the rest.
    """

    made: str | None = None

    def __init__(
        self,
        message: str,
        *,
        kind: ErrorKind,
        service: str = "",
        status: int | None = None,
        outcome_unknown: bool = False,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.service = service
        self.status = status
        self.outcome_unknown = outcome_unknown


class PlanFileError(FlextError):
    """A saved plan is damaged, edited, from a newer flext or for another environment."""


class LedgerError(FlextError):
    """The ledger cannot be read or written."""


class GuardRefused(FlextError):
    """A guard forbids the apply; the message lists each guard and the flag that lifts it."""

    exit_code = 7


class StalePlan(FlextError):
    """What the plan was made from has moved since."""

    exit_code = 8


class Locked(FlextError):
    """Another process holds the environment's lock."""

    exit_code = 9
