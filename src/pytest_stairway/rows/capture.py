"""Captures rows: fetched whole where they are few, which costs less than any digest, digested where they are many."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pytest_stairway.asking import ask
from pytest_stairway.exceptions import UsageError
from pytest_stairway.rows.backend import display_name, quote, run
from pytest_stairway.rows.captured import LONG, Rows, TableRows, shorten
from pytest_stairway.rows.postgresql_relations import default_schema, read_relations, text_literal
from pytest_stairway.rows.sqlite import as_texts
from pytest_stairway.rows.sqlite_catalog import among, plain_tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from pytest_stairway.rows.known import KnownTable
    from pytest_stairway.rows.mysql_capture import MysqlCapture
    from pytest_stairway.rows.postgresql_relations import Relation
    from pytest_stairway.rows.shape import Cell

__all__ = ["RowReader"]

WHOLE = 10_000
"""So many rows of a table are fetched: up to there a digest by the server takes as long, and shows no example."""
SAMPLE = 1000
"""So many of a table that has more: those whose keys have the lowest hashes, which are from everywhere in it, and the
same ones each time."""
_AT_ONCE = 40
"""How many tables one statement reads."""
SETTINGS = ("TimeZone", "DateStyle", "IntervalStyle", "bytea_output", "extra_float_digits", "lc_monetary")
"""What decides how PostgreSQL writes a value."""
_MYSQL = frozenset({"mysql", "mariadb"})
_NOW = f"""concat_ws('\x1f', {", ".join(f"current_setting('{name}')" for name in SETTINGS)})"""
_WRITTEN = """SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_class c ON c.oid = l.relation AND c.relkind = 'r' AND c.oid >= 16384
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE l.pid = pg_backend_pid() AND l.mode = 'RowExclusiveLock'"""
_SQLITE_TRIGGERS = "SELECT 1 FROM sqlite_master WHERE type = 'trigger' LIMIT 1"
_SQLITE_COLUMNS = """SELECT m.name, x.name, x.type, x.pk FROM sqlite_master m JOIN pragma_table_xinfo(m.name) x
WHERE m.type = 'table' AND {} ORDER BY m.name, x.cid"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """What is needed to read one table."""

    empty: TableRows
    """The table without its rows."""
    source: str
    """What stands after FROM."""


class RowReader:
    """Captures the rows of one database.

    Args:
        dialect_name: ``postgresql``, ``sqlite``, ``mysql`` or ``mariadb``.
        ignore: tables to leave out, as (schema, table); None is the default schema.  The version tables go here.

    Raises:
        UsageError: rows cannot be captured in that dialect.
    """

    def __init__(
        self, dialect_name: str, *, ignore: Collection[tuple[str | None, str]] = ((None, "alembic_version"),)
    ) -> None:
        if dialect_name not in {"postgresql", "sqlite", *_MYSQL}:
            raise UsageError(f"rows can be captured in postgresql, sqlite, mysql and mariadb, not in {dialect_name}")
        self._postgresql = dialect_name == "postgresql"
        self._mysql = _mysql_capture() if dialect_name in _MYSQL else None
        self._ignore = frozenset(f"{schema}.{name}" if schema else name for schema, name in ignore)
        self._settings: str | None = None

    def capture(
        self,
        connection: Connection,
        tables: Collection[str] | None = None,
        *,
        previous: Rows | None = None,
        known: Mapping[str, KnownTable | None] | None = None,
    ) -> Rows:
        """Capture rows.

        Args:
            connection: where; nothing is left behind in its transaction.
            tables: those whose columns or rows changed since `previous`, named as in a schema (those that are gone
                included); a partition stands for its table.  None: all.
            previous: what was captured before: of tables that are not asked for, it still holds.
            known: what is known of some tables from a snapshot of this very moment, see `known_tables`: saves half of
                the time.  None stands for a table that is gone.
        """
        if tables is None:
            captured = self._capture(connection, None, {})
            return Rows({name: table for name, table in captured.items() if name not in self._ignore})
        wanted = set(tables) - self._ignore
        rows = Rows(previous or {})
        for name in wanted:
            rows.pop(name, None)
        rows.update(self._capture(connection, wanted, known or {}) if wanted else {})
        return rows

    def changed(self, connection: Connection) -> frozenset[str] | None:
        """Name the tables that have other rows than when they were captured, where the server can tell; else None."""
        return None if self._mysql is None else frozenset(self._mysql.changed(connection) - self._ignore)

    def written(self, connection: Connection) -> frozenset[str] | None:
        """Name the tables that this transaction has written to, and maybe others; None where that cannot be told."""
        if self._mysql is not None:
            return self.changed(connection)
        if not self._postgresql:
            return None if run(connection, _SQLITE_TRIGGERS) else frozenset()
        default = default_schema(connection)
        return frozenset(display_name(schema, name, default) for schema, name in ask(connection, _WRITTEN))

    def _capture(
        self, connection: Connection, wanted: Collection[str] | None, known: Mapping[str, KnownTable | None]
    ) -> dict[str, TableRows]:
        if self._mysql is not None:
            return self._mysql.capture(connection, wanted, known)
        if not self._postgresql:
            return _sqlite_rows(connection, None if wanted is None else sorted(wanted))
        default = default_schema(connection)
        sources: dict[str, _Table] = {}
        for name in sorted(known.keys() & wanted) if wanted is not None else ():
            table = known[name]
            if table is not None:
                sources[name] = _Table(empty=table.empty, source=table.source(default))
        unknown = None if wanted is None else wanted - known.keys()
        if unknown is None or unknown:
            for relation in read_relations(connection, unknown, keys=True):
                found = _table(relation, default)
                sources[found.empty.name] = found
        return self._read(connection, list(sources.values())) if sources else {}

    def _read(self, connection: Connection, tables: Sequence[_Table]) -> dict[str, TableRows]:
        """Read rows, written as they were the first time."""
        found, settings = _read_postgresql(connection, tables)
        if self._settings is None and settings:
            self._settings = next(iter(settings))
        if settings <= {self._settings}:
            return found
        run(connection, "SAVEPOINT stairway_settings")
        for name, value in zip(SETTINGS, (self._settings or "").split("\x1f"), strict=True):
            run(connection, f"SELECT set_config('{name}', {text_literal(value)}, true)")
        found, _ = _read_postgresql(connection, tables)
        run(connection, "ROLLBACK TO SAVEPOINT stairway_settings")
        run(connection, "RELEASE SAVEPOINT stairway_settings")
        return found


def _mysql_capture() -> MysqlCapture:
    from pytest_stairway.rows.mysql_capture import MysqlCapture

    return MysqlCapture(WHOLE, SAMPLE)


def _table(relation: Relation, default: str) -> _Table:
    names = {column.number: column.name for column in relation.columns}
    empty = TableRows(
        name=relation.display_name(default),
        columns=tuple(names.values()),
        types=tuple(column.type for column in relation.columns),
        key=tuple(names[number] for number in relation.key),
    )
    return _Table(empty=empty, source=relation.source)


def _read_postgresql(connection: Connection, tables: Sequence[_Table]) -> tuple[dict[str, TableRows], set[str]]:
    """Read rows, and the settings under which they are written."""
    found: list[list[Sequence[Cell]]] = [[] for _ in tables]
    settings: set[str] = set()
    for start in range(0, len(tables), _AT_ONCE):
        parts = [
            f"(SELECT {place}, {_as_json(table.empty.columns, _NOW)} FROM {table.source} LIMIT {WHOLE + 1})"
            for place, table in enumerate(tables[start : start + _AT_ONCE], start)
        ]
        for place, text in ask(connection, " UNION ALL ".join(parts)):
            *row, now = json.loads(text)
            settings.add(now)
            found[place].append(row)
    captured = {}
    for table, rows in zip(tables, found, strict=True):
        if len(rows) > WHOLE:
            captured[table.empty.name] = _digest_postgresql(connection, table)
        else:
            captured[table.empty.name] = replace(table.empty, rows=tuple(map(_shortened, rows)), count=len(rows))
    return captured, settings


def _digest_postgresql(connection: Connection, table: _Table) -> TableRows:
    """Let the server digest each column, together with the key, so that it matters which row has which value."""
    names = table.empty.columns
    sums = [f"sum(hashtextextended({_as_json([*table.empty.key, name])}, 0)::numeric)::text" for name in names]
    ((count, *digests),) = run(connection, f"SELECT count(*), {', '.join(sums)} FROM {table.source}")
    rows: Sequence[Any] = ()
    if table.empty.key:
        order = f"hashtextextended({_as_json(table.empty.key)}, 0)"
        rows = run(connection, f"SELECT {_as_json(names)} FROM {table.source} ORDER BY {order} LIMIT {SAMPLE}")
    sample = tuple(_shortened(json.loads(text)) for (text,) in rows)
    return replace(table.empty, rows=sample, count=count, digests=tuple(digests))


def _as_json(names: Iterable[str], *more: str) -> str:
    values = ", ".join([*(f"{quote(name)}::text" for name in names), *more])
    return f"array_to_json(ARRAY[{values}]::text[])::text"


def _sqlite_rows(connection: Connection, wanted: Sequence[str] | None) -> dict[str, TableRows]:
    if wanted is not None and not wanted:
        return {}
    plain = plain_tables(connection, wanted)
    by_table: defaultdict[str, list[Any]] = defaultdict(list)
    for name, *column in run(connection, _SQLITE_COLUMNS.format(among(wanted))):
        if name in plain:
            by_table[name].append(column)
    captured = {}
    for name, columns in by_table.items():
        keyed = sorted((place, column) for column, _, place in columns if place)
        empty = TableRows(
            name=name,
            columns=tuple(column for column, *_ in columns),
            types=tuple(type_ for _, type_, _ in columns),
            key=tuple(column for _, column in keyed),
        )
        captured[name] = _read_sqlite(connection, empty)
    return captured


def _read_sqlite(connection: Connection, empty: TableRows) -> TableRows:
    """Fetch all rows, which costs no trip to a server, and digest them here where they are many."""
    order = f" ORDER BY {', '.join(map(quote, empty.key))}" if empty.key else ""
    rows = tuple(
        _shortened(row) for row in run(connection, f"SELECT {as_texts(empty.columns)} FROM {quote(empty.name)}{order}")
    )
    if len(rows) <= WHOLE:
        return replace(empty, rows=rows, count=len(rows))
    places = [empty.columns.index(name) for name in empty.key]
    digests = tuple(
        str(sum(_number((*(row[place] for place in places), row[column])) for row in rows))
        for column in range(len(empty.columns))
    )
    sample = sorted(rows, key=lambda row: _number(tuple(row[place] for place in places)))[:SAMPLE] if places else ()
    return replace(empty, rows=tuple(sample), count=len(rows), digests=digests)


def _number(cells: tuple[Cell, ...]) -> int:
    return int.from_bytes(sha256(repr(cells).encode()).digest()[:8], "big")


def _shortened(row: Sequence[Cell]) -> tuple[Cell, ...]:
    return tuple(cell if cell is None or len(cell) <= LONG else shorten(cell) for cell in row)
