"""One difference between two captures of rows, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from pytest_stairway.rows.captured import LONG, length_of

if TYPE_CHECKING:
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
    def object(self) -> str:
        """What it is about: ``table author, column ref_code``."""
        return f"table {self.table}" + (f", column {self.column}" if self.column else "")

    @property
    def overwritten(self) -> int:
        """How many of the changed values were not NULL before."""
        return self.rows - self.filled

    @property
    def holds_data(self) -> bool:
        """Whether any row or value is concerned at all."""
        return self.rows > 0 or self.at_least

    def words(self) -> str:
        """Tell it in one line, with an example: ``…; 5 of 5 rows``."""
        if self.to is not None:
            verb = "values stand in" if self.change is RowChange.COLUMN_MOVED else "renamed to"
            return f"{self.object}: {verb} {self.to}"
        example = self.examples[0] if self.examples else f"{self.object}: {self.change.value}"
        if self.change is not RowChange.VALUES_CHANGED and self.examples:
            example = f"{self.object}: {self.change.value}, such as {example}"
        return f"{example}; {self._amount()}"

    def _amount(self) -> str:
        unit = "values" if self.change in {RowChange.COLUMN_DROPPED, RowChange.COLUMN_ADDED} else "rows"
        if self.at_least and not self.rows:
            return f"some of {self.total} {unit}"
        return f"{'at least ' if self.at_least else ''}{self.rows} of {self.total} {unit}"


def example(table: TableRows, row: tuple[Cell, ...], column: str, after: Cell) -> str:
    """Tell one changed value: ``author id=3: ref_code 'a1b2c3' before, 'ffe012' after``."""
    before = row[table.columns.index(column)]
    return f"{_which(table, row)}: {column} {tell_value(before, after)} before, {tell_value(after, before)} after"


def held(table: TableRows, row: tuple[Cell, ...], column: str) -> str:
    """Tell one value: ``author id=3: ref_code 'a1b2c3'``."""
    return f"{_which(table, row)}: {column} {tell_value(row[table.columns.index(column)])}"


def tell_row(table: TableRows, row: tuple[Cell, ...]) -> str:
    """Tell a row by its key and a few values."""
    others = [
        (name, cell)
        for name, cell in zip(table.columns, row, strict=False)
        if name not in table.key and cell is not None
    ]
    values = ", ".join(f"{name} {tell_value(cell)}" for name, cell in others[:_SHOWN])
    return f"{_which(table, row)}: {values}" if values else _which(table, row)


def _which(table: TableRows, row: tuple[Cell, ...]) -> str:
    cells = dict(zip(table.columns, row, strict=False))
    key = ", ".join(f"{name}={cells[name]}" for name in table.key)
    if not key:
        return f"{table.name}, a row"
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
