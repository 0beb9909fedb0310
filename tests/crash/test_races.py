"""Several applies at once, of two declarations that contradict each other, on one platform with one ledger."""

from __future__ import annotations

from itertools import groupby

import pytest

from real_platform import APPLY, FOLDERS, ONE, TWO, real_platform


@pytest.fixture
def platform(tmp_path):
    with real_platform(tmp_path) as made:
        for folder, documents in zip(FOLDERS, (ONE, TWO), strict=True):
            made.declare(documents, folder)
        yield made


def race(platform, runners):
    """Start them all at once, half of them ready to wait; return how each ended."""
    began = len(platform.gate.writers)
    children = [
        platform.flext.start(
            *APPLY, "--desired-state", FOLDERS[number % 2], *(("--lock-timeout", "60") if number // 2 % 2 == 0 else ()),
            FLEXT_WHO=f"runner-{number}",
        )
        for number in range(runners)
    ]  # fmt: skip
    codes = [child.wait() for child in children]
    told = [child.text for child, code in zip(children, codes, strict=True) if code not in (0, 9)]
    assert not told, told
    turns = [writer for writer, _ in groupby(platform.gate.writers[began:])]
    assert len(turns) == len(set(turns)), f"two of them wrote at once: {turns}"
    assert not platform.apps["flexcore"].faults.violations
    return codes, turns


def races(platform, sizes):
    platform.flext.run(*APPLY)
    known = [platform.state()]
    platform.flext.run(*APPLY, "--desired-state", FOLDERS[1])
    known.append(platform.state())
    for runners in sizes:
        codes, turns = race(platform, runners)
        assert codes[:2] == [0, 0]  # they waited, and contradict each other: one of them had to write
        assert platform.state() == known[int(turns[-1].rpartition("-")[2]) % 2]


def test_there_are_never_two_writers(platform):
    races(platform, [2, 3, 4, 5, 6, 7, 8, 2, 3, 4, 5, 6])


@pytest.mark.nightly
def test_there_are_never_two_writers_in_two_hundred_races(platform):
    races(platform, [2 + number % 7 for number in range(200)])
