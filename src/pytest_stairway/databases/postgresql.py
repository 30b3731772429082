"""Makes and drops databases on a PostgreSQL server, wherever that server came from.

An empty database is a copy of template0: template1 may hold what somebody once put there.  On a server of our own the
copy is made file by file, which is two to five times as fast; on somebody else's its default is left alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
import threading
from typing import TYPE_CHECKING, Any

from pytest_stairway.databases.base import (
    NAME_PATTERN,
    Database,
    current_worker,
    database_name,
    session_of,
    template_name,
)
from pytest_stairway.databases.drivers import Administrator
from pytest_stairway.databases.kept import MOST_ON_SERVER, kept_templates, prune, touch
from pytest_stairway.databases.templates import kept_name
from pytest_stairway.exceptions import DatabaseUnavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from sqlalchemy.engine import URL
    from typing_extensions import Self

__all__ = ["PostgresqlServer", "drop_databases", "join", "lock_number"]

_FILE_COPY = 150000  # first version that has CREATE DATABASE … STRATEGY
_FORCE = 130000  # first version that has DROP DATABASE … WITH (FORCE)
_VERSION = "SELECT current_setting('server_version'), current_setting('server_version_num')"
_CLONE = """
    SELECT set_config('file_copy_method', 'clone', false) FROM pg_settings
    WHERE name = 'file_copy_method' AND 'clone' = ANY (enumvals)"""
# CREATE DATABASE copies neither, and both are what a migration may have made.
_COPY_SETTINGS = """
    INSERT INTO pg_db_role_setting (setdatabase, setrole, setconfig)
    SELECT new.oid, setrole, setconfig FROM pg_db_role_setting, pg_database old, pg_database new
    WHERE setdatabase = old.oid AND old.datname = {old} AND new.datname = {new}"""
_COPY_RIGHTS = """
    UPDATE pg_database new SET datacl = old.datacl FROM pg_database old
    WHERE old.datname = {old} AND new.datname = {new} AND new.datacl IS DISTINCT FROM old.datacl"""


class PostgresqlServer:
    """A PostgreSQL server, seen by one process of one run; see `Server` for what it does.

    Args:
        provider: the provider's name.
        place: what the description says after the version.
        administrator: a connection that may create databases.
        session: the run.
        worker: tells this process's databases from those of the run's other processes.
        private: the server is ours alone: copy by file, and leave nothing behind but the server itself.
        owned: this process began the run, and ends it.
        on_close: stops the server, where it is ours to stop.
        keeps: templates stay for later runs.
        on_keep: keeps a server of our own with its templates; called when the run ends.
        psql: the client to name in commands.
    """

    dialect = "postgresql"

    def __init__(  # noqa: PLR0913  # all of them by name
        self,
        *,
        provider: str,
        place: str,
        administrator: Administrator,
        session: str,
        worker: str = "main",
        private: bool,
        owned: bool = True,
        on_close: Callable[[], None] | None = None,
        keeps: bool = False,
        on_keep: Callable[[Administrator], None] | None = None,
        psql: str = "psql",
    ) -> None:
        self.provider = provider
        self.session = session
        self.notes: tuple[str, ...] = ()
        self._place = place
        self._administrator = administrator
        self._worker = worker
        self._private = private
        self._owned = owned
        self._on_close = on_close
        self._keeps = keeps
        self._on_keep = on_keep
        self._psql = psql
        self._building = threading.RLock()  # the server lets one connection take its lock twice
        self._made: dict[str, bool] = {}  # name: sealed
        self._process = os.getpid()
        self._closed = False
        full, number = administrator.rows(_VERSION)[0]
        self.version = full.split()[0]
        self._number = int(number)
        self._file_copy = private and self._number >= _FILE_COPY
        if private:
            administrator.rows(_CLONE)

    @property
    def description(self) -> str:
        """A line for the report's header."""
        return f"PostgreSQL {self.version}, {self._place}"

    @property
    def address(self) -> str:
        """What another process needs to join, as JSON; it may hold a password."""
        url = self._administrator.url.render_as_string(hide_password=False)
        values: dict[str, object] = {
            "dialect": self.dialect,
            "provider": self.provider,
            "place": self._place,
            "url": url,
        }
        values |= {"driver": self._administrator.driver, "session": self.session}
        values |= {"private": self._private, "psql": self._psql, "keeps": self._keeps}
        return json.dumps(values)

    def create(self, label: str = "") -> Database:
        """Make an empty database."""
        return self._copy("template0", database_name(self.session, self._worker, label))

    def clone(self, template: Database | str, label: str = "") -> Database:
        """Copy a database that nobody is connected to, with its settings and rights where the server is our own.

        Raises:
            DatabaseUnavailable: somebody is connected to it (found after five seconds).
        """
        source = template if isinstance(template, str) else template.name
        database = self._copy(source, database_name(self.session, self._worker, label))
        if self._private:
            names = {"old": _literal(source), "new": _literal(database.name)}
            self._administrator.execute(_COPY_SETTINGS.format(**names))
            self._administrator.execute(_COPY_RIGHTS.format(**names))
        return database

    def _copy(self, source: str, name: str) -> Database:
        strategy = " STRATEGY file_copy" if self._file_copy else ""
        self._administrator.execute(f"CREATE DATABASE {_identifier(name)} TEMPLATE {_identifier(source)}{strategy}")
        self._made[name] = False
        return self._database(name)

    def _database(self, name: str) -> Database:
        url = self._administrator.url.set(drivername="postgresql", database=name)
        command = f"{shlex.quote(self._psql)} {shlex.quote(_conninfo(url))}"
        return Database(name=name, url=url.render_as_string(hide_password=False), client_command=command)

    def seal(self, database: Database) -> None:
        """Let nobody connect any more, so that copies never wait and never differ."""
        name = _identifier(database.name)
        self._administrator.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true")
        self._made[database.name] = True

    def template(self, key: str, build: Callable[[Database], None]) -> Database:
        """Return the sealed template for `key`, which `build` fills when nobody has done so yet.

        Whoever comes while it is being built waits.  One that is there but not sealed was left half-built by a process
        that died, and is built again.
        """

        def make(name: str) -> Database:
            database = self._copy("template0", name)
            build(database)
            return database

        found = self.kept([key])
        return found[1] if found is not None else self._made_once(key, make)

    def kept(self, keys: Sequence[str]) -> tuple[str, Database] | None:
        """Return the first key that has a template, with the template."""
        there = {each.name for each in kept_templates(self._administrator)} if self._keeps else set()
        own = f"stairway_{self.session}_template_%"
        query = f"SELECT datname::text FROM pg_database WHERE NOT datallowconn AND datname LIKE {_literal(own)}"
        there |= {name for (name,) in self._administrator.rows(query)}
        for key in keys:
            for name in there & {self._kept_name(key), self._run_name(key)}:
                if name == self._kept_name(key):
                    touch(self._administrator, name)
                return key, self._database(name)
        return None

    def keep(self, key: str, database: Database) -> None:
        """Keep a copy of a database that nobody is connected to as the template for `key`."""
        if self.kept([key]) is None:
            self._made_once(key, lambda name: self._copy(database.name, name))

    def forget(self) -> tuple[str, ...]:
        """Drop the templates that earlier runs have left on the server; give their names."""
        templates = kept_templates(self._administrator)
        prune(self._administrator, templates)
        return tuple(each.name for each in templates)

    def _made_once(self, key: str, make: Callable[[str], Database]) -> Database:
        """Make a template, unless somebody else in this run does; it gets its lasting name when it is whole."""
        name = self._run_name(key)
        with self._building, self._locked(lock_number(name)):
            sealed = self._administrator.value(
                f"SELECT NOT datallowconn FROM pg_database WHERE datname = {_literal(name)}"
            )
            found = self.kept([key])
            if found is not None:
                return found[1]
            if sealed is not None:
                self._drop(name, sealed=False)
            database = make(name)
            self.seal(database)
            del self._made[name]  # it outlives this process: the run's other workers use it
            return self._kept_for_good(key, name) if self._keeps else database

    def _kept_for_good(self, key: str, name: str) -> Database:
        """Give a whole template the name by which later runs know it; where another run was quicker, use that one."""
        lasting = self._kept_name(key)
        try:
            self._administrator.execute(f"ALTER DATABASE {_identifier(name)} RENAME TO {_identifier(lasting)}")
        except DatabaseUnavailable:
            found = self.kept([key])
            return found[1] if found is not None else self._database(name)
        touch(self._administrator, lasting, made=True)
        prune(self._administrator, kept_templates(self._administrator)[MOST_ON_SERVER:])
        return self._database(lasting)

    def _run_name(self, key: str) -> str:
        return template_name(self.session, hashlib.sha256(key.encode()).hexdigest())

    def _kept_name(self, key: str) -> str:
        return kept_name(key, self.version)

    @contextlib.contextmanager
    def _locked(self, number: int) -> Iterator[None]:
        self._administrator.rows(f"SELECT pg_advisory_lock({number})")
        try:
            yield
        finally:
            self._administrator.rows(f"SELECT pg_advisory_unlock({number})")

    def drop(self, database: Database) -> None:
        """Drop a database of this run; whoever is still connected is disconnected (before version 13: is in the way).

        Raises:
            UsageError: the database is not one of this run's.
        """
        if session_of(database.name) != self.session:
            msg = f"{database.name} is not a database of this run ({self.session}), so it is not dropped"
            raise UsageError(msg)
        self._drop(database.name, sealed=self._made.get(database.name, False))
        self._made.pop(database.name, None)

    def _drop(self, name: str, *, sealed: bool) -> None:
        drop_database(self._administrator, name, sealed=sealed, force=self._number >= _FORCE)

    def close(self) -> None:
        """Drop what is left, disconnect, and stop the server where it is ours; a second call does nothing.

        In a process forked from the one that made it, nothing happens either: the server is the parent's.
        """
        if self._closed or os.getpid() != self._process:
            return
        self._closed = True
        try:
            if not self._owned:
                for name, sealed in self._made.items():
                    with contextlib.suppress(DatabaseUnavailable):  # the owner may have stopped the server
                        self._drop(name, sealed=sealed)
            elif not self._private:
                drop_databases(self._administrator, self.session)
            elif self._on_keep is not None:
                self._keep_all(self._on_keep)
        finally:
            self._administrator.close()
            if self._on_close is not None:
                self._on_close()

    def _keep_all(self, on_keep: Callable[[Administrator], None]) -> None:
        """Keep the templates for the next run; where that fails, this one is none the worse."""
        try:
            on_keep(self._administrator)
        except DatabaseUnavailable as err:
            self.notes += (str(err),)

    def __enter__(self) -> Self:
        """Return the server itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """Close."""
        self.close()


def join(values: dict[str, Any], worker: str | None = None) -> PostgresqlServer:
    """Return another process's server, for this process's own databases.

    Raises:
        DatabaseUnavailable: it is gone.
    """
    from sqlalchemy.engine import make_url  # not at pytest's start

    administrator = Administrator(make_url(values["url"]), values["driver"])
    if not values["private"] and not hold_session(administrator, values["session"]):
        administrator.close()
        msg = "the run that this process wants to join has ended: its databases are being dropped"
        raise DatabaseUnavailable(msg)
    return PostgresqlServer(
        provider=values["provider"],
        place=values["place"],
        administrator=administrator,
        session=values["session"],
        worker=worker or current_worker(),
        private=values["private"],
        owned=False,
        keeps=values["keeps"],
        psql=values["psql"],
    )


def lock_number(name: str) -> int:
    """Return the advisory lock that stands for a name: 63 bits that begin with our own sixteen."""
    return 0x5741 << 48 | int(hashlib.sha256(name.encode()).hexdigest()[:12], 16)


def hold_session(administrator: Administrator, session: str) -> bool:
    """Say, until the connection ends, that a session is alive; every process of the run does, so the lock is shared."""
    held: bool = administrator.value(f"SELECT pg_try_advisory_lock_shared({lock_number(session)})")
    return held


def drop_databases(administrator: Administrator, session: str) -> None:
    """Drop all databases of a session; one that cannot be dropped is left for the next sweep."""
    force = int(administrator.value("SELECT current_setting('server_version_num')")) >= _FORCE
    for name, sealed in own_databases(administrator):
        if session_of(name) == session:
            with contextlib.suppress(DatabaseUnavailable):
                drop_database(administrator, name, sealed=sealed, force=force)


def own_databases(administrator: Administrator) -> list[tuple[str, bool]]:
    """Return the databases that bear our pattern and belong to our role, and whether each is sealed."""
    rows = administrator.rows(
        f"SELECT datname::text, datistemplate FROM pg_database WHERE datname ~ {_literal(NAME_PATTERN)}"
        " AND datdba = (SELECT oid FROM pg_roles WHERE rolname = current_user) ORDER BY datname"
    )
    return [(name, sealed) for name, sealed in rows if session_of(name) is not None]


def drop_database(administrator: Administrator, name: str, *, sealed: bool, force: bool) -> None:
    """Drop one database, sealed or not."""
    if sealed:
        administrator.execute(f"ALTER DATABASE {_identifier(name)} WITH IS_TEMPLATE false")
    administrator.execute(f"DROP DATABASE IF EXISTS {_identifier(name)}" + (" WITH (FORCE)" if force else ""))


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _conninfo(url: URL) -> str:
    """Return a connection string for psql, without the password."""
    host = url.query.get("host", url.host)
    words = {"host": host, "port": url.port, "user": url.username, "dbname": url.database}
    return " ".join(f"{key}={_conninfo_value(str(value))}" for key, value in words.items() if value)


def _conninfo_value(value: str) -> str:
    if not set(value) & set(" '\\"):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
