"""PostgreSQL databases for these tests."""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from .postgresql_lab import Lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from pytest_stairway.databases import Server


@pytest.fixture(scope="session")
def new_lab(postgresql_server: Server) -> Callable[..., AbstractContextManager[Lab]]:
    """Make a lab on an empty database; takes a driver, and options of the engine."""

    @contextmanager
    def make(driver: str = "psycopg", **options: object) -> Iterator[Lab]:
        made = postgresql_server.create("schema")
        url = make_url(made.url).set(drivername=f"postgresql+{driver}")
        if driver == "pg8000":
            socket = f"{url.query['host']}/.s.PGSQL.{url.query.get('port', url.port or 5432)}"
            url = url.set(query={"unix_sock": socket}, port=None)
        engine = sa.create_engine(url, poolclass=sa.NullPool, **options)
        try:
            with engine.connect() as connection, closing(Lab(connection)) as lab:
                yield lab
        finally:
            engine.dispose()
            postgresql_server.drop(made)

    with make() as lab:
        lab.run("CREATE ROLE keeper")
    return make


@pytest.fixture(scope="session")
def _shared_labs(new_lab: Callable[..., AbstractContextManager[Lab]]) -> Iterator[Callable[[], Lab]]:
    """Hand out one lab again and again, emptied; a new one where something is left in it."""
    with ExitStack() as stack:
        labs: list[Lab] = []

        def share() -> Lab:
            if not labs or not labs[-1].is_emptied():
                labs.append(stack.enter_context(new_lab()))
                labs[-1].is_emptied()
            return labs[-1]

        yield share


@pytest.fixture
def lab(_shared_labs: Callable[[], Lab]) -> Lab:
    """A lab on an empty database."""
    return _shared_labs()
