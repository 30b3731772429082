"""How long filling a table takes, on one embedded PostgreSQL.

    python benchmarks/rehearsal.py                     100,000 and 1,000,000 rows
    python benchmarks/rehearsal.py --rows 10000

A table of ten columns with a primary key, a unique key, a check and a foreign key, as most tables have them.  The seconds are those of `Filler`: finding out how, inserting, ANALYZE.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from pytest_stairway import databases
from pytest_stairway.rehearsal import Filler
from pytest_stairway.rows import RowGenerator

if TYPE_CHECKING:
    from pytest_stairway.databases import Server

PLAIN = {"no_parameters": True}
TABLES = """
CREATE TABLE organisation (id serial PRIMARY KEY, name varchar(80) NOT NULL);
CREATE TABLE account (
    id bigserial PRIMARY KEY,
    organisation_id int NOT NULL REFERENCES organisation,
    email varchar(120) NOT NULL UNIQUE,
    name varchar(80) NOT NULL,
    status varchar(20) NOT NULL CHECK (status IN ('new', 'active', 'closed')),
    balance numeric(12, 2) NOT NULL DEFAULT 0,
    settings jsonb,
    verified boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz
);
"""


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    given = parser.parse_args()
    with databases.choose("postgresql", named="embedded", driver="psycopg").start() as server:
        print(server.description)
        for rows in given.rows:
            seconds, there = _fill(server, rows)
            print(f"{there:>9,} rows of ten columns: {seconds:.2f} s", flush=True)


def _fill(server: Server, rows: int) -> tuple[float, int]:
    """Fill the table once, in a database of its own."""
    database = server.create("benchmark")
    engine = sa.create_engine(make_url(database.url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(TABLES, execution_options=PLAIN)
        RowGenerator("postgresql").top_up(connection)
        started = time.perf_counter()
        fillings = Filler(connection=connection, rows=rows).fill(["account"])
        seconds = time.perf_counter() - started
    engine.dispose()
    server.drop(database)
    (there,) = (filling.rows for filling in fillings if filling.table == "account")
    return seconds, there


if __name__ == "__main__":
    main()
