"""Watches one step from its beginning to its commit, whoever performs it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_stairway.complaints import complaint_of
from pytest_stairway.rehearsal.looks import announce_rewrites, default_schema
from pytest_stairway.rehearsal.model import Failure, Run
from pytest_stairway.rehearsal.probing import bystanders
from pytest_stairway.rehearsal.telling import Names, is_told, tell_locks, tell_statements
from pytest_stairway.rehearsal.watching import Watch
from pytest_stairway.rows.backend import Refused, refusable
from pytest_stairway.walk.faults import words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy import Connection

    from pytest_stairway.findings import Direction
    from pytest_stairway.rehearsal.probing import Bystander, Lookout
    from pytest_stairway.rehearsal.watching import Sent
    from pytest_stairway.schema.transaction import Ending

__all__ = ["Watched", "Watcher", "prepare", "watch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A step that was watched."""

    run: Run
    sent: tuple[Sent, ...]
    """Its statements as they were sent, one for one with those of the run."""


@dataclass(slots=True, kw_only=True)
class Watcher:
    """Watches the steps of a session: its observer.

    Attributes:
        bystander: tries to read and to write between two statements.
        lookout: looks from outside while a statement runs.
        ignore: tables of which nobody wants to hear, as (schema, name); None is the default schema.
    """

    bystander: Bystander
    lookout: Lookout
    ignore: Collection[tuple[str | None, str]] = ()
    _watch: Watch | None = field(init=False, default=None)
    _schema: str = field(init=False, default="")
    _done: float = field(init=False, default=0.0)
    _commit: float = field(init=False, default=0.0)

    def begin_step(self, url: str, connection: Connection) -> None:
        """See `session.Observer`."""
        del url
        self._schema, self._commit = default_schema(connection), 0.0
        self._watch = Watch(connection, self.bystander, self.lookout)

    def end_step(self, url: str, connection: Connection, ending: Ending | None = None) -> bool:
        """See `session.Observer`."""
        del url, connection, ending
        assert self._watch is not None
        self._watch.end()
        self._done = time.perf_counter()
        return False

    def read(self, url: str, connection: Connection) -> None:
        """See `session.Observer`."""
        del url, connection
        self._commit = time.perf_counter() - self._done

    def tell(self, direction: Direction, rows: int, error: BaseException | None) -> Watched:
        """Tell what was seen of the last step.

        Args:
            direction: up or down.
            rows: how many each table was to have.
            error: what it raised.
        """
        if self._watch is None:  # env.py failed before it came to the step
            failure = None if error is None else Failure(words=words_of(error))
            return Watched(run=Run(direction=direction, rows=rows, seconds=0.0, failure=failure), sent=())
        watch, self._watch = self._watch, None
        watch.end()
        names = Names(first=watch.first, default_schema=self._schema, ignore=self.ignore)
        told = [each for each in watch.observations if is_told(each, names)]
        seconds = watch.seconds + self._commit
        statements = tell_statements(told, names)
        run = Run(
            direction=direction,
            rows=rows,
            seconds=seconds,
            statements=statements,
            locks=tell_locks(statements, seconds),
            failure=None if error is None else _failure(error, run_of=[each.failed for each in statements]),
        )
        return Watched(run=run, sent=tuple(each.sent for each in told))


def watch(
    connection: Connection,
    url: str,
    perform: Callable[[], None],
    *,
    direction: Direction,
    rows: int,
    ignore: Collection[tuple[str | None, str]] = ((None, "alembic_version"),),
) -> Watched:
    """Watch whatever somebody performs on a connection, up to its commit.

    Args:
        connection: to a PostgreSQL database that is filled already.
        url: the same database's, without a driver.
        perform: executes the statements and commits them.
        direction: up or down.
        rows: how many each table has.
        ignore: tables of which nobody wants to hear, as (schema, name); None is the default schema.
    """
    with bystanders(url) as (bystander, lookout):
        watcher = Watcher(bystander=bystander, lookout=lookout, ignore=ignore)
        watcher.begin_step(url, connection)
        error: BaseException | None = None
        try:
            perform()
        except Exception as raised:  # noqa: BLE001 - told as the run's failure
            error = raised
        return watcher.tell(direction, rows, error)


def prepare(connection: Connection) -> None:
    """Let the server tell what it rewrites; where it may not, files tell, which is nearly as good."""
    try:
        with refusable(connection):
            announce_rewrites(connection)
    except Refused:
        return


def _failure(error: BaseException, *, run_of: list[bool]) -> Failure:
    complaint = complaint_of(error)
    table = f"{complaint.schema}.{complaint.table}" if complaint.schema and complaint.table else complaint.table
    return Failure(
        words=words_of(error),
        statement=len(run_of) - 1 if run_of and run_of[-1] else None,
        sqlstate=complaint.sqlstate,
        table=table,
        constraint=complaint.constraint,
    )
