"""Asking before an apply: on a terminal only, and never where nobody can answer."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass
from typing import Any

import click

from ..errors import FlextError
from .options import Command
from .output import Output
from .streams import tell


@dataclass(frozen=True)
class Approval:
    """Whether somebody is asked, and how long the lock is waited for."""

    auto: bool
    lock_timeout: float


def approving(command: Command) -> Command:
    """Add `--auto-approve` and `--lock-timeout`; the command gets `approval`."""

    @click.option("--auto-approve", is_flag=True, help="Do not ask.")
    @click.option(
        "--lock-timeout", type=click.FloatRange(min=0), default=0, metavar="SECONDS",
        help="Wait this long for the lock.",
    )  # fmt: skip
    @functools.wraps(command)
    def wrapped(*args: Any, auto_approve: bool, lock_timeout: float, **options: Any) -> Any:
        return command(*args, approval=Approval(auto_approve, lock_timeout), **options)

    return wrapped


def approved(output: Output, environment: str) -> bool:
    """Ask on stderr, so that stdout stays data; only `yes` is a yes. Raises FlextError when nobody can answer."""
    if not _can_ask():
        raise FlextError(
            "nobody can be asked: there is no terminal, and the plan is not approved; nothing was changed",
            hint="Approve it with --auto-approve, or apply a saved plan: `flext plan --out FILE`, `flext apply FILE`.",
        )
    output.note(f"Apply this to {environment}? Only `yes` is a yes.")
    tell("> ")
    return sys.stdin.readline().strip() == "yes"


def _can_ask() -> bool:
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()
