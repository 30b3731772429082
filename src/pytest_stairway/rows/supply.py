"""What users supply themselves: rows of a table, values of a column."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ClauseElement

from pytest_stairway.rows.shape import Sql

if TYPE_CHECKING:
    from pytest_stairway.rows.shape import Cell, ColumnType, Row, TableShape

__all__ = ["Supplied", "Supply", "rows_for", "values_for", "values_of_columns"]

Supply = Mapping[str, "Sequence[Any] | Callable[[int], Any]"]
"""``author`` → rows (mappings from column to value; what is left out is generated), ``author.ref_code`` → values.

Either a sequence or a function of the row's number; a function for rows is asked for as many as are needed.  Values
are Python's own (None, str, int, Decimal, bool, bytes, datetime, UUID, Enum by its name as SQLAlchemy stores it, list,
dict …) or `sqlalchemy.text` for an expression.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplied:
    """One row or value that is supplied."""

    table: str
    column: str | None = None
    """None for a row."""
    place: int
    """Its place in the list, or the number that the function was given."""
    text: str
    """As the user would write it."""
    cells: Row
    """What the columns that are there get."""

    @property
    def name(self) -> str:
        """Under which it is supplied: ``author`` for a row, ``author.ref_code`` for a value."""
        return f"{self.table}.{self.column}" if self.column else self.table


def rows_for(supply: Supply, shape: TableShape, count: int) -> list[Supplied]:
    """Give the rows that are supplied for a table, each once: all of a sequence, `count` of a function."""
    given = supply.get(shape.name, ())
    rows = [given(number) for number in range(count)] if callable(given) else list(given)
    columns = {column.name: column.type for column in shape.columns}  # some may not be there yet, or not any more
    found: dict[str, Supplied] = {}
    for place, row in enumerate(rows):
        text = "{" + ", ".join(f"{name!r}: {_written(value)}" for name, value in row.items()) + "}"
        cells = {name: as_cell(value, columns[name]) for name, value in row.items() if name in columns}
        found.setdefault(text, Supplied(table=shape.name, place=place, text=text, cells=cells))
    return list(found.values())


def values_of_columns(supply: Supply, shape: TableShape, count: int) -> dict[str, list[Supplied]]:
    """Give the values that are supplied for a table's columns: all of a sequence, `count` of a function."""
    found = {}
    for column in shape.columns:
        given = supply.get(f"{shape.name}.{column.name}", ())
        values = [given(number) for number in range(count)] if callable(given) else list(given)
        found[column.name] = [
            Supplied(
                table=shape.name,
                column=column.name,
                place=place,
                text=_written(value),
                cells={column.name: as_cell(value, column.type)},
            )
            for place, value in enumerate(values)
        ]
    return {name: supplied for name, supplied in found.items() if supplied}


def _written(value: Any) -> str:
    return f"text({str(value)!r})" if isinstance(value, ClauseElement) else repr(value)


def values_for(supply: Supply, shape: TableShape) -> dict[str, Callable[[int], Cell]]:
    """Give the values that are supplied for a table's columns, by the row's number."""
    found = {}
    for column in shape.columns:
        given = supply.get(f"{shape.name}.{column.name}")
        if given is not None and (callable(given) or len(given)):
            found[column.name] = _chooser(given, column.type)
    return found


def _chooser(given: Sequence[Any] | Callable[[int], Any], type_: ColumnType) -> Callable[[int], Cell]:
    def choose(number: int) -> Cell:
        return as_cell(given(number) if callable(given) else given[number % len(given)], type_)

    return choose


def as_cell(value: Any, type_: ColumnType) -> Cell:
    """Write a Python value as the database reads it."""
    if value is None or isinstance(value, str):
        return value
    if type_.name in {"json", "jsonb"} and not isinstance(value, ClauseElement):
        return json.dumps(value)
    for kinds, write in _WRITERS:
        if isinstance(value, kinds):
            return write(value, type_)
    return str(value)


def _boolean(value: bool, type_: ColumnType) -> str:  # noqa: FBT001 - one of the writers
    return str(int(value)) if type_.labels else str(value).lower()


def _array(items: Iterable[Any], type_: ColumnType) -> str:
    cells = [as_cell(item, type_.element or type_) for item in items]
    return "{" + ",".join("NULL" if cell is None else _quoted(cell) for cell in cells) + "}"


def _quoted(item: str) -> str:
    return '"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"'


_WRITERS: tuple[tuple[tuple[type, ...], Callable[[Any, ColumnType], str]], ...] = (
    ((ClauseElement,), lambda value, _: Sql(value)),
    ((Enum,), lambda value, _: value.name),
    ((bool,), _boolean),
    ((bytes, bytearray, memoryview), lambda value, _: "\\x" + bytes(value).hex()),
    ((set, frozenset), lambda value, type_: _array(sorted(value), type_)),
    ((list, tuple), _array),
)
"""How values are written that are not what `str` makes of them; the first that fits."""
