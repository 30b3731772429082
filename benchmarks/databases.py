"""How long a throwaway database takes: start (nothing cached, cached), create, copy, drop, stop.

    python benchmarks/databases.py [--repeat N] [--tables N] [PROVIDER ...]

A provider is what `--stairway-database` takes: embedded, binaries, sqlite, a URL.  Milliseconds, median and worst.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

from pytest_stairway import databases
from pytest_stairway.exceptions import StairwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.databases import Database, Server

Times = dict[str, list[float]]
DEFAULT = ("embedded", "binaries", "sqlite")


@contextmanager
def timed(times: Times, what: str) -> Iterator[None]:
    """Note how long something takes."""
    began = time.perf_counter()
    yield
    times.setdefault(what, []).append((time.perf_counter() - began) * 1000)


def fill(database: Database, tables: int) -> None:
    """Make tables of a dozen columns with a key and an index."""
    metadata = sa.MetaData()
    for number in range(tables):
        columns = [sa.Column(f"column{each}", sa.String(50), index=each == 0) for each in range(11)]
        sa.Table(f"table{number}", metadata, sa.Column("id", sa.Integer, primary_key=True), *columns)
    engine = sa.create_engine(database.url, poolclass=sa.NullPool)
    metadata.create_all(engine)
    engine.dispose()


def work(server: Server, times: Times, tables: int, repeat: int) -> None:
    """Create, copy and drop."""
    template = server.create("template")
    fill(template, tables)
    server.seal(template)
    for _ in range(repeat):
        with timed(times, "create"):
            empty = server.create()
        with timed(times, f"copy {tables} tables"):
            copy = server.clone(template)
        with timed(times, "drop"):
            server.drop(copy)
        server.drop(empty)


def measure(dialect: str, named: str, tables: int, repeat: int) -> Times:
    """Return the times of one provider."""
    databases.choose(dialect, named=named).start().close()  # the driver's import is not ours
    times: Times = {}
    for attempt in range(5):
        with tempfile.TemporaryDirectory() as empty:
            kept = os.environ.get("STAIRWAY_CACHE_DIR")
            os.environ["STAIRWAY_CACHE_DIR"] = empty
            for what in ("start, nothing cached", "start, cached"):
                with timed(times, what):
                    server = databases.choose(dialect, named=named).start()
                if what == "start, cached" and attempt == 0:
                    print(f"\n{server.description}")
                    work(server, times, tables, repeat)
                with timed(times, "stop"):
                    server.close()
            os.environ.pop("STAIRWAY_CACHE_DIR") if kept is None else os.environ.update(STAIRWAY_CACHE_DIR=kept)
    return times


def main() -> None:
    """Measure what is asked for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("providers", nargs="*", default=DEFAULT, metavar="PROVIDER")
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--tables", type=int, default=100)
    asked = parser.parse_args()
    for named in asked.providers:
        dialect = "sqlite" if named.startswith("sqlite") else "postgresql"
        try:
            times = measure(dialect, named, asked.tables, asked.repeat)
        except StairwayError as error:
            print(f"\n{named}: {error}")
            continue
        for what, values in times.items():
            print(f"  {what:<24}{statistics.median(values):>8.1f}{max(values):>8.1f}   of {len(values)}")


if __name__ == "__main__":
    main()
