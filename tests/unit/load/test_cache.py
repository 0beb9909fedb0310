"""The parse cache: only what this machine wrote for these bytes is ever believed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import orjson
import pytest

import load_cases
from flext_reconciler.load import cache

DATA = b"kind: plugin\nname: wms-runtime\nspec: {type: t, config: {token: '${env:TOKEN}'}}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    directory = tmp_path / "desired-state"
    load_cases.write_files({"files": {"a.yaml": DATA.decode()}}, directory)
    return directory


@pytest.fixture
def kept(root: Path, tmp_path: Path) -> Path:
    load_cases.load_case({}, root, cache=tmp_path / "cache")
    return tmp_path / "cache" / "documents.json"


def names(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.iterdir())


def test_it_is_private_and_holds_what_was_read(kept):
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert kept.stat().st_mode & 0o777 == 0o600
    assert list(cache.recall(kept.parent)) == [cache.digest(DATA)]
    assert names(kept.parent) == ["documents.json"]


def poisoned(body: bytes) -> bytes:
    return body.replace(b'"type":"t"', b'"type":"evil"')


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 10)


def edited(file: Path) -> None:
    file.write_bytes(poisoned(file.read_bytes()))


def sealed_again(file: Path) -> None:
    seal, _, body = file.read_bytes().partition(b"\n")
    digest = hashlib.sha256(poisoned(body)).hexdigest().encode()
    file.write_bytes(seal.split()[0] + b" " + digest + b"\n" + poisoned(body))


def readable_by_others(file: Path) -> None:
    file.chmod(0o644)


def in_an_open_directory(file: Path) -> None:
    file.parent.chmod(0o755)


def linked(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")


def of_another_shape(file: Path) -> None:
    body = orjson.dumps({cache.digest(DATA): [1, 2]})
    cache._replace(file.parent, body)


def a_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGE = [cut, edited, sealed_again, readable_by_others, in_an_open_directory, linked, of_another_shape, a_directory]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_damage_is_a_miss_and_is_mended(damage, kept, root):
    sound = load_cases.load_case({}, root)
    damage(kept)
    assert cache.recall(kept.parent) == {}
    assert load_cases.load_case({}, root, cache=kept.parent) == sound
    if damage is not a_directory:
        assert list(cache.recall(kept.parent)) == [cache.digest(DATA)]


def test_it_keeps_what_the_last_load_read_and_nothing_else(kept, root):
    (root / "a.yaml").write_bytes(DATA + b"# changed\n")
    load_cases.load_case({}, root, cache=kept.parent)
    assert list(cache.recall(kept.parent)) == [cache.digest(DATA + b"# changed\n")]


def test_another_version_of_flext_reads_again(kept, monkeypatch):
    before = cache.digest(DATA)
    monkeypatch.setattr(cache, "__version__", "99.0.0")
    assert cache.digest(DATA) != before


def test_a_cache_that_cannot_be_kept_is_no_problem(root, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(root)
    for directory in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "link"):
        assert load_cases.load_case({}, root, cache=directory).declaration.resources
    assert names(root) == ["a.yaml", "environments"]


def test_a_cache_grown_too_large_is_not_kept(root, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "_MAX_BYTES", 10)
    load_cases.load_case({}, root, cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
