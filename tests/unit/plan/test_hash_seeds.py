"""The same input gives the same plan whatever order Python's sets happen to have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[2]
SCRIPT = """
import plan_cases
for path in plan_cases.FILES:
    print(path.stem, repr(plan_cases.plan_of(plan_cases.load(path))))
"""


def plans(seed):
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(TESTS)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True, cwd=TESTS
    )
    return done.stdout.splitlines()


def test_plans_are_the_same_under_any_hash_seed():
    first = plans("1")
    assert len(first) > 50
    assert first == plans("2") == plans("3")
