"""Makes and reads rows in PostgreSQL."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import TYPE_CHECKING

from pytest_stairway.asking import ask
from pytest_stairway.rows.backend import Refused, quote, refusable, run
from pytest_stairway.rows.conditions import satisfying
from pytest_stairway.rows.postgresql_catalog import outlines, read_hints, with_rules
from pytest_stairway.rows.postgresql_relations import text_literal
from pytest_stairway.rows.postgresql_types import TypeCatalog
from pytest_stairway.rows.shape import Sql
from pytest_stairway.rows.sources import Style
from pytest_stairway.rows.texts import builtin_words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

    from pytest_stairway.rows.shape import Cell, Column, ColumnType, Row, TableShape
    from pytest_stairway.rows.solve import Trial

__all__ = ["PostgresqlBackend", "row_as_json"]

_SOME = 50
"""So many rows of a table are looked at to know what is there."""
_AT_ONCE = 40
"""So many tables are read in one statement."""
_FAILED = "?"
_HOPELESS = 12
"""After so many rows on which conditions cannot be evaluated no other is tried."""


class PostgresqlBackend:
    """See `Backend`."""

    def __init__(self) -> None:
        self._types = TypeCatalog(self._settle)

    def _settle(self, connection: Connection, type_: ColumnType) -> tuple[str, ...]:
        return satisfying(lambda trial: self.judge(connection, trial), type_, Style(words=builtin_words))

    def session(self, connection: Connection) -> AbstractContextManager[None]:
        """See `Backend`: nothing is to be set."""
        del connection
        return nullcontext()

    def outlines(self, connection: Connection, names: Collection[str] | None) -> dict[str, TableShape]:
        """See `Backend`."""
        return outlines(connection, names, self._types)

    def complete(self, connection: Connection, shapes: Sequence[TableShape]) -> list[TableShape]:
        """See `Backend`."""
        return with_rules(connection, shapes)

    def hints(self, connection: Connection, shape: TableShape) -> tuple[str, ...]:
        """See `Backend`."""
        return read_hints(connection, shape)

    def read(
        self, connection: Connection, tables: Mapping[str, tuple[str, Sequence[str]]], limit: int
    ) -> dict[str, list[Row]]:
        """See `Backend`."""
        names = list(tables)
        found: dict[str, list[Row]] = {name: [] for name in names}
        for start in range(0, len(names), _AT_ONCE):
            parts = [
                f"(SELECT {place}, {row_as_json(tables[name][1])} FROM {tables[name][0]} LIMIT {limit})"
                for place, name in enumerate(names[start : start + _AT_ONCE], start)
            ]
            for place, text in ask(connection, " UNION ALL ".join(parts)):
                found[names[place]].append(dict(zip(tables[names[place]][1], json.loads(text), strict=False)))
        return found

    def find(self, connection: Connection, shape: TableShape, cells: Row) -> Row | None:
        """See `Backend`: compared as texts, because not every type has an equality."""
        names = [column.name for column in shape.columns]
        same = [
            f"{quote(name)}::text IS NOT DISTINCT FROM ({literal(cell)})::{shape[name].declared}::text"
            for name, cell in cells.items()
        ]
        statement = f"SELECT {row_as_json(names)} FROM {shape.read_from} WHERE {' AND '.join(same)} LIMIT 1"
        try:
            with refusable(connection):
                found = run(connection, statement) if same else ()
        except Refused:
            return None
        return next((dict(zip(names, json.loads(text), strict=True)) for (text,) in found), None)

    def judge(self, connection: Connection, trial: Trial) -> list[str]:
        """See `Backend`: all at once, and one by one where that fails."""
        try:
            with refusable(connection):
                return self._verdicts(connection, trial, trial.rows, trial.conditions)
        except Refused:
            verdicts: list[str] = []
            for row in trial.rows:
                hopeless = len(verdicts) >= _HOPELESS and all(_FAILED in verdict for verdict in verdicts)
                failed = _FAILED * len(trial.conditions)
                verdicts.append(failed if hopeless else self._judge_one(connection, trial, row))
            return verdicts

    def _judge_one(self, connection: Connection, trial: Trial, row: Row) -> str:
        try:
            with refusable(connection):
                return self._verdicts(connection, trial, [row], trial.conditions)[0]
        except Refused:
            return _FAILED * len(trial.conditions)

    def _verdicts(
        self, connection: Connection, trial: Trial, rows: Sequence[Row], conditions: Iterable[str]
    ) -> list[str]:
        names = ", ".join(quote(column.name) for column in trial.columns)
        values = ", ".join(
            f"({place}, {', '.join(_cast(row[column.name], column, place) for column in trial.columns)})"
            for place, row in enumerate(rows)
        )
        bits = " || ".join(f"CASE WHEN ({condition}) IS NOT FALSE THEN '1' ELSE '0' END" for condition in conditions)
        statement = (
            f'SELECT {bits} FROM (VALUES {values}) AS candidate("stairway row", {names}) ORDER BY "stairway row"'
        )
        return [text for (text,) in run(connection, statement)]

    def insert(
        self, connection: Connection, shape: TableShape, rows: Sequence[Row], *, skip_conflicts: bool = True
    ) -> list[Row]:
        """See `Backend`."""
        with refusable(connection):
            names = [column.name for column in shape.columns]
            returning = f" RETURNING {row_as_json(names)}" if shape.returns else ""
            inserted = run(connection, _insert(shape, rows, skip_conflicts=skip_conflicts) + returning)
            _check_deferred(connection, shape.deferred)
        if not shape.returns:
            return self.read(connection, {shape.name: (shape.read_from, names)}, max(_SOME, len(rows)))[shape.name]
        return [dict(zip(names, json.loads(text), strict=False)) for (text,) in inserted]

    def insert_together(self, connection: Connection, rows: Sequence[tuple[TableShape, Sequence[Row]]]) -> None:
        """See `Backend`: in one statement, whose foreign keys are checked when all of it has run."""
        parts = [f"part{place} AS ({_insert(shape, made)})" for place, (shape, made) in enumerate(rows)]
        with refusable(connection):
            run(connection, f"WITH {', '.join(parts)} SELECT 1")
            for shape, _ in rows:
                _check_deferred(connection, shape.deferred)

    def update(self, connection: Connection, shape: TableShape, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """See `Backend`: in one statement."""
        names = [*shape.key, *columns]
        values = ", ".join("(" + ", ".join(literal(row[name]) for name in names) + ")" for row in rows)
        given = ", ".join(f"c{place}" for place in range(len(names)))
        sets = ", ".join(
            f"{quote(name)} = given.c{place}::text::{shape[name].type.sql}"
            for place, name in enumerate(columns, len(shape.key))
        )
        same = " AND ".join(
            f"target.{quote(name)}::text = given.c{place}::text" for place, name in enumerate(shape.key)
        )
        with refusable(connection):
            statement = f"UPDATE {shape.read_from} AS target SET {sets} FROM (VALUES {values}) AS given({given})"
            if len(run(connection, f"{statement} WHERE {same} RETURNING 1")) != len(rows):
                raise Refused("there is no such row")
            _check_deferred(connection, shape.deferred)

    def draw(self, connection: Connection, shape: TableShape, column: Column, count: int) -> list[Cell]:
        """See `Backend`."""
        del shape
        statement = f"SELECT ({column.sequence})::text FROM generate_series(1, {count})"
        with refusable(connection):
            return [text for (text,) in run(connection, statement)]

    def catch_up(self, connection: Connection, shape: TableShape) -> bool:
        """See `Backend`: `setval`, where the sequence is behind."""
        moved = False
        for column in shape.columns:
            if column.sequence is None or not column.sequence.startswith("nextval("):
                continue
            sequence = column.sequence.removeprefix("nextval(").removesuffix(")")
            largest = f"(SELECT max({quote(column.name)}) FROM {shape.read_from})"
            behind = f"{largest} > coalesce(pg_sequence_last_value({sequence}::regclass), 0)"
            statement = f"SELECT setval({sequence}::regclass, {largest}) WHERE {behind}"
            try:
                with refusable(connection):
                    moved = bool(run(connection, statement)) or moved
            except Refused:  # a key that is no number, a sequence of somebody else's: the INSERT will tell
                continue
        return moved


def literal(cell: Cell) -> str:
    """Write a value into a statement."""
    if cell is None:
        return "NULL"
    return str(cell) if isinstance(cell, Sql) else text_literal(cell)


def row_as_json(names: Iterable[str]) -> str:
    """Write an expression that gives a row's values, each as text, in one JSON text that any driver reads alike."""
    values = ", ".join(f"{quote(name)}::text" for name in names)
    return f"array_to_json(ARRAY[{values}]::text[])::text"


