"""Only regular files under the root are ever read, whatever stands in the directory."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

import load_cases
from flext_reconciler.errors import DesiredStateError
from flext_reconciler.load import files, load_environment

SOUND = "kind: plugin\nname: wms-runtime\nspec: {type: t}\n"
HEADED = "kind: plugin\nname: wms-runtime\nspec: {type: t, config: {x: "


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    load_cases.write_files({"files": {"a.yaml": SOUND}}, tmp_path / "desired-state")
    (tmp_path / "outside.yaml").write_text(SOUND.replace("wms-runtime", "outsider"))
    (tmp_path / "outside").mkdir()
    return tmp_path / "desired-state"


def problems(path: Path) -> list[str]:
    with pytest.raises(DesiredStateError) as caught:
        load_cases.load_case({}, path)
    return [f"{problem.place}: {problem.message}" for problem in caught.value.problems]


def link_out(root: Path) -> None:
    (root / "b.yaml").symlink_to(root.parent / "outside.yaml")


def link_nowhere(root: Path) -> None:
    (root / "b.yaml").symlink_to("nowhere")


def link_in_circles(root: Path) -> None:
    (root / "b.yaml").symlink_to("b.yaml")


def link_to_a_device(root: Path) -> None:
    (root / "b.yaml").symlink_to("/dev/zero")


def link_to_private_files(root: Path) -> None:
    (root / ".flext").mkdir()
    (root / ".flext" / "key").write_text(SOUND)
    (root / "b.yaml").symlink_to(".flext/key")


def linked_directory(root: Path) -> None:
    (root / "b").symlink_to(root.parent / "outside")


def directory_for_a_file(root: Path) -> None:
    (root / "b.yaml").mkdir()


def pipe(root: Path) -> None:
    os.mkfifo(root / "b.yaml")


def unix_socket(root: Path) -> None:
    os.chdir(root)  # the address of a socket must be short
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("b.yaml")
    os.chdir(root.parent)


def too_large(root: Path) -> None:
    with (root / "b.yaml").open("wb") as file:
        file.truncate(files.MAX_FILE_BYTES + 1)


OUTSIDE = "desired-state/b.yaml:1:1: lies outside the desired state"
REFUSED = {
    link_out: OUTSIDE,
    link_to_a_device: OUTSIDE,
    link_nowhere: "desired-state/b.yaml:1:1: cannot be read: No such file or directory",
    link_in_circles: "desired-state/b.yaml:1:1: cannot be read: a loop of links",
    link_to_private_files: "desired-state/b.yaml:1:1: is not a file of the desired state",
    linked_directory: "desired-state/b:1:1: links to directories are not followed",
    directory_for_a_file: "desired-state/b.yaml:1:1: a directory where a file should be",
    pipe: "desired-state/b.yaml:1:1: is not a regular file",
    unix_socket: "desired-state/b.yaml:1:1: cannot be read: No such device or address",
    too_large: f"desired-state/b.yaml:1:1: is larger than {files.MAX_FILE_BYTES:,} bytes",
}


@pytest.mark.parametrize("spoil", REFUSED, ids=lambda spoil: spoil.__name__)
def test_what_is_no_file_of_the_root_is_refused(spoil, root):
    spoil(root)
    assert problems(root) == [REFUSED[spoil]]


def test_a_link_that_stays_inside_is_followed(root):
    (root / "hidden").mkdir()
    (root / "hidden" / "real.txt").write_text(SOUND.replace("wms-runtime", "linked"))
    (root / "b.yaml").symlink_to("hidden/real.txt")
    names = [item.address.name for item in load_cases.load_case({}, root).declaration.resources]
    assert names == ["linked", "wms-runtime"]


def test_the_files_together_have_a_limit_too(root, monkeypatch):
    monkeypatch.setattr("flext_reconciler.load.sources.MAX_TOTAL_BYTES", len(SOUND))
    (root / "b.yaml").write_text(SOUND)
    assert problems(root) == [f"desired-state/b.yaml:1:1: the files together are larger than {len(SOUND)} bytes"]


def test_a_path_that_is_not_there_or_no_file(root, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "alone.yaml").write_text(SOUND)
    assert problems(Path("missing")) == ["missing:1:1: there is no such file or directory"]
    assert problems(Path("pipe")) == ["pipe:1:1: neither a directory nor a regular file"]
    assert problems(Path("alone.yaml")) == ["alone.yaml:1:1: no directory above this file holds environments/"]


@pytest.mark.parametrize("given", [".", "desired-state", "{absolute}"])
def test_no_message_names_the_machines_directories(given, root, tmp_path, monkeypatch):
    (root / "a.yaml").write_text("kind: [")
    if given == ".":
        monkeypatch.chdir(root)
    path = Path(given.format(absolute=root))
    shown = "a.yaml" if given == "." else "desired-state/a.yaml"
    assert all(problem.startswith(f"{shown}:") for problem in problems(path))
    monkeypatch.chdir("/")
    assert not any(str(tmp_path.parent.parent.name) == part for part in problems(root)[0].split("/")[:1])


@pytest.mark.parametrize(
    "path",
    ["../outside.yaml", "sub/../../outside.yaml", "/etc/hostname", "out", "sub/out", "~/x", "//etc/hostname", "sub",
     ".", "..", "sub/", "a.yaml/x", "C:\\\\x", "missing", ".git/config", "sub/../.flext/key",
     "x" * 180, "x" * 5000, ".hidden/out/x", "\u202ex"],
)  # fmt: skip
def test_no_reference_reads_outside_the_root(path, root):
    for directory in ("sub", ".git", ".flext", ".hidden"):
        (root / directory).mkdir()
    (root / ".git" / "config").write_text("x")
    (root / ".flext" / "key").write_text("x")
    (root / "out").symlink_to(root.parent / "outside.yaml")
    (root / "sub" / "out").symlink_to("../../outside.yaml")
    (root / ".hidden" / "out").symlink_to(root.parent / "outside")
    (root.parent / "outside" / "x").write_text("x")
    (root / "a.yaml").write_text(HEADED + f"'${{file:{path}}}'}}}}\n")
    assert [problem.partition(": ")[0] for problem in problems(root)] == ["desired-state/a.yaml:3:29"]


def test_load_environment_alone(root):
    environment = load_environment(root, "dev", load_cases.CATALOG, environ={})
    assert sorted(environment.services) == ["flexcore", "flext-service"]
    assert environment.kinds["flexcore", "vault"] is load_cases.Vault
    with pytest.raises(DesiredStateError, match=r"no environment `prod`"):
        load_environment(root, "prod", load_cases.CATALOG, environ={})
