"""What one new revision costs on top of many: `pytest path/to/newest_revision.py`, cold and warm, as whole processes.

    python benchmarks/second_run.py                      300 and 1,000 revisions, 7 warm runs
    python benchmarks/second_run.py --revisions 300 --runs 15

Prints seconds by the clock, from the start of the process to its end, on embedded PostgreSQL.  "imports" is a process
that imports pytest, SQLAlchemy, Alembic and the driver, and nothing else: the floor.  "cold" begins with an empty
cache; "plain" is `alembic upgrade head` on a server that runs already.  The goals: warm at 300 revisions at most 1.5 s,
at 1,000 at most 1.5 times that, cold at most 5 s over plain.  The fastest of the runs counts, which other work on the
machine disturbs least; the processor's own seconds stand beside it.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from histories import write_history
from sqlalchemy.engine import make_url

from pytest_stairway import databases

IMPORTS = "import pytest, sqlalchemy.dialects.postgresql, alembic.command, psycopg"
OTHERS = ("alembic", "randomly", "asyncio", "hypothesispytest", "django", "xdist", "cov", "faker", "timeout")
"""Plugins that are left out where they are installed: what they cost is not ours."""


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--revisions", type=int, nargs="+", default=[300, 1000])
    parser.add_argument("--runs", type=int, default=7)
    given = parser.parse_args()
    floor = best([[sys.executable, "-c", IMPORTS]] * given.runs, Path.cwd(), dict(os.environ))
    print(f"imports: {told(floor)}", flush=True)
    warm = {revisions: measure(revisions, runs=given.runs) for revisions in given.revisions}
    smallest = min(warm)
    for revisions, seconds in warm.items():
        print(f"{revisions} revisions, warm: {seconds:.2f} s, {seconds / warm[smallest]:.2f} times {smallest}")


def measure(revisions: int, *, runs: int) -> float:
    """Measure one history; give the seconds of its fastest warm run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "project")
        folder.mkdir()
        write_history(folder, revisions)
        newest = max((folder / "migrations" / "versions").glob("*.py"))
        others = [word for other in OTHERS for word in ("-p", f"no:{other}")]
        command = [sys.executable, "-m", "pytest", "-q", *others, str(newest)]
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "STAIRWAY_"))}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        compile_all(folder, environment)
        plain = best([upgrade(folder)], folder, environment)
        cold = best([command], folder, {**environment, "STAIRWAY_CACHE_DIR": str(Path(name, "cache"))})
        warm = best([command] * runs, folder, {**environment, "STAIRWAY_CACHE_DIR": str(Path(name, "cache"))})
    print(f"{revisions} revisions: plain {told(plain)}; cold {told(cold)}; warm {told(warm)}", flush=True)
    return warm[0]


def compile_all(folder: Path, environment: dict[str, str]) -> None:
    """Let Python compile the revisions, as it has done wherever they were run before."""
    words = [sys.executable, "-m", "pytest", "--co", "-q", "--stairway"]
    subprocess.run(words, cwd=folder, env=environment, check=True, capture_output=True)


def upgrade(folder: Path) -> list[str]:
    """Give the command that upgrades an empty database, which it makes in a server that runs already."""
    return [sys.executable, __file__, "--upgrade", str(folder)]


def plain_upgrade(folder: Path) -> None:
    """Start a server, and time `alembic upgrade head` alone."""
    with databases.choose("postgresql", named="embedded", driver="psycopg").start() as server:
        url = make_url(server.create().url).set(drivername="postgresql+psycopg")
        environment = {**os.environ, "DATABASE_URL": url.render_as_string(hide_password=False)}
        print(*timed([sys.executable, "-m", "alembic", "upgrade", "head"], folder, environment))


def best(commands: list[list[str]], folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Run processes one after the other; give the fastest one's seconds, by the clock and the processor's."""
    return min(timed(command, folder, environment) for command in commands)


def timed(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Time a process, which must succeed; one that times another says what it measured."""
    started, used = time.perf_counter(), processor()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started, processor() - used
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    if "--upgrade" in command:
        clock, cpu = map(float, done.stdout.split())
        return clock, cpu
    return seconds


def processor() -> float:
    """Give the seconds of processor time of all processes that were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def told(seconds: tuple[float, float]) -> str:
    """Write a measurement."""
    return f"{seconds[0]:.2f} s ({seconds[1]:.2f} of the processor)"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--upgrade"]:
        plain_upgrade(Path(sys.argv[2]))
    else:
        main()
