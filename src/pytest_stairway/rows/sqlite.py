"""Makes and reads rows in SQLite."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from pytest_stairway.rows.backend import Refused, quote, refusable, run
from pytest_stairway.rows.shape import Sql
from pytest_stairway.rows.sqlite_catalog import read_shapes, read_triggers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

    from pytest_stairway.rows.shape import Cell, Column, Row, TableShape
    from pytest_stairway.rows.solve import Trial

__all__ = ["SqliteBackend", "as_texts"]

_TRIAL = "temp.stairway_trial"


class SqliteBackend:
    """See `Backend`."""

    def session(self, connection: Connection) -> AbstractContextManager[None]:
        """See `Backend`: nothing is to be set."""
        del connection
        return nullcontext()

    def outlines(self, connection: Connection, names: Collection[str] | None) -> dict[str, TableShape]:
        """See `Backend`: it is all one."""
        return read_shapes(connection, names)

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
        return {name: self._read(connection, source, columns, limit) for name, (source, columns) in tables.items()}

    def _read(self, connection: Connection, source: str, columns: Sequence[str], limit: int) -> list[Row]:
        try:
            with refusable(connection):
                rows = run(connection, f"SELECT {as_texts(columns)} FROM {source} LIMIT {limit}")
        except Refused:  # SQLite lets foreign keys refer to tables that are not there
            return []
        return [dict(zip(columns, row, strict=False)) for row in rows]

    def find(self, connection: Connection, shape: TableShape, cells: Row) -> Row | None:
        """See `Backend`."""
        names = [column.name for column in shape.columns]
        same = " AND ".join(f"{quote(name)} IS {_literal(cell, shape[name])}" for name, cell in cells.items())
        statement = f"SELECT {as_texts(names)} FROM {shape.sql} WHERE {same} LIMIT 1"
        try:
            with refusable(connection):
                found = run(connection, statement) if same else ()
        except Refused:
            return None
        return next((dict(zip(names, row, strict=True)) for row in found), None)

    def judge(self, connection: Connection, trial: Trial) -> list[str]:
        """See `Backend`: in a temporary table, because conditions depend on the columns' affinities."""
        columns = ", ".join(f"{quote(column.name)} {column.type.sql}" for column in trial.columns)
        rows = [[row[column.name] for column in trial.columns] for row in trial.rows]
        values = ", ".join(
            "(" + ", ".join(_literal(cell, column) for cell, column in zip(row, trial.columns, strict=False)) + ")"
            for row in rows
        )
        try:
            with refusable(connection):
                run(connection, f"CREATE TEMPORARY TABLE {_TRIAL.removeprefix('temp.')} ({columns})")
                run(connection, f"INSERT INTO {_TRIAL} VALUES {values}")
                verdicts = self._verdicts(connection, trial.conditions, len(rows))
                run(connection, f"DROP TABLE {_TRIAL}")
        except Refused:
            return ["?" * len(trial.conditions)] * len(rows)
        return verdicts

    def _verdicts(self, connection: Connection, conditions: Iterable[str], count: int) -> list[str]:
        """Evaluate condition by condition, so that one that cannot be evaluated spoils none of the others."""
        verdicts = [""] * count
        for condition in conditions:
            bit = f"CASE WHEN ({condition}) IS NULL OR ({condition}) THEN '1' ELSE '0' END"
            try:
                with refusable(connection):
                    bits = [bit for (bit,) in run(connection, f"SELECT {bit} FROM {_TRIAL} ORDER BY rowid")]
            except Refused:
                bits = ["1"] * count  # the INSERT will say what is wrong
            verdicts = [verdict + bit for verdict, bit in zip(verdicts, bits, strict=False)]
        return verdicts

    def insert(
        self, connection: Connection, shape: TableShape, rows: Sequence[Row], *, skip_conflicts: bool = True
    ) -> list[Row]:
        """See `Backend`."""
        names = [column.name for column in shape.columns]
        with refusable(connection):
            broken = self._broken(connection, shape)
            inserted = [
                dict(zip(names, row, strict=False))
                for statement in _inserts(shape, rows, skip_conflicts=skip_conflicts)
                for row in run(connection, f"{statement} RETURNING {as_texts(names)}")
            ]
            if self._broken(connection, shape) > broken:
                raise Refused("FOREIGN KEY constraint failed")
        return inserted

    def insert_together(self, connection: Connection, rows: Sequence[tuple[TableShape, Sequence[Row]]]) -> None:
        """See `Backend`."""
        with refusable(connection):
            run(connection, "PRAGMA defer_foreign_keys = ON")
            for shape, made in rows:
                for statement in _inserts(shape, made):
                    run(connection, statement)
            if any(self._broken(connection, shape) for shape, _ in rows):
                raise Refused("FOREIGN KEY constraint failed")

    def _broken(self, connection: Connection, shape: TableShape) -> int:
        """Count the rows whose parents are missing: SQLite enforces foreign keys only where it is asked to."""
        if not shape.foreign_keys:
            return 0
        return len(run(connection, f"PRAGMA foreign_key_check({shape.sql})"))

    def update(self, connection: Connection, shape: TableShape, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """See `Backend`."""
        with refusable(connection):
            broken = self._broken(connection, shape)
            for row in rows:
                sets = ", ".join(f"{quote(name)} = {_literal(row[name], shape[name])}" for name in columns)
                key = " AND ".join(f"{quote(name)} = {_literal(row[name], shape[name])}" for name in shape.key)
                if not run(connection, f"UPDATE {shape.sql} SET {sets} WHERE {key} RETURNING 1"):
                    raise Refused("there is no such row")
            if self._broken(connection, shape) > broken:
                raise Refused("FOREIGN KEY constraint failed")

    def draw(self, connection: Connection, shape: TableShape, column: Column, count: int) -> list[Cell]:
        """See `Backend`."""
        ((largest,),) = run(connection, f"SELECT coalesce({column.sequence}, 0) FROM {shape.sql}")
        return [str(largest + place) for place in range(1, count + 1)]

    def catch_up(self, connection: Connection, shape: TableShape) -> bool:
        """See `Backend`: a rowid is always behind the largest there is."""
        del connection, shape
        return False


def _inserts(shape: TableShape, rows: Sequence[Row], *, skip_conflicts: bool = True) -> Iterable[str]:
    """Write one INSERT for all rows that give values to the same columns."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(column.name for column in shape.columns if column.name in row), []).append(row)
    for names, group in groups.items():
        if not names:
            yield from [f"INSERT INTO {shape.sql} DEFAULT VALUES"] * len(group)
            continue
        values = ", ".join("(" + ", ".join(_literal(row[n], shape[n]) for n in names) + ")" for row in group)
        conflict = " ON CONFLICT DO NOTHING" if skip_conflicts else ""
        yield f"INSERT INTO {shape.sql} ({', '.join(map(quote, names))}) VALUES {values}{conflict}"


def _literal(cell: Cell, column: Column) -> str:
    if cell is None:
        return "NULL"
    if isinstance(cell, Sql):
        return str(cell)
    if column.type.name == "bytea" and cell.startswith("\\x"):
        return f"X'{cell[2:]}'"
    return "'" + cell.replace("'", "''") + "'"


def as_texts(names: Iterable[str]) -> str:
    """Write expressions that give values as texts, bytes as PostgreSQL writes them."""
    return ", ".join(
        f"CASE typeof({name}) WHEN 'blob' THEN '\\x' || lower(hex({name})) ELSE CAST({name} AS TEXT) END"
        for name in map(quote, names)
    )
