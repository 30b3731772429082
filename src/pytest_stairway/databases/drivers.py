"""How to reach a database on a server with whatever driver there is.

Administrative statements go straight through the driver, not through an engine: while a project's `env.py` runs, every
engine's connections are rewritten to its throwaway database, and ours must not be.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_stairway.databases.connections import Connection, connect
from pytest_stairway.exceptions import DatabaseUnavailable, DriverUnusable

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import URL, Dialect

__all__ = ["Administrator", "connect_arguments", "on_connect_statements", "public_address", "usable_driver"]

_CONNECT_SECONDS = 10
_TIMEOUT_PARAMETER = {
    "psycopg": "connect_timeout",
    "psycopg2": "connect_timeout",
    "asyncpg": "timeout",
    "pymysql": "connect_timeout",
    "mysqldb": "connect_timeout",
    "mysqlconnector": "connection_timeout",
    "mariadbconnector": "connect_timeout",
    "asyncmy": "connect_timeout",
}
_BLOCKING = {"psycopg_async": "psycopg", "aiomysql": "pymysql"}
"""What comes along with a driver that cannot be used without an event loop."""
_OWN_DRIVERS_ONLY = frozenset({"mssql", "oracle", "cockroachdb"})
"""Dialects whose other drivers want to be told more than a URL of ours says."""
_ASK_THEIR_MODULE = frozenset({"oracledb"})
"""Drivers whose own functions make their arguments."""
_WITH_LOOP = frozenset({"asyncpg", "asyncmy"})
"""Drivers that need an event loop, and get one of their own here."""


@dataclass(frozen=True, slots=True)
class _Family:
    """What administrators of one kind of server need to know."""

    name: str
    drivers: tuple[str, ...]
    """The best first."""
    pip: str
    patience: tuple[str, ...]
    """Whatever the role's defaults are, this connection waits, and stays: it holds the session's lock."""


_POSTGRESQL = _Family(
    name="PostgreSQL",
    drivers=("psycopg", "psycopg2", "pg8000", "asyncpg"),
    pip="python -m pip install 'psycopg[binary]'",
    patience=(
        "SET client_min_messages = warning",
        "SELECT set_config(name, '0', false) FROM pg_settings "
        "WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_session_timeout')",
    ),
)
_MYSQL = _Family(
    name="MariaDB and MySQL",
    drivers=("pymysql", "mysqldb", "mysqlconnector", "mariadbconnector", "asyncmy"),
    pip="python -m pip install pymysql",
    patience=(
        # A database that somebody uses is not waited for until tomorrow, which is the default.
        "SET SESSION wait_timeout = 2147483, SESSION interactive_timeout = 2147483, SESSION lock_wait_timeout = 20, "
        "SESSION foreign_key_checks = 0"
        "/*M! , SESSION max_statement_time = 0 */"
        "/*!50708 , SESSION max_execution_time = 0 */"
        # MySQL tells where counters stand as it was yesterday, unless told otherwise.
        "/*!80000 , SESSION information_schema_stats_expiry = 0 */",
    ),
)
_MSSQL = _Family(name="SQL Server", drivers=("pymssql",), pip="python -m pip install pymssql", patience=())
_ORACLE = _Family(name="Oracle", drivers=("oracledb",), pip="python -m pip install oracledb", patience=())
_COCKROACHDB = _Family(
    name="CockroachDB",
    drivers=("psycopg", "psycopg2"),
    pip="python -m pip install sqlalchemy-cockroachdb 'psycopg[binary]'",
    patience=(),
)
_FAMILIES = {
    "postgresql": _POSTGRESQL,
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "mssql": _MSSQL,
    "oracle": _ORACLE,
    "cockroachdb": _COCKROACHDB,
}


def connect_arguments(dialect: Dialect, database_url: str) -> tuple[list[Any], dict[str, Any]]:
    """Return what this dialect's driver needs in order to connect to a throwaway database.

    Args:
        dialect: of the engine that connects, with the driver of its choice.
        database_url: a `Database.url`, without a driver.

    Returns:
        Positional and named arguments of the driver's ``connect``, as `Dialect.create_connect_args` gives them.
    """
    from sqlalchemy.engine import make_url  # not at pytest's start

    url = make_url(database_url).set(drivername=f"{dialect.name}+{dialect.driver}")
    if dialect.name != "postgresql":
        arguments, parameters = dialect.create_connect_args(url)
        return list(arguments), {**parameters, **_without_certificates(dialect.driver, url)}
    url, extra = _in_words_of(dialect.driver, url)
    arguments, parameters = dialect.create_connect_args(url)
    return list(arguments), {**parameters, **extra}


def _without_certificates(driver: str, url: URL) -> dict[str, Any]:
    """Keep PyMySQL from reading the system's certificates, for 40 ms each time, on a socket that it never encrypts."""
    return {"ssl_disabled": True} if driver == "pymysql" and "unix_socket" in url.query else {}


def _in_words_of(driver: str, url: URL) -> tuple[URL, dict[str, Any]]:
    """Say a Unix socket and the encryption as the driver wants to hear it; the rest of the URL stays."""
    query, extra = dict(url.query), dict[str, Any]()
    mode = query.pop("sslmode", None) or query.pop("ssl", None)
    if driver == "pg8000":
        host = query.get("host")
        if isinstance(host, str) and host.startswith("/"):
            del query["host"]
            query["unix_sock"] = f"{host}/.s.PGSQL.{query.pop('port', None) or url.port or 5432}"
        if mode in _PG8000_SSL:
            extra["ssl_context"] = _PG8000_SSL[mode]()
    elif mode is not None:
        query["ssl" if driver == "asyncpg" else "sslmode"] = mode
    return url.set(query=query), extra


