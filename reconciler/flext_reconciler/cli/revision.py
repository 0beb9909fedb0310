"""Which revision of the desired state a plan is made from, and whether that revision holds what the plan was made from.

Git is asked for names only: what is in the folder is compared here, for looking at a work tree can make Git run what
the configuration of that repository names (filters, a file-system monitor), and nobody has vouched for it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..load.files import ENVIRONMENTS, SUFFIXES, Tree
from ..load.problems import Problems

_SECONDS = 5
_REVISION = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_OURS = ("PATH", "HOME", "XDG_CONFIG_HOME")  # the user's own configuration says which folders Git may trust
_QUIET = {
    "GIT_ALLOW_PROTOCOL": "none",  # what is missing from a partial clone is not fetched
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}

DIRTY = "-dirty"
"""Follows a revision that does not hold the files as they are: changed, added or removed since it was committed."""


def revision_of(root: Path, environment: str) -> str:
    """Return Git's revision of a folder; nothing when it is in no repository, or Git does not answer in time."""
    head = (_git(root, "rev-parse", "--verify", "--quiet", "HEAD") or b"").decode("ascii", "replace").strip()
    listed = _git(root, "ls-tree", "-r", "-z", "HEAD") if _REVISION.fullmatch(head) else None
    if listed is None:
        return ""
    algorithm = "sha1" if len(head) == 40 else "sha256"
    committed = {path: name for path, name in _committed(listed) if _is_read(path, environment)}
    return head if committed == dict(_present(root, environment, algorithm)) else head + DIRTY


def _git(root: Path, *words: str) -> bytes | None:
    """Return what Git answers; nothing when it fails, is not there or takes its time."""
    git = shutil.which("git")
    if git is None:
        return None
    try:
        ended = subprocess.run(  # noqa: S603 - a fixed command, no shell
            [git, "--no-pager", "-C", str(root), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env=_environ(os.environ),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ended.stdout if ended.returncode == 0 else None


def _environ(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: environ[name] for name in _OURS if name in environ} | _QUIET


def _committed(listed: bytes) -> Iterator[tuple[str, str]]:
    """Yield the path and the name of every object in the answer of `git ls-tree -z`."""
    for entry in listed.split(b"\0")[:-1]:
        about, _, path = entry.partition(b"\t")
        yield os.fsdecode(path), about.split()[2].decode()


def _is_read(path: str, environment: str) -> bool:
    """Tell whether flext reads a file: as `Tree.files` chooses them, and the file of the environment."""
    folder, _, name = path.rpartition("/")
    if folder == ENVIRONMENTS or folder.startswith(f"{ENVIRONMENTS}/"):
        return path in _environments(environment)
    return name.endswith(SUFFIXES) and not any(part.startswith(".") for part in path.split("/"))


def _environments(environment: str) -> set[str]:
    return {f"{ENVIRONMENTS}/{environment}{suffix}" for suffix in SUFFIXES}


def _present(root: Path, environment: str, algorithm: str) -> Iterator[tuple[str, str]]:
    """Yield the path of every file that flext reads, and the name that its content has in Git."""
    tree, problems = Tree.at(root), Problems()
    files = set(tree.files(problems)) | {path for path in _environments(environment) if (root / path).exists()}
    for path in files:
        content = _content(tree, path, problems)
        digest = hashlib.new(algorithm, b"blob %d\0" % len(content), usedforsecurity=False)
        digest.update(content)
        yield path, digest.hexdigest()


def _content(tree: Tree, path: str, problems: Problems) -> bytes:
    """Return what Git keeps of a file: of a link, where it leads."""
    if (tree.root / path).is_symlink():
        return os.fsencode((tree.root / path).readlink())
    return tree.read(path, problems) or b""
