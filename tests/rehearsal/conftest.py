"""Filled databases, and a way to watch statements on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from pytest_stairway.findings import Direction
from pytest_stairway.rehearsal import prepare, watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.databases import Database, Server
    from pytest_stairway.rehearsal import Run

ROWS = 2_000
TABLES = """
CREATE TABLE author (id serial PRIMARY KEY, name varchar(50) NOT NULL, born int, code text UNIQUE);
CREATE TABLE book (id serial PRIMARY KEY, author_id int NOT NULL, title text);
"""


class WatchStatements(Protocol):
    def __call__(self, *statements: str | sa.TextClause, autocommit: bool = False) -> Run: ...


@pytest.fixture
def database(postgresql_server: Server) -> Iterator[Database]:
    """An empty database."""
    made = postgresql_server.create("rehearsal")
    yield made
    postgresql_server.drop(made)


@pytest.fixture
def engine(database: Database) -> Iterator[sa.Engine]:
    """An engine on it."""
    engine = sa.create_engine(make_url(database.url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    yield engine
    engine.dispose()


@pytest.fixture
def watched(database: Database, engine: sa.Engine) -> WatchStatements:
    """Watch statements on two tables of 2,000 rows each."""
    with engine.begin() as connection:
        prepare(connection)
        connection.exec_driver_sql(TABLES)
        connection.exec_driver_sql(
            f"INSERT INTO author (name, born) SELECT 'author ' || n, n FROM generate_series(1, {ROWS}) n"
        )
        connection.exec_driver_sql(
            f"INSERT INTO book (author_id, title) SELECT n, 'book ' || n FROM generate_series(1, {ROWS}) n"
        )

    def run(*statements: str | sa.TextClause, autocommit: bool = False) -> Run:
        with engine.connect() as connection:
            if autocommit:
                connection.execution_options(isolation_level="AUTOCOMMIT")

            def perform() -> None:
                for statement in statements:
                    if isinstance(statement, str):
                        connection.exec_driver_sql(statement)
                    else:
                        connection.execute(statement)
                connection.commit()

            return watch(connection, database.url, perform, direction=Direction.UPGRADE, rows=ROWS).run

    return run
