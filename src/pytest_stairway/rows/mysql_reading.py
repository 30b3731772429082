"""Reads rows of many tables of MariaDB or MySQL in one statement, each row as one text that any driver reads alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.rows.backend import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from pytest_stairway.rows.shape import Cell

__all__ = ["cells_of", "read_tables", "row_text"]

_AT_ONCE = 40
"""So many tables are read in one statement."""
_NOTHING = "~"


def row_text(expressions: Iterable[str]) -> str:
    """Write an expression that gives the values of some, which are texts, in one text of ASCII."""
    return f"CONCAT_WS(',', {', '.join(f'''IFNULL(HEX({each}), '{_NOTHING}')''' for each in expressions)})"


def cells_of(given: str | bytes) -> tuple[Cell, ...]:
    """Read what `row_text` gave, which some drivers take for bytes."""
    text = given.decode() if isinstance(given, bytes) else given
    return tuple(None if cell == _NOTHING else bytes.fromhex(cell).decode() for cell in text.split(","))


def read_tables(
    connection: Connection, tables: Mapping[str, tuple[str, Sequence[str]]], *, limit: int
) -> dict[str, list[tuple[Cell, ...]]]:
    """Read the first rows of several tables.

    Args:
        connection: where.
        tables: by name, what stands after FROM, and expressions that give texts.
        limit: so many rows of each.
    """
    names = list(tables)
    found: dict[str, list[tuple[Cell, ...]]] = {name: [] for name in names}
    for start in range(0, len(names), _AT_ONCE):
        parts = [
            f"(SELECT {place} AS place, {row_text(tables[name][1])} AS cells FROM {tables[name][0]} LIMIT {limit})"
            for place, name in enumerate(names[start : start + _AT_ONCE], start)
        ]
        for place, text in run(connection, " UNION ALL ".join(parts)):
            found[names[place]].append(cells_of(text))
    return found
