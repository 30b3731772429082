"""Makes and drops databases on a server of MariaDB or MySQL, wherever that server came from.

These servers cannot close a database to newcomers, and a database has no owner: what is ours is told by its name
alone.  A user-level lock says which run, and which of its processes, is alive.
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
    worker_of,
    worker_word,
)
from pytest_stairway.databases.drivers import Administrator
from pytest_stairway.databases.mysql_binaries import is_mariadb, short_version
from pytest_stairway.databases.mysql_copy import copy_database, require_same
from pytest_stairway.databases.mysql_kept import MARK, has_privileges, kept_templates, prune, touch
from pytest_stairway.databases.running import Endings, RunningServer, Tenancy, admission
from pytest_stairway.databases.templates import kept_name
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy.engine import URL

__all__ = [
    "MysqlServer",
    "client_options",
    "drop_databases",
    "hold",
    "identifier",
    "join",
    "own_databases",
    "release",
    "session_lock",
    "session_locks",
]

_TEMPLATE_SECONDS = 3600
_OURS = "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'stairway%' ORDER BY schema_name"
_COLLATION = "SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = {name}"


class MysqlServer(RunningServer):
    """A server of MariaDB or MySQL; see `RunningServer` for the other arguments.

    Args:
        dialect: what the project calls it in its URLs, ``mysql`` or ``mariadb``.
    """

    def __init__(
        self,
        administrator: Administrator,
        tenancy: Tenancy,
        *,
        dialect: str,
        worker: str = "main",
        endings: Endings | None = None,
    ) -> None:
        super().__init__(administrator, tenancy, worker=worker, endings=endings)
        self.dialect = dialect
        self._keeps = tenancy.keeps
        version, charset = administrator.rows("SELECT VERSION(), @@character_set_server")[0]
        self.version = short_version(version)
        self.product = "MariaDB" if is_mariadb(version) else "MySQL"
        """What it is, whatever the project's URL calls it."""
        self._charset = "" if charset == "utf8mb4" else " CHARACTER SET utf8mb4"

    @property
    def description(self) -> str:
        """A line for the report's header."""
        return f"{self.product} {self.version}, {self._tenancy.place}"

    def create(self, label: str = "") -> Database:
        """Make an empty database, in which texts are utf8mb4 as the server sorts them by default."""
        return self._create(self._new_name(label))

    def _create(self, name: str, collation: str | None = None) -> Database:
        default = f" COLLATE {collation}" if collation else self._charset
        self._administrator.execute(f"CREATE DATABASE {identifier(name)}{default}")
        self._made[name] = False
        return self._database(name)

    def _database(self, name: str) -> Database:
        url = self._administrator.url.set(drivername=self.dialect, database=name)
        return Database(name=name, url=url.render_as_string(hide_password=False), client_command=self._command(url))

    def _command(self, url: URL) -> str:
        name = url.database or ""
        if self._tenancy.container:
            client = self.product.lower()  # its image has the password in a variable of this name
            shell = f'exec {client} -u{url.username} -p"${client.upper()}_ROOT_PASSWORD" {name}'
            return shlex.join(["docker", "exec", "-it", self._tenancy.container, "sh", "-c", shell])
        return shlex.join([self._tenancy.client or "mariadb", *client_options(url), name])

    def clone(self, template: Database | str, label: str = "") -> Database:
        """Copy a database, object by object: these servers cannot copy one.

        Raises:
            DatabaseUnavailable: something in it cannot be copied.
        """
        return self._copy_to(template if isinstance(template, str) else template.name, self._new_name(label))

    def _copy_to(self, source: str, name: str) -> Database:
        collation = self._administrator.value(_COLLATION.format(name=literal(source)))
        database = self._create(name, collation)
        own = Administrator(self._administrator.url.set(database=name), self._administrator.driver)
        try:
            copy_database(own, source, name)
        except BaseException:
            self._drop(name)
            self._made.pop(name, None)
            raise
        finally:
            own.close()
        return database

    def seal(self, database: Database) -> None:
        """Do nothing: there is no way to keep others out of a database."""

    def template(self, key: str, build: Callable[[Database], None]) -> Database:
        """Return the template for `key`, which `build` fills when nobody has done so yet.

        Whoever comes while it is being built waits.  One whose mark is missing was left half-built by a process that
        died, and is built again.
        """

        def make(name: str) -> None:
            build(self._create(name))

        found = self.kept([key])
        return found[1] if found is not None else self._made_once(key, make)

    def kept(self, keys: Sequence[str]) -> tuple[str, Database] | None:
        """Return the first key that has a template, with the template."""
        lasting = {each.name for each in kept_templates(self._administrator)} if self._keeps else set()
        there = set(own_databases(self._administrator))
        for key in keys:
            name, own = kept_name(key, self.version), self._run_name(key)
            if name in lasting:
                touch(self._administrator, name)
                return key, self._database(name)
            if own + MARK in there:
                return key, self._database(own)
        return None

    def keep(self, key: str, database: Database) -> None:
        """Keep a copy of a database as the template for `key`.

        Raises:
            DatabaseUnavailable: there is something in it that a copy would not have.
        """
        if self.kept([key]) is not None:
            return
        if has_privileges(self._administrator, database.name):
            msg = f"{database.name} cannot be kept as a template: a copy would not have what is granted there"
            raise DatabaseUnavailable(msg)

        def make(name: str) -> None:
            self._copy_to(database.name, name)
            require_same(self._administrator, database.name, name)

        self._made_once(key, make)

    def forget(self) -> tuple[str, ...]:
        """Drop the templates that stay on a server of our own; on a named one there are none."""
        templates = kept_templates(self._administrator) if self._keeps else []
        prune(self._administrator, templates)
        return tuple(each.name for each in templates)

    def _made_once(self, key: str, make: Callable[[str], None]) -> Database:
        """Make a template, unless somebody else in this run does; it is one when its mark is there."""
        name = kept_name(key, self.version) if self._keeps else self._run_name(key)
        with self._building, self._locked(name):
            found = self.kept([key])
            if found is not None:
                return found[1]
            for half in (name + MARK, name):
                self._drop(half)
            try:
                make(name)
            except BaseException:
                self._drop(name)
                raise
            finally:
                self._made.pop(name, None)  # it outlives this process: the run's other workers use it
            if self._keeps:
                touch(self._administrator, name, made=True)
            else:
                self._create(name + MARK)
                del self._made[name + MARK]
            return self._database(name)

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        if not hold(self._administrator, name, seconds=_TEMPLATE_SECONDS):
            msg = f"{name} is being built by another process, for over an hour"
            raise DatabaseUnavailable(msg)
        try:
            yield
        finally:
            release(self._administrator, [name])

    def _drop(self, name: str, *, sealed: bool = False) -> None:  # noqa: ARG002 - nothing is sealed here
        drop_database(self._administrator, name)

    def _drop_session(self) -> None:
        self.forget()
        drop_databases(self._administrator, self.session)

    def _disconnect(self, name: str) -> None:
        disconnect(self._administrator, name)

    def _retained_names(self) -> list[str]:
        return own_databases(self._administrator, RETAINED_PATTERN)

    def _is_over(self, session: str) -> bool:
        lock = session_lock(session)
        if session == self.session or not hold(self._administrator, lock):
            return False
        release(self._administrator, [lock])
        return True


