"""SQLite: a database is a file in a folder of the run's own."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_stairway.databases.base import Database, current_worker, database_name, new_session, template_name
from pytest_stairway.databases.janitor import Janitor
from pytest_stairway.databases.workplace import roomy_folder
from pytest_stairway.exceptions import DatabaseUnavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["SqliteProvider", "SqliteServer", "join"]

_COMPANIONS = ("-journal", "-wal", "-shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteProvider:
    """SQLite files."""

    why: str
    folder: Path | None = None
    """Where the run's own folder is made; None for memory or the temporary folder."""
    name: str = "sqlite"

    def start(self) -> SqliteServer:
        """Make the run's folder."""
        base = self.folder or roomy_folder()
        try:
            folder = Path(tempfile.mkdtemp(prefix="stairway-", dir=base))
        except OSError as err:
            msg = f"no folder for SQLite files can be made in {base}: {err}"
            raise DatabaseUnavailable(msg) from err
        try:
            janitor = Janitor([folder])
        except BaseException:
            folder.rmdir()
            raise
        return SqliteServer(folder, session=new_session(), on_close=janitor.close)


class SqliteServer:
    """A folder of SQLite files, seen by one process of one run; see `Server` for what it does."""

    provider = "sqlite"
    dialect = "sqlite"
    version = sqlite3.sqlite_version

    def __init__(
        self, folder: Path, *, session: str, worker: str = "main", on_close: Callable[[], None] | None = None
    ) -> None:
        self.session = session
        self._folder = folder
        self._worker = worker
        self._on_close = on_close
        self._made: set[str] = set()
        self._process = os.getpid()

    @property
    def description(self) -> str:
        """A line for the report's header."""
        return f"SQLite {self.version}, files in {self._folder.parent}"

    @property
    def address(self) -> str:
        """What another process needs to join, as JSON."""
        return json.dumps({"dialect": self.dialect, "folder": str(self._folder), "session": self.session})

    def create(self, label: str = "") -> Database:
        """Make an empty file."""
        database = self._database(database_name(self.session, self._worker, label))
        self._path(database.name).touch()
        self._made.add(database.name)
        return database

    def clone(self, template: Database | str, label: str = "") -> Database:
        """Copy the file of a database that nobody is connected to.

        Raises:
            DatabaseUnavailable: there is no such file, or its journal shows that it is still open.
        """
        source = self._path(template if isinstance(template, str) else template.name)
        _refuse_open(source)
        name = database_name(self.session, self._worker, label)
        try:
            shutil.copyfile(source, self._path(name))
        except OSError as err:
            msg = f"{source.name} cannot be copied: {err}"
            raise DatabaseUnavailable(msg) from err
        self._made.add(name)
        return self._database(name)

    def seal(self, database: Database) -> None:
        """Let nobody write to the file any more."""
        self._path(database.name).chmod(0o400)

    def template(self, key: str, build: Callable[[Database], None]) -> Database:
        """Return the sealed template for `key`, which `build` fills when nobody in this run has done so yet.

        It gets its name when it is complete; of two that are built at once, the later one wins.
        """
        name = template_name(self.session, hashlib.sha256(key.encode()).hexdigest())
        if not self._path(name).exists():
            database = self.create("template")
            build(database)
            _refuse_open(self._path(database.name))
            self.seal(database)
            self._path(database.name).rename(self._path(name))
            self._made.discard(database.name)  # it outlives this process: the run's other workers use it
        return self._database(name)

    def drop(self, database: Database) -> None:
        """Remove the file and what SQLite keeps beside it."""
        path = self._path(database.name)
        for file in (path, *_companions(path)):
            file.unlink(missing_ok=True)
        self._made.discard(database.name)

    def close(self) -> None:
        """Remove this process's files, all of them where it began the run; a second call does nothing."""
        if os.getpid() != self._process:
            return
        if self._on_close is not None:
            self._on_close()
            return
        for name in tuple(self._made):
            with contextlib.suppress(OSError):
                self.drop(self._database(name))

    def __enter__(self) -> Self:
        """Return the server itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """Close."""
        self.close()

    def _path(self, name: str) -> Path:
        if Path(name).name != name:
            msg = f"{name} is not the name of a database of this run"
            raise UsageError(msg)
        return self._folder / f"{name}.db"

    def _database(self, name: str) -> Database:
        from sqlalchemy.engine import URL  # not at pytest's start

        path = str(self._path(name))
        url = URL.create("sqlite", database=path).render_as_string()
        return Database(name=name, url=url, client_command=f"sqlite3 {shlex.quote(path)}")


def _refuse_open(path: Path) -> None:
    """Refuse a file whose journal shows that somebody is still connected: its copy would lack what is in there."""
    journals = [file for file in _companions(path) if file.exists() and file.stat().st_size]
    if journals:
        msg = f"{path.name} cannot be copied while it is open: {journals[0].name} is there"
        raise DatabaseUnavailable(msg)


def _companions(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in _COMPANIONS]


def join(values: dict[str, Any], worker: str | None = None) -> SqliteServer:
    """Return another process's folder, for this process's own files.

    Raises:
        DatabaseUnavailable: it is gone.
    """
    folder = Path(values["folder"])
    if not folder.is_dir():
        msg = f"the run that this process wants to join has ended: {folder} is gone"
        raise DatabaseUnavailable(msg)
    return SqliteServer(folder, session=values["session"], worker=worker or current_worker())
