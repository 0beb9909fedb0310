"""Remembers what unchanged files hold, so that they need not be parsed again.

One file holds what the last load read, by the digest of each file's bytes; anything odd about it is a miss. It must
lie in a private directory, be private itself, and carry inside the very time its file system says: what git checks out
has neither, so a pull request cannot bring along a cache that says something else than its YAML.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path as FilePath
from typing import Any

import orjson

from .. import __version__
from .parsed import Document

_FORMAT = 1
_NAME = "documents.json"
_MAX_BYTES = 256 * 1024 * 1024

Files = Mapping[str, tuple[Document, ...]]
"""Digest of a file's bytes → its documents."""


def digest(data: bytes) -> str:
    """Return the key of a file's bytes, which also changes with every version of flext."""
    return hashlib.sha256(b"%d %s\0" % (_FORMAT, __version__.encode()) + data).hexdigest()


def recall(directory: FilePath | None) -> Files:
    """Return what the last load read, or nothing."""
    if directory is None:
        return {}
    with suppress(OSError, ValueError, TypeError):
        body = _sealed_body(directory)
        return {
            key: tuple(Document(value, line, column, tuple(map(tuple, marked))) for value, line, column, marked in held)
            for key, held in orjson.loads(body).items()
        }
    return {}


def _sealed_body(directory: FilePath) -> bytes:
    if not _is_private(os.lstat(directory), stat.S_ISDIR):
        raise ValueError("not a private directory")
    descriptor = os.open(directory / _NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not _is_private(status, stat.S_ISREG) or status.st_size > _MAX_BYTES:
            raise ValueError("not a private file")
        seal, _, body = file.read().partition(b"\n")
    if seal != _seal(body, status.st_mtime_ns):
        raise ValueError("not what was written")
    return body


def _is_private(status: os.stat_result, is_type: Any) -> bool:
    return bool(is_type(status.st_mode)) and status.st_uid == os.geteuid() and not status.st_mode & 0o077


def _seal(body: bytes, written: int) -> bytes:
    return b"%d %s" % (written, hashlib.sha256(body).hexdigest().encode())


def remember(directory: FilePath | None, files: Files) -> None:
    """Keep what was read for the next load; failing to is no problem."""
    if directory is None or directory.is_symlink():
        return
    with suppress(OSError, TypeError):
        body = orjson.dumps({key: list(documents) for key, documents in sorted(files.items())}, default=list)
        if len(body) > _MAX_BYTES:
            return
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        _replace(directory, body)


def _replace(directory: FilePath, body: bytes) -> None:
    written = time.time_ns()
    descriptor, name = tempfile.mkstemp(dir=directory, prefix=".documents-")  # born 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_seal(body, written) + b"\n" + body)
        os.utime(name, ns=(written, written))
        os.replace(name, directory / _NAME)  # noqa: PTH105 - atomic on purpose
    except OSError:
        FilePath(name).unlink(missing_ok=True)
        raise
