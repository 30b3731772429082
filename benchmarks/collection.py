"""What the plugin costs a run that does not ask for it: `pytest --co` with it, and with `-p no:stairway`, in turn.

    python benchmarks/collection.py                   300 revisions, 30 pairs
    python benchmarks/collection.py --revisions 1000

Prints the fastest run of each, and the median of the differences of neighbouring runs with its quartiles, by the clock
and by the processor's time.  The goal is at most 20 ms between the fastest, which other work on the machine disturbs
least; where the quartiles lie further apart than the goal, the machine is too busy for the medians to say anything.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from histories import write_history

GOAL = 20.0
Times = dict[str, float]
OTHERS = ("alembic", "randomly", "asyncio", "hypothesispytest", "django", "cacheprovider", "xdist", "cov")
"""Plugins that are left out where they are installed: they cost more than what is measured."""


def main() -> int:
    """Measure, and tell whether the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--revisions", type=int, default=300)
    parser.add_argument("--runs", type=int, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_history(Path(folder), given.revisions)
        write_tests(Path(folder))
        pairs = [measure(Path(folder), run) for run in range(given.runs + 2)][2:]  # the first two warm up
    kinds = ("clock", "processor")
    costs = [tell(kind, [(without[kind], with_it[kind]) for without, with_it in pairs]) for kind in kinds]
    print(f"goal: at most {GOAL:.0f} ms; {given.revisions} revisions, {given.runs} pairs of runs")
    return int(max(costs) > GOAL)


def tell(kind: str, pairs: list[tuple[float, float]]) -> float:
    """Print one kind of time; give what the plugin costs."""
    without, with_it = (min(column) for column in zip(*pairs, strict=True))
    low, median, high = statistics.quantiles([one - other for other, one in pairs], n=4)
    print(
        f"{kind}, fastest: {without:.1f} ms without, {with_it:.1f} ms with it, not enabled: {with_it - without:+.1f} ms"
    )
    print(f"{kind}, differences: median {median:+.1f} ms, quartiles {low:+.1f} and {high:+.1f} ms")
    return with_it - without


def write_tests(folder: Path) -> None:
    """Write a few tests for pytest to find."""
    for number in range(20):
        (folder / f"test_{number}.py").write_text("".join(f"def test_{each}(): pass\n" for each in range(10)))


def measure(folder: Path, run: int) -> tuple[Times, Times]:
    """Time one pair of runs, each of them first in turn: without the plugin, and with it."""
    timed: dict[bool, Times] = {}
    for off in (True, False) if run % 2 else (False, True):
        timed[off] = collect(folder, *(["-p", "no:stairway"] if off else []))
    return timed[True], timed[False]


def collect(folder: Path, *arguments: str) -> Times:
    """Time one run, in milliseconds."""
    others = [word for name in OTHERS for word in ("-p", f"no:{name}")]
    command = [sys.executable, "-m", "pytest", "--co", "-q", *others, *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "STAIRWAY_"))}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started, used = time.perf_counter(), processor()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    times = {"clock": (time.perf_counter() - started) * 1000, "processor": processor() - used}
    assert "200 tests collected" in done.stdout, done.stdout + done.stderr
    return times


def processor() -> float:
    """Give the milliseconds of processor time of all processes that were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) * 1000


if __name__ == "__main__":
    sys.exit(main())
