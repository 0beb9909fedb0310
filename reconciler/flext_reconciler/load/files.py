"""Finds and reads the YAML files of a desired state, and nothing outside it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath

from ..errors import DesiredStateError, FlextError, Place, Problem
from ..references import read_inside
from .problems import Problems
from .wording import printable

ENVIRONMENTS = "environments"
SUFFIXES = (".yaml", ".yml")
MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_TOTAL_BYTES = 64 * 1024 * 1024

_INIT = "`flext init` writes a first one"


@dataclass(frozen=True)
class Tree:
    """A desired-state directory; `only` is set when a single file of it was asked for."""

    root: FilePath
    shown: str  # as messages call the root; empty for the current directory
    only: str | None = None

    @classmethod
    def at(cls, path: FilePath) -> Tree:
        """Recognise a desired-state directory, or a YAML file inside one."""
        try:
            real = path.resolve(strict=True)
            mode = real.stat().st_mode
        except (OSError, RuntimeError, ValueError):
            raise _refused(path, "there is no such file or directory", _INIT) from None
        if stat.S_ISDIR(mode):
            return cls(real, _shown(real))
        if not stat.S_ISREG(mode):
            raise _refused(path, "neither a directory nor a regular file")
        root = next((above for above in real.parents if (above / ENVIRONMENTS).is_dir()), None)
        if root is None:
            raise _refused(path, f"no directory above this file holds {ENVIRONMENTS}/", _INIT)
        return cls(root, _shown(root), real.relative_to(root).as_posix())

    def show(self, relative: str) -> str:
        """Return what messages call a file, without the machine's own directories."""
        return printable("/".join(part for part in (self.shown, relative) if part)) or "."

    def place(self, relative: str = "") -> Place:
        """Return the place of a file as a whole."""
        return Place(self.show(relative), 1, 1)

    def files(self, problems: Problems) -> Iterator[str]:
        """Yield the document files, relative and sorted; hidden ones and the environments are left out."""
        if self.only is not None:
            yield self.only
            return
        found = sorted(self._walk(problems))
        if not found:
            problems.add(self.place(), "no resources found: no file here ends in .yaml or .yml", _INIT)
        yield from found

    def _walk(self, problems: Problems) -> Iterator[str]:
        def unreadable(error: OSError) -> None:
            problems.add(self.place(self._relative(error.filename)), f"cannot be read: {error.strerror}")

        for above, directories, files in os.walk(self.root, onerror=unreadable):
            prefix = self._relative(above)
            for name in files:
                if name.endswith(SUFFIXES) and not name.startswith("."):
                    yield prefix + name
            for name in tuple(directories):
                if name.startswith(".") or (not prefix and name == ENVIRONMENTS):
                    directories.remove(name)
                else:
                    self._judge_directory(prefix + name, problems)

    def _judge_directory(self, relative: str, problems: Problems) -> None:
        if relative.endswith(SUFFIXES):
            problems.add(self.place(relative), "a directory where a file should be", "rename it")
        elif (self.root / relative).is_symlink():
            problems.add(self.place(relative), "links to directories are not followed", "move the directory here")

    def _relative(self, path: str) -> str:
        relative = os.path.relpath(path, self.root)
        return "" if relative == "." else relative + "/"

    def read(self, relative: str, problems: Problems) -> bytes | None:
        """Return a file's bytes, or None when it is refused."""
        try:
            return read_inside(self.root, relative, MAX_FILE_BYTES)
        except FlextError as error:
            problems.add(self.place(relative), error.message.removeprefix(f"{relative} "), error.hint)
            return None


def _shown(root: FilePath) -> str:
    here = FilePath.cwd().resolve()
    return "" if root == here else root.relative_to(here).as_posix() if root.is_relative_to(here) else root.name


def _refused(path: FilePath, message: str, hint: str = "") -> DesiredStateError:
    shown = path.name if path.is_absolute() else str(path)
    return DesiredStateError([Problem(Place(printable(shown), 1, 1), message, hint)])
