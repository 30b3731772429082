"""Databases to make rows in."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Engine

    from pytest_stairway.databases import Server


@contextmanager
def _database(server: Server, driver: str = "psycopg", **options: object) -> Iterator[Engine]:
    made = server.create("rows")
    query = options.pop("query", {})
    url = make_url(made.url).set(drivername=f"{server.dialect}+{driver}").update_query_dict(query)  # type: ignore[arg-type]
    engine = sa.create_engine(url, poolclass=sa.NullPool, **options)
    try:
        yield engine
    finally:
        engine.dispose()
        server.drop(made)


@pytest.fixture(scope="session")
def new_database(postgresql_server: Server) -> Callable[..., AbstractContextManager[Engine]]:
    """Make an empty PostgreSQL database for as long as it is wanted; takes a driver."""
    return lambda driver="psycopg", **options: _database(postgresql_server, driver, **options)


@pytest.fixture
def postgresql(new_database: Callable[..., AbstractContextManager[Engine]]) -> Iterator[Connection]:
    """A connection to an empty PostgreSQL database."""
    with new_database() as engine, engine.connect() as connection:
        yield connection


@pytest.fixture(scope="session")
def new_mariadb(mariadb_server: Server) -> Callable[..., AbstractContextManager[Engine]]:
    """Make an empty MariaDB database for as long as it is wanted; takes what its URL says more."""
    return lambda **options: _database(mariadb_server, "pymysql", **options)


@pytest.fixture
def mariadb(new_mariadb: Callable[..., AbstractContextManager[Engine]]) -> Iterator[Connection]:
    """A connection to an empty MariaDB database."""
    with new_mariadb() as engine, engine.connect() as connection:
        yield connection


@pytest.fixture(scope="session")
def new_mysql(either_server: Server) -> Callable[..., AbstractContextManager[Engine]]:
    """Make an empty database of MariaDB, then of MySQL, for as long as it is wanted."""
    return lambda **options: _database(either_server, "pymysql", **options)


@pytest.fixture
def mysql(new_mysql: Callable[..., AbstractContextManager[Engine]]) -> Iterator[Connection]:
    """A connection to an empty database of MariaDB, then of MySQL."""
    with new_mysql() as engine, engine.connect() as connection:
        yield connection


@pytest.fixture
def sqlite() -> Iterator[Connection]:
    """A connection to an empty SQLite database."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        yield connection
    engine.dispose()
