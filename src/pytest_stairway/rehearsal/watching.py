"""Watches a migration statement by statement, on its own connection and from two others beside it.

Between two statements nothing moves: the locks that a transaction has are still there when it is looked at, and another
session that tries to read or to write a table finds out who has to wait.  What is seen is kept as it is; `telling`
makes sense of it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import event

from pytest_stairway.rehearsal.locks import Lock
from pytest_stairway.rehearsal.looks import Watermark, look, watermark

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection
    from sqlalchemy.engine import ExceptionContext

    from pytest_stairway.rehearsal.looks import Look, Table
    from pytest_stairway.rehearsal.model import Passing
    from pytest_stairway.rehearsal.probing import Bystander, Lookout, Seen

__all__ = ["Observation", "Sent", "Watch"]


class Sent(NamedTuple):
    """A statement as the driver got it, to send it once more."""

    sql: str
    parameters: Any
    many: bool
    compiled: bool = False
    """SQLAlchemy wrote it, and doubled each % for a driver that takes a single one for a parameter."""

    @property
    def text(self) -> str:
        """What the server gets, but for the parameters."""
        return self.sql.replace("%%", "%") if self.compiled else self.sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was seen of one statement."""

    sent: Sent
    started: float
    """On the watch's clock."""
    seconds: float
    transaction: str
    before: Look
    after: Look | None = None
    """None where it failed."""
    rows: int = -1
    """How many the driver says that it was about."""
    wal: int = 0
    outside: dict[int, Seen] = field(default_factory=dict)
    """What was seen from outside while it ran, by table."""
    tried: dict[int, tuple[Passing | None, Passing | None]] = field(default_factory=dict)
    """How a reader and a writer fared when it was done, by table."""

    @property
    def is_alone(self) -> bool:
        """Whether its transaction was over with it."""
        return self.after is not None and self.after.transaction != self.transaction


class Watch:
    """Watches one step.

    Args:
        connection: the migration's own.
        bystander: tries to read and to write between two statements.
        lookout: looks from outside while a statement runs.
    """

    def __init__(self, connection: Connection, bystander: Bystander, lookout: Lookout) -> None:
        self._connection = connection
        self._bystander = bystander
        self._lookout = lookout
        self._running: tuple[Sent, Watermark, float] | None = None
        self._last_failed = False
        self._away = 0.0
        self._ended: float | None = None
        self.observations: list[Observation] = []
        self.first = self._last = look(connection)
        self._began = time.perf_counter()
        self._listen(event.listen)

    def end(self) -> None:
        """Stop watching: the step is over but for its commit."""
        if self._ended is None:
            self._ended = self._now(time.perf_counter())
            self._listen(event.remove)

    @property
    def seconds(self) -> float:
        """How long the step took, up to `end`."""
        assert self._ended is not None
        return self._ended

    def _listen(self, change: Callable[[Any, str, Any], None]) -> None:
        change(self._connection, "before_cursor_execute", self._before)
        change(self._connection, "after_cursor_execute", self._after)
        change(self._connection.engine, "handle_error", self._failed)

    def _now(self, moment: float) -> float:
        """Give the seconds since the step's beginning, without those that watching took."""
        return moment - self._began - self._away

    def _before(self, connection: Any, _cursor: Any, sql: str, parameters: Any, context: Any, many: Any) -> None:
        entered = time.perf_counter()
        mark = self._mark()
        self._lookout.begin(self._last.pid, self.first.tables)
        started = time.perf_counter()
        self._away += started - entered
        compiled = context.compiled is not None and connection.dialect.paramstyle in {"format", "pyformat"}
        self._running = (Sent(sql, parameters, bool(many), compiled), mark, started)

    def _mark(self) -> Watermark:
        try:
            return watermark(self._connection)
        except Exception:
            if not self._last_failed:  # else the transaction is aborted, and this statement goes back to a savepoint
                raise
            return Watermark(self._last.transaction, 0)

    def _after(self, _connection: Any, cursor: Any, *_rest: Any) -> None:
        ended = time.perf_counter()
        if self._running is None:
            return
        (sent, mark, started), self._running = self._running, None
        seen, self._last_failed = self._lookout.end(), False
        wal = watermark(self._connection).wal - mark.wal if mark.wal else 0
        found = look(self._connection)
        self.observations.append(
            Observation(
                sent=sent,
                started=self._now(started),
                seconds=ended - started,
                transaction=mark.transaction,
                before=self._last,
                after=found,
                rows=cursor.rowcount,
                wal=max(0, wal),
                outside=seen,
                tried={table.oid: self._try(table) for table in self._locked_anew(found)},
            )
        )
        self._last = found
        self._away += time.perf_counter() - ended

    def _locked_anew(self, found: Look) -> list[Table]:
        """Find the tables that others know and whose lock grew, or whose rows did."""
        last, kept = self._last, self._last.transaction == found.transaction
        return [
            table
            for oid, table in self.first.tables.items()
            if found.locks.get(oid, 0) > Lock.ACCESS_SHARE
            and (not kept or found.locks[oid] > last.locks.get(oid, 0) or found.tables.get(oid) != last.tables.get(oid))
        ]

    def _try(self, table: Table) -> tuple[Passing | None, Passing | None]:
        return self._bystander.read(table), self._bystander.write(table)

    def _failed(self, context: ExceptionContext) -> None:
        if self._running is None or context.connection is not self._connection:
            return
        ended = time.perf_counter()
        (sent, mark, started), self._running = self._running, None
        self._last_failed = True
        self.observations.append(
            Observation(
                sent=sent,
                started=self._now(started),
                seconds=ended - started,
                transaction=mark.transaction,
                before=self._last,
                outside=self._lookout.end(),
            )
        )