def _verified() -> Any:
    import ssl  # rarely needed

    return ssl.create_default_context()


_PG8000_SSL: dict[Any, Callable[[], Any]] = {
    "disable": lambda: False,
    "require": lambda: True,  # encrypted, not verified: what it means to libpq, too
    "verify-ca": _verified,
    "verify-full": _verified,
}


def on_connect_statements(dialect: str) -> tuple[str, ...]:
    """Return the statements that make a new connection to a throwaway database quicker, nothing else.

    The journal mode stays: it is in the file (WAL), and a change waits for everybody else who has the file open.
    """
    return ("PRAGMA synchronous=OFF",) if dialect == "sqlite" else ()


def usable_driver(wanted: str | None = None, *, dialect: str = "postgresql") -> str:
    """Return the driver for administrative statements: the wanted one, else the first that is installed.

    Raises:
        DatabaseUnavailable: no driver for the dialect is installed.
    """
    family = _FAMILIES[dialect]
    own = [] if dialect in _OWN_DRIVERS_ONLY else [_BLOCKING.get(wanted or "", wanted)]
    for name in dict.fromkeys((*own, *family.drivers)):
        if name is not None and _is_usable(dialect, name):
            return name
    msg = f"no driver for {family.name} is installed (looked for {', '.join(family.drivers)}): {family.pip}"
    raise DatabaseUnavailable(msg)


def _is_usable(backend: str, driver: str) -> bool:
    from sqlalchemy.engine import URL
    from sqlalchemy.exc import ArgumentError

    try:
        dialect = URL.create(f"{backend}+{driver}").get_dialect()
        dialect.import_dbapi()
    except (ArgumentError, ImportError):
        return False
    return driver in _WITH_LOOP or not dialect.is_async


def public_address(url: URL) -> str:
    """Return where a URL leads, for messages: no password, no driver, no options."""
    host = url.query.get("host", url.host) or url.query.get("unix_socket") or "localhost"
    host = host if isinstance(host, str) else ",".join(host)
    user = f"{url.username}@" if url.username else ""
    port = f":{url.port}" if url.port else ""
    return f"{user}{host}{port}/{url.database or ''}"


def _without_cryptography(url: URL, driver: str) -> str:
    """Tell what the drivers that are written in Python need for a password on MySQL, unless they connect encrypted."""
    return (
        f"cannot connect to {public_address(url)} with {driver}: the server wants the password by "
        "caching_sha2_password, and without TLS the driver needs another package for that: "
        "python -m pip install cryptography"
    )


class Administrator:
    """The one connection for administrative statements, outside any transaction; safe to use from several threads.

    Raises:
        DatabaseUnavailable: from every method, with the address and the server's own words.
    """

    def __init__(self, url: URL, driver: str) -> None:
        self.url = url
        self.driver = driver
        self._busy = threading.RLock()
        self._connection = self._connect()
        try:
            for statement in _FAMILIES[url.get_backend_name()].patience:
                self.execute(statement)
        except BaseException:
            self.close()
            raise

    def _connect(self) -> Connection:
        kind: Any = self.url.set(drivername=f"{self.url.get_backend_name()}+{self.driver}").get_dialect()
        dialect = kind(dbapi=kind.import_dbapi()) if self.driver in _ASK_THEIR_MODULE else kind()
        parameters = connect_arguments(dialect, self.url.render_as_string(hide_password=False))[1]
        timeout = _TIMEOUT_PARAMETER.get(self.driver)
        if timeout is not None:
            parameters.setdefault(timeout, _CONNECT_SECONDS)
        try:
            return connect(self.driver, dialect, parameters)
        except Exception as err:
            if "'cryptography' package is required" in str(err):
                raise DriverUnusable(_without_cryptography(self.url, self.driver)) from err
            msg = f"cannot connect to {public_address(self.url)} with {self.driver}: {self._words(err)}"
            raise DatabaseUnavailable(msg) from err

    def execute(self, statement: str) -> None:
        """Run a statement, outside any transaction."""
        self._run(self._connection.execute, statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        rows: list[tuple[Any, ...]] = self._run(self._connection.rows, query)
        return rows

    def value(self, query: str) -> Any:
        """Return the one value of a query, None without a row."""
        rows = self.rows(query)
        return rows[0][0] if rows else None

    def _run(self, method: Callable[[str], Any], statement: str) -> Any:
        try:
            with self._busy:
                return method(statement)
        except Exception as err:
            msg = f"{public_address(self.url)} refused `{statement}`: {self._words(err)}"
            raise DatabaseUnavailable(msg) from err

    def _words(self, err: Exception) -> str:
        """Return what the server said, on one line, without the password."""
        first = err.args[0] if err.args else None
        said = str(err)
        if isinstance(first, dict):  # pg8000
            said = ". ".join(str(first[key]) for key in "MDH" if key in first) or said
        elif isinstance(first, int) and len(err.args) > 1:  # the drivers of MySQL: a number and a text
            said = f"{err.args[1]} ({first})"
        text = " ".join(said.split()) or type(err).__name__
        secret = self.url.password
        known = {self.url.username, self.url.database, self.url.host}
        return text.replace(secret, "***") if secret and secret not in known else text

    def close(self) -> None:
        """Disconnect; a connection that is broken already is no error."""
        with contextlib.suppress(Exception), self._busy:
            self._connection.close()
