"""Decides what stands in each column of a table that is filled with many rows.

The few rows that a table has satisfy all of its rules, so the many are made from them: each is a copy of one of the
few, in which every column that may differ does, and every key that must differ does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_stairway.rehearsal.spread import N, spread, spreads
from pytest_stairway.rows.backend import quote

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pytest_stairway.rows.shape import Column, ForeignKey, TableShape, Unique

__all__ = ["Parent", "Recipe", "Unfillable", "recipes", "references"]

SPREAD_OVER = 10_000
"""Over so many parents the rows of a table are spread, where nothing asks for more."""
UNSPREADABLE = frozenset({"bool"})
PREFERRED = ("uuid", "int8", "int4", "text", "varchar", "numeric", "timestamptz", "timestamp")
"""The types in which rows are most naturally told apart."""


class Unfillable(Exception):
    """A key of a table cannot be given so many values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """How rows refer to another table."""

    key: ForeignKey
    alias: str
    place: str
    """An expression: which of the parent's rows, from 0."""
    limit: int
    """How many of the parent's rows are used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What stands in each column."""

    columns: Mapping[str, str]
    parents: tuple[Parent, ...] = ()

    def statement(
        self,
        shape: TableShape,
        *,
        first: int,
        last: int,
        samples: int,
        condition: str = "true",
        skip_conflicts: bool = True,
    ) -> str:
        """Write the INSERT.

        Args:
            shape: the table.
            first: the number of the first row.
            last: and of the last.
            samples: how many rows are copied, in turns.
            condition: on the number.
            skip_conflicts: leave out rows that clash with others, which costs a third more.
        """
        series = f"generate_series({first}, {last}) AS {N} WHERE {condition}"
        if not self.columns:
            return f"INSERT INTO {shape.sql} SELECT FROM {series}"
        names, values = ", ".join(map(quote, self.columns)), ", ".join(self.columns.values())
        conflict = " ON CONFLICT DO NOTHING" if skip_conflicts and shape.skips_conflicts else ""
        return f"""
            INSERT INTO {shape.sql} ({names})
            SELECT {values}
            FROM (SELECT {N} FROM {series}) AS counted
            LEFT JOIN (SELECT *, row_number() OVER () - 1 AS "stairway place"
                       FROM (SELECT * FROM {shape.read_from} LIMIT {samples}) AS few) AS s
                   ON s."stairway place" = {N} % {samples}
            {" ".join(map(_join, self.parents))}{conflict}"""


def _join(parent: Parent) -> str:
    key = parent.key
    columns = ", ".join(map(quote, key.parent_columns))
    known = " AND ".join(f"{quote(name)} IS NOT NULL" for name in key.parent_columns)
    return f"""
            LEFT JOIN (SELECT {columns}, row_number() OVER (ORDER BY {columns}) - 1 AS "stairway place"
                       FROM {key.parent_from} WHERE {known} LIMIT {parent.limit}) AS {parent.alias}
                   ON {parent.alias}."stairway place" = {parent.place}"""


def recipes(
    shape: TableShape, rows: int, *, available: Mapping[str, int], nulls: Collection[str] = ()
) -> Iterator[Recipe]:
    """Give ways to make the rows, the most varied first; the server says which of them its rules allow.

    Args:
        shape: the table.
        rows: how large the rows' numbers become.
        available: how many rows the tables have that foreign keys refer to.
        nulls: columns that are to be NULL throughout.

    Raises:
        Unfillable: there is no way.
    """
    yield _Kitchen(shape, rows, available, frozenset(nulls)).recipe(free=True)
    for turn in range(4):
        yield _Kitchen(shape, rows, available, frozenset(nulls)).recipe(free=False, turn=turn)
    if nulls:
        yield from recipes(shape, rows, available=available)


def references(shape: TableShape, rows: int, nulls: Collection[str] = ()) -> dict[str, int]:
    """Tell how many rows the tables must have to which a table's keys refer: a row each, where the key is unique."""
    found: dict[str, int] = {}
    for unique in _open_keys(shape, frozenset(nulls)):
        keys = _keys_within(shape, unique)
        if keys and _column_to_spread(shape, unique, rows) is None:
            for key in keys:
                found[key.parent] = max(found.get(key.parent, 0), _share(rows, len(keys)))
    found.pop(shape.name, None)
    return found


def _share(rows: int, keys: int) -> int:
    """Give how many parents each of some keys needs, that every row has another combination."""
    share = int(rows ** (1 / keys))
    while share**keys < rows:
        share += 1
    return share


def _open_keys(shape: TableShape, nulls: frozenset[str]) -> list[Unique]:
    """Find the unique keys for which the database itself does not give values that differ."""
    given = {column.name for column in shape.columns if column.given}
    return [
        unique
        for unique in shape.uniques
        if given.isdisjoint(unique.columns) and not (unique.nulls_distinct and nulls.intersection(unique.columns))
    ]


