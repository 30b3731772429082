"""How to reach a PostgreSQL database with whatever driver there is.

Administrative statements go straight through the driver, not through an engine: while a project's `env.py` runs, every
engine's connections are rewritten to its throwaway database, and ours must not be.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from sqlalchemy.engine import URL, Dialect

__all__ = ["Administrator", "connect_arguments", "on_connect_statements", "public_address", "usable_driver"]

_DRIVERS = ("psycopg", "psycopg2", "pg8000", "asyncpg")
_PIP = "python -m pip install 'psycopg[binary]'"
_CONNECT_SECONDS = 10
_TIMEOUT_PARAMETER = {"psycopg": "connect_timeout", "psycopg2": "connect_timeout", "asyncpg": "timeout"}
_PATIENCE = """
    SELECT set_config(name, '0', false) FROM pg_settings
    WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_session_timeout')"""
"""Whatever the role's defaults are, this connection waits, and stays: it holds the session's lock."""


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
        return list(arguments), dict(parameters)
    url, extra = _in_words_of(dialect.driver, url)
    arguments, parameters = dialect.create_connect_args(url)
    return list(arguments), {**parameters, **extra}


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


def usable_driver(wanted: str | None = None) -> str:
    """Return the driver for administrative statements: the wanted one, else the first that is installed.

    Raises:
        DatabaseUnavailable: no driver for PostgreSQL is installed.
    """
    wanted = "psycopg" if wanted == "psycopg_async" else wanted
    for name in dict.fromkeys((wanted, *_DRIVERS)):
        if name is not None and _is_usable(name):
            return name
    msg = f"no driver for PostgreSQL is installed (looked for {', '.join(_DRIVERS)}): {_PIP}"
    raise DatabaseUnavailable(msg)


def _is_usable(driver: str) -> bool:
    from sqlalchemy.engine import URL
    from sqlalchemy.exc import ArgumentError

    try:
        dialect = URL.create(f"postgresql+{driver}").get_dialect()
        dialect.import_dbapi()
    except (ArgumentError, ImportError):
        return False
    return driver == "asyncpg" or not dialect.is_async


def public_address(url: URL) -> str:
    """Return where a URL leads, for messages: no password, no driver, no options."""
    host = url.query.get("host", url.host) or "localhost"
    host = host if isinstance(host, str) else ",".join(host)
    user = f"{url.username}@" if url.username else ""
    port = f":{url.port}" if url.port else ""
    return f"{user}{host}{port}/{url.database or ''}"


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
            self.execute("SET client_min_messages = warning")
            self.rows(_PATIENCE)
        except BaseException:
            self.close()
            raise

    def _connect(self) -> _Synchronous | _Asyncpg:
        dialect = self.url.set(drivername=f"postgresql+{self.driver}").get_dialect()()
        parameters = connect_arguments(dialect, self.url.render_as_string(hide_password=False))[1]
        timeout = _TIMEOUT_PARAMETER.get(self.driver)
        if timeout is not None:
            parameters.setdefault(timeout, _CONNECT_SECONDS)
        try:
            if self.driver == "asyncpg":
                return _Asyncpg(parameters)
            return _Synchronous(dialect.import_dbapi(), parameters)
        except Exception as err:
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
        details = err.args[0] if err.args and isinstance(err.args[0], dict) else None  # pg8000
        said = ". ".join(str(details[key]) for key in "MDH" if key in details) if details else str(err)
        text = " ".join(said.split()) or type(err).__name__
        secret = self.url.password
        known = {self.url.username, self.url.database, self.url.host}
        return text.replace(secret, "***") if secret and secret not in known else text

    def close(self) -> None:
        """Disconnect; a connection that is broken already is no error."""
        with contextlib.suppress(Exception), self._busy:
            self._connection.close()


class _Synchronous:
    """A DBAPI connection in autocommit mode."""

    def __init__(self, dbapi: Any, parameters: dict[str, Any]) -> None:
        self._connection = dbapi.connect(**parameters)
        self._connection.autocommit = True

    def execute(self, statement: str) -> None:
        cursor = self._connection.cursor()
        try:
            cursor.execute(statement)
        finally:
            cursor.close()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        cursor = self._connection.cursor()
        try:
            cursor.execute(query)
            return [tuple(row) for row in cursor.fetchall()]
        finally:
            cursor.close()

    def close(self) -> None:
        self._connection.close()


class _Asyncpg:
    """An asyncpg connection on an event loop in a thread of its own: the caller may be inside a loop itself."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        import asyncio

        import asyncpg  # type: ignore[import-untyped]

        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stairway-asyncpg", daemon=True)
        self._thread.start()
        try:
            self._connection = self._wait(asyncpg.connect(**parameters))
        except BaseException:
            self._stop()
            raise

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        import asyncio

        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def execute(self, statement: str) -> None:
        self._wait(self._connection.execute(statement))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._wait(self._connection.fetch(query))]

    def close(self) -> None:
        try:
            self._wait(self._connection.close(timeout=5))
        finally:
            self._stop()
