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

from pytest_stairway.databases.base import (
    Beginning,
    Database,
    current_worker,
    database_name,
    new_session,
    retained_by,
    retained_name,
    template_name,
)
from pytest_stairway.databases.janitor import Janitor
from pytest_stairway.databases.sweeping import sweep_folders
from pytest_stairway.databases.templates import TemplateFiles
from pytest_stairway.databases.workplace import roomy_folder
from pytest_stairway.exceptions import DatabaseUnavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from pytest_stairway.databases.cache import Cache

__all__ = ["SqliteProvider", "SqliteServer", "join"]

_COMPANIONS = ("-journal", "-wal", "-shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteProvider:
    """SQLite files."""

    why: str
    folder: Path | None = None
    """Where the run's own folder is made; None for memory or the temporary folder."""
    cache: Cache | None = None
    """What is kept between runs; None for nothing."""
    name: str = "sqlite"

    def start(self) -> SqliteServer:
        """Make the run's folder."""
        base = self.folder or roomy_folder()
        sweep_folders([base])
        try:
            folder = Path(tempfile.mkdtemp(prefix="stairway-", suffix=f".{os.getpid()}", dir=base))
        except OSError as err:
            msg = f"no folder for SQLite files can be made in {base}: {err}"
            raise DatabaseUnavailable(msg) from err
        try:
            janitor = Janitor([folder])
        except BaseException:
            folder.rmdir()
            raise
        kept = self.cache.folder if self.cache is not None else None
        return SqliteServer(folder, session=new_session(), janitor=janitor, kept=kept)


class SqliteServer:
    """A folder of SQLite files, seen by one process of one run; see `Server` for what it does."""

    provider = "sqlite"
    dialect = "sqlite"
    version = sqlite3.sqlite_version

    def __init__(
        self,
        folder: Path,
        *,
        session: str,
        worker: str = "main",
        janitor: Janitor | None = None,
        kept: Path | None = None,
    ) -> None:
        self.session = session
        self._folder = folder
        self._worker = worker
        self._janitor = janitor
        self.notes: tuple[str, ...] = ()
        self.beginning: Beginning | None = None
        self._kept_folder = kept
        self._kept = TemplateFiles(kept, self.version)
        self._made: set[str] = set()
        self._process = os.getpid()

    @property
    def description(self) -> str:
        """A line for the report's header."""
        return f"SQLite {self.version}, files in {self._folder.parent}"

    @property
    def address(self) -> str:
        """What another process needs to join, as JSON."""
        kept = str(self._kept_folder) if self._kept_folder is not None else None
        return json.dumps({"dialect": self.dialect, "folder": str(self._folder), "session": self.session, "kept": kept})

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
        """Return the sealed template for `key`, which `build` fills when nobody has done so yet.

        It gets its name when it is complete; of two that are built at once, the later one wins.
        """
        found = self.kept([key])
        if found is not None:
            return found[1]
        database = self.create("template")
        build(database)
        return self._kept_for_good(key, database)

    def kept(self, keys: Sequence[str]) -> tuple[str, Database] | None:
        """Return the first key that has a template, with the template."""
        for key in keys:
            path = self._path(_run_name(self.session, key))
            if not path.exists():
                self._bring(key, path)
            if path.exists():
                return key, self._database(path.stem)
        return None

    def forget(self) -> tuple[str, ...]:
        """Do nothing: no template stays here."""
        return ()

    def keep(self, key: str, database: Database) -> None:
        """Keep a copy of a database that nobody is connected to as the template for `key`."""
        if self.kept([key]) is None:
            self._kept_for_good(key, self.clone(database, "template"))

    def _bring(self, key: str, path: Path) -> None:
        """Bring in the template for a key that an earlier run has left; one that cannot be read is none."""
        source = self._kept.find(key)
        if source is not None:
            unfinished = self._path(database_name(self.session, self._worker, "template"))
            with contextlib.suppress(OSError):
                shutil.copyfile(source, unfinished)
                unfinished.chmod(0o400)
                unfinished.rename(path)

    def _kept_for_good(self, key: str, database: Database) -> Database:
        """Give a whole template its name, and leave a copy to later runs where that can be done."""
        source, path = self._path(database.name), self._path(_run_name(self.session, key))
        _refuse_open(source)
        self.seal(database)
        source.rename(path)
        self._made.discard(database.name)  # it outlives this process: the run's other workers use it
        try:
            self._kept.save(path, key)
        except OSError as err:
            self.notes += (f"the templates of this run cannot be kept for the next one: {err}",)
        return self._database(path.stem)

    def reserve(self, label: str = "") -> Database:
        """Give a name that outlives the run to a database that `retain` will make."""
        return self._database(retained_name(self.session, self._worker, label))

    def retain(self, database: Database, label: str = "", *, reserved: Database | None = None) -> Database:
        """Copy the file of a database under a name that outlives the run, with what is in its journal.

        Raises:
            DatabaseUnavailable: it cannot be copied.
        """
        name = (reserved or self.reserve(label)).name
        source, copied = self._path(database.name), self._path(name)
        try:
            with (
                contextlib.closing(sqlite3.connect(source)) as connection,
                contextlib.closing(sqlite3.connect(copied)) as target,
            ):
                connection.backup(target)
        except (OSError, sqlite3.Error) as err:
            copied.unlink(missing_ok=True)
            msg = f"{source.name} cannot be copied: {err}"
            raise DatabaseUnavailable(msg) from err
        return self._database(name)

    def forget_retained(self) -> tuple[str, ...]:
        """Do nothing: what is retained is in the run's own folder."""
        return ()

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
        if self._janitor is None:
            for name in tuple(self._made):
                with contextlib.suppress(OSError):
                    self.drop(self._database(name))
        elif retained := [path.stem for path in self._folder.glob("*.db") if retained_by(path.stem)]:
            self._leave(self._janitor, retained)
        else:
            self._janitor.close()

    def _leave(self, janitor: Janitor, retained: Sequence[str]) -> None:
        """Leave the folder with what is retained, and nothing else."""
        for path in self._folder.glob("stairway_*"):
            if path.name.partition(".")[0] not in retained:
                path.unlink(missing_ok=True)
        janitor.leave(retained)
        self._janitor = None
        self.notes += (f"the kept databases are in {self._folder}: `stairway clean` removes them",)

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


def _run_name(session: str, key: str) -> str:
    return template_name(session, hashlib.sha256(key.encode()).hexdigest())


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
    kept = Path(values["kept"]) if values["kept"] else None
    return SqliteServer(folder, session=values["session"], worker=worker or current_worker(), kept=kept)
