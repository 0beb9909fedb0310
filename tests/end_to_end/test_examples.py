"""The example platform and the demo work as they are shipped."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def example(house):
    shutil.rmtree(house.root / "desired-state")
    shutil.copytree(ROOT / "desired-state", house.root / "desired-state", ignore=shutil.ignore_patterns(".flext"))
    house.environ["WMS_PASSWORD"] = "only-an-example"
    return house


def test_the_example_is_valid_everywhere(example):
    assert example.flext("validate", "-e", "dev").code == 0
    tokens = {"FLEXCORE_TOKEN": "x", "FLEXT_TOKEN": "y"}
    assert example.flext("validate", "-e", "prod", environ=tokens).code == 0


def test_the_example_is_applied_once_and_then_left_alone(example):
    example.environ["FLEXT_ENVIRONMENT"] = "dev"
    planned = example.flext("plan", "--json")
    assert planned.json["blocked"] == []
    assert "only-an-example" not in planned.out
    example.apply()
    assert example.flext("plan", "--detailed-exitcode").code == 0
    exported = example.flext("export")
    assert exported.code == 0, exported.err
    assert "only-an-example" not in exported.out


def test_the_example_says_what_it_needs(example):
    del example.environ["WMS_PASSWORD"]
    missing = example.flext("validate", "-e", "dev")
    assert missing.code == 1
    assert "WMS_PASSWORD" in missing.err


def test_the_demo_ends_well_and_leaves_nothing_behind(tmp_path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    before = sorted((ROOT / "desired-state").rglob("*"))
    done = subprocess.run(
        ["bash", str(ROOT / "docs" / "demo.sh")],
        cwd=tmp_path, env={"PATH": path, "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "LANG": "C.UTF-8"},
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every step ended as it should" in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert sorted((ROOT / "desired-state").rglob("*")) == before
