"""Makes and drops databases on a PostgreSQL server, wherever that server came from.

An empty database is a copy of template0: template1 may hold what somebody once put there.  On a server of our own the
copy is made file by file, which is two to five times as fast; on somebody else's its default is left alone.
"""

from __future__ import annotations

import contextlib
import re
import shlex
from typing import TYPE_CHECKING, Any

from pytest_stairway.databases.base import (
    NAME_PATTERN,
    RETAINED_PATTERN,
    Database,
    current_worker,
    session_of,
)
from pytest_stairway.databases.kept import MOST_ON_SERVER, kept_templates, prune, touch
from pytest_stairway.databases.postgresql_sessions import hold_session, is_dead, lock_number
from pytest_stairway.databases.running import Endings, RunningServer, Tenancy, admission
from pytest_stairway.databases.templates import kept_name
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy.engine import URL

    from pytest_stairway.databases.drivers import Administrator

__all__ = ["PostgresqlServer", "drop_databases", "join", "own_databases"]

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

_DISCONNECT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {name} AND pid <> pg_backend_pid()"""


class PostgresqlServer(RunningServer):
    """A PostgreSQL server; see `RunningServer` for the arguments."""

    dialect = "postgresql"

    def __init__(
        self,
        administrator: Administrator,
        tenancy: Tenancy,
        *,
        worker: str = "main",
        endings: Endings | None = None,
    ) -> None:
        super().__init__(administrator, tenancy, worker=worker, endings=endings)
        self._keeps = tenancy.keeps
        full, number = administrator.rows(_VERSION)[0]
        self.version = full.split()[0]
        self._number = int(number)
        self._file_copy = self._private and self._number >= _FILE_COPY
        if self._private:
            administrator.rows(_CLONE)

    @property
    def description(self) -> str:
        """A line for the report's header."""
        return f"PostgreSQL {self.version}, {self._tenancy.place}"

    def create(self, label: str = "") -> Database:
        """Make an empty database."""
        return self._copy("template0", self._new_name(label))

    def clone(self, template: Database | str, label: str = "") -> Database:
        """Copy a database that nobody is connected to, with its settings and rights where the server is our own.

        Raises:
            DatabaseUnavailable: somebody is connected to it (found after five seconds).
        """
        return self._copy_to(template if isinstance(template, str) else template.name, self._new_name(label))

    def _copy_to(self, source: str, name: str) -> Database:
        database = self._copy(source, name)
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
        return Database(name=name, url=url.render_as_string(hide_password=False), client_command=self._command(url))

    def _command(self, url: URL) -> str:
        if self._tenancy.container:
            words = ["docker", "exec", "-it", self._tenancy.container, "psql", "-U", url.username or "", "-d"]
            return shlex.join([*words, url.database or ""])
        return f"{shlex.quote(self._tenancy.client or 'psql')} {shlex.quote(_conninfo(url))}"

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

    def _kept_name(self, key: str) -> str:
        return kept_name(key, self.version)

    @contextlib.contextmanager
    def _locked(self, number: int) -> Iterator[None]:
        self._administrator.rows(f"SELECT pg_advisory_lock({number})")
        try:
            yield
        finally:
            self._administrator.rows(f"SELECT pg_advisory_unlock({number})")

    def _drop(self, name: str, *, sealed: bool = False) -> None:
        drop_database(self._administrator, name, sealed=sealed, force=self._number >= _FORCE)

    def _drop_session(self) -> None:
        if self._private:
            self.forget()
        drop_databases(self._administrator, self.session)

    def _disconnect(self, name: str) -> None:
        with contextlib.suppress(DatabaseUnavailable):  # not ours to end
            self._administrator.rows(_DISCONNECT.format(name=_literal(name)))

    def _retained_names(self) -> list[str]:
        return [name for name, _ in own_databases(self._administrator, RETAINED_PATTERN)]

    def _is_over(self, session: str) -> bool:
        if session == self.session:
            return False
        with is_dead(self._administrator, session) as dead:
            return dead


def join(values: dict[str, Any], worker: str | None = None) -> PostgresqlServer:
    """Return another process's server, for this process's own databases.

    Raises:
        DatabaseUnavailable: it is gone.
    """
    administrator, tenancy = admission(values)
    if not tenancy.private and not hold_session(administrator, tenancy.session):
        administrator.close()
        msg = "the run that this process wants to join has ended: its databases are being dropped"
        raise DatabaseUnavailable(msg)
    return PostgresqlServer(administrator, tenancy, worker=worker or current_worker())


def drop_databases(administrator: Administrator, session: str) -> None:
    """Drop all databases of a session; one that cannot be dropped is left for the next sweep."""
    force = int(administrator.value("SELECT current_setting('server_version_num')")) >= _FORCE
    for name, sealed in own_databases(administrator):
        if session_of(name) == session:
            with contextlib.suppress(DatabaseUnavailable):
                drop_database(administrator, name, sealed=sealed, force=force)


def own_databases(administrator: Administrator, pattern: str = NAME_PATTERN) -> list[tuple[str, bool]]:
    """Return the databases that bear a pattern of ours and belong to our role, and whether each is sealed."""
    rows = administrator.rows(
        f"SELECT datname::text, datistemplate FROM pg_database WHERE datname ~ {_literal(pattern)}"
        " AND datdba = (SELECT oid FROM pg_roles WHERE rolname = current_user) ORDER BY datname"
    )
    return [(name, sealed) for name, sealed in rows if re.search(pattern, name)]


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
