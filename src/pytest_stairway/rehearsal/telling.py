"""Makes sense of what was seen of a step: what each statement did to which table, and how long each lock was held.

Pure functions between plain data.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from pytest_stairway.contacts import without_password
from pytest_stairway.rehearsal.model import Statement, TableLock, TableWork

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pytest_stairway.rehearsal.looks import Index, Look, Table
    from pytest_stairway.rehearsal.watching import Observation

__all__ = ["Names", "is_told", "tell_locks", "tell_statements"]

SQL_LENGTH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How tables are named, and which are not told of."""

    first: Look
    """Before the step: what others know."""
    default_schema: str
    ignore: Collection[tuple[str | None, str]] = ()
    """As (schema, name); None is the default schema."""

    def of(self, table: Table) -> str:
        """Name a table as it was called before the step."""
        return self.first.tables.get(table.oid, table).display_name(self.default_schema)

    def ignores(self, table: Table) -> bool:
        """Tell whether nobody wants to hear of a table."""
        schemas = (table.schema, None) if table.schema == self.default_schema else (table.schema,)
        return any((schema, table.name) in self.ignore for schema in schemas)


def tell_statements(observations: Sequence[Observation], names: Names) -> tuple[Statement, ...]:
    """Tell what each statement did."""
    numbers = _transactions(observations)
    return tuple(_statement(each, number, names) for each, number in zip(observations, numbers, strict=True))


def is_told(observation: Observation, names: Names) -> bool:
    """Tell whether a statement is about anything but ignored tables: the version table's update is not."""
    concerned = _concerned(observation)
    return observation.after is None or not concerned or not all(names.ignores(table) for table in concerned)


def _transactions(observations: Sequence[Observation]) -> list[int]:
    """Give each statement the number of its transaction."""
    groups = groupby(observations, key=lambda each: each.transaction)
    return [number for number, (_, members) in enumerate(groups) for _ in members]


def _statement(seen: Observation, transaction: int, names: Names) -> Statement:
    works = tuple(_work(table, seen, names) for table in _concerned(seen) if not names.ignores(table))
    written = sum(work.written for work in works)
    return Statement(
        sql=_shown(seen.sent.text),
        seconds=seen.seconds,
        started=seen.started,
        transaction=transaction,
        is_alone=seen.is_alone,
        rows=seen.rows if seen.rows >= 0 else written or None,
        wal_bytes=_wal(seen),
        tables=works,
        failed=seen.after is None,
    )


def _shown(sql: str) -> str:
    text = without_password(" ".join(sql.split()))
    return text if len(text) <= SQL_LENGTH else f"{text[:SQL_LENGTH]}…"


def _concerned(seen: Observation) -> list[Table]:
    """Find the tables that a statement locked, read, wrote or built indexes on."""
    before, after = seen.before, seen.after or seen.before
    known = {**after.tables, **before.tables}
    indexed = {index.table for index in after.indexes.values() if _is_built(index, before)}
    same = after.transaction == before.transaction
    held = before.locks if same else {}
    outside = seen.outside if seen.after is None or seen.is_alone else {}
    return [
        table
        for oid, table in known.items()
        if oid in outside
        or after.locks.get(oid, 0) > held.get(oid, 0)
        or (oid in after.tables and _is_changed(after.tables[oid], before.tables.get(oid)))
        or oid in indexed
    ]


def _is_changed(now: Table, was: Table | None) -> bool:
    """Tell whether anything was counted; counters that went down were set back by the end of a transaction."""
    return was is None or now.file != was.file or any(_counted(now, was))


def _counted(now: Table, was: Table | None) -> tuple[int, ...]:
    """Give what was counted in between: scans, rows read, inserted, updated, deleted."""
    new, old = now.counters, was.counters if was is not None else (0,) * 5
    if any(one < other for one, other in zip(new, old, strict=True)):
        return new
    return tuple(one - other for one, other in zip(new, old, strict=True))


