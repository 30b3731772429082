"""What `-n 2` saves: `pytest --stairway` on one history, by one process and by two workers, as whole processes in turn.

    python benchmarks/workers.py                      300 revisions, 5 runs of each
    python benchmarks/workers.py --revisions 1000 --workers 4

Prints seconds by the clock, from the start of the process to its end, on embedded PostgreSQL, and the median of the
ratios of neighbouring runs.  The goal: two workers on two cores at least 1.5 times faster.  What two cores are worth on
this machine stands beside it: how much sooner two busy loops end side by side than one after the other.  Where that is
less than 2 (threads of one core, a shared host), no two processes do better.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from histories import write_history

OTHERS = ("alembic", "randomly", "asyncio", "hypothesispytest", "django", "cov", "faker", "timeout")
"""Plugins that are left out where they are installed: what they cost is not ours."""
BUSY = [sys.executable, "-c", "x = 0\nfor i in range(6_000_000): x += i % 7"]


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--revisions", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "project")
        folder.mkdir()
        write_history(folder, given.revisions)
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "STAIRWAY_"))}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment["STAIRWAY_CACHE_DIR"] = str(Path(name, "cache"))
        others = [word for other in OTHERS for word in ("-p", f"no:{other}")]
        command = [sys.executable, "-m", "pytest", "-q", "--stairway", *others]
        seconds([command], folder, environment)  # initialises the data directory, and compiles
        ratios, machine = [], []
        for _ in range(given.runs):
            serial = seconds([command], folder, environment)
            spread = seconds([[*command, "-n", str(given.workers)]], folder, environment)
            ratios.append(serial / spread)
            busy = [BUSY] * given.workers
            machine.append(
                sum(seconds([each], folder, environment) for each in busy) / seconds(busy, folder, environment)
            )
            print(f"serial {serial:.1f} s, {given.workers} workers {spread:.1f} s: {ratios[-1]:.2f} times", flush=True)
    print(f"{given.revisions} revisions, {given.workers} workers: {statistics.median(ratios):.2f} times faster")
    print(f"busy loops, {given.workers} side by side: {statistics.median(machine):.2f} times faster")


def seconds(commands: list[list[str]], folder: Path, environment: dict[str, str]) -> float:
    """Run commands side by side to their ends, which must be good ones."""
    start = time.perf_counter()
    running = [subprocess.Popen(each, cwd=folder, env=environment, stdout=subprocess.DEVNULL) for each in commands]
    for process in running:
        if process.wait():
            raise SystemExit(f"{process.args} failed")
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
