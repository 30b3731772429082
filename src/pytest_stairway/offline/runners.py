"""Runs one script after the other on one database: by psql where there is one, else by a driver."""

from __future__ import annotations

import itertools
import re
import sqlite3
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.engine import make_url

from pytest_stairway.clients import connection_variables, find_client
from pytest_stairway.databases.drivers import Administrator, usable_driver
from pytest_stairway.walk.faults import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stairway.clients import Client
    from pytest_stairway.databases import Database

__all__ = ["SEED", "ScriptRan", "ScriptRunner", "script_runner"]

SEED = "SELECT setseed(0.4242);"
"""Makes ``random()`` give the same values on both sides."""

_PREPARED = ("DISCARD ALL;", "\\encoding UTF8", SEED)
"""What psql does before each script: as on a connection of its own."""
_LINE = re.compile(r"^psql:[^\n]*?:(\d+): (?:ERROR|FATAL)")
_PREFIX = re.compile(r"^psql:[^\n]*?:\d+: ")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptRan:
    """How one script ended."""

    said: str | None = None
    """The error in one line; None where there was none."""
    place: int | None = None
    """The place of the statement at which it stopped, as far as it is known."""


class ScriptRunner(Protocol):
    """Runs scripts on one database."""

    name: str
    """What runs them: ``psql 18.4``."""

    def run(self, statements: Sequence[str]) -> ScriptRan:
        """Run statements one after the other, up to the first that fails."""

    def close(self) -> None:
        """Disconnect."""


def script_runner(dialect: str, database: Database) -> ScriptRunner:
    """Make the runner of a database.

    Raises:
        DatabaseUnavailable: there is neither a client nor a driver.
    """
    if dialect == "sqlite":
        return _Sqlite(database)
    client = find_client("psql")
    return _Psql(client, database) if client is not None else _Driver(database)


class _Psql:
    """One psql process for many scripts, which begins anew when a script has ended it."""

    def __init__(self, client: Client, database: Database) -> None:
        self.name = str(client)
        self._client = client
        self._url = database.url
        self._numbers = itertools.count()
        self._folder = tempfile.TemporaryDirectory(prefix="stairway-")
        self._process: subprocess.Popen[str] | None = None

    def run(self, statements: Sequence[str]) -> ScriptRan:
        """See `ScriptRunner`."""
        number = next(self._numbers)
        path = Path(self._folder.name, f"{number}.sql")
        path.write_text("\n".join((*_PREPARED, *statements, "")), encoding="utf-8", newline="\n")
        said = self._ask(f"\\i {path}\n\\warn done {number}\n", f"done {number}\n")
        path.unlink()
        if said is None:
            return ScriptRan()
        lines = said.splitlines()
        error = next((line for line in lines if _LINE.match(line)), (lines or ["psql ended without a word"])[-1])
        match = _LINE.match(error)
        place = _place(statements, int(match[1]) - len(_PREPARED)) if match else None
        more = [line for line in lines if line.startswith("DETAIL:")][:1]
        return ScriptRan(said=" ".join([_PREFIX.sub("", error), *more]), place=place)

    def _ask(self, command: str, mark: str) -> str | None:
        """Give psql a command; tell what it said where it ended before the mark, None where it came so far."""
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stderr is not None
        said: list[str] = []
        try:
            process.stdin.write(command)
            process.stdin.flush()
        except BrokenPipeError:
            pass  # it says why
        for line in process.stderr:
            if line == mark:
                return None
            said.append(line)
        self._end()
        return "".join(said)

    def _start(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(  # noqa: S603 - a program that somebody installed
            [self._client.path, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-f", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=connection_variables(self._url),
            encoding="utf-8",
            errors="replace",
        )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.communicate()

    def close(self) -> None:
        """See `ScriptRunner`."""
        self._end()
        self._folder.cleanup()


def _place(statements: Sequence[str], line: int) -> int | None:
    """Find the statement that ends on a line, or after it."""
    last = 0
    for place, statement in enumerate(statements):
        last += statement.count("\n") + 1
        if line <= last:
            return place
    return None


class _Driver:
    """Statement by statement, where there is no psql."""

    def __init__(self, database: Database) -> None:
        self.name = usable_driver()
        self._url = make_url(database.url)

    def run(self, statements: Sequence[str]) -> ScriptRan:
        """See `ScriptRunner`."""
        administrator = Administrator(self._url, self.name)
        try:
            administrator.rows(SEED)
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

    def run(self, statements: Sequence[str]) -> ScriptRan:
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
