"""The budgets that keep the house liveable."""

from __future__ import annotations

import inspect
import statistics
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from .source import SOURCE_ROOTS, code_lines, functions, length, shown, sources

FILE, FILE_MEDIAN = 300, 100
FUNCTION, FUNCTION_MEDIAN = 45, 10
FIRST_KIND, FURTHER_KIND = 320, 150  # lines of a provider's own code: docs/adr/0011
VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "manager", "core", "misc"}
PROVIDERS = [found.load() for found in entry_points(group="flext.providers")]


def _lines(path):
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_file_is_longer_than_its_budget():
    long = {shown(path): _lines(path) for path in sources() if _lines(path) > FILE}
    assert not long, f"split these along what they own: {long}"


def test_the_median_file_is_short():
    assert statistics.median(_lines(path) for path in sources()) <= FILE_MEDIAN


def test_no_function_is_longer_than_its_budget():
    long = {
        f"{shown(path)}:{node.lineno} {node.name}": length(node)
        for path in sources()
        for node in functions(path)
        if length(node) > FUNCTION
    }
    assert not long, f"split these: {long}"


def test_the_median_function_is_short():
    assert statistics.median(length(node) for path in sources() for node in functions(path)) <= FUNCTION_MEDIAN


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_no_provider_is_longer_than_its_kinds_need(provider):
    folder = Path(inspect.getfile(type(provider))).parent
    lines = {path.name: code_lines(path) for path in folder.glob("*.py")}
    assert sum(lines.values()) <= FIRST_KIND + FURTHER_KIND * (len(provider.kinds) - 1), lines


def test_every_file_has_a_name_that_says_what_it_owns():
    vague = [shown(path) for path in sources() if VAGUE & set(path.relative_to(path.parents[1]).with_suffix("").parts)]
    assert not vague


def test_every_folder_is_a_package():
    folders = {path.parent for path in sources()}
    assert not [shown(folder) for folder in folders if not (folder / "__init__.py").exists()]
    assert all((root / "py.typed").exists() for root in SOURCE_ROOTS)
