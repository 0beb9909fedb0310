"""Every case of `tests/cases/load` gives exactly what it says, cold and from the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import load_cases

CASES = {path.stem: load_cases.read_case(path) for path in load_cases.CASES}
SOUND = sorted(name for name, case in CASES.items() if "resources" in case)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    directory = tmp_path / "desired-state"
    directory.mkdir()
    return directory


@pytest.mark.parametrize("name", CASES)
def test_a_case_gives_what_it_says(name: str, root: Path):
    case = CASES[name]
    load_cases.write_files(case, root)
    found = load_cases.outcome(case, root)
    assert found.get("errors") == case.get("errors")
    assert spoken_of(found.get("resources", {}), case.get("resources", {})) == case.get("resources", {})


def spoken_of(found: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    return {
        address: {key: item for key, item in resource.items() if key in said.get(address, resource)}
        for address, resource in found.items()
    }


@pytest.mark.parametrize("name", SOUND)
def test_a_case_loads_the_same_from_the_cache(name: str, root: Path, tmp_path: Path):
    load_cases.write_files(CASES[name], root)
    cold = load_cases.load_case(CASES[name], root, cache=tmp_path / "cache")
    before = (tmp_path / "cache" / "documents.json").stat()
    assert load_cases.load_case(CASES[name], root, cache=tmp_path / "cache") == cold
    assert (tmp_path / "cache" / "documents.json").stat() == before


def test_no_case_shows_the_value_of_a_secret():
    assert not [path.stem for path in load_cases.CASES if "s3cret-value" in path.read_text()]
