"""Which revision of the desired state a plan is made from."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

_SECONDS = 5
_REVISION = re.compile(r"[0-9a-f]{40,64}")


def revision_of(root: Path) -> str:
    """Return Git's revision of a folder; nothing when it is in no repository, or Git does not answer in time."""
    git = shutil.which("git")
    if git is None:
        return ""
    try:
        ended = subprocess.run(  # noqa: S603 - a fixed command, no shell
            [git, "-C", str(root), "rev-parse", "--verify", "--quiet", "HEAD"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    found = ended.stdout.decode("ascii", "replace").strip()
    return found if ended.returncode == 0 and _REVISION.fullmatch(found) else ""
