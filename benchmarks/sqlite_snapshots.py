"""How long reading an SQLite schema takes: where nothing changed, where one table changed, and in full.

python benchmarks/sqlite_snapshots.py [TABLES ...]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from pytest_stairway.schema import reader_for
from pytest_stairway.schema.sqlite_ddl import parse_index, parse_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from pytest_stairway.schema import SchemaReader

REPEATED = 30
KINDS = (
    "nothing changed",
    "one table, a text known from before",
    "one table, a new text",
    "in full, texts known from before",
    "in full",
    "MetaData.reflect",
)
TABLE = """
CREATE TABLE t{n} (
    id INTEGER NOT NULL, {columns}, parent_id INTEGER, price NUMERIC(10, 2),
    CONSTRAINT pk_t{n} PRIMARY KEY (id), CONSTRAINT ck_t{n} CHECK (price > 0), CONSTRAINT uq_t{n} UNIQUE (c1),
    FOREIGN KEY(parent_id) REFERENCES t0 (id) ON DELETE CASCADE
);
CREATE INDEX ix_t{n} ON t{n} (c2, c3 DESC);
CREATE INDEX ix_t{n}_lower ON t{n} (lower(c4)) WHERE price > 1;
"""
"""Twelve columns, four constraints, two indexes."""


def main(sizes: list[int]) -> None:
    """Print a row for each size."""
    print("milliseconds, median | " + " | ".join(KINDS))
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            engine = sa.create_engine(f"sqlite:///{Path(folder) / 'a.db'}")
            with engine.connect() as connection:
                create(connection, size)
                figures = " | ".join(f"{milliseconds:.2f}" for milliseconds in measure(connection))
            engine.dispose()
        print(f"{size} tables | {figures}")


def create(connection: Connection, size: int) -> None:
    """Create so many tables."""
    columns = ", ".join(f"c{column} VARCHAR(40) DEFAULT 'x' NOT NULL" for column in range(9))
    script = "".join(TABLE.format(n=number, columns=columns) for number in range(size))
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.executescript(f"BEGIN; {script} COMMIT;")


def measure(connection: Connection) -> list[float]:
    """Measure each kind of reading."""
    reader = reader_for("sqlite")
    reader.read(connection)
    return [
        median(lambda: step(reader, connection)),
        median(lambda: step(reader, connection), before=Toggle(connection).known),
        median(lambda: step(reader, connection), before=Toggle(connection).new),
        median(lambda: reader.read(connection, thorough=True), repeated=5),
        median(lambda: reader.read(connection, thorough=True), before=forget_texts, repeated=5),
        median(lambda: sa.MetaData().reflect(connection), repeated=1),
    ]


def step(reader: SchemaReader, connection: Connection) -> None:
    """Do all that the walk asks of the reader around a step."""
    reader.begin_step(connection)
    reader.end_step(connection)
    reader.read(connection)


def forget_texts() -> None:
    """Forget the statements that were parsed."""
    parse_table.cache_clear()
    parse_index.cache_clear()


class Toggle:
    """Changes one table: to a text that was there before, as up, down and up do, or to one that never was."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._count = 0

    def known(self) -> None:
        """Create an index, and drop it the next time."""
        self._count += 1
        self._do("CREATE INDEX one ON t1 (c1)" if self._count % 2 else "DROP INDEX one")

    def new(self) -> None:
        """Add a column to a table that has none of these yet."""
        self._count += 1
        self._do(f"ALTER TABLE t{self._count + 1} ADD COLUMN x INTEGER")

    def _do(self, statement: str) -> None:
        self._connection.exec_driver_sql(statement)
        self._connection.commit()


def median(
    work: Callable[[], object], *, before: Callable[[], object] = lambda: None, repeated: int = REPEATED
) -> float:
    """Time `work` alone, in milliseconds."""
    times = []
    for _ in range(repeated):
        before()
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or [100, 1000])
