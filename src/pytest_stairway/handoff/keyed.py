"""Tells rows apart by their primary key alone.

Elsewhere a row that comes in the place of another one is taken for that one with other values, which finds a migration
that renumbers.  Whoever runs a release asks which rows are there afterwards, and a row is known by its key.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_stairway.rows import RowChange, RowDifference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_stairway.rows import Rows, TableRows

__all__ = ["by_key"]


def by_key(found: Sequence[RowDifference], before: Rows, after: Rows) -> tuple[RowDifference, ...]:
    """Tell of rows that are deleted and inserted, where keys are said to have changed.

    Args:
        found: what `compare_rows` says.
        before: the rows on its one side.
        after: the rows on its other side.
    """
    tables = {each.table for each in found if _is_rekeyed(each, before, after)}
    rest = [each for each in found if each.table not in tables or each.change is not RowChange.VALUES_CHANGED]
    return (*rest, *(each for table in sorted(tables) for each in _changes(before[table], after[table])))


def _is_rekeyed(difference: RowDifference, before: Rows, after: Rows) -> bool:
    one, other = before.get(difference.table), after.get(difference.table)
    if one is None or other is None or difference.change is not RowChange.VALUES_CHANGED:
        return False
    whole = one.digests is None and other.digests is None
    return whole and one.key == other.key and difference.column in one.key


def _changes(one: TableRows, other: TableRows) -> Iterator[RowDifference]:
    rows, others = (_rows_by_key(each) for each in (one, other))
    for change, number in (
        (RowChange.ROWS_LOST, len(rows.keys() - others.keys())),
        (RowChange.ROWS_ADDED, len(others.keys() - rows.keys())),
    ):
        if number:
            yield RowDifference(table=one.name, change=change, rows=number, total=one.count)
    both = [(rows[key], others[key]) for key in rows.keys() & others.keys()]
    changed = Counter(name for a, b in both for name in a.keys() & b.keys() if a[name] != b[name])
    for name in (each for each in one.columns if changed[each]):
        yield RowDifference(
            table=one.name, change=RowChange.VALUES_CHANGED, column=name, rows=changed[name], total=one.count
        )


def _rows_by_key(table: TableRows) -> dict[tuple[str | None, ...], dict[str, str | None]]:
    return {tuple(row[name] for name in table.key): row for row in table.as_dicts()}
