"""Plan files on disk: written whole or not at all, read with a limit."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path as FilePath

import orjson

from ..errors import PlanFileError, StalePlan
from ..model import Plan
from .decode import Saved, read_document
from .encode import dump

MAX_BYTES = 256 * 1024 * 1024
"""A plan of some hundred thousand changes; larger files are refused before they are read."""


def save(plan: Plan, path: FilePath, *, expires: datetime | None = None) -> bytes:
    """Write a plan file, readable by its owner only, and return its content; raises PlanFileError."""
    content = dump(plan, expires=expires)
    save_whole(path, content)
    return content


def save_whole(path: FilePath, content: bytes) -> None:
    """Write a file that is whole or not there, over a regular file at most; raises PlanFileError."""
    try:
        if not _replaceable(path):
            raise PlanFileError(f"{path} exists and is not a regular file", hint="Give it a path of its own.")
        write_whole(path, content)
    except OSError as error:
        raise PlanFileError(
            f"cannot write {path}: {error.strerror or error}", hint="Check the directory, its permissions and space."
        ) from None


def load_plan(path: FilePath, *, environment: str | None = None) -> Plan:
    """Read a plan file and check that it is whole, unedited and of this environment; raises PlanFileError."""
    return load_saved(path, environment=environment).plan


def load_saved(
    path: FilePath,
    *,
    environment: str | None = None,
    now: datetime | None = None,
    check: Callable[[bytes], None] | None = None,
) -> Saved:
    """Read a plan file with its expiry; raises PlanFileError, and StalePlan for one that has expired `now`.

    `check` gets the exact bytes before any of them is parsed.
    """
    content = read_content(path, MAX_BYTES)
    if check is not None:
        check(content)
    saved = _read(path, content)
    if environment is not None and saved.plan.environment != environment:
        raise PlanFileError(
            f"{path} was made for the environment {saved.plan.environment!r}, not for {environment!r}",
            hint="Choose the plan's environment, or make a plan for this one.",
        )
    if now is not None and saved.expires is not None and now >= saved.expires:
        raise StalePlan(f"{path} expired at {saved.expires.isoformat()}", hint="Make the plan again, and review it.")
    return saved


def _read(path: FilePath, content: bytes) -> Saved:
    try:
        return read_document(orjson.loads(content))
    except ValueError as error:
        raise PlanFileError(f"{path} is not a plan: {error}", hint="Make the plan again.") from None
    except PlanFileError as error:
        raise PlanFileError(f"{path}: {error.message}", hint=error.hint) from None


def read_content(path: FilePath, limit: int) -> bytes:
    """Return the content of a regular file; raises PlanFileError."""
    try:
        return read_capped(path, limit)
    except OSError as error:
        raise PlanFileError(f"cannot read {path}: {error.strerror or error}", hint="Check the path.") from None
    except ValueError as error:
        raise PlanFileError(f"{path} is not a plan: {error}", hint="Check the path.") from None


def read_capped(path: FilePath, limit: int) -> bytes:
    """Return the content of a regular file; raises OSError, or ValueError when it is larger than the limit."""
    # Without O_NONBLOCK, opening a pipe would wait for its writer before anything can be checked.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("not a regular file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    finally:
        os.close(handle)
    if len(content) > limit:
        raise ValueError(f"larger than {limit:,} bytes")
    return content


def write_whole(path: FilePath, content: bytes) -> None:
    """Replace a file in one step and sync it: after a crash it is the old or the new one; raises OSError."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = FilePath(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_directory(path.parent)


def sync_directory(directory: FilePath) -> None:
    """Make names that were just written to a directory survive a power cut; raises OSError."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _replaceable(path: FilePath) -> bool:
    # A link is refused rather than followed or replaced: `--out /dev/stdout` is one, and so is a trap.
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return True
