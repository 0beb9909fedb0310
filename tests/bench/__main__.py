"""`make bench`: what flext costs, as ratios to floors that are measured in the same run, side by side."""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from . import floors
from .platforms import Bench, bench

ROUNDS = 3
WIDTH = 46


def clock(work: Callable[[], object]) -> float:
    """Seconds that some work takes; to take apart what it made is not its work, for a command ends without that."""
    begin = time.perf_counter()
    made = work()
    seconds = time.perf_counter() - begin
    del made
    return seconds


def side_by_side(floor: Callable[[], object], work: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """Medians of both, taken in turns, so that a busy machine slows both."""
    pairs = [(clock(floor), clock(work)) for _ in range(rounds)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def show(name: str, floor: float, work: float, aim: str = "") -> None:
    """Print one line of the report."""
    print(f"{name:<{WIDTH}} {work:9.3f} s {floor:9.3f} s {work / floor:7.2f} ×   {aim}", flush=True)


def measure(found: Bench) -> None:
    """Measure everything that is timed on one size of platform."""
    size = found.size

    def parse() -> None:
        floors.parse(found.root)

    with found.opened() as opened:
        show(f"validate, cold, {size}", *side_by_side(parse, lambda: found.validate(opened, cached=False)), "≤ 2 ×")
        found.validate(opened, cached=True)
        show(
            f"validate, unchanged, {size}", *side_by_side(parse, lambda: found.validate(opened, cached=True)), "≤ 0.5 ×"
        )
    seconds = clock(lambda: converge(found))
    print(f"{f'apply and prove {size} creates':<{WIDTH}} {seconds:9.3f} s {size / seconds:9.0f} changes/s")
    found.log()
    if not found.plan().is_empty:
        sys.exit("the second plan is not empty")
    pages = found.log()
    print(f"{'  requests of a no-op plan':<{WIDTH}} {sum(map(len, pages)):9}")

    def parse_and_fetch() -> None:
        parse()
        found.fetch(pages)

    show(f"plan, nothing to do, {size}", *side_by_side(parse_and_fetch, found.plan), "≤ 2 ×")
    found.edit(max(1, size // 100))
    show(f"plan, 1 % changed, {size}", *side_by_side(parse_and_fetch, found.plan))


def converge(found: Bench) -> None:
    """Apply, and refuse to measure what does not work."""
    if not found.apply().converged:
        sys.exit("the apply did not converge")


def start_up() -> None:
    """Compare the shortest command with what importing click alone costs."""
    flext = str(Path(sys.executable).with_name("flext"))

    def run(*command: str) -> Callable[[], object]:
        return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    pair = side_by_side(run(sys.executable, "-c", "import click"), run(flext, "--version"), 15)
    show("flext --version, against `import click`", *pair, "≤ 2 ×")


def memory(size: int) -> None:
    """Report what a loaded resource costs, in a process that does nothing else."""
    code = f"import tests.bench.__main__ as bench; bench.loaded({size})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    print(f"{f'memory of a loaded resource, {size}':<{WIDTH}} {float(done.stdout):9.1f} KB              ≤ 12 KB")


def loaded(size: int) -> None:
    """Load a platform and print by how many kilobytes a resource the process grew at its peak."""
    from . import platform

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        platform.write(root, size, flexcore="http://localhost:1", flext_service="http://localhost:2")
        found = Bench(root, size, ("", ""))
        with found.opened() as opened:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            found.validate(opened, cached=False)
            print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / size)


def main() -> None:
    """Run the sizes that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[1000, 10000])
    sizes = parser.parse_args().sizes
    print(f"{'':<{WIDTH}} {'flext':>11} {'floor':>11} {'ratio':>9}   aim")
    start_up()
    memory(max(sizes))
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder, bench(Path(folder), size) as found:
            measure(found)


if __name__ == "__main__":
    main()