def _cast(cell: Cell, column: Column, place: int) -> str:
    """Write a value; the first row's says which type the column is of."""
    return f"{literal(cell)}::{column.type.sql}" if place == 0 else literal(cell)


def _insert(shape: TableShape, rows: Sequence[Row], *, skip_conflicts: bool = True) -> str:
    supplied = [column for column in shape.columns if any(column.name in row for row in rows)]
    if not supplied:
        supplied = [column for column in shape.columns if column.generated is None][:1]
    if not supplied:
        return f"INSERT INTO {shape.sql} SELECT FROM generate_series(1, {len(rows)})"
    names = ", ".join(quote(column.name) for column in supplied)
    override = " OVERRIDING SYSTEM VALUE" if any(c.always and c.name in row for c in supplied for row in rows) else ""
    values = ", ".join(
        "(" + ", ".join(literal(row[c.name]) if c.name in row else "DEFAULT" for c in supplied) + ")" for row in rows
    )
    conflict = " ON CONFLICT DO NOTHING" if skip_conflicts and shape.skips_conflicts else ""
    return f"INSERT INTO {shape.sql} ({names}){override} VALUES {values}{conflict}"


def _check_deferred(connection: Connection, constraints: Sequence[str]) -> None:
    """Let constraints that wait for the commit speak now, and put them back."""
    if constraints:
        names = ", ".join(constraints)
        run(connection, f"SET CONSTRAINTS {names} IMMEDIATE")
        run(connection, f"SET CONSTRAINTS {names} DEFERRED")
