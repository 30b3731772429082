"""Reads and writes a throwaway database by whatever driver there is.

A project may have an async driver only.  So whoever works on a database hands over a function of a connection, which
runs on SQLAlchemy's synchronous face of that driver, in a thread of its own.
"""

from __future__ import annotations

import asyncio
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from pytest_stairway.contacts import contact_of
from pytest_stairway.databases import connect_arguments, on_connect_statements
from pytest_stairway.databases.drivers import usable_driver
from pytest_stairway.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine import URL
    from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
    from sqlalchemy.ext.asyncio import AsyncEngine

    from pytest_stairway.contacts import Contact
    from pytest_stairway.databases import Database

__all__ = ["Access"]

T = TypeVar("T")


class Access:
    """One database, as Python code reaches it.

    Args:
        database: the database.
        driver: the one that `env.py` uses.
    """

    def __init__(self, database: Database, *, driver: str) -> None:
        self._given = make_url(database.url)
        self._wanted = driver
        self._open: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._asynchronous: AsyncEngine | None = None

    @property
    def url(self) -> URL:
        """The database's address, with the driver that `env.py` uses."""
        return self._given.set(drivername=f"{self._given.get_backend_name()}+{self._wanted}")

    @property
    def contact(self) -> Contact:
        """Where the engine connects to, as the guard sees it."""
        return contact_of(self._driver, *self._driver.create_connect_args(self._url))

    @cached_property
    def engine(self) -> Engine:
        """An engine; every connection is a new one, and ends when it is closed.

        Raises:
            UsageError: only an async driver is installed.
        """
        if self._driver.is_async:
            raise UsageError(
                f"{self._driver.driver} is the only driver that is installed, and it is async: make an engine by "
                "create_async_engine(stairway.url), or install a synchronous driver (psycopg)"
            )
        engine = create_engine(self._url, poolclass=NullPool)
        self._prepare(engine)
        return engine

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do work in a transaction, and commit it."""
        if not self._driver.is_async:
            with self.engine.begin() as connection:
                return work(connection)
        with ThreadPoolExecutor(1) as thread:  # the caller may be inside a loop
            return thread.submit(asyncio.run, self._run_async(work)).result()

    def require_idle(self) -> None:
        """See that nobody holds a lock by a transaction that was never ended: a migration would wait for it forever.

        Raises:
            UsageError: somebody does.
        """
        if any(not connection.closed and connection.in_transaction() for connection in self._open):
            raise UsageError(
                "a connection of stairway.engine has a transaction open, for which the migration would wait forever: "
                "commit it, or close the connection, before the step"
            )

    def close(self) -> None:
        """Disconnect whoever is connected by the engine."""
        for connection in tuple(self._open):
            connection.close()
        vars(self).pop("engine", None)

    @cached_property
    def _driver(self) -> Dialect:
        """The dialect with the driver that is used here: a synchronous one, where there is any."""
        backend = self._given.get_backend_name()
        names = {
            "postgresql": _postgresql_driver,
            "sqlite": _sqlite_driver,
            "mysql": _mysql_driver,
            "mariadb": _mysql_driver,
        }
        driver = names.get(backend, str)(self._wanted)
        dialect: Dialect = self._given.set(drivername=f"{backend}+{driver}").get_dialect()()
        return dialect

    @property
    def _url(self) -> URL:
        return self._given.set(drivername=f"{self._driver.name}+{self._driver.driver}")

    @property
    def _address(self) -> str:
        return self._given.render_as_string(hide_password=False)

    async def _run_async(self, work: Callable[[Connection], T]) -> T:
        from sqlalchemy.ext.asyncio import create_async_engine  # needs greenlet

        engine = create_async_engine(self._url, poolclass=NullPool)
        self._prepare(engine.sync_engine)
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await engine.dispose()

    def _prepare(self, engine: Engine) -> None:
        """Connect as `env.py` does, and keep an eye on the connections."""

        def connect(dialect: Dialect, _entry: Any, _arguments: Any, parameters: dict[str, Any]) -> DBAPIConnection:
            ours, named = connect_arguments(dialect, self._address)
            return dialect.connect(*ours, **{**parameters, **named})

        def prepare(connection: DBAPIConnection, _entry: Any) -> None:
            cursor = connection.cursor()
            for statement in on_connect_statements(engine.dialect.name):
                cursor.execute(statement)
            cursor.close()

        def note(connection: Connection) -> None:
            self._open.add(connection)

        event.listen(engine, "do_connect", connect)
        event.listen(engine, "connect", prepare)
        event.listen(engine, "engine_connect", note)


def _postgresql_driver(wanted: str) -> str:
    return usable_driver(None if wanted == "asyncpg" else wanted)


def _sqlite_driver(_wanted: str) -> str:
    return "pysqlite"


def _mysql_driver(wanted: str) -> str:
    return usable_driver(None if wanted == "asyncmy" else wanted, dialect="mysql")
