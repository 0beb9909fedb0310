"""`kill -9` of the real command, over real sockets, at the writes that the services see."""

from __future__ import annotations

from itertools import count, cycle, islice

import pytest

from postgres_server import running_postgres
from real_platform import APPLY, ONE, POSITIONS, TWO, real_platform


@pytest.fixture(params=["sqlite", "postgres"])
def platform(request, tmp_path):
    if request.param == "sqlite":
        with real_platform(tmp_path) as made:
            yield made
        return
    with running_postgres() as server, real_platform(tmp_path, server.url) as made:
        yield made


def undisturbed(platform, documents):
    """Apply, and return what is there then, and how many writes that took."""
    before = len(platform.gate.writers)
    platform.declare(documents)
    platform.flext.run(*APPLY)
    return platform.state(), len(platform.gate.writers) - before


def kills(platform, number):
    """Go from one declaration to the other and back, killed each time at another write and another moment of it."""
    undisturbed(platform, ONE)
    two, forth = undisturbed(platform, TWO)
    one, back = undisturbed(platform, ONE)
    turns = ((write, position) for write in count(1) for position in POSITIONS for _ in range(2))
    died = 0
    for (write, position), (documents, expected, writes), resume in zip(
        islice(turns, number),
        cycle([(TWO, two, forth), (ONE, one, back)]),
        cycle([False, True, True, False]),
        strict=False,
    ):
        died += _killed(platform, documents, (write - 1) % writes + 1, position, resume=resume) == -9
        assert platform.state() == expected, f"killed at write {write}, {position}"
    assert not platform.apps["flexcore"].faults.violations
    return died


def _killed(platform, documents, write, position, *, resume):
    """Apply until killed, then once more, without waiting for the lock; return how it ended first."""
    platform.declare(documents)
    platform.gate.doom(write, position)
    child = platform.flext.start(*APPLY)
    platform.gate.aim(child)
    code = child.wait()
    told = platform.flext.run("apply", "--resume", "--lock-timeout", "1") if resume else platform.flext.run(*APPLY)
    if code == -9:
        assert "was interrupted" in told.text or position == POSITIONS[2], told.text
    return code


def test_a_killed_apply_is_mended_by_the_next_one(platform):
    assert kills(platform, 50) >= 40
    platform.flext.run("plan", "--detailed-exitcode", "--prune")
    platform.flext.run("history")


@pytest.mark.nightly
def test_a_thousand_killed_applies_are_mended(platform):
    assert kills(platform, 500) >= 400
