"""Runs scripts by the databases' own client programs, as a DBA does."""

from __future__ import annotations

import itertools
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

from pytest_stairway.clients import connection_variables
from pytest_stairway.mysql_clients import uncut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stairway.clients import Client
    from pytest_stairway.databases import Database
    from pytest_stairway.mysql_clients import MysqlClient
    from pytest_stairway.sqlite_clients import SqliteClient

__all__ = ["MysqlProgram", "Psql", "ScriptRan", "SqliteProgram"]

_PREPARED = ("DISCARD ALL;", "\\encoding UTF8")
"""What psql does before each script: as on a connection of its own."""
_LINE = re.compile(r"^psql:[^\n]*?:(\d+): (?:ERROR|FATAL)")
_PREFIX = re.compile(r"^psql:[^\n]*?:\d+: ")
_MYSQL_LINE = re.compile(r"^(ERROR \d+ \(\w+\)) at line (\d+)")
_IN_UTF8 = "SET NAMES utf8mb4;"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptRan:
    """How one script ended."""

    said: str | None = None
    """The error in one line; None where there was none."""
    place: int | None = None
    """The place of the statement at which it stopped, as far as it is known."""


class Psql:
    """One psql process for many scripts, which begins anew when a script has ended it."""

    def __init__(self, client: Client, database: Database) -> None:
        self.name = str(client)
        self._client = client
        self._url = database.url
        self._numbers = itertools.count()
        self._folder = tempfile.TemporaryDirectory(prefix="stairway-")
        self._process: subprocess.Popen[str] | None = None

    def run(self, statements: Sequence[str], *, seed: str | None = None) -> ScriptRan:
        """See `ScriptRunner`."""
        number = next(self._numbers)
        path = Path(self._folder.name, f"{number}.sql")
        before = [*_PREPARED, *([f"{seed};"] if seed else [])]
        path.write_text("\n".join((*before, *statements, "")), encoding="utf-8", newline="\n")
        said = self._ask(f"\\i {path}\n\\warn done {number}\n", f"done {number}\n")
        path.unlink()
        if said is None:
            return ScriptRan()
        lines = said.splitlines()
        error = next((line for line in lines if _LINE.match(line)), (lines or ["psql ended without a word"])[-1])
        match = _LINE.match(error)
        place = _place(statements, int(match[1]) - len(before)) if match else None
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


class MysqlProgram:
    """A process of the client of MariaDB or MySQL for each script."""

    def __init__(self, client: MysqlClient, database: Database) -> None:
        self.name = str(client)
        self._client = client
        self._url = database.url
        self._folder = tempfile.TemporaryDirectory(prefix="stairway-")

    def run(self, statements: Sequence[str], *, seed: str | None = None) -> ScriptRan:
        """See `ScriptRunner`."""
        path = Path(self._folder.name, "script.sql")
        written = [uncut(each) for each in statements]
        path.write_text("\n".join((_IN_UTF8, *written, "")), encoding="utf-8", newline="\n")
        ran = self._client.run(self._url, path, before=seed or "")
        if ran.ok:
            return ScriptRan()
        match = _MYSQL_LINE.match(ran.words)
        place = _place(written, int(match[2]) - 1) if match else None
        return ScriptRan(said=_MYSQL_LINE.sub(r"\1", ran.words), place=place)

    def close(self) -> None:
        """See `ScriptRunner`."""
        self._folder.cleanup()


class SqliteProgram:
    """A process of SQLite's shell for each script."""

    def __init__(self, client: SqliteClient, database: Database) -> None:
        self.name = str(client)
        self._client = client
        self._database = make_url(database.url).database or ""
        self._folder = tempfile.TemporaryDirectory(prefix="stairway-")

    def run(self, statements: Sequence[str], *, seed: str | None = None) -> ScriptRan:  # noqa: ARG002 - it has none
        """See `ScriptRunner`."""
        path = Path(self._folder.name, "script.sql")
        path.write_text("\n".join((*statements, "")), encoding="utf-8", newline="\n")
        ran = self._client.run(self._database, path)
        if ran.ok:
            return ScriptRan()
        return ScriptRan(said=ran.said, place=None if ran.line is None else _place(statements, ran.line))

    def close(self) -> None:
        """See `ScriptRunner`."""
        self._folder.cleanup()


def _place(statements: Sequence[str], line: int) -> int | None:
    """Find the statement that ends on a line, or after it."""
    last = 0
    for place, statement in enumerate(statements):
        last += statement.count("\n") + 1
        if line <= last:
            return place
    return None
