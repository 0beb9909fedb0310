"""Eventually stable reconciliation, by seeded trials: whatever went wrong, two runs later all is as declared.

A failure names its seed; `python -m tests.simulator --seed N` replays it and tells the story.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flext_providers.flext_service.reader import FlextReader
from flext_reconciler.errors import ServiceError
from flext_reconciler.http import WriteClient
from flext_reconciler.simulate.ledger import ScratchLedger
from simulator.faults import FAULTS
from simulator.trial import run_trial

ROOT = Path(__file__).resolve().parents[2]
CHUNKS, OF = 10, 50
NIGHTLY_CHUNKS, NIGHTLY_OF = 100, 100


def check(seeds, **more):
    failed = [told for told in (run_trial(seed, **more) for seed in seeds) if told.failure]
    assert not failed, "\n".join(
        f"seed {told.seed}: {told.failure[:500]}\n    python -m tests.simulator --seed {told.seed}" for told in failed
    )


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_everything_comes_right(chunk):
    check(range(chunk * OF, (chunk + 1) * OF))


@pytest.mark.nightly
@pytest.mark.parametrize("chunk", range(NIGHTLY_CHUNKS))
def test_everything_comes_right_many_times(chunk):
    start = 1_000_000 + chunk * NIGHTLY_OF
    check(range(start, start + NIGHTLY_OF), further=10)


def test_everything_comes_right_with_the_ledger_on_disk():
    check(range(2_000_000, 2_000_015), on_disk=True)


# ------------------------------------------------------------------------------------------------ the simulator itself


def test_a_seed_is_a_trial_whatever_the_hash_seed():
    told = {seed: run_trial(seed).trace for seed in range(3)}
    script = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from simulator.trial import run_trial\n"
        "for seed in range(3): print('\\n'.join(run_trial(seed).trace))"
    )
    environ = {**os.environ, "PYTHONHASHSEED": "7"}
    again = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    assert again.stdout.splitlines() == [line for trace in told.values() for text in trace for line in text.split("\n")]


def test_a_failure_is_told_with_the_seed_that_replays_it():
    command = [sys.executable, "-m", "tests.simulator", "--seed", "3", "--further", "1"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "#1 GET" in told
    assert "1 trials" in told


def test_every_fault_strikes():
    struck = set()
    for seed in range(400):
        struck |= {name for line in run_trial(seed).trace if (name := line[line.rfind("[") + 1 : -1]) in FAULTS}
        if len(struck) == len(FAULTS):
            return
    raise AssertionError(f"these never strike: {set(FAULTS) - struck}")


async def sent_again(client, *args, **more):
    """What a client does that retries its writes."""
    try:
        return await SEND(client, *args, **more)
    except ServiceError:
        return await SEND(client, *args, **more)


async def read_as_nothing(reader, kind, wanted=None):
    """What a reader does that takes silence for absence."""
    try:
        return await READ(reader, kind, wanted)
    except ServiceError:
        return []


SEND, READ = WriteClient.send, FlextReader.read
MISTAKES = {
    "writes are retried": (WriteClient, "send", sent_again),
    "silence is absence": (FlextReader, "read", read_as_nothing),
    "nothing is journalled": (ScratchLedger, "intend", lambda ledger, run, change: None),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_noticed(monkeypatch, mistake):
    monkeypatch.setattr(*MISTAKES[mistake])
    assert any(run_trial(seed).failure for seed in range(300))
