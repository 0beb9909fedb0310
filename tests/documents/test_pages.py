"""Every `console` block of the README and of docs/ is executed, in order, one temporary folder a page.

`$ ` starts a command; what follows is what it prints on a terminal-less stream. A line that is only `…` stands for any
number of lines, and `…` inside a line for any text.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if "```console" in page.read_text(encoding="utf-8")
]
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def steps(text):
    """Yield (command, expected output) of each step on a page."""
    for block in _BLOCK.findall(text):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, expected = step.partition("\n")
            while command.endswith("\\"):
                more, _, expected = expected.partition("\n")
                command = f"{command[:-1]}{more.removeprefix('>').strip()}"
            while "<<" in command and expected.startswith(">"):
                more, _, expected = expected.partition("\n")
                command += f"\n{more[2:]}"
            yield command, expected


def pattern(expected):
    """The regular expression that the expected output stands for."""
    lines = []
    for line in expected.rstrip("\n").split("\n"):
        if line.strip() == "…":
            lines.append(r"(?:.*\n)*?")
        else:
            lines.append(".*?".join(re.escape(part.rstrip()) for part in line.split("…")) + r"[ ]*\n")
    return re.compile("".join(lines))


def run(command, folder):
    """Run one step as a reader would, without a terminal."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8", "FLEXT_WHO": "you@example"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environ, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_shows_is_what_happens(page, tmp_path):
    found = list(steps(page.read_text(encoding="utf-8")))
    assert found
    for command, expected in found:
        printed = run(command, tmp_path)
        wanted = pattern(expected) if expected.strip() else re.compile(r"\n*")
        printed = printed if printed.endswith("\n") or not printed else f"{printed}\n"
        assert wanted.fullmatch(printed), f"$ {command}\n--- shown\n{expected}--- printed\n{printed}"


@pytest.mark.parametrize(
    "page", [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"], ids=lambda page: page.name
)
def test_every_link_to_a_file_leads_somewhere(page):
    text = page.read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text) if "://" not in target]
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing
