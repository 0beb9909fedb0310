"""Saving plans and taking them back: what the commands that write plan files, and those that read them, share."""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import click

from ..errors import UsageError
from ..model import Plan
from ..planfile import load_saved, save
from ..planfile.sign import PASSPHRASE, forget_signatures, load_key, load_keys, sign, verified
from .options import Command, was_given

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=366)
FILE = click.Path(path_type=Path, dir_okay=False)


class DurationType(click.ParamType[timedelta]):
    """A number with its unit: `90m`, `24h`, `7d`, `2w`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read a duration, or say what one looks like."""
        if isinstance(value, timedelta):
            return value
        written = re.fullmatch(r"([0-9]{1,5})([mhdw])", value)
        found = timedelta(**{_UNITS[written[2]]: int(written[1])}) if written else timedelta()
        if not timedelta() < found <= _LONGEST:
            self.fail(f"{value!r} is not a duration; write 90m, 24h, 7d or 2w, and a year at most", param, ctx)
        return found


@dataclass(frozen=True)
class Saving:
    """Where a plan is to be saved, for how long it is good, and who signs it."""

    out: Path | None
    expires: timedelta
    key: Path | None

    def save(self, plan: Plan) -> None:
        """Write the plan file, and the signature beside it; what was signed there before is forgotten."""
        if self.out is None:
            return
        key = load_key(self.key, os.environ.get(PASSPHRASE)) if self.key is not None else None
        forget_signatures(self.out)
        content = save(plan, self.out, expires=datetime.now(UTC) + self.expires)
        if key is not None:
            sign(self.out, content, key)


def saving(command: Command) -> Command:
    """Add `--out`, `--expires` and `--sign`; the command gets `saving`."""

    @click.option("--out", type=FILE, help="Save the plan, for `flext apply FILE`.")
    @click.option(
        "--expires", type=DurationType(), default="7d", show_default=True, metavar="DURATION",
        help="How long the saved plan may be applied.",
    )  # fmt: skip
    @click.option("--sign", "key", type=FILE, metavar="KEY", help="Sign the saved plan with this Ed25519 key (PEM).")
    @functools.wraps(command)
    def wrapped(*args: Any, out: Path | None, expires: timedelta, key: Path | None, **options: Any) -> Any:
        if key is not None and out is None:
            raise UsageError("--sign signs a saved plan", hint="Add --out FILE.")
        if out is None and was_given("expires"):
            raise UsageError("--expires is about a saved plan", hint="Add --out FILE.")
        if out == Path("-"):
            raise UsageError("--out saves a plan in a file", hint="Give --json to have it on stdout.")
        return command(*args, saving=Saving(out, expires, key), **options)

    return wrapped


class Trusted(NamedTuple):
    """A saved plan, when it expires, and the public keys that are known to have signed exactly this file."""

    plan: Plan
    expires: datetime | None = None
    signers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Verification:
    """Which keys are trusted to sign plans; without any, nothing is verified."""

    keys: Path | None = None

    def load(self, path: Path, *, environment: str | None = None, now: datetime | None = None) -> Trusted:
        """Read a saved plan, once its signatures are verified; raises PlanFileError, and StalePlan when it expired."""
        if self.keys is None:
            return Trusted(*load_saved(path, environment=environment, now=now))
        keys, signers = load_keys(self.keys), set[str]()
        saved = load_saved(
            path,
            environment=environment,
            now=now,
            check=lambda content: signers.update(verified(path, content, keys)),
        )
        return Trusted(*saved, frozenset(signers))


def verifying(command: Command) -> Command:
    """Add `--verify`; the command gets `verification`."""

    @click.option(
        "--verify", "keys", type=click.Path(path_type=Path, exists=True), metavar="KEYS",
        help="Refuse the saved plan unless one of these public keys signed it: a PEM file, or a folder of them.",
    )  # fmt: skip
    @functools.wraps(command)
    def wrapped(*args: Any, keys: Path | None, **options: Any) -> Any:
        return command(*args, verification=Verification(keys), **options)

    return wrapped
