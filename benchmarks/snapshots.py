"""What a PostgreSQL schema snapshot costs: of everything, and after a step in which little changed.

    python benchmarks/snapshots.py                      10, 100, 300 and 1,000 tables
    python benchmarks/snapshots.py --tables 300 --driver psycopg2

The tables have about 12 columns each, with keys, checks, comments and indexes; there are 20 enums.  Prints the medians
in milliseconds.  "everything" is what a reader takes that remembers nothing; "after a step" is what all three calls
take around a step (`begin_step`, `end_step`, `read`), for several kinds of step; "share" is the dearest of these as a
share of everything.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from pytest_stairway import databases
from pytest_stairway.schema import reader_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from pytest_stairway.databases import Server

ENUMS = 20
STEPS = {
    "rows only": ("INSERT INTO t{n} (id) VALUES (1)", "DELETE FROM t{n}"),
    "add column": ("ALTER TABLE t{n} ADD extra integer NOT NULL DEFAULT 1", "ALTER TABLE t{n} DROP extra"),
    "create index": ("CREATE INDEX extra ON t{n} (name)", "DROP INDEX extra"),
    "alter type": ("ALTER TABLE t{n} ALTER name TYPE varchar(99)", "ALTER TABLE t{n} ALTER name TYPE varchar(60)"),
    "create table": ("CREATE TABLE extra (id serial PRIMARY KEY, name text NOT NULL)", "DROP TABLE extra"),
    "comment": ("COMMENT ON COLUMN t{n}.name IS 'extra'", "COMMENT ON COLUMN t{n}.name IS NULL"),
}


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tables", type=int, nargs="+", default=[10, 100, 300, 1000])
    parser.add_argument("--driver", default="psycopg")
    parser.add_argument("--runs", type=int, default=15)
    given = parser.parse_args()
    print("tables  everything  after a step: " + "  ".join(STEPS) + "  share", flush=True)
    with databases.choose("postgresql", named="embedded", driver="psycopg").start() as server:
        for tables in given.tables:
            with filled(server, tables, given.driver) as connection:
                everything, steps = measure(connection, tables, given.runs)
            figures = "  ".join(f"{step:{len(name)}.2f}" for name, step in zip(STEPS, steps, strict=True))
            share = f"{max(steps) / everything:5.1%}"
            print(f"{tables:6}  {everything:10.1f}                {figures}  {share}", flush=True)


class filled:  # noqa: N801 - read as a verb
    """Make a database with so many tables, for as long as it is wanted."""

    def __init__(self, server: Server, tables: int, driver: str) -> None:
        self._server = server
        self._made = server.create("benchmark")
        url = make_url(self._made.url).set(drivername=f"postgresql+{driver}")
        self._engine = sa.create_engine(url, poolclass=sa.NullPool)
        self._tables = tables

    def __enter__(self) -> Connection:
        self._connection = self._engine.connect()
        for statement in ddl(self._tables):
            self._connection.exec_driver_sql(statement)
        self._connection.commit()
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._engine.dispose()
        self._server.drop(self._made)


def ddl(tables: int) -> Iterator[str]:
    """Write the statements that make the database."""
    for number in range(ENUMS):
        yield f"CREATE TYPE e{number} AS ENUM ('a', 'b', 'c')"
    for number in range(tables):
        yield f"""CREATE TABLE t{number} (id serial PRIMARY KEY, name varchar(60), code text NOT NULL UNIQUE DEFAULT 'x',
            price numeric(10, 2) CHECK (price > 0), amount integer CHECK (amount BETWEEN 0 AND 100), kind e{number % ENUMS},
            created_at timestamptz DEFAULT now(), updated_at timestamptz, note text, flag boolean NOT NULL DEFAULT false,
            parent_id integer REFERENCES t{max(number - 1, 0)} (id) ON DELETE CASCADE, tags text[])""".replace(
            "NOT NULL UNIQUE", "UNIQUE"
        )
        yield f"CREATE INDEX ix{number}_kind ON t{number} (kind, created_at DESC)"
        yield f"CREATE INDEX ix{number}_note ON t{number} (lower(note)) WHERE flag"
        yield f"COMMENT ON TABLE t{number} IS 'the table number {number}'"
        yield f"COMMENT ON COLUMN t{number}.code IS 'a code'"


def measure(connection: Connection, tables: int, runs: int) -> tuple[float, list[float]]:
    """Measure reading everything, and each kind of step."""
    everything = [timed_read(connection) for _ in range(5)]
    reader = reader_for("postgresql")
    reader.read(connection)
    connection.rollback()
    taken: dict[str, list[float]] = {name: [] for name in STEPS}
    for run in range(runs):
        for name, statements in STEPS.items():
            for statement in statements:
                taken[name].append(timed_step(connection, reader, statement.format(n=run % tables)))
    return statistics.median(everything), [statistics.median(times[2:]) for times in taken.values()]


def timed_read(connection: Connection) -> float:
    """Time a reader that remembers nothing."""
    started = time.perf_counter()
    reader_for("postgresql").read(connection)
    took = time.perf_counter() - started
    connection.rollback()
    return took * 1000


def timed_step(connection: Connection, reader: object, statement: str) -> float:
    """Time the three calls around one step."""
    started = time.perf_counter()
    reader.begin_step(connection)  # type: ignore[attr-defined]  # the protocol's
    began = time.perf_counter()
    connection.exec_driver_sql(statement)
    ended = time.perf_counter()
    reader.end_step(connection)  # type: ignore[attr-defined]  # likewise
    looked = time.perf_counter()
    connection.commit()
    committed = time.perf_counter()
    reader.read(connection)  # type: ignore[attr-defined]  # likewise
    read = time.perf_counter()
    connection.rollback()
    return ((began - started) + (looked - ended) + (read - committed)) * 1000


if __name__ == "__main__":
    main()
