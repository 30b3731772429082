"""Runs the files as the DBA will: by the database's own client program, or by a driver where there is none."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pytest_stairway.clients import find_client
from pytest_stairway.databases.drivers import Administrator, usable_driver
from pytest_stairway.mysql_clients import find_mysql_client
from pytest_stairway.offline.seeds import MYSQL_SEED, SEED
from pytest_stairway.sqlite_clients import find_sqlite_client
from pytest_stairway.walk.faults import words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_stairway.clients import Client, Ran
    from pytest_stairway.databases import Database
    from pytest_stairway.handoff.files import SqlFile
    from pytest_stairway.mysql_clients import MysqlClient
    from pytest_stairway.offline.rendering import Statement
    from pytest_stairway.sqlite_clients import SqliteClient

__all__ = ["ByDriver", "ByMysql", "ByPsql", "BySqlite", "Result", "Runner", "runner_for"]

_LINE = re.compile(r"psql:[^\n]*?:(?P<line>\d+): (?:ERROR|FATAL)")
_MYSQL_LINE = re.compile(r"^(ERROR \d+ \(\w+\)) at line (?P<line>\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How the run of a file ended."""

    ok: bool
    code: int | None = None
    """The client's exit code; None where a driver ran it."""
    said: str = ""
    """The error in one line."""
    statement: Statement | None = None
    """Where it stopped, as far as it is known."""
    seconds: float = 0.0


class Statements(Protocol):
    """A connection outside any transaction of its own."""

    def execute(self, statement: str, /) -> object:
        """Run one statement as it stands."""

    def close(self) -> None:
        """Disconnect."""


class Runner(Protocol):
    """Runs a file on a database."""

    @property
    def name(self) -> str:
        """What runs it: ``psql 18.4``."""

    def run(self, file: SqlFile, database: Database) -> Result:
        """Run a file, with the seed of the proof set before."""


@dataclass(frozen=True, slots=True)
class ByPsql:
    """Runs files by psql, with nothing that a DBA would not give it."""

    client: Client

    @property
    def name(self) -> str:
        """See `Runner`."""
        return str(self.client)

    def run(self, file: SqlFile, database: Database) -> Result:
        """See `Runner`."""

        def run(path: Path) -> Ran:
            return self.client.run(database.url, ["-X", "-q", "-o", "/dev/null", "-c", SEED, "-f", str(path)])

        ran, seconds = _timed(file, run)
        said = re.sub(r"^psql:[^\n]*?:\d+: ", "", ran.words)
        return _result(file, ran, seconds, line=_LINE.search(ran.said), said=said)


@dataclass(frozen=True, slots=True)
class ByMysql:
    """Runs files by the client of MariaDB or MySQL."""

    client: MysqlClient

    @property
    def name(self) -> str:
        """See `Runner`."""
        return str(self.client)

    def run(self, file: SqlFile, database: Database) -> Result:
        """See `Runner`."""
        ran, seconds = _timed(file, lambda path: self.client.run(database.url, path, before=MYSQL_SEED))
        said = _MYSQL_LINE.sub(r"\1", ran.words)
        return _result(file, ran, seconds, line=_MYSQL_LINE.search(ran.words), said=said)


@dataclass(frozen=True, slots=True)
class BySqlite:
    """Runs files by SQLite's shell."""

    client: SqliteClient

    @property
    def name(self) -> str:
        """See `Runner`."""
        return str(self.client)

    def run(self, file: SqlFile, database: Database) -> Result:
        """See `Runner`."""
        with _on_disk(file) as path:
            started = time.perf_counter()
            ran = self.client.run(_path_of(database), path)
            seconds = time.perf_counter() - started
        statement = None if ran.line is None else file.at_line(ran.line)
        return Result(ok=ran.ok, code=ran.code, said=ran.said, statement=statement, seconds=seconds)


def _timed(file: SqlFile, run: Callable[[Path], Ran]) -> tuple[Ran, float]:
    """Let a client run a file, and give the seconds that it took."""
    with _on_disk(file) as path:
        started = time.perf_counter()
        return run(path), time.perf_counter() - started


def _result(file: SqlFile, ran: Ran, seconds: float, *, line: re.Match[str] | None, said: str) -> Result:
    """Tell what came of a run, and of which statement it speaks."""
    statement = file.at_line(int(line["line"])) if line else None
    return Result(ok=ran.ok, code=ran.code, said="" if ran.ok else said, statement=statement, seconds=seconds)


@dataclass(frozen=True, slots=True)
class ByDriver:
    """Runs files by a driver: statement by statement, without the lines that are for a client program."""

    connect: Callable[[Database], Statements]
    driver: str

    @property
    def name(self) -> str:
        """See `Runner`."""
        return self.driver

    def run(self, file: SqlFile, database: Database) -> Result:
        """See `Runner`."""
        started = time.perf_counter()
        connection = self.connect(database)
        try:
            failed = _execute(connection, file)
        finally:
            connection.close()
        seconds = time.perf_counter() - started
        if failed is None:
            return Result(ok=True, seconds=seconds)
        statement, error = failed
        return Result(ok=False, said=words_of(error), statement=statement, seconds=seconds)


@contextlib.contextmanager
def _on_disk(file: SqlFile) -> Iterator[Path]:
    """Write a file as it stands, for as long as it is run."""
    with tempfile.TemporaryDirectory(prefix="stairway-") as folder:
        path = Path(folder, Path(file.name).name)
        path.write_text(file.text, encoding="utf-8", newline="\n")
        yield path


def _execute(connection: Statements, file: SqlFile) -> tuple[Statement | None, Exception] | None:
    """Execute a file; give the statement that failed, and what was raised."""
    for piece, statement in zip(file.pieces, file.statements(), strict=True):
        if piece.is_sql:
            try:
                connection.execute(piece.text)
            except Exception as error:  # noqa: BLE001 - drivers raise what they like
                return statement, error
    return None


def runner_for(product: str) -> Runner:
    """Choose what runs the files: the product's own client, where there is one."""
    if product == "sqlite":
        shell = find_sqlite_client()
        return BySqlite(shell) if shell is not None else ByDriver(_sqlite, f"Python's sqlite3 {sqlite3.sqlite_version}")
    if product in ("mariadb", "mysql"):
        return _mysql_runner(product)
    client = find_client("psql")
    if client is not None:
        return ByPsql(client)
    driver = usable_driver()
    return ByDriver(lambda database: _postgresql(database, driver), driver)


def _mysql_runner(product: str) -> Runner:
    client = find_mysql_client(product)
    if client is not None:
        return ByMysql(client)
    driver = usable_driver(dialect=product)
    return ByDriver(lambda database: _mysql(database, driver), driver)


def _postgresql(database: Database, driver: str) -> Statements:
    from sqlalchemy.engine import make_url

    administrator = Administrator(make_url(database.url), driver)
    administrator.rows(SEED)
    return administrator


def _mysql(database: Database, driver: str) -> Statements:
    from sqlalchemy.engine import make_url

    administrator = Administrator(make_url(database.url), driver)
    administrator.execute(MYSQL_SEED)
    administrator.execute("SET SESSION foreign_key_checks = 1")  # an administrator goes without
    return administrator


def _sqlite(database: Database) -> Statements:
    return sqlite3.connect(_path_of(database), isolation_level=None)


def _path_of(database: Database) -> str:
    from sqlalchemy.engine import make_url

    return make_url(database.url).database or ""
