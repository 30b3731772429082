"""Fills tables with many rows, on the server: nothing but statements travels."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from pytest_stairway.rehearsal.model import Filling
from pytest_stairway.rehearsal.recipe import Unfillable, recipes, references
from pytest_stairway.rehearsal.spread import N
from pytest_stairway.rows.backend import Refused, quote, refusable, run
from pytest_stairway.rows.borrow import borrowed_tables
from pytest_stairway.rows.order import groups_in_order
from pytest_stairway.rows.postgresql import PostgresqlBackend
from pytest_stairway.rows.shape import ForeignKey

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from sqlalchemy import Connection

    from pytest_stairway.rehearsal.recipe import Recipe
    from pytest_stairway.rows.shape import TableShape

__all__ = ["Filler", "null_counts"]

SAMPLES = 20
"""So many rows are copied, in turns."""
TASTE = 50
"""So many rows from either end of the series are tried first."""
STATISTICS = 10
"""What ANALYZE goes by: a tenth of what it takes by itself, in a tenth of the time."""
_NO_ROWS = "it holds no row yet of which others could be made"
_CLASH = "rows that are made like those that are there clash with each other"
_TRUST = """
SELECT current_setting('is_superuser') = 'on'
 AND NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = {} AND NOT tgisinternal)"""


@dataclass(slots=True, kw_only=True)
class Filler:
    """Fills tables of one database.

    Attributes:
        connection: in a transaction, which stays the caller's.
        rows: how many each table is to hold.
        nulls: by table, columns that are to be NULL throughout.
    """

    connection: Connection
    rows: int
    nulls: Mapping[str, Collection[str]] = field(default_factory=dict)
    _backend: PostgresqlBackend = field(default_factory=PostgresqlBackend)
    _shapes: dict[str, TableShape] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _trusts: bool = False
    _everywhere: frozenset[str] = frozenset()
    _done: dict[str, Filling] = field(default_factory=dict)

    def fill(self, tables: Collection[str]) -> tuple[Filling, ...]:
        """Fill tables, each after those that it refers to.

        Args:
            tables: their names; those that hold no rows of their own are left out.
        """
        self._learn(tables)
        edges = {
            name: [key.parent for key in self._shapes[name].foreign_keys] for name in tables if name in self._shapes
        }
        for name in (name for group in groups_in_order(edges) for name in group):
            self._ensure(name, self.rows)
        return tuple(self._done.values())

    def _learn(self, tables: Collection[str]) -> None:
        """Read what tables take."""
        self._complete(tables)
        if not self._everywhere:
            self._everywhere = frozenset(self._backend.outlines(self.connection, None))
        for name in [name for name in tables if name in self._shapes]:
            self._shapes[name] = self._referring(self._shapes[name])

    def _complete(self, tables: Collection[str]) -> None:
        new = set(tables) - self._shapes.keys()
        outlines = self._backend.outlines(self.connection, new)
        shapes = self._backend.complete(self.connection, list(outlines.values()))
        self._shapes.update({shape.name: shape for shape in shapes})

    def _referring(self, shape: TableShape) -> TableShape:
        """Add the foreign keys that are not there, but that the columns' names speak of: one may yet be added."""
        seeming = borrowed_tables(shape, self._everywhere)
        self._complete(seeming.values())
        keys = [
            ForeignKey(
                columns=(name,), parent=table, parent_from=self._shapes[table].read_from, parent_columns=(column,)
            )
            for name, table in seeming.items()
            for column, type_ in [self._shapes[table].sole_key or ("", "")]
            if type_ == shape[name].type.name
        ]
        return replace(shape, foreign_keys=(*shape.foreign_keys, *keys))

    def _count(self, name: str) -> int:
        if name not in self._counts:
            self._learn([name])
            shape = self._shapes.get(name)
            self._counts[name] = 0 if shape is None else self._count_own(shape)
        return self._counts[name]

    def _count_own(self, shape: TableShape) -> int:
        count: int = run(self.connection, f"SELECT count(*) FROM {shape.read_from}")[0][0]
        return count

    def _ensure(self, name: str, rows: int, *, below: frozenset[str] = frozenset()) -> None:
        """Bring a table to so many rows, and first those that it refers to as far as its keys need it."""
        there = self._count(name)
        if there >= rows or name in below or name not in self._shapes:
            return
        shape, started = self._shapes[name], time.perf_counter()
        needed = references(shape, rows, self.nulls.get(name, ()))
        for parent, count in needed.items():
            self._ensure(parent, count, below=below | {name})
        reason = self._fill(shape, there, rows) if there else _NO_ROWS
        self._counts.pop(name)
        now, seconds = self._count(name), time.perf_counter() - started
        self._done[name] = Filling(table=name, rows=now, seconds=seconds, reason=reason if now < rows * 0.9 else None)
        self._analyze(shape)

    def _analyze(self, shape: TableShape) -> None:
        """Let the planner know what is there: of rows that are copies of a few, few tell enough."""
        run(self.connection, f"SET LOCAL default_statistics_target = {STATISTICS}")
        run(self.connection, f"ANALYZE {shape.sql}")
        run(self.connection, "SET LOCAL default_statistics_target TO DEFAULT")

    def _fill(self, shape: TableShape, there: int, rows: int) -> str | None:
        """Insert what is missing, and tell why it is not possible."""
        reason: str | None = _CLASH
        available = {key.parent: self._count(key.parent) for key in shape.foreign_keys}
        self._backend.catch_up(self.connection, shape)
        try:
            for recipe in recipes(shape, rows, available=available, nulls=self.nulls.get(shape.name, ())):
                reason = self._try(shape, recipe, there, rows)
                if reason is None:
                    return None
        except Unfillable as error:
            return str(error)
        return reason

    def _try(self, shape: TableShape, recipe: Recipe, there: int, rows: int) -> str | None:
        """Insert a few rows from either end of the series; if the database takes all of them, insert the others."""
        samples, low = min(SAMPLES, there), there + 1
        ends = f"({N} < {low + TASTE} OR {N} > {rows - TASTE})"
        taste = recipe.statement(shape, first=low, last=rows, samples=samples, condition=ends)
        try:
            with refusable(self.connection):
                self._trust(shape)
                if self._insert(taste) < min(rows - there, 2 * TASTE):
                    raise Refused(_CLASH)
                statement = functools.partial(recipe.statement, shape, first=low, last=rows, samples=samples)
                self._insert_all(functools.partial(statement, condition=f"NOT {ends}"))
                if self._trusts:
                    run(self.connection, "SET LOCAL session_replication_role = origin")
        except Refused as refused:
            return str(refused)
        return None

    def _insert_all(self, statement: Callable[..., str]) -> None:
        """Insert in the cheapest way; where rows clash, leave those out."""
        run(self.connection, "SAVEPOINT stairway_all")
        try:
            self._insert(statement(skip_conflicts=False))
        except IntegrityError:
            run(self.connection, "ROLLBACK TO SAVEPOINT stairway_all")
            self._insert(statement())

    def _trust(self, shape: TableShape) -> None:
        """Spare the server the look at each foreign key: what the rows refer to was read from there."""
        (self._trusts,) = run(self.connection, _TRUST.format(shape.oid))[0]
        if self._trusts:
            run(self.connection, "SET LOCAL session_replication_role = replica")

    def _insert(self, statement: str) -> int:
        """Insert, and tell how many rows the database took."""
        return self.connection.exec_driver_sql(statement, execution_options={"no_parameters": True}).rowcount


def null_counts(connection: Connection, tables: Collection[str]) -> dict[tuple[str, str], int]:
    """Count the NULLs in every column of some tables.

    Returns:
        The counts by table and column.
    """
    found = {}
    for shape in PostgresqlBackend().outlines(connection, tables).values():
        names = [column.name for column in shape.columns]
        counts = ", ".join(f"count(*) - count({quote(name)})" for name in names)
        if names:
            row = run(connection, f"SELECT {counts} FROM {shape.read_from}")[0]
            found.update({(shape.name, name): count for name, count in zip(names, row, strict=True)})
    return found
