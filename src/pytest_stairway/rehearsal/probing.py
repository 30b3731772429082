"""Another session that tries to read and to write while a migration holds its locks."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

from pytest_stairway.complaints import sqlstate_of
from pytest_stairway.databases.drivers import Administrator, usable_driver
from pytest_stairway.exceptions import DatabaseUnavailable, chain_of
from pytest_stairway.rehearsal.locks import Lock
from pytest_stairway.rehearsal.looks import LOCKS, strongest
from pytest_stairway.rehearsal.model import Passing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_stairway.rehearsal.looks import Table

__all__ = ["Bystander", "Lookout", "Seen", "bystanders"]

PATIENCE = "5ms"
"""How long the other session waits for a lock: who has none in its way does not wait at all, and whoever holds one
is not going to let go before the commit."""
INTERVAL = 0.01
"""Seconds between two looks from outside."""
LOCKED = "55P03"
"""The server's word for a lock that was not to be had."""
_UNDER_CHANGE = (
    "WHERE xmax::text::int8 >= (pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot()) & 4294967295)"
)
"""The rows that a transaction under way has changed, deleted or locked; the first row need not be one of them."""


class Bystander:
    """A session of its own, which never keeps anybody waiting: it has at most one lock at a time.

    Args:
        url: the database's, without a driver.
    """

    def __init__(self, url: str) -> None:
        self.administrator = Administrator(make_url(url), usable_driver())
        self.administrator.execute(f"SET lock_timeout = '{PATIENCE}'")

    def read(self, table: Table) -> Passing | None:
        """Try to read; None where it failed for another reason than a lock."""
        return self._try(f"SELECT 1 FROM {table.sql} LIMIT 1", Passing.BLOCKED)

    def write(self, table: Table) -> Passing | None:
        """Try to get what a writer needs: the lock on the table, on its first row, and on those that were changed."""
        found = self._try(_lock_statement(table), Passing.BLOCKED)
        for rows in ("LIMIT 1", _UNDER_CHANGE):
            if found is Passing.WENT_ON:
                found = (
                    self._try(f"SELECT 1 FROM {table.sql} {rows} FOR NO KEY UPDATE NOWAIT", Passing.BLOCKED_ON_ROW)
                    or found
                )
        return found

    def _try(self, statement: str, otherwise: Passing) -> Passing | None:
        try:
            self.administrator.execute(statement)
        except DatabaseUnavailable as error:
            return otherwise if any(sqlstate_of(each) == LOCKED for each in chain_of(error)) else None
        return Passing.WENT_ON

    def close(self) -> None:
        """Disconnect."""
        self.administrator.close()


def _lock_statement(table: Table) -> str:
    """Lock a table for as long as one statement takes."""
    body = f"BEGIN LOCK TABLE {table.sql} IN ROW EXCLUSIVE MODE; END".replace("\\", "\\\\").replace("'", "''")
    return f"DO E'{body}'"


@dataclass(slots=True)
class Seen:
    """What was seen of one table from outside, during one statement."""

    lock: Lock
    since: float
    until: float
    reader: Passing | None = None
    writer: Passing | None = None

    @property
    def seconds(self) -> float:
        """For how long the lock was there, at least."""
        return self.until - self.since


@dataclass(slots=True)
class Lookout:
    """Looks from outside, while a statement runs: some statements end their own transactions.

    Args:
        url: the database's, without a driver.
    """

    url: str
    _bystander: Bystander = field(init=False)
    _thread: threading.Thread = field(init=False)
    _running: threading.Event = field(init=False, default_factory=threading.Event)
    _looking: threading.Lock = field(init=False, default_factory=threading.Lock)
    _ended: bool = field(init=False, default=False)
    _pid: int = field(init=False, default=0)
    _tables: Mapping[int, Table] = field(init=False, default_factory=dict)
    _seen: dict[int, Seen] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._bystander = Bystander(self.url)
        self._thread = threading.Thread(target=self._look, name="stairway-lookout", daemon=True)
        self._thread.start()

    def begin(self, pid: int, tables: Mapping[int, Table]) -> None:
        """Look while a statement runs, from now on.

        Args:
            pid: of the backend that runs it.
            tables: what to look at.
        """
        self._pid, self._tables, self._seen = pid, tables, {}
        self._running.set()

    def end(self) -> dict[int, Seen]:
        """Look no longer, because the statement has ended, and tell what was seen, by table."""
        self._running.clear()
        with self._looking:
            return self._seen

    def close(self) -> None:
        """End the looking."""
        self._ended = True
        self._running.set()
        self._thread.join()
        self._bystander.close()

    def _look(self) -> None:
        while not self._ended:
            self._running.wait()
            with self._looking, contextlib.suppress(DatabaseUnavailable):
                if self._running.is_set() and not self._ended:
                    self._look_once()
            time.sleep(INTERVAL)

    def _look_once(self) -> None:
        held = strongest(self._bystander.administrator.rows(LOCKS.format(pid=self._pid)))
        now = time.perf_counter()
        for oid, lock in held.items():
            if oid not in self._tables:
                continue
            seen = self._seen.get(oid)
            if seen is None or lock > seen.lock:
                self._seen[oid] = seen = Seen(lock, seen.since if seen else now, now)
                self._try(self._tables[oid], seen)
            seen.until = time.perf_counter()

    def _try(self, table: Table, seen: Seen) -> None:
        """Try to read and to write; nobody waits for the weakest lock."""
        if seen.lock > Lock.ACCESS_SHARE:
            seen.reader, seen.writer = self._bystander.read(table), self._bystander.write(table)


@contextlib.contextmanager
def bystanders(url: str) -> Iterator[tuple[Bystander, Lookout]]:
    """Give both sessions for as long as they are wanted."""
    with contextlib.ExitStack() as stack:
        bystander = Bystander(url)
        stack.callback(bystander.close)
        lookout = Lookout(url)
        stack.callback(lookout.close)
        yield bystander, lookout