def _work(table: Table, seen: Observation, names: Names) -> TableWork:
    work = TableWork(table=names.of(table), new=table.oid not in names.first.tables)
    if seen.after is not None:
        work = _counted_work(work, table.oid, seen.before, seen.after)
    outside = seen.outside.get(table.oid) if seen.after is None or seen.is_alone else None
    lock = None if seen.after is None or seen.is_alone else seen.after.locks.get(table.oid)
    reader, writer = seen.tried.get(table.oid, (None, None))
    if outside is not None:
        lock, reader, writer = outside.lock, outside.reader, outside.writer
    return replace(work, lock=lock, reader=reader, writer=writer)


def _counted_work(work: TableWork, oid: int, before: Look, after: Look) -> TableWork:
    now, was = after.tables.get(oid), before.tables.get(oid)
    if now is None:
        return work  # dropped
    scans, read, inserted, updated, deleted = _counted(now, was)
    announced = Counter(after.rewrites)[oid] > Counter(before.rewrites)[oid]
    moved = was is not None and now.file != was.file and was.file is not None
    truncated = moved and not announced and not now.size
    return replace(
        work,
        scans=scans,
        read=read,
        inserted=inserted,
        updated=updated,
        deleted=deleted,
        rewritten=announced or (moved and not truncated),
        truncated=truncated,
        indexes=() if truncated else _built(oid, before, after),
    )


def _built(oid: int, before: Look, after: Look) -> tuple[str, ...]:
    """Name the indexes that were built or built anew."""
    mine = (index for index in after.indexes.values() if index.table == oid)
    return tuple(sorted(index.name for index in mine if _is_built(index, before)))


def _is_built(index: Index, before: Look) -> bool:
    """Tell whether an index is new, or has another file than before."""
    was = before.indexes.get(index.oid)
    return was is None or was.file != index.file


def _wal(seen: Observation) -> int:
    """Tell what a server with replicas would write ahead: one without them may leave out whole new files."""
    before, after = seen.before, seen.after
    if after is None or not after.minimal:
        return seen.wal
    sizes = [index.size for index in after.indexes.values() if _is_built(index, before)]
    sizes += [
        table.size
        for oid, table in after.tables.items()
        if oid in before.tables and before.tables[oid].file != table.file
    ]
    return seen.wal + (sum(sizes) if sum(sizes) > seen.wal else 0)


def tell_locks(statements: Sequence[Statement], seconds: float) -> tuple[TableLock, ...]:
    """Tell the strongest lock of each table in each transaction, and how long it was held.

    Args:
        statements: the step's, in their order.
        seconds: when the step, and with it the last transaction, ended.
    """
    found: list[TableLock] = []
    for number in sorted({each.transaction for each in statements}):
        members = [(place, each) for place, each in enumerate(statements) if each.transaction == number]
        end = _end_of([each for _, each in members], statements, seconds)
        for table in dict.fromkeys(work.table for _, each in members for work in each.tables if not work.new):
            held = _held(table, members, end)
            found += [held] if held is not None else []
    return tuple(found)


def _end_of(members: Sequence[Statement], statements: Sequence[Statement], seconds: float) -> float:
    """Tell when a transaction ended: with its only statement, or at the latest when the next one began."""
    last = members[-1]
    if last.is_alone:
        return last.started + last.seconds
    return next((each.started for each in statements if each.transaction > last.transaction), seconds)


def _held(table: str, members: Iterable[tuple[int, Statement]], end: float) -> TableLock | None:
    """Follow one table's lock through a transaction."""
    held: TableLock | None = None
    waited_for: TableLock | None = None
    for place, statement in members:
        work = statement.on(table)
        if work is None or work.lock is None:
            continue
        if held is not None and work.lock <= held.lock:
            held = replace(held, reader=work.reader or held.reader, writer=work.writer or held.writer)
            continue
        if held is not None and (held.lock.keeps_traffic_waiting or waited_for is None):
            waited_for = held
        held = TableLock(
            table=table,
            transaction=statement.transaction,
            lock=work.lock,
            statement=place,
            seconds=end - statement.started,
            weaker=waited_for.lock if waited_for else None,
            weaker_statement=waited_for.statement if waited_for else None,
            reader=work.reader,
            writer=work.writer,
        )
    return held
