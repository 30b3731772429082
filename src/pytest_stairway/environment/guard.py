"""No connection leaves the sandbox.

Applications' `env.py` files build their own URLs, engines and connections, so setting ``sqlalchemy.url`` is not
enough, and a test that migrates the developer's own database is a disaster.  While the guard is armed, SQLAlchemy's
public events see every connection of every engine in the process:

* ``do_connect`` connects to the throwaway database instead, with the caller's own driver and harmless arguments;
* the pool's ``checkout`` has a connection that a pool kept from before replaced in the same way;
* the pool's ``connect``, ``engine_connect`` and ``before_cursor_execute`` refuse what cannot be redirected: a
  connection that a ``creator=`` function made, one that somebody opened before and handed over ready.

What goes past SQLAlchemy (see `bypass`) is refused before it connects, and SQLite may attach no file.  A refusal comes
before the first statement.  No pool keeps a connection to a throwaway database: it is closed when it is returned, or
when the guard is disarmed.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import weakref
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import event, exc, pool
from sqlalchemy.engine import Engine, make_url

from pytest_stairway.contacts import Contact, contact_of, harmless, without_password
from pytest_stairway.databases import connect_arguments, on_connect_statements
from pytest_stairway.environment import bypass
from pytest_stairway.environment.threads import waiting_thread
from pytest_stairway.exceptions import ConnectionRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping

    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
    from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["STAMP", "Contact", "Guard"]

STAMP = "pytest_stairway"
"""The key in a DBAPI connection's ``info`` under which its throwaway database stands."""

STUBBORN = 3
"""So many refusals in one run of `env.py`, and it is taken for a loop that waits for its database."""

REMEDY = (
    "Let env.py, the models and the migrations connect through an engine made by create_engine() or "
    "engine_from_config(), without creator=, while the migrations run"
)


