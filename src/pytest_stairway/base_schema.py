"""Loads the schema with which a history began, where the first revision finds tables that no revision makes.

Such a history is younger than its database.  The schema comes as SQL, from ``pg_dump --schema-only`` and the like, or
written by hand.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.databases.mysql import MysqlServer
from pytest_stairway.dumps import require_dump, restore_dump
from pytest_stairway.exceptions import DatabaseUnavailable, UsageError
from pytest_stairway.mysql_clients import find_mysql_client

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_stairway.databases import Database, Server

__all__ = ["BaseSchema", "read_base_schema"]

_VERSION_TABLE = re.compile(rb"^\s*CREATE\s+TABLE\s[^(]*\balembic_version\b", re.IGNORECASE | re.MULTILINE)
_DIALECTS = ("postgresql", "sqlite", "mysql", "mariadb")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseSchema:
    """A file with what a database holds before the first revision."""

    path: Path
    source: str
    """The option that names it."""
    digest: str

    def give_to(self, server: Server) -> None:
        """Let new databases of a server begin with it; it is loaded once now, so that what fails does so here.

        Raises:
            DatabaseUnavailable: it cannot be loaded.
        """
        if server.dialect not in _DIALECTS:
            raise DatabaseUnavailable(f"{self.source}: no base schema is loaded on {server.dialect}")
        beginning = _OnServer(self, server)
        server.beginning = beginning
        server.template(beginning.key, beginning.load)


@dataclass(frozen=True, slots=True)
class _OnServer:
    """A base schema in databases of one server; see `Beginning`."""

    schema: BaseSchema
    server: Server

    @property
    def key(self) -> str:
        """Stand for all of it."""
        return f"base schema {self.server.dialect} {self.schema.digest}"

    def load(self, database: Database) -> None:
        """Put it into an empty database.

        Raises:
            DatabaseUnavailable: the database does not take it.
        """
        path, source = self.schema.path, self.schema.source
        try:
            if self.server.dialect == "postgresql":
                require_dump(path, source=source)
                restore_dump(path, database, source=source)
            elif isinstance(self.server, MysqlServer):
                _run_mysql(path, database, self.server.product.lower())
            else:
                _run_sqlite(path, database)
        except UsageError as error:
            raise DatabaseUnavailable(str(error)) from error
        except (_Failed, sqlite3.Error) as error:
            raise DatabaseUnavailable(f"{source}: {path} cannot be loaded: {error}") from error


class _Failed(Exception):
    """A client's own words."""


def _run_mysql(path: Path, database: Database, product: str) -> None:
    client = find_mysql_client(product)
    if client is None:
        raise _Failed(f"it takes {product}'s own client, which is nowhere on this machine")
    ran = client.run(database.url, path)
    if not ran.ok:
        raise _Failed(f"{client} says: {ran.words}")


def _run_sqlite(path: Path, database: Database) -> None:
    from sqlalchemy.engine import make_url  # not at pytest's start

    name = make_url(database.url).database
    with contextlib.closing(sqlite3.connect(name or "")) as connection:
        connection.executescript(path.read_text(encoding="utf-8"))


def read_base_schema(path: Path, *, source: str) -> BaseSchema:
    """Read the file, and see that it is one.

    Args:
        path: the file.
        source: the option that names it.

    Raises:
        UsageError: there is no such file, or it is of a database that has been migrated.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{source} names {path}, which cannot be read: {error.strerror}") from error
    if _VERSION_TABLE.search(content):
        raise UsageError(
            f"{source} names {path}, which creates Alembic's version table: give the schema as it was before the first "
            "revision"
        )
    return BaseSchema(path=path, source=source, digest=hashlib.sha256(content).hexdigest())
