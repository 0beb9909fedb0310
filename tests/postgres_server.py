"""A PostgreSQL of the tests' own: on a socket in a folder of its own, run by a user of its own, gone when they end."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


class PostgresServer:
    """A running server; tests share its one database and each begin without any schema of flext's."""

    def __init__(self, folder: Path, pid: int) -> None:
        self.url = f"postgresql://flext@/postgres?host={folder}"
        self.pid = pid

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Execute a statement behind flext's back, and return its rows."""
        import psycopg  # slow to import, and every test loads this file

        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def empty(self) -> None:
        """Drop every ledger."""
        for (schema,) in self.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'flext%'"):
            self.execute(f'DROP SCHEMA "{schema}" CASCADE')

    @contextmanager
    def synced(self) -> Iterator[None]:
        """Let commits reach the disk, as a server that is not a test's does."""
        self._sync("on")
        yield
        self._sync("off")

    def _sync(self, setting: str) -> None:
        self.execute(f"ALTER SYSTEM SET fsync = {setting}")
        self.execute("SELECT pg_reload_conf()")


def _program(name: str) -> str | None:
    return shutil.which(name) or next((str(found / name) for found in _DEBIAN if (found / name).exists()), None)


def _user() -> dict[str, Any]:
    """The keywords that let a process run as somebody whom PostgreSQL accepts: anybody but root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Start a server and stop it; skips the test where there is none."""
    initdb, postgres = _program("initdb"), _program("postgres")
    if initdb is None or postgres is None:
        pytest.skip("no PostgreSQL here: initdb and postgres are not installed (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="flext-pg-"))
    user = _user()
    if user:
        os.chown(folder, user["user"], user["group"])

    data = folder / "data"
    try:
        subprocess.run(
            [initdb, "-D", str(data), "-U", "flext", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True, stdout=subprocess.DEVNULL, cwd=folder, **user,
        )  # fmt: skip
        settings = {"listen_addresses": "", "unix_socket_directories": folder, "fsync": "off", "shared_buffers": "16MB"}
        with subprocess.Popen(
            [postgres, "-D", str(data), *(f"-c{name}={value}" for name, value in settings.items())],
            stderr=subprocess.PIPE, text=True, cwd=folder, preexec_fn=_die_with_us, **user,
        ) as server:  # fmt: skip
            reader = threading.Thread(target=deque, args=(server.stderr, 0), daemon=True)
            try:
                _wait(server)
                reader.start()  # what is not read could keep the server from saying more
                yield PostgresServer(folder, server.pid)
            finally:
                server.send_signal(signal.SIGQUIT)
                server.wait()
                if reader.ident is not None:
                    reader.join()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _die_with_us() -> None:
    """Let the kernel end the server when the tests are killed and cannot."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGQUIT)


def _wait(server: subprocess.Popen[str]) -> None:
    """Read what the server says until it answers."""
    assert server.stderr is not None
    said = []
    for line in server.stderr:
        said.append(line)
        if "ready to accept connections" in line:
            return
    raise AssertionError("".join(said))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests of a process."""
    with running_postgres() as server:
        yield server
