"""What people read of a rehearsal: a table of its statements, and one of its locks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.contacts import without_password
from pytest_stairway.rehearsal import Lock, Passing
from pytest_stairway.rehearsal.words import milestones, number, seconds_of
from pytest_stairway.reporters.failure import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.rehearsal import Rehearsal, Run, Statement, TableLock, TableWork
    from pytest_stairway.reporters.failure import Paint

__all__ = ["render_rehearsal"]

STATEMENT_LENGTH = 88
KILO, MEGA = 1024, 1024**2


def render_rehearsal(rehearsal: Rehearsal, *, paint: Paint = plain) -> list[str]:
    """Tell what was seen, line by line.

    Args:
        rehearsal: what was seen.
        paint: gives colours.
    """
    return [*_fillings(rehearsal), *(line for run in rehearsal.runs for line in _run(run, paint)), *_odds(rehearsal)]


def _fillings(rehearsal: Rehearsal) -> Iterator[str]:
    if rehearsal.note is not None:
        yield rehearsal.note
    elif not rehearsal.fillings:
        yield "it touches no table that was there before"
    for filling in rehearsal.fillings:
        why = f": {filling.reason}" if filling.reason else ""
        yield f"filled {filling.table} with {number(filling.rows)} rows in {seconds_of(filling.seconds)}{why}"


def _run(run: Run, paint: Paint) -> Iterator[str]:
    failed = run.failure is not None
    word = paint("FAILED", red=True, bold=True) if failed else paint("passed", green=True)
    cost = f"{seconds_of(run.seconds)}, {_size(run.wal_bytes)} of WAL"
    without = f" without the unique key {run.without}" if run.without else ""
    yield f"{run.direction.value} on {number(run.rows)} rows{without} {word} in {cost}"
    if run.failure is not None:
        yield f"    {without_password(run.failure.words)}"
    if run.statements:
        yield f"    {'time':>9}  {'rows':>11}  {'WAL':>9}  statement"
    for statement in run.statements:
        yield from _statement(statement)
    if run.locks:
        width = max(len(lock.table) for lock in run.locks)
        yield f"    {'held':>9}  lock"
        yield from (f"    {seconds_of(lock.seconds):>9}  {_lock(lock, width)}" for lock in run.locks)


def _statement(statement: Statement) -> Iterator[str]:
    rows = "" if statement.rows is None else number(statement.rows)
    mark = "FAILED: " if statement.failed else ""
    sql = statement.sql if len(statement.sql) <= STATEMENT_LENGTH else f"{statement.sql[: STATEMENT_LENGTH - 1]}…"
    yield f"    {seconds_of(statement.seconds):>9}  {rows:>11}  {_size(statement.wal_bytes):>9}  {mark}{sql}"
    for work in statement.tables:
        done = ", ".join(_done(work))
        if done:
            yield f"    {'':>33}  {work.table}: {done}"


def _done(work: TableWork) -> Iterator[str]:
    if work.new:
        yield "new"
    if work.rewritten:
        yield "rewritten"
    if work.truncated:
        yield "truncated"
    if work.indexes:
        yield f"built {', '.join(work.indexes)}"
    if work.scans and not work.rewritten:
        yield f"read from end to end ({number(work.read)} rows)"
    for word, count in (("inserted", work.inserted), ("updated", work.updated), ("deleted", work.deleted)):
        if count:
            yield f"{number(count)} {word}"


def _lock(lock: TableLock, width: int) -> str:
    after = f", after {lock.weaker}" if lock.is_upgrade else ""
    waiting = {
        "readers": lock.reader is Passing.BLOCKED,
        "writers": lock.writer is Passing.BLOCKED,
        "writers of the same rows": lock.writer is Passing.BLOCKED_ON_ROW,
    }
    blocked = " and ".join(who for who, true in waiting.items() if true)
    told = f": blocks {blocked}" if blocked and lock.lock is not Lock.ACCESS_SHARE else ""
    return f"{lock.table:<{width}}  {lock.lock}{after}{told}"


def _odds(rehearsal: Rehearsal) -> Iterator[str]:
    return (milestones(estimate) for estimate in rehearsal.estimates)


def _size(size: int) -> str:
    return f"{size / MEGA:.1f} MB" if size >= MEGA else f"{size / KILO:.0f} kB"
