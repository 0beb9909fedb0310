"""Files that a process locks for as long as it lives: the kernel lets go of them when it dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path as FilePath

from ..errors import LedgerError, Locked

_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class LockFile:
    """A file made and locked by this process; raises Locked when another process has it, or LedgerError."""

    def __init__(self, path: FilePath) -> None:
        self._path = path
        try:
            self._handle = os.open(path, _FLAGS | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unusable(path, error) from None
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._handle)
            raise Locked("the lock is just being taken by another process", hint="Run the command again.") from None
        except OSError as error:
            os.close(self._handle)
            raise _unusable(path, error) from None

    def release(self) -> None:
        """Remove the file and let go of it; the name is never used again, so nobody waits for it."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        os.close(self._handle)


def is_locked(path: FilePath) -> bool:
    """Tell whether a process holds a lock file; raises LedgerError when that cannot be found out."""
    try:
        handle = os.open(path, _FLAGS)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unusable(path, error) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: those who only look do not get in each other's way
    except BlockingIOError:
        return True
    except OSError as error:
        raise _unusable(path, error) from None
    finally:
        os.close(handle)
    return False


def _unusable(path: FilePath, error: OSError) -> LedgerError:
    return LedgerError(
        f"the lock {path} cannot be used: {error.strerror or error}",
        hint="The ledger needs a local file system that it may write to.",
    )
