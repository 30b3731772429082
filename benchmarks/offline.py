"""What ``--stairway-offline`` adds to the walk, on one embedded PostgreSQL: one run of each, in turn.

    python benchmarks/offline.py                    100 revisions, with 5 rows in each table and without
    python benchmarks/offline.py --revisions 300 --rows 5 --profile

Prints, for each number of rows, the medians in seconds and the median of the ratios of neighbouring runs: (walk and
offline SQL) / walk.  "walk" is every revision up, down and up again with full snapshots; "both" is that and the check of
every revision's offline SQL, as one run of pytest with ``--stairway-offline`` does it.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from histories import write_history

from pytest_stairway import databases
from pytest_stairway.project import Project
from pytest_stairway.settings import Settings

if TYPE_CHECKING:
    from pytest_stairway.databases import Server

ENV = """\
import os

from alembic import context
from sqlalchemy import create_engine, pool

url = os.environ.get("DATABASE_URL", "postgresql+psycopg://localhost/app")
if context.is_offline_mode():
    context.configure(url=url, literal_binds=True, dialect_opts={"paramstyle": "named"})
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--revisions", type=int, default=100)
    parser.add_argument("--rows", type=int, nargs="+", default=[5, 0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="show where one run with offline SQL spends its time")
    given = parser.parse_args()
    with databases.choose("postgresql", named="embedded", driver="psycopg").start() as server:
        print(server.description)
        with tempfile.TemporaryDirectory() as folder:
            ini = write_history(Path(folder), given.revisions)
            (ini.parent / "migrations" / "env.py").write_text(ENV)
            for rows in given.rows:
                if given.profile:
                    profile(ini, server, rows=rows)
                else:
                    compare(ini, server, rows=rows, runs=given.runs)


def compare(ini: Path, server: Server, *, rows: int, runs: int) -> None:
    """Measure the walk alone and with offline SQL, in turn."""
    pairs: list[tuple[float, float]] = []
    for run in range(runs + 1):
        pair = (measure(ini, server, rows=rows, offline=False), measure(ini, server, rows=rows, offline=True))
        if run:  # the first warms up
            pairs.append(pair)
    walk, both = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(both / walk for walk, both in pairs)
    print(f"rows {rows}: walk {walk:.2f} s, both {both:.2f} s, both/walk {ratio:.2f}", flush=True)


def measure(ini: Path, server: Server, *, rows: int, offline: bool) -> float:
    """Time one run; server start and imports are not in it."""
    project = Project(Settings(config=str(ini), rows=rows, offline=offline), ini.parent, address=server.address)
    project.server  # noqa: B018 - join it before the clock starts
    project.check_history()
    started = time.perf_counter()
    project.plan(revision.revision for revision in project.selected)
    answers = [project.check_revision(revision) for revision in project.selected]
    if offline:
        answers += [project.check_offline(revision) for revision in project.selected]
    seconds = time.perf_counter() - started
    found = [finding for answer in answers for finding in answer.findings]
    if found:
        raise SystemExit(f"nothing should be found, but: {found[0]}")
    project.close()
    return seconds


def profile(ini: Path, server: Server, *, rows: int) -> None:
    """Show the functions in which a run with offline SQL spends most."""
    with cProfile.Profile() as profiler:
        measure(ini, server, rows=rows, offline=True)
    pstats.Stats(profiler).sort_stats("cumulative").print_stats(60)


if __name__ == "__main__":
    main()
