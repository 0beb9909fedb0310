"""Runs the real command in processes of its own, forked from one that has imported everything already.

A process costs what its work costs, not what Python's start does, so that hundreds can be killed. The server is one
thread that does nothing but fork and wait.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_IMPORTED = (
    "deepdiff",
    "httpx",
    "psycopg",
    "rich.progress",
    "sqlalchemy",
    "sqlite3",
    "stamina",
    "uvicorn",
    "yaml",
    "flext_providers.flexcore.provider",
    "flext_providers.flext_service.provider",
    "flext_reconciler.apply",
    "flext_reconciler.cli.apply",
    "flext_reconciler.ledger.postgres",
    "flext_reconciler.ledger.sqlite",
    "flext_reconciler.load",
    "flext_reconciler.planfile.document",
)


@dataclass
class Child:
    """A command that was started; wait for it before anything is asked of what it left."""

    pid: int
    output: Path
    _server: ForkServer

    def wait(self) -> int:
        """Return its exit code, or minus the signal that ended it."""
        status: int = self._server.ask({"wait": self.pid})
        return status

    @property
    def text(self) -> str:
        """Everything that it printed."""
        return self.output.read_text(encoding="utf-8", errors="replace")


class ForkServer:
    """Starts commands in a folder; also a context manager."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = dict(environ)
        self._started = 0

    def __enter__(self) -> ForkServer:
        paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
        self._process = subprocess.Popen(
            [sys.executable, "-c", "import fork_server; fork_server.serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": paths},
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def start(self, *args: str, **environ: str) -> Child:
        """Start a command and return at once."""
        self._started += 1
        output = self._folder / f"output-{self._started % 64}"
        pid = self.ask({"args": args, "environ": {**self._environ, **environ}, "output": str(output)})
        return Child(pid, output, self)

    def run(self, *args: str) -> Child:
        """Run a command to its end, which must be a success."""
        child = self.start(*args)
        code = child.wait()
        assert code == 0, f"flext {' '.join(args)} ended with {code}: {child.text}"
        return child

    def ask(self, wish: Mapping[str, Any]) -> int:
        """Ask the server and return the number that it answers with."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(wish) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def serve() -> None:
    """Fork and wait as told on standard input, until it ends."""
    import gc
    import importlib

    for name in _IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        wish = json.loads(line)
        if "wait" in wish:
            _, status = os.waitpid(wish["wait"], 0)
            _answer(os.waitstatus_to_exitcode(status))
            continue
        pid = os.fork()
        if pid == 0:
            _become(wish)
        _answer(pid)


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _become(wish: Mapping[str, Any]) -> None:
    from flext_reconciler.cli.main import run

    os.environ.clear()
    os.environ.update(wish["environ"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(wish["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for handle, standard in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(handle, standard)
    code = 70
    try:
        code = run(wish["args"])
        sys.stdout.flush()
    finally:
        os._exit(code)
