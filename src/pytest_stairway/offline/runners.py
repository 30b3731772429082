"""Runs one script after the other on one database: by its own client where there is one, else by a driver."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.engine import make_url

from pytest_stairway.clients import find_client
from pytest_stairway.databases.drivers import Administrator, usable_driver
from pytest_stairway.databases.mysql import MysqlServer
from pytest_stairway.mysql_clients import find_mysql_client
from pytest_stairway.offline.programs import MysqlProgram, Psql, ScriptRan, SqliteProgram
from pytest_stairway.sqlite_clients import find_sqlite_client
from pytest_stairway.walk.faults import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stairway.databases import Database, Server

__all__ = ["ScriptRan", "ScriptRunner", "script_runner"]

_LIKE_A_CLIENT = "SET SESSION foreign_key_checks = 1"
"""An administrator of MariaDB and MySQL goes without."""


class ScriptRunner(Protocol):
    """Runs scripts on one database."""

    name: str
    """What runs them: ``psql 18.4``."""

    def run(self, statements: Sequence[str], *, seed: str | None = None) -> ScriptRan:
        """Run statements one after the other, up to the first that fails.

        Args:
            statements: each with its semicolon.
            seed: what is run before them: see `seeds.seed_of`.
        """

    def close(self) -> None:
        """Disconnect."""


def script_runner(server: Server, database: Database) -> ScriptRunner:
    """Make the runner of a database.

    Raises:
        DatabaseUnavailable: there is neither a client nor a driver.
    """
    if server.dialect == "sqlite":
        shell = find_sqlite_client()
        return SqliteProgram(shell, database) if shell is not None else _Sqlite(database)
    if isinstance(server, MysqlServer):
        mysql = find_mysql_client(server.product.lower())
        return MysqlProgram(mysql, database) if mysql is not None else _Driver(database, "mysql", _LIKE_A_CLIENT)
    client = find_client("psql")
    return Psql(client, database) if client is not None else _Driver(database, "postgresql")


class _Driver:
    """Statement by statement, where there is no client."""

    def __init__(self, database: Database, dialect: str, *before: str) -> None:
        self.name = usable_driver(dialect=dialect)
        self._url = make_url(database.url)
        self._before = before

    def run(self, statements: Sequence[str], *, seed: str | None = None) -> ScriptRan:
        """See `ScriptRunner`."""
        administrator = Administrator(self._url, self.name)
        try:
            for each in filter(None, (*self._before, seed)):
                administrator.execute(each)
            for place, statement in enumerate(statements):
                try:
                    administrator.execute(statement)
                except Exception as error:  # noqa: BLE001 - drivers raise what they like
                    return ScriptRan(said=words_of(error), place=place)
        finally:
            administrator.close()
        return ScriptRan()

    def close(self) -> None:
        """See `ScriptRunner`."""


class _Sqlite:
    """Statement by statement, by Python's own driver."""

    def __init__(self, database: Database) -> None:
        self.name = f"SQLite {sqlite3.sqlite_version}"
        self._path = make_url(database.url).database or ""

    def run(self, statements: Sequence[str], *, seed: str | None = None) -> ScriptRan:  # noqa: ARG002 - it has none
        """See `ScriptRunner`."""
        connection = sqlite3.connect(self._path, isolation_level=None)
        try:
            for place, statement in enumerate(statements):
                try:
                    connection.execute(statement)
                except sqlite3.Error as error:
                    return ScriptRan(said=words_of(error), place=place)
        finally:
            connection.close()
        return ScriptRan()

    def close(self) -> None:
        """See `ScriptRunner`."""
