"""The whole walk against the plain three commands, on one embedded PostgreSQL, in turn.

    python benchmarks/walk.py                       100, 300 and 1,000 revisions
    python benchmarks/walk.py --revisions 100 --pytest-alembic
    python benchmarks/walk.py --revisions 300 --rows 5      with rows in every table

Prints, for each size, the medians in seconds and the median of the ratios of neighbouring runs.  "plain" is `alembic
upgrade head`, `downgrade base`, `upgrade head` in one process; "walk" is every revision up, down and up again with full
snapshots; "all" adds the history's checks, the way down and the release walk.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from histories import write_history
from sqlalchemy.engine import make_url

from pytest_stairway import databases
from pytest_stairway.project import Project
from pytest_stairway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.databases import Server


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--revisions", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rows", type=int, default=0, help="rows that each table gets, carried through the walk")
    parser.add_argument("--pytest-alembic", action="store_true", help="also run pytest-alembic's four tests")
    given = parser.parse_args()
    per_revision: dict[int, float] = {}
    with databases.choose("postgresql", named="embedded", driver="psycopg").start() as server:
        print(server.description)
        for revisions in given.revisions:
            with tempfile.TemporaryDirectory() as folder:
                ini = write_history(Path(folder), revisions)
                per_revision[revisions] = measure(ini, revisions, server, runs=given.runs, carried=given.rows)
                if given.pytest_alembic:
                    rival(ini, server)
    smallest = per_revision[min(per_revision)]
    for revisions, milliseconds in per_revision.items():
        print(
            f"{revisions} revisions: {milliseconds:.2f} ms a revision, {milliseconds / smallest:.2f} times the smallest"
        )


def measure(ini: Path, revisions: int, server: Server, *, runs: int, carried: int) -> float:
    """Measure one history; give the walk's milliseconds per revision."""
    rows: list[tuple[float, float, float]] = []
    for run in range(runs + 1):
        row = (plain(ini, server), *walk(ini, server, carried=carried))
        if run:  # the first warms up
            rows.append(row)
    plains, walks, alls = (list(column) for column in zip(*rows, strict=True))
    ratio = statistics.median(walked / base for base, walked, _ in rows)
    whole = statistics.median(everything / base for base, _, everything in rows)
    median = statistics.median
    print(f"{revisions} revisions: plain {median(plains):.2f} s, walk {median(walks):.2f} s, all {median(alls):.2f} s")
    print(f"{revisions} revisions: walk/plain {ratio:.2f}, all/plain {whole:.2f}", flush=True)
    return median(walks) / revisions * 1000


def plain(ini: Path, server: Server) -> float:
    """Time the plain three commands on an empty database."""
    with database(server) as url:
        os.environ["DATABASE_URL"] = url
        config = Config(str(ini))
        started = time.perf_counter()
        command.upgrade(config, "head")
        command.downgrade(config, "base")
        command.upgrade(config, "head")
        return time.perf_counter() - started


def walk(ini: Path, server: Server, *, carried: int = 0) -> tuple[float, float]:
    """Time the walk alone, and all that belongs to a run; server start and imports are in neither, as in `plain`."""
    project = Project(Settings(config=str(ini), rows=carried), ini.parent, address=server.address)
    project.server  # noqa: B018 - join it before the clock starts
    started = time.perf_counter()
    project.check_history()
    selected = project.selected
    project.plan(revision.revision for revision in selected)
    before = time.perf_counter()
    answers = [project.check_revision(revision) for revision in selected]
    walked = time.perf_counter() - before
    answers += [project.check_leftovers(), *(project.check_release(start) for start in project.releases)]
    whole = time.perf_counter() - started
    found = [finding for answer in answers for finding in answer.findings]
    if found:
        raise SystemExit(f"nothing should be found, but: {found[0]}")
    project.close()
    return walked, whole


def rival(ini: Path, server: Server) -> None:
    """Time pytest-alembic's four tests and our whole run as processes, each on its own."""
    folder = ini.parent
    (folder / "conftest.py").write_text(
        "import os, pytest, sqlalchemy\n\n"
        "@pytest.fixture\ndef alembic_config():\n    return {'file': 'alembic.ini'}\n\n"
        "@pytest.fixture\ndef alembic_engine():\n    return sqlalchemy.create_engine(os.environ['DATABASE_URL'])\n"
    )
    (folder / "test_rival.py").write_text(
        "from pytest_alembic.tests import test_single_head_revision, test_up_down_consistency, test_upgrade\n"
    )
    with database(server) as url:
        environment = {**os.environ, "DATABASE_URL": url}
        theirs = timed([sys.executable, "-m", "pytest", "-q", "test_rival.py"], folder, environment)
    ours = timed(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "--stairway", "migrations"],
        folder,
        dict(os.environ),
    )
    print(
        f"as processes: pytest-alembic {theirs:.1f} s, pytest --stairway {ours:.1f} s, {theirs / ours:.1f} times",
        flush=True,
    )


def timed(command_line: list[str], folder: Path, environment: dict[str, str]) -> float:
    """Time a process, which must succeed."""
    started = time.perf_counter()
    done = subprocess.run(command_line, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return time.perf_counter() - started


@contextlib.contextmanager
def database(server: Server) -> Iterator[str]:
    """Give the URL of an empty database with psycopg as its driver."""
    made = server.create()
    try:
        yield make_url(made.url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    finally:
        server.drop(made)


if __name__ == "__main__":
    main()
