"""The revision that a plan is said to be made from: true, or marked, and found out without running anything."""

from __future__ import annotations

import subprocess

import pytest

from flext_reconciler.cli.revision import revision_of

FILES = {
    "desired/a.yaml": "kind: a\n",
    "desired/deep/b.yml": "kind: b\n",
    "desired/environments/dev.yaml": "services: {}\n",
    "desired/environments/prod.yaml": "services: {}\n",
    "desired/notes.md": "read by people\n",
    "README.md": "elsewhere\n",
}


def git(root, *words):
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.test")
    ended = subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True, text=True)
    return ended.stdout.strip()


def write(root, path, text):
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


@pytest.fixture(params=["sha1", "sha256"])
def repository(request, tmp_path):
    for path, text in FILES.items():
        write(tmp_path, path, text)
    (tmp_path / "desired/link.yaml").symlink_to("a.yaml")
    git(tmp_path, "init", "-q", f"--object-format={request.param}")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def told(repository):
    return revision_of(repository / "desired", "dev").removeprefix(git(repository, "rev-parse", "HEAD")) or "clean"


@pytest.mark.parametrize(
    ("happens", "mark"),
    [
        (lambda root: None, "clean"),
        (lambda root: write(root, "desired/a.yaml", "kind: c\n"), "-dirty"),
        (lambda root: (write(root, "desired/a.yaml", "kind: c\n"), git(root, "add", ".")), "-dirty"),
        (lambda root: write(root, "desired/new.yaml", "kind: c\n"), "-dirty"),
        (lambda root: (root / "desired/deep/b.yml").unlink(), "-dirty"),
        (lambda root: write(root, "desired/environments/dev.yaml", "vars: {}\n"), "-dirty"),
        (lambda root: write(root, "desired/environments/prod.yaml", "vars: {}\n"), "clean"),
        (lambda root: write(root, "desired/notes.md", "more\n"), "clean"),
        (lambda root: write(root, "desired/.flext/x.yaml", "more\n"), "clean"),
        (lambda root: write(root, "README.md", "more\n"), "clean"),
    ],
)
def test_a_revision_that_does_not_hold_what_is_read_is_marked(repository, happens, mark):
    happens(repository)
    assert told(repository) == mark


def test_nothing_that_a_repository_names_is_run(repository, monkeypatch):
    program = repository / "program"
    program.write_text(f"#!/bin/sh\ntouch {repository}/ran\ncat\n")
    program.chmod(0o755)
    for setting in ("core.fsmonitor", "core.pager", "core.sshCommand", "filter.x.clean", "filter.x.process"):
        git(repository, "config", setting, str(program))
    git(repository, "config", "core.hooksPath", str(repository))
    (repository / "post-index-change").symlink_to(program)
    write(repository, ".gitattributes", "* filter=x\n")
    write(repository, "desired/a.yaml", "kind: c\n")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert revision_of(repository / "desired", "dev").endswith("-dirty")
    assert not (repository / "ran").exists()


def test_without_a_repository_or_without_git_there_is_none(tmp_path, monkeypatch):
    write(tmp_path, "a.yaml", "kind: a\n")
    assert revision_of(tmp_path, "dev") == ""
    git(tmp_path, "init", "-q")
    assert revision_of(tmp_path, "dev") == "", "nothing was committed"
    monkeypatch.setenv("PATH", "")
    assert revision_of(tmp_path, "dev") == ""
