"""Brings the user's own rows and values into tables, those for columns that came later into rows that are there.

What the user says is never changed to make it fit: what the database does not take is left out, and remembered with the
database's reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.rows.backend import Refused
from pytest_stairway.rows.memory import Refusal
from pytest_stairway.rows.supply import rows_for, values_of_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_stairway.rows.bench import Bench
    from pytest_stairway.rows.memory import Memory
    from pytest_stairway.rows.shape import Cell, Row
    from pytest_stairway.rows.supply import Supplied, Supply

__all__ = ["bring_rows", "bring_values"]

_ONE_BY_ONE = 50
"""So many rows are given a value each, where the database did not take all at once."""
_TRIED = 3
"""So many values are tried in one row."""


def bring_rows(bench: Bench, supply: Supply, memory: Memory, *, target: int) -> bool:
    """Bring the user's rows into a table, and what they say of columns that came later into those that are there.

    Args:
        bench: the table.
        supply: what the user supplies.
        memory: what is there already, and what was refused.
        target: how many rows the table gets at least: a function is asked for as many as are missing.

    Returns:
        Whether anything was written.
    """
    there = memory.supplied.setdefault(bench.shape.name, {})
    is_new = not bench.rows
    if is_new:
        there.clear()
    asked = max(target - len(bench.rows), len(there))
    written = [_attempt(bench, memory, each, _bring_row) for each in rows_for(supply, bench.shape, asked)]
    bench.own = len(bench.rows) if is_new else bench.own
    return any(written)


def _attempt(
    bench: Bench, memory: Memory, supplied: Supplied, bring: Callable[[Bench, Memory, Supplied], bool]
) -> bool:
    """Bring something in, or take note why not; tell whether anything was written."""
    try:
        written = bring(bench, memory, supplied)
    except Refused as refused:
        memory.refused[supplied.name, supplied.text] = Refusal(supplied=supplied, reason=str(refused))
        return False
    memory.refused.pop((supplied.name, supplied.text), None)
    return written


def _bring_row(bench: Bench, memory: Memory, supplied: Supplied) -> bool:
    """Insert a row that is not there, or complete the one that is."""
    there, cells = memory.supplied[bench.shape.name], supplied.cells
    known = there.get(supplied.text)
    if known is not None and cells.keys() <= known.keys():
        return False
    key = {name: known[name] for name in bench.shape.key if known is not None and name in known}
    if known is not None and key and len(key) == len(bench.shape.key) and _find(bench, key):
        more = {name: cell for name, cell in cells.items() if name not in known}
        bench.backend.update(bench.connection, bench.shape, list(more), [{**key, **more}])
        there[supplied.text] = {**known, **cells}
        return True
    found = _find(bench, cells) if bench.rows else None
    row = found or _insert(bench, cells)
    there[supplied.text] = {**cells, **{name: row[name] for name in bench.shape.key}}
    return found is None


def _find(bench: Bench, cells: Row) -> Row | None:
    return bench.backend.find(bench.connection, bench.shape, cells)


def _insert(bench: Bench, cells: Row) -> Row:
    row = bench.add_exactly(len(bench.rows), cells)
    if any(bench.shape[name].given for name in cells):
        bench.backend.catch_up(bench.connection, bench.shape)
    return row


def bring_values(bench: Bench, supply: Supply, memory: Memory, *, target: int) -> bool:
    """Bring the user's values into the columns of rows that are there, in turn.

    Args:
        bench: the table.
        supply: what the user supplies.
        memory: which values are in already, and what was refused.
        target: how many rows the table gets at least: a function is asked for so many values.

    Returns:
        Whether anything was written.
    """
    written = False
    for column, supplied in values_of_columns(supply, bench.shape, target).items() if bench.rows else ():
        cells = tuple(each.cells[column] for each in supplied)
        placed = (bench.shape.name, column, cells)
        if placed not in memory.placed:
            written = _take_turns(bench, memory, column, cells) or written
        used = supplied[: max(target, len(bench.rows))]
        missing = memory.placed.get(placed, {each.text for each in used})
        for each in [each for each in used if each.text in missing]:
            written = _attempt(bench, memory, each, _show_value) or written
        memory.placed[placed] = {each.text for each in used if (each.name, each.text) in memory.refused}
    return written


def _take_turns(bench: Bench, memory: Memory, column: str, cells: Sequence[Cell]) -> bool:
    """Give rows that hold other values, or none, those of the user; all at once, if the database lets it."""
    ours = _rows_of_ours(bench, memory, column) if bench.shape[column] in bench.shape.writable else ()
    turns = [(row, place) for place, row in enumerate(ours) if row[column] is None or row[column] not in cells]
    given = [(row, cells[place % len(cells)]) for row, place in turns]
    given = [(row, cell) for row, cell in given if row[column] != cell]
    if not given or _give(bench, column, given):
        return bool(given)
    return any([_give_one(bench, column, row, cells, place) for row, place in turns[:_ONE_BY_ONE]])  # noqa: C419 - all


def _give_one(bench: Bench, column: str, row: Row, cells: Sequence[Cell], place: int) -> bool:
    """Give a row its value, or one of the next where the database does not take that."""
    tried = (cells[(place + more) % len(cells)] for more in range(min(_TRIED, len(cells))))
    return any(_give(bench, column, [(row, cell)]) for cell in tried)


def _rows_of_ours(bench: Bench, memory: Memory, column: str) -> Iterator[Row]:
    """Give the rows that no migration made, and in which the user does not say what the column holds."""
    key = bench.shape.key
    decided = memory.ours(bench.shape.name, key)
    if key and column not in key:
        yield from (row for row in bench.rows if column not in decided.get(tuple(row[n] for n in key), {column}))


def _give(bench: Bench, column: str, rows: Sequence[tuple[Row, Cell]]) -> bool:
    """Give rows values of a column, as far as the database takes them."""
    key = bench.shape.key
    given = [{**{name: row[name] for name in key}, column: cell} for row, cell in rows]
    try:
        bench.backend.update(bench.connection, bench.shape, [column], given)
    except Refused:
        return False
    for row, cell in rows:
        row[column] = cell
    return True


def _show_value(bench: Bench, memory: Memory, supplied: Supplied) -> bool:
    """See to it that a row holds a value."""
    del memory
    if _find(bench, supplied.cells):
        return False
    _insert(bench, supplied.cells)
    return True
