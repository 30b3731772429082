"""One difference between two captures of rows, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from pytest_stairway.phrases import joined, phrase, term
from pytest_stairway.rows.captured import LONG, length_of

if TYPE_CHECKING:
    from pytest_stairway.phrases import Phrase
    from pytest_stairway.rows.captured import TableRows
    from pytest_stairway.rows.shape import Cell

__all__ = ["RowChange", "RowDifference", "example", "held", "tell_row", "tell_value"]

_EXCERPT = 40
_SHOWN = 3
"""How many of a row's columns are told."""


class RowChange(str, Enum):
    """What happened."""

    ROWS_LOST = "rows lost"
    ROWS_ADDED = "rows added"
    VALUES_CHANGED = "values changed"
    COLUMN_DROPPED = "column dropped"
    COLUMN_ADDED = "column added"
    COLUMN_RENAMED = "column renamed"
    COLUMN_MOVED = "column moved"
    """Its values stand in a new column elsewhere."""
    TABLE_DROPPED = "table dropped"
    TABLE_ADDED = "table added"
    TABLE_RENAMED = "table renamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDifference:
    """One thing that is not as it was."""

    table: str
    """Its name after, where it has one."""
    change: RowChange
    column: str | None = None
    """Under its name before; for one that was added, its name."""
    to: str | None = None
    """The new name, or where the values stand now (``table.column``)."""
    rows: int
    """How many rows it is about; of a column that was dropped or added: in how many it held (holds) a value."""
    total: int
    """How many rows the table had (of what is new: has)."""
    at_least: bool = False
    """`rows` is only what was seen: the table is too large to be known row by row."""
    filled: int = 0
    """In so many of the changed rows the value was NULL before."""
    emptied: int = 0
    """In so many it is NULL after."""
    replaced: frozenset[str] = frozenset()
    """The changed values as they were before, as far as they were not NULL."""
    converted: bool = False
    """The column's type changed, too."""
    examples: tuple[str, ...] = ()
    """A few, each in words: ``author id=3: ref_code 'a1b2c3' before, 'ffe012' after``."""

    @property
    def object(self) -> Phrase:
        """What it is about: ``table author, column ref_code``."""
        if self.column:
            return phrase("table %(table)s, column %(column)s", table=self.table, column=self.column)
        return phrase("table %(table)s", table=self.table)

    @property
    def overwritten(self) -> int:
        """How many of the changed values were not NULL before."""
        return self.rows - self.filled

    @property
    def holds_data(self) -> bool:
        """Whether any row or value is concerned at all."""
        return self.rows > 0 or self.at_least

    def words(self) -> Phrase:
        """Tell it in one line, with an example: ``…; 5 of 5 rows``."""
        about = self.object
        if self.change is RowChange.COLUMN_MOVED and self.to is not None:
            return phrase("%(object)s: values stand in %(name)s", object=about, name=self.to)
        if self.to is not None:
            return phrase("%(object)s: renamed to %(name)s", object=about, name=self.to)
        return joined([self._what(), self._amount()], "; ")

    def _what(self) -> str:
        change = term(self.change.value)
        if not self.examples:
            return joined([self.object, change], ": ")
        example = self.examples[0]
        if self.change is RowChange.VALUES_CHANGED:
            return example
        return phrase("%(object)s: %(change)s, such as %(example)s", object=self.object, change=change, example=example)

    def _amount(self) -> Phrase:
        unit = phrase("values") if self.change in {RowChange.COLUMN_DROPPED, RowChange.COLUMN_ADDED} else phrase("rows")
        values = {"rows": self.rows, "total": self.total, "unit": unit}
        if self.at_least and not self.rows:
            return phrase("some of %(total)s %(unit)s", total=self.total, unit=unit)
        if self.at_least:
            return phrase("at least %(rows)s of %(total)s %(unit)s", **values)
        return phrase("%(rows)s of %(total)s %(unit)s", **values)


def example(table: TableRows, row: tuple[Cell, ...], column: str, after: Cell) -> Phrase:
    """Tell one changed value: ``author id=3: ref_code 'a1b2c3' before, 'ffe012' after``."""
    before = row[table.columns.index(column)]
    return phrase(
        "%(row)s: %(column)s %(before)s before, %(after)s after",
        row=_which(table, row),
        column=column,
        before=tell_value(before, after),
        after=tell_value(after, before),
    )


def held(table: TableRows, row: tuple[Cell, ...], column: str) -> Phrase:
    """Tell one value: ``author id=3: ref_code 'a1b2c3'``."""
    value = f"{column} {tell_value(row[table.columns.index(column)])}"
    return joined([_which(table, row), value], ": ")


def tell_row(table: TableRows, row: tuple[Cell, ...]) -> str:
    """Tell a row by its key and a few values."""
    others = [
        (name, cell)
        for name, cell in zip(table.columns, row, strict=False)
        if name not in table.key and cell is not None
    ]
    values = ", ".join(f"{name} {tell_value(cell)}" for name, cell in others[:_SHOWN])
    which = _which(table, row)
    return joined([which, values], ": ") if values else which


def _which(table: TableRows, row: tuple[Cell, ...]) -> str:
    cells = dict(zip(table.columns, row, strict=False))
    key = ", ".join(f"{name}={cells[name]}" for name in table.key)
    if not key:
        return phrase("%(table)s, a row", table=table.name)
    return f"{table.name} {key}" if len(table.key) == 1 else f"{table.name} ({key})"


def tell_value(cell: Cell, other: Cell = None) -> str:
    """Tell a value, a long one cut to where it differs from another."""
    if cell is None:
        return "NULL"
    text, long = cell, length_of(cell)
    if long is not None and (other is None or cell[:LONG] == other[:LONG]):
        beyond = f", of which the first {LONG:,} are the same" if other is not None else ""
        return f"{tell_value(cell[:_EXCERPT])}… ({long:,} characters{beyond})"
    start = 0
    if len(text) > _EXCERPT and other is not None:
        start = next(
            (i for i, (a, b) in enumerate(zip(cell, other, strict=False)) if a != b), min(len(cell), len(other))
        )
        start = max(0, start - _EXCERPT // 4)
    excerpt = text[start : start + _EXCERPT].replace("\n", "\\n").replace("\t", "\\t")
    return f"{'…' if start else ''}'{excerpt}'{'…' if start + _EXCERPT < len(text) else ''}"