class Guard:
    """Redirects every connection that is made while it is armed, and refuses what it cannot redirect.

    Args:
        locate: gives the URL of the throwaway database that stands in for a contact; may raise `ConnectionRefused`.
    """

    _armed: ClassVar[int] = 0
    """How many guards are armed: more than one where an interrupted run of `env.py` has not ended yet."""

    _connections: ClassVar[weakref.WeakSet[Connection]] = weakref.WeakSet()
    """Connections that were made under any guard: an application may keep one for all runs of `env.py`."""

    def __init__(self, locate: Callable[[Contact], str]) -> None:
        self._locate = locate
        self._paused = False
        self._over = False
        self._thread: int | None = None
        self._bystander: int | None = None
        self._files: set[str] = set()
        self._entries: weakref.WeakSet[ConnectionPoolEntry] = weakref.WeakSet()
        self.refusals: list[ConnectionRefused] = []
        """What was refused since the guard was armed, also where `env.py` swallowed it."""
        self._listeners: tuple[tuple[type, str, Callable[..., Any]], ...] = (
            (Engine, "do_connect", self._redirect),
            (Engine, "engine_connect", self._check_connection),
            (pool.Pool, "connect", self._check_entry),
            (pool.Pool, "checkout", self._check_checkout),
            (pool.Pool, "checkin", self._close_ours),
            (Engine, "before_cursor_execute", self._check_statement),
        )

    @contextlib.contextmanager
    def armed(self) -> Iterator[None]:
        """Watch every engine of the process, and every driver, for as long as the block lasts.

        The thread that waits for the current one is left alone.
        """
        self.refusals.clear()
        self._paused = False
        self._thread, self._bystander = threading.get_ident(), waiting_thread()
        with bypass.watched(self._check_bypass):
            Guard._armed += 1
            for target, name, listener in self._listeners:
                event.listen(target, name, listener, insert=True)
            try:
                yield
            finally:
                for target, name, listener in self._listeners:
                    event.remove(target, name, listener)
                Guard._armed -= 1
                self._let_go()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Leave everybody alone for a while: nothing of ours runs, and other tests may use their own databases."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    @property
    def is_stubborn(self) -> bool:
        """Whether `env.py` tries again and again to connect to what it is refused."""
        return len(self.refusals) >= STUBBORN

    def check(self, connection: Connection) -> None:
        """Refuse a connection that does not lead to a throwaway database.

        Raises:
            ConnectionRefused: it was opened before the guard was armed, or past it.
        """
        if not connection.closed and STAMP not in connection.info:
            address = without_password(connection.engine.url.render_as_string(hide_password=True))
            raise self._refusal(f"a connection ({connection.dialect.name}) that was open before", address)

    def abandon(self) -> None:
        """End what runs on the throwaway databases, and let nobody connect to them any more."""
        self._over = True
        for entry in tuple(self._entries):
            for name in ("interrupt", "cancel"):  # sqlite3; psycopg and psycopg2
                with contextlib.suppress(Exception):  # another driver, or not connected any more
                    getattr(entry.dbapi_connection, name)()

    def _is_off(self) -> bool:
        thread = threading.get_ident()
        replaced = self._over and Guard._armed > 1 and thread != self._thread
        return self._paused or thread == self._bystander or replaced

    def _redirect(
        self, dialect: Dialect, entry: ConnectionPoolEntry | None, cargs: Any, cparams: MutableMapping[str, Any]
    ) -> DBAPIConnection | None:
        """Connect to the throwaway database where the caller asked for another."""
        if self._is_off():
            return None
        url = self._locate_for(contact_of(dialect, cargs, cparams))
        with bypass.ours():
            arguments, parameters = connect_arguments(dialect, url)
            connection = dialect.connect(*arguments, **{**harmless(cparams), **parameters})
            _prepare(connection, dialect.name)
        if entry is not None:
            entry.info[STAMP] = url
            self._entries.add(entry)
        return connection

    def _locate_for(self, contact: Contact) -> str:
        if self._over:
            raise self._refusal("a connection, because the run was interrupted", str(contact))
        try:
            with bypass.ours():
                url = self._locate(contact)
        except ConnectionRefused as refusal:
            self.refusals.append(refusal)
            raise
        if contact.dialect == "sqlite":
            self._files.add(bypass.path_of(make_url(url).database or ""))
        return url

    def _check_connection(self, connection: Connection) -> None:
        if not self._is_off():
            self.check(connection)
            self._connections.add(connection)

    def _check_entry(self, connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        """Refuse a new connection that no ``do_connect`` has made."""
        if STAMP not in entry.info and not self._is_off():
            with contextlib.suppress(Exception):  # it is being refused; that it cannot be closed changes nothing
                connection.close()
            raise self._refusal("a connection that a creator function made", "past the throwaway database")

    def _check_checkout(self, connection: DBAPIConnection, entry: ConnectionPoolEntry, _proxy: Any) -> None:
        """Have a connection replaced that leads elsewhere than its user wants: a pool kept it from before."""
        leads_to_us = STAMP in entry.info
        if leads_to_us is self._is_off() and (leads_to_us or not _is_all_there_is(connection)):
            raise exc.DisconnectionError  # the pool closes it and connects again, which `_redirect` sees

    def _close_ours(self, connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        """Keep pools from giving a throwaway connection to somebody else later, or to another event loop."""
        if connection is not None and STAMP in entry.info:
            entry.close()

    def _check_statement(self, connection: Connection, *_statement: Any) -> None:
        if not self._is_off():
            self.check(connection)

    def _check_bypass(self, attempt: bypass.Attempt) -> None:
        if not self._is_off() and attempt.file not in self._files:
            raise self._refusal(f"{attempt.what}, which goes past SQLAlchemy and cannot be redirected", attempt.address)

    def _refusal(self, what: str, address: str) -> ConnectionRefused:
        refusal = ConnectionRefused(f"refused {what}", address=address, remedy=REMEDY)
        self.refusals.append(refusal)
        return refusal

    def _let_go(self) -> None:
        """Disconnect whatever still leads to a throwaway database, so that its next user gets the usual one.

        An event loop that is closed by now cannot be told; pools log that, and nobody need read it.
        """
        disabled = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        try:
            for connection in tuple(self._connections):
                _invalidate(connection)
            for entry in tuple(self._entries):
                if STAMP in entry.info:
                    entry.invalidate()
        finally:
            logging.disable(disabled)
            self._entries.clear()


def _invalidate(connection: Connection) -> None:
    """Disconnect a connection that was never closed; it connects again when it is used again."""
    if connection.closed or connection.invalidated or STAMP not in connection.info:
        return
    with contextlib.suppress(Exception):  # its event loop is closed, or its server is gone: no matter
        transaction = connection.get_transaction()
        if transaction is not None:
            transaction.rollback()
    with contextlib.suppress(Exception):
        connection.invalidate()


def _prepare(connection: Any, dialect: str) -> None:
    """Give a connection the settings of a database that nobody will miss, and keep SQLite from opening other files."""
    for statement in on_connect_statements(dialect):
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
    if dialect == "sqlite":
        if hasattr(connection, "run_async"):
            connection.run_async(_authorize_in_thread)
        elif hasattr(connection, "set_authorizer"):
            connection.set_authorizer(_authorize)


async def _authorize_in_thread(connection: Any) -> None:
    """Set the authorizer in aiosqlite's own thread, by the method that all its methods use (0.22 has a public one)."""
    await connection._execute(connection._conn.set_authorizer, _authorize)  # noqa: SLF001


def _authorize(action: int, file: str | None, *_rest: str | None) -> int:
    """Let SQLite do everything but attach a file."""
    if action == sqlite3.SQLITE_ATTACH and not (file is not None and bypass.in_memory(file)):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _is_all_there_is(connection: Any) -> bool:
    """Tell whether closing a connection would lose a database: SQLite's, in memory."""
    if not isinstance(connection, sqlite3.Connection) and "sqlite" not in type(connection).__module__:
        return False
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA database_list")
        return any(name == "main" and not file for _number, name, file in cursor.fetchall())
    except Exception:  # noqa: BLE001 - of another thread, or closed: it is somebody's, so leave it
        return True
