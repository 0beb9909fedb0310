"""Rules about what may stand where, beyond what the linters know."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib

import pytest

from .source import ROOT, imports, shown, sources, tree

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
_OWNER = re.compile(r'^    "([A-Za-z0-9-]+)[^"]*",\s*# (.+)$', re.MULTILINE)
_MODULE = {"pyyaml": "yaml", "types-pyyaml": "yaml"}


def _owners():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text[text.index("dependencies = [") : text.index("[project.scripts]")]
    for name, owners in _OWNER.findall(block):
        yield _MODULE.get(name, name.replace("-", "_")), tuple(re.findall(r"`([^`]+)`", owners))


OWNERS = dict(_owners())


def test_every_dependency_names_its_owner():
    names = {re.match(r"[A-Za-z0-9-]+", line)[0] for line in PROJECT["project"]["dependencies"]}
    assert {_MODULE.get(name, name) for name in names} == set(OWNERS)
    assert all(OWNERS.values())


@pytest.mark.parametrize("package", sorted(OWNERS))
def test_only_the_owner_imports_a_dependency(package):
    users = {shown(path) for path in sources() for name, _ in imports(path) if name == package}
    allowed = OWNERS[package]
    strangers = [user for user in users if not any(f"/{owner}" in user for owner in allowed)]
    assert not strangers, f"{package} belongs to {allowed}"
    assert users, f"{package} is not used"


def test_only_the_command_line_ends_the_process_or_reads_the_environment():
    found = []
    for path in sources():
        if "/cli/" in shown(path) or path.name == "__main__.py":
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                name = f"{node.value.id}.{node.attr}"
                if name in {"sys.exit", "os.environ", "os._exit", "os.getenv", "sys.stdout"}:
                    found.append(f"{shown(path)}:{node.lineno} {name}")
    assert not found


def test_a_broad_except_stands_in_two_rooms_only():
    found = []
    for path in sources():
        for node in ast.walk(tree(path)):
            broad = isinstance(node, ast.ExceptHandler) and (
                node.type is None
                or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
            )
            if broad:
                found.append(shown(path).split("/")[2])
    assert set(found) <= {"apply", "cli"}


def test_nothing_tracked_names_a_registry_or_a_path_of_a_machine():
    pattern = r"(^|[^A-Za-z0-9_.])/(work|farm|root)/|pypi\.org|pythonhosted|registry\.npmjs|proxy\.golang"
    found = subprocess.run(
        ["git", "grep", "-nIE", pattern, "--", ".", ":!tests/repository/test_rules.py"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.stdout == ""


def test_the_locked_requirements_are_hashed_and_name_no_index():
    text = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)
    assert len(pinned) > 30
    assert text.count("--hash=sha256:") >= len(pinned)
    assert "index-url" not in text
    assert "://" not in text
