"""What rows cost beside the plain three commands, on one embedded PostgreSQL, in turn.

    python benchmarks/rows.py                       100 and 300 revisions
    python benchmarks/rows.py --revisions 1000

For each revision of the benchmarks' history: tables topped up before it, rows captured around its three steps and
compared, as the walk does it; the steps themselves are executed as plain SQL and are not counted.  "plain" is that of
`benchmarks/walk.py`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from histories import write_history

from pytest_stairway import databases
from pytest_stairway.rows import KnownTable, RowGenerator, RowReader, Rows, compare_rows, known_tables
from pytest_stairway.schema import Facts, Key
from walk import database, plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from sqlalchemy import Connection

    from pytest_stairway.databases import Server

    T = TypeVar("T")

CREATE, ADD_COLUMN, CREATE_INDEX = range(3)
"""The first three of every four revisions; the fourth alters a column's type."""
_CREATED_AT = "created_at TIMESTAMP WITH TIME ZONE DEFAULT now()"


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--revisions", type=int, nargs="+", default=[100, 300])
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    with databases.choose("postgresql", named="embedded", driver="psycopg").start() as server:
        print(server.description)
        for revisions in given.revisions:
            with tempfile.TemporaryDirectory() as folder:
                ini = write_history(Path(folder), revisions)
                pairs = [(plain(ini, server), Walk(revisions).run(server)) for _ in range(given.runs + 1)][1:]
            median = statistics.median(rows for _, rows in pairs) / revisions * 1000
            ratio = statistics.median(rows / base for base, rows in pairs)
            print(f"{revisions} revisions: {median:.2f} ms a revision, rows/plain {ratio:.2f}", flush=True)


class Walk:
    """Walks the benchmarks' history by plain SQL, with rows around each step."""

    def __init__(self, revisions: int) -> None:
        self._revisions = revisions
        self._seconds = 0.0
        self._generator = RowGenerator("postgresql")
        self._reader = RowReader("postgresql")

    def run(self, server: Server) -> float:
        """Give the seconds that the rows took."""
        with database(server) as url:
            engine = sa.create_engine(url, poolclass=sa.NullPool)
            with engine.connect() as connection:
                self._walk(connection)
        return self._seconds

    def _walk(self, connection: Connection) -> None:
        pending: list[str] | None = None
        rows = Rows()
        for number in range(self._revisions):
            up, down = _statements(number)
            touched = [] if number % 4 == CREATE_INDEX else [_table(number)]
            population = self._timed(lambda: self._generator.top_up(connection, tables=pending, captured=rows))  # noqa: B023 - called at once
            before = rows = self._capture(connection, population.written, rows, population.known)
            connection.commit()
            moments = []
            for applied, statement in ((True, up), (False, down), (True, up)):
                connection.exec_driver_sql(statement)
                rows = self._capture(connection, touched, rows, _known(number, applied=applied))
                moments.append(rows)
                connection.commit()
            for one, other in ((before, moments[0]), (before, moments[1]), (moments[0], moments[2])):
                self._timed(lambda: compare_rows(one, other))  # noqa: B023 - called at once
            pending = touched

    def _capture(
        self,
        connection: Connection,
        tables: list[str] | frozenset[str],
        rows: Rows,
        known: dict[str, KnownTable | None],
    ) -> Rows:
        return self._timed(lambda: self._reader.capture(connection, tables, previous=rows, known=known))

    def _timed(self, work: Callable[[], T]) -> T:
        started = time.perf_counter()
        done = work()
        self._seconds += time.perf_counter() - started
        return done


def _table(number: int) -> str:
    return f"table_{number // 4:04d}"


def _statements(number: int) -> tuple[str, str]:
    """Give what `histories` makes Alembic execute."""
    table = _table(number)
    return (
        (
            f"CREATE TABLE {table} (id SERIAL NOT NULL, name VARCHAR(60) NOT NULL, {_CREATED_AT}, PRIMARY KEY (id))",
            f"DROP TABLE {table}",
        ),
        (
            f"ALTER TABLE {table} ADD COLUMN amount INTEGER DEFAULT '0' NOT NULL",
            f"ALTER TABLE {table} DROP COLUMN amount",
        ),
        (f"CREATE INDEX ix_{table}_name ON {table} (name)", f"DROP INDEX ix_{table}_name"),
        (
            f"ALTER TABLE {table} ALTER COLUMN name TYPE VARCHAR(120)",
            f"ALTER TABLE {table} ALTER COLUMN name TYPE VARCHAR(60)",
        ),
    )[number % 4]


def _known(number: int, *, applied: bool) -> dict[str, KnownTable | None]:
    """Give what the schema snapshot after a step says of the table."""
    table, kind = _table(number), number % 4
    if kind == CREATE and not applied:
        return {table: None}
    part: dict[Key, Facts] = {
        Key("table", table): {},
        Key("primary key", f"{table}_pkey", table): {"definition": "PRIMARY KEY (id)"},
        Key("column", "id", table): {"position": "1", "type": "integer"},
        Key("column", "name", table): {"position": "2", "type": "varchar(60)"},
        Key("column", "created_at", table): {"position": "3", "type": "timestamp with time zone"},
    }
    if kind > ADD_COLUMN or (kind == ADD_COLUMN and applied):
        part[Key("column", "amount", table)] = {"position": "4", "type": "integer"}
    return dict(known_tables([part]))


if __name__ == "__main__":
    main()