def _keys_within(shape: TableShape, unique: Unique) -> list[ForeignKey]:
    keys = [key for key in shape.foreign_keys if set(key.columns) <= set(unique.columns)]
    return [key for key in keys if key.parent != shape.name]


def _column_to_spread(shape: TableShape, unique: Unique, rows: int) -> Column | None:
    """Choose the column of a key in which its rows differ; None where only foreign keys can."""
    referring = {name for key in shape.foreign_keys for name in key.columns}
    free = [
        shape[name]
        for name in unique.columns
        if name not in referring and shape[name].generated is None and spread(shape[name], rows) is not None
    ]
    checked = {name for check in (*shape.checks, *shape.any_of) for name in check.columns}
    order = {name: place for place, name in enumerate(PREFERRED)}
    free.sort(key=lambda column: (column.name in checked, order.get(column.type.name, len(order))))
    return next((column for column in free if column.type.name not in UNSPREADABLE), None)


@dataclass(slots=True)
class _Kitchen:
    """Makes one recipe."""

    shape: TableShape
    rows: int
    available: Mapping[str, int]
    nulls: frozenset[str]
    parents: list[Parent] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)

    def recipe(self, *, free: bool, turn: int = 0) -> Recipe:
        """Make it.

        Args:
            free: let every column differ that no rule speaks of; else only those of keys.
            turn: which way to let the columns of keys differ.
        """
        own = {column.name: f"s.{quote(column.name)}" for column in self.shape.writable}
        self.columns = own
        if free:
            self._vary()
        self._refer()
        for unique in _open_keys(self.shape, self.nulls):
            self._tell_apart(unique, turn)
        if self.shape.exclusive:
            self._exclude(turn)
        self.columns.update({name: "NULL" for name in self.nulls if name in own and self.shape[name].nullable})
        return Recipe(columns=self.columns, parents=tuple(self.parents))

    def _vary(self) -> None:
        bound = {name for check in (*self.shape.checks, *self.shape.any_of) for name in check.columns}
        bound |= {name for key in self.shape.foreign_keys for name in key.columns}
        for column in self.shape.writable:
            expression = spread(column, self.rows)
            if column.name in bound or column.type.checks or expression is None or column.type.kind != "base":
                continue
            if column.type.name != "jsonb":
                own = self.columns[column.name]
                varied = f"CASE WHEN {own} IS NULL THEN NULL ELSE {expression} END"
                self.columns[column.name] = varied if column.nullable else expression

    def _refer(self) -> None:
        """Spread the rows over the tables that they refer to."""
        referring = [name for key in self.shape.foreign_keys for name in key.columns]
        bound = {name for check in (*self.shape.checks, *self.shape.any_of) for name in check.columns}
        for key in self.shape.foreign_keys:
            there = min(SPREAD_OVER, self.available.get(key.parent, 0))
            alone = all(referring.count(name) == 1 and name not in bound for name in key.columns)
            if there and alone and key.parent != self.shape.name:
                self._use(Parent(key=key, alias=f"p{len(self.parents)}", place=f"{N} % {there}", limit=there))

    def _use(self, parent: Parent) -> None:
        self.parents = [other for other in self.parents if other.key != parent.key]
        self.parents.append(parent)
        for name, other in zip(parent.key.columns, parent.key.parent_columns, strict=True):
            expression = f"{parent.alias}.{quote(other)}"
            if name in self.columns:
                own = f"s.{quote(name)}"
                spread_out = f"CASE WHEN {own} IS NULL THEN NULL ELSE {expression} END"
                self.columns[name] = spread_out if self.shape[name].nullable else expression

    def _tell_apart(self, unique: Unique, turn: int) -> None:
        column = _column_to_spread(self.shape, unique, self.rows)
        if column is not None and column.name in self.columns:
            ways = spreads(column, self.rows)
            self.columns[column.name] = ways[turn % len(ways)]
            return
        keys = _keys_within(self.shape, unique)
        if not keys:
            raise Unfillable(f"no column of the unique key ({', '.join(unique.columns)}) can have so many values")
        share, rest = _share(self.rows, len(keys)), f"({N} - 1)"
        for number, key in enumerate(keys):
            place = f"{rest} / {share**number} % {share}"
            self._use(Parent(key=key, alias=f"k{number}_{len(self.parents)}", place=place, limit=share))
            self.columns.update(
                {
                    name: f"{self.parents[-1].alias}.{quote(other)}"
                    for name, other in zip(key.columns, key.parent_columns, strict=True)
                    if name in self.columns
                }
            )

    def _exclude(self, turn: int) -> None:
        """Let one column of the exclusion constraints differ from row to row."""
        columns = [self.shape[name] for name in self.shape.exclusive if spread(self.shape[name], self.rows)]
        columns.sort(key=lambda column: column.type.kind != "range")
        for column in columns[turn % len(columns) :][:1] if columns else ():
            self.columns[column.name] = spreads(column, self.rows)[0]