def join(values: dict[str, Any], worker: str | None = None) -> MysqlServer:
    """Return another process's server, for this process's own databases.

    Raises:
        DatabaseUnavailable: it is gone.
    """
    administrator, tenancy = admission(values)
    try:
        worker = worker or current_worker()
        if not tenancy.private:
            worker = _take_part(administrator, tenancy.session, worker)
        return MysqlServer(administrator, tenancy, dialect=values["dialect"], worker=worker)
    except BaseException:
        administrator.close()
        raise


def _take_part(administrator: Administrator, session: str, worker: str) -> str:
    """Hold a lock of this process's own, for no lock can be shared; return the name that the process goes by."""
    names = (worker, *(f"{worker_word(worker)[:9]}x{number}" for number in range(2, 100)))
    taken = next(name for name in names if hold(administrator, session_lock(session, name)))
    if administrator.value(f"SELECT IS_USED_LOCK({literal(session_lock(session))}) = CONNECTION_ID()") in {None, 1}:
        msg = "the run that this process wants to join has ended: its databases are being dropped"
        raise DatabaseUnavailable(msg)
    return taken


def session_lock(session: str, worker: str = "main") -> str:
    """Return the lock that says that a process of a run is alive."""
    return f"stairway_{session}_{worker_word(worker)}"


def session_locks(session: str, names: Iterable[str]) -> list[str]:
    """Return the locks that keep a session's databases from being swept."""
    workers = dict.fromkeys(("main", *(worker_of(name) for name in names if session_of(name) == session)))
    return [session_lock(session, worker) for worker in workers]


def hold(administrator: Administrator, lock: str, *, seconds: int = 0) -> bool:
    """Take a lock until it is released or the connection ends; tell whether it was to be had."""
    return bool(administrator.value(f"SELECT GET_LOCK({literal(lock)}, {seconds})"))


def release(administrator: Administrator, locks: Iterable[str]) -> None:
    """Give locks back."""
    for lock in locks:
        administrator.rows(f"SELECT RELEASE_LOCK({literal(lock)})")


def drop_databases(administrator: Administrator, session: str) -> None:
    """Drop all databases of a session; one that cannot be dropped is left for the next sweep."""
    for name in own_databases(administrator):
        if session_of(name) == session:
            with contextlib.suppress(DatabaseUnavailable):
                drop_database(administrator, name)


def own_databases(administrator: Administrator, pattern: str = NAME_PATTERN) -> list[str]:
    """Return the databases that bear a pattern of ours and that our user can see."""
    return [name for (name,) in administrator.rows(_OURS) if re.search(pattern, name)]


def drop_database(administrator: Administrator, name: str) -> None:
    """Drop one database, if it is there, and disconnect those who use it: their locks would be waited for."""
    disconnect(administrator, name)
    administrator.execute(f"DROP DATABASE IF EXISTS {identifier(name)}")


def disconnect(administrator: Administrator, name: str) -> None:
    """End the connections to a database, as far as they are ours to end."""
    mine = administrator.value("SELECT CONNECTION_ID()")
    for number, _user, _host, database, *_rest in administrator.rows("SHOW PROCESSLIST"):
        if database == name and number != mine:
            with contextlib.suppress(DatabaseUnavailable):  # gone by itself, or not ours to end
                administrator.execute(f"KILL {number}")


def identifier(name: str) -> str:
    """Quote a name."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """Quote a text that has no backslash."""
    return "'" + text.replace("'", "''") + "'"


def client_options(url: URL) -> list[str]:
    """Return what tells the client where to, without the password."""
    words = {"socket": url.query.get("unix_socket"), "host": url.host, "port": url.port, "user": url.username}
    options = [f"--{key}={value}" for key, value in words.items() if value]
    return [*options, "--password"] if url.password else options
