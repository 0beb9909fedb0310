"""Replay a trial, or run many: `python -m tests.simulator --seed N [--count M]`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from .trial import run_trial


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=1, help="this many trials, from the seed upwards")
    parser.add_argument("--further", type=int, default=10, help="runs that must write nothing in the end")
    options = parser.parse_args()
    began, failed, faults = time.perf_counter(), 0, 0
    for seed in range(options.seed, options.seed + options.count):
        told = run_trial(seed, further=options.further)
        faults += told.faults
        if options.count == 1:
            write("\n".join(told.trace))
        if told.failure:
            failed += 1
            write(f"seed {seed}: {told.failure[:3000]}")
    took = time.perf_counter() - began
    write(f"{options.count} trials, {faults} faults, {failed} failed, {options.count / took:.1f} trials/s")
    return 1 if failed else 0


def write(text: str) -> None:
    sys.stdout.write(f"{text}\n")


sys.exit(main())
