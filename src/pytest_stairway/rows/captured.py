"""Rows as plain data: what was in the tables at one moment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_stairway.rows.shape import Cell

__all__ = ["LONG", "Rows", "TableRows", "length_of", "shorten"]

LONG = 2000
"""A longer value is kept as its beginning, its length and its hash."""
_SHORTENED = re.compile(rf"(?s:.{{{LONG}}})\.\.\. (\d+) [0-9a-f]{{64}}")


def shorten(cell: str) -> str:
    """Keep of a long value what tells it from others."""
    return f"{cell[:LONG]}... {len(cell)} {sha256(cell.encode()).hexdigest()}"


def length_of(cell: str) -> int | None:
    """Tell how long a value was before it was shortened; None where it was not."""
    found = _SHORTENED.fullmatch(cell)
    return int(found[1]) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRows:
    """One table's rows."""

    name: str
    """``author``; outside the default schema ``app.author``."""
    columns: tuple[str, ...]
    types: tuple[str, ...]
    """Each column's type, in the words of the database."""
    key: tuple[str, ...] = ()
    """The primary key's columns."""
    rows: tuple[tuple[Cell, ...], ...] = ()
    """All of them, or a sample where there are many; values as the database writes them."""
    count: int = 0
    """How many there are."""
    stamped: tuple[str, ...] = ()
    """Columns in which the server itself notes when a row was changed."""
    digests: tuple[str, ...] | None = None
    """Where `rows` are not all: a digest of each column's values over every row."""

    def column(self, name: str) -> tuple[Cell, ...]:
        """One column's values.

        Raises:
            ValueError: there is no such column.
        """
        place = self.columns.index(name)
        return tuple(row[place] for row in self.rows)

    def as_dicts(self, most: int | None = None) -> list[dict[str, Cell]]:
        """Give each row's values by column, of all rows or of the first ones."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows[:most]]

    def type_of(self, name: str) -> str:
        """One column's type."""
        return self.types[self.columns.index(name)]


class Rows(dict[str, TableRows]):
    """All tables' rows at one moment, by the tables' names; never changed once it is handed out.

    Tables that were not looked at again are the very same objects as in the moment before.
    """
