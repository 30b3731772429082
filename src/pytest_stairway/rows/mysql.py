"""Makes and reads rows in MariaDB and MySQL."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from pytest_stairway.complaints import number_of
from pytest_stairway.rows.backend import Refused, refusable, run
from pytest_stairway.rows.mysql_catalog import read_shapes, read_triggers
from pytest_stairway.rows.mysql_reading import cells_of, read_tables, row_text
from pytest_stairway.rows.mysql_session import settled
from pytest_stairway.rows.mysql_types import backquote, cast, literal, reading
from pytest_stairway.rows.shape import Sql

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from pytest_stairway.rows.shape import Cell, Column, ForeignKey, Row, TableShape
    from pytest_stairway.rows.solve import Trial

__all__ = ["MysqlBackend"]

_WITH_SAVEPOINTS = "InnoDB"
_FAILED = "?"
_HOPELESS = 12
"""After so many rows on which a condition cannot be evaluated no other is tried."""
_DUPLICATE = frozenset({1062, 1586})
"""What the server says of a row whose key is there."""
_RETURNING_SINCE = (10, 5)
"""The version of MariaDB in which INSERT can tell what it inserted."""


class MysqlBackend:
    """See `Backend`."""

    def __init__(self) -> None:
        self._returns = False
        self._commits = False
        """A table is of an engine whose transactions may have no savepoints, so that each statement is committed."""

    @contextmanager
    def session(self, connection: Connection) -> Iterator[None]:
        """See `Backend`."""
        with settled(connection) as version:
            number = tuple(int(part) for part in version.partition("-")[0].split(".")[:2])
            self._returns = "mariadb" in version.lower() and number >= _RETURNING_SINCE
            yield

    def outlines(self, connection: Connection, names: Collection[str] | None) -> dict[str, TableShape]:
        """See `Backend`: it is all one."""
        found = read_shapes(connection, names)
        self._commits = self._commits or any(shape.engine != _WITH_SAVEPOINTS for shape in found.values())
        self._settle(connection)
        return found

    def _settle(self, connection: Connection) -> None:
        if self._commits:
            run(connection, "COMMIT")

    def complete(self, connection: Connection, shapes: Sequence[TableShape]) -> list[TableShape]:
        """See `Backend`."""
        del connection
        return list(shapes)

    def hints(self, connection: Connection, shape: TableShape) -> tuple[str, ...]:
        """See `Backend`."""
        return read_triggers(connection, shape.name)

    def read(
        self, connection: Connection, tables: Mapping[str, tuple[str, Sequence[str]]], limit: int
    ) -> dict[str, list[Row]]:
        """See `Backend`."""
        try:
            with refusable(connection):
                found = _read(connection, tables, limit)
            self._settle(connection)
        except Refused:  # without checks, foreign keys can refer to tables that are not there
            if len(tables) == 1:
                return {name: [] for name in tables}
        else:
            return found
        return {
            name: rows for each in tables for name, rows in self.read(connection, {each: tables[each]}, limit).items()
        }

    def find(self, connection: Connection, shape: TableShape, cells: Row) -> Row | None:
        """See `Backend`."""
        if not cells:
            return None
        statement = f"SELECT {_whole_row(shape)} FROM {shape.sql} WHERE {_same(shape, cells, tuple(cells))} LIMIT 1"
        try:
            with refusable(connection):
                found = _as_rows(shape, run(connection, statement))
        except Refused:
            return None
        return found[0] if found else None

    def judge(self, connection: Connection, trial: Trial) -> list[str]:
        """See `Backend`: all at once, and condition by condition where that fails."""
        try:
            with refusable(connection):
                return _verdicts(connection, trial, trial.rows, trial.conditions)
        except Refused:
            found = [self._judge_one(connection, trial, condition) for condition in trial.conditions]
            return ["".join(bits) for bits in zip(*found, strict=True)]

    def _judge_one(self, connection: Connection, trial: Trial, condition: str) -> list[str]:
        """Try one condition on all rows, and row by row where that fails."""
        try:
            with refusable(connection):
                return _verdicts(connection, trial, trial.rows, [condition])
        except Refused:
            bits: list[str] = []
            for row in trial.rows:
                hopeless = len(bits) >= _HOPELESS and set(bits) == {_FAILED}
                bits.append(_FAILED if hopeless else self._judge_row(connection, trial, row, condition))
            return bits if set(bits) != {_FAILED} else ["1"] * len(bits)  # the INSERT will say what is wrong

    def _judge_row(self, connection: Connection, trial: Trial, row: Row, condition: str) -> str:
        try:
            with refusable(connection):
                return _verdicts(connection, trial, [row], [condition])[0]
        except Refused:
            return _FAILED

    def insert(
        self, connection: Connection, shape: TableShape, rows: Sequence[Row], *, skip_conflicts: bool = True
    ) -> list[Row]:
        """See `Backend`: all at once, and one by one where a row clashes with one that is there."""
        try:
            with refusable(connection):
                inserted = self._inserted(connection, shape, rows)
        except Refused as refused:
            if not skip_conflicts or not _is_duplicate(refused.__cause__):
                raise
            with refusable(connection):
                inserted = [made for row in rows for made in self._insert_one(connection, shape, row)]
        self._settle(connection)
        return inserted

    def _insert_one(self, connection: Connection, shape: TableShape, row: Row) -> list[Row]:
        try:
            return self._inserted(connection, shape, [row])
        except DBAPIError as error:
            if _is_duplicate(error):
                return []
            raise

    def _inserted(self, connection: Connection, shape: TableShape, rows: Sequence[Row]) -> list[Row]:
        if not self._returns:
            run(connection, _insert(shape, rows))
            return _find(connection, shape, rows)
        return _as_rows(shape, run(connection, f"{_insert(shape, rows)} RETURNING {_whole_row(shape)}"))

    def insert_together(self, connection: Connection, rows: Sequence[tuple[TableShape, Sequence[Row]]]) -> None:
        """See `Backend`: these servers never wait with foreign keys, so they are looked at here."""
        with refusable(connection):
            run(connection, "SET SESSION foreign_key_checks = 0")
            try:
                for shape, made in rows:
                    run(connection, _insert(shape, made))
            finally:
                run(connection, "SET SESSION foreign_key_checks = 1")
            for shape, _ in rows:
                for key in shape.foreign_keys:
                    _require_parents(connection, shape, key)
        self._settle(connection)

    def update(self, connection: Connection, shape: TableShape, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """See `Backend`: the time of the change is no part of it."""
        stamps = [c.name for c in shape.columns if c.stamped and c.name not in columns]
        kept = [f"{backquote(name)} = {backquote(name)}" for name in stamps]
        with refusable(connection):
            for row in rows:
                sets = [f"{backquote(name)} = {literal(row[name], shape[name].type)}" for name in columns]
                where = _same(shape, row, shape.key)
                ((there,),) = run(connection, f"SELECT COUNT(*) FROM {shape.sql} WHERE {where}")
                if not there:
                    raise Refused("there is no such row")
                run(connection, f"UPDATE {shape.sql} SET {', '.join([*sets, *kept])} WHERE {where}")
        self._settle(connection)

    def draw(self, connection: Connection, shape: TableShape, column: Column, count: int) -> list[Cell]:
        """See `Backend`."""
        if not str(column.sequence).startswith("MAX("):
            return [str(run(connection, f"SELECT {column.sequence}")[0][0]) for _ in range(count)]
        ((largest,),) = run(connection, f"SELECT COALESCE({column.sequence}, 0) FROM {shape.sql}")
        return [str(largest + place) for place in range(1, count + 1)]

    def catch_up(self, connection: Connection, shape: TableShape) -> bool:
        """See `Backend`: AUTO_INCREMENT is always behind the largest there was."""
        del connection, shape
        return False


def _read(connection: Connection, tables: Mapping[str, tuple[str, Sequence[str]]], limit: int) -> dict[str, list[Row]]:
    expressions = {name: (source, [backquote(column) for column in names]) for name, (source, names) in tables.items()}
    found = read_tables(connection, expressions, limit=limit)
    return {name: [dict(zip(tables[name][1], cells, strict=True)) for cells in rows] for name, rows in found.items()}


def _verdicts(connection: Connection, trial: Trial, rows: Sequence[Row], conditions: Sequence[str]) -> list[str]:
    made = " UNION ALL ".join(
        f"SELECT {place} AS `stairway row`, "
        + ", ".join(f"{cast(row[c.name], c.type)} AS {backquote(c.name)}" for c in trial.columns)
        for place, row in enumerate(rows)
    )
    bits = ", ".join(f"IF(({condition}) IS NOT FALSE, '1', '0')" for condition in conditions)
    statement = f"SELECT CONCAT({bits}) FROM ({made}) AS candidate ORDER BY `stairway row`"
    return [text for (text,) in run(connection, statement)]


def _insert(shape: TableShape, rows: Sequence[Row]) -> str:
    """Write one INSERT for all rows."""
    supplied = [column for column in shape.columns if any(column.name in row for row in rows)]
    values = ", ".join(
        "(" + ", ".join(literal(row[c.name], c.type) if c.name in row else "DEFAULT" for c in supplied) + ")"
        for row in rows
    )
    return f"INSERT INTO {shape.sql} ({', '.join(backquote(column.name) for column in supplied)}) VALUES {values}"


def _whole_row(shape: TableShape) -> str:
    return row_text(reading(column.name, column.declared) for column in shape.columns)


def _as_rows(shape: TableShape, found: Sequence[Sequence[str | bytes]]) -> list[Row]:
    names = [column.name for column in shape.columns]
    return [dict(zip(names, cells_of(text), strict=True)) for (text,) in found]


def _find(connection: Connection, shape: TableShape, rows: Sequence[Row]) -> list[Row]:
    """Read the rows that were just inserted; where they cannot be told from others, give what was said of them."""
    drawn = [c.name for c in shape.columns if c.given and str(c.sequence).startswith("MAX(")]
    names = shape.key or tuple(rows[0])
    if drawn and not any(drawn[0] in row for row in rows):  # numbers that follow each other, as nobody else is there
        where = f"{backquote(drawn[0])} >= LAST_INSERT_ID() ORDER BY {backquote(drawn[0])}"
    elif names and all(name in row and not isinstance(row[name], Sql) for row in rows for name in names):
        where = " OR ".join(f"({_same(shape, row, names)})" for row in rows)
    else:
        where = "FALSE"
    found = run(connection, f"SELECT {_whole_row(shape)} FROM {shape.sql} WHERE {where} LIMIT {len(rows)}")
    empty = dict.fromkeys(column.name for column in shape.columns)
    return _as_rows(shape, found) or [{**empty, **row} for row in rows]


def _same(shape: TableShape, row: Row, names: Sequence[str]) -> str:
    types = {name: shape[name].type for name in names}
    cells = {name: (cast if type_.sql == "json" else literal)(row[name], type_) for name, type_ in types.items()}
    return " AND ".join(f"{backquote(name)} <=> {cell}" for name, cell in cells.items())


def _require_parents(connection: Connection, shape: TableShape, key: ForeignKey) -> None:
    """Look whether all rows have the parents to which they refer.

    Raises:
        Refused: one has none.
    """
    parent = ".".join(map(backquote, key.parent.split("."))) if "." in key.parent else backquote(key.parent)
    pairs = list(zip(key.columns, key.parent_columns, strict=True))
    same = " AND ".join(f"child.{backquote(one)} = parent.{backquote(other)}" for one, other in pairs)
    full = " AND ".join(f"child.{backquote(one)} IS NOT NULL" for one, _ in pairs)
    found = run(
        connection,
        f"SELECT 1 FROM {shape.sql} AS child LEFT JOIN {parent} AS parent ON {same} "
        f"WHERE {full} AND parent.{backquote(pairs[0][1])} IS NULL LIMIT 1",
    )
    if found:
        raise Refused(f"a foreign key constraint fails ({shape.name}, {', '.join(key.columns)})")


def _is_duplicate(error: BaseException | None) -> bool:
    return error is not None and number_of(error) in _DUPLICATE
