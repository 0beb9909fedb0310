"""The ledger's directory and the names inside: ours alone, and never a link to somewhere else."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path as FilePath

from ..errors import LedgerError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


def database_path(directory: FilePath, environment: str) -> FilePath:
    """Return where an environment's database stands; raises LedgerError for a name that is no file name."""
    check_name(environment)
    return directory / f"{environment}.db"


def rescue_files(directory: FilePath, environment: str) -> tuple[FilePath, ...]:
    """Return the rescue files of an environment that nobody has taken back yet, oldest run first."""
    named = re.compile(rf"{re.escape(environment)}\.rescue-([0-9]{{1,9}})-[0-9a-f]+\.json")
    found = [(int(match[1]), path) for path in _listed(directory) if (match := named.fullmatch(path.name))]
    return tuple(path for _, path in sorted(found))


def _listed(directory: FilePath) -> list[FilePath]:
    try:
        return list(directory.iterdir())
    except OSError:  # a ledger in a database has a directory only once it needed one
        return []


def check_name(environment: str) -> None:
    """Refuse a name that could lead anywhere else; raises LedgerError."""
    if not _NAME.fullmatch(environment):
        raise LedgerError(
            f"{environment!r} cannot name a ledger",
            hint="Name the environment with letters, digits, `.`, `_` and `-`.",
        )


def prepare(directory: FilePath) -> None:
    """Make the directory when it is missing, hidden from Git; refuse one that others can write. Raises OSError too."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise LedgerError(f"{directory} is a link, not a directory", hint="Remove it; flext makes the directory.")
    _check_owner(directory, found)
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise LedgerError(f"{directory} can be written by other users", hint=f"Run `chmod go-w {directory}`.")
    with suppress(FileExistsError):
        handle = os.open(directory / ".gitignore", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write("*\n")


def check_file(path: FilePath) -> bool:
    """Tell whether the database exists, made private when it is not; refuse what is not ours. Raises OSError too."""
    for name in (path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm", "-journal"))):
        with suppress(FileNotFoundError):
            found = name.lstat()
            if not stat.S_ISREG(found.st_mode):
                raise LedgerError(f"{name} is not a regular file", hint="Move it away: it could lead anywhere.")
            _check_owner(name, found)
            if stat.S_IMODE(found.st_mode) & 0o177:
                name.chmod(0o600)
    return path.exists()


def _check_owner(path: FilePath, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise LedgerError(
            f"{path} belongs to another user", hint="Run flext as its owner, or move it away to start a new ledger."
        )
