"""Judges the way down below an earlier revision, whose column a later one fills, and up again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_stairway.checks.row_teller import overwrites, told_of
from pytest_stairway.findings import Direction, Finding, Severity
from pytest_stairway.rows import RowChange, compare_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.checks.row_teller import RowTeller
    from pytest_stairway.revisions import Revision
    from pytest_stairway.rows import RowDifference, Rows, TableRows
    from pytest_stairway.walk.roundtrip import RowMoments

__all__ = ["check_excursion"]


def check_excursion(
    rows: RowMoments, after: dict[str, Rows], name: str, teller: RowTeller, bottom: Revision
) -> Iterator[Finding]:
    """Tell what a revision fills otherwise once the column was dropped and made again by an earlier one."""
    if rows.reupgraded is None:
        return
    below = ", ".join(bottom.down_revision) or "base"
    for each in compare_rows(rows.reupgraded[name], after[name]):
        if each.change is not RowChange.VALUES_CHANGED or each.column is None or not overwrites(each):
            continue
        if not _fills_otherwise(rows.before[name], rows.reupgraded[name], after[name], each):
            continue
        yield teller.finding(
            "not-repeatable",
            Direction.REUPGRADE,
            each.object,
            f"going down to {below} and up again fills other values, because the downgrade of {bottom.revision} drops "
            f"the column: {told_of(each)}",
            hint="Derive values from what is in the row, not from random() or the clock; or accept it",
        )
        yield replace(teller, revision=bottom).finding(
            "data-dropped",
            Direction.DOWNGRADE,
            each.object,
            f"the downgrade drops column {each.column}, which {teller.revision.revision} fills: {each.total} values; "
            "going up again fills it with others",
            severity=Severity.INFO,
        )


def _fills_otherwise(before: Rows, one: Rows, other: Rows, each: RowDifference) -> bool:
    """Tell whether a value is another one in a row where the upgrade filled it: elsewhere it was somebody else's."""
    column = each.column or ""
    tables = [rows.get(each.table) for rows in (before, one, other)]
    if any(table is None or column not in table.columns for table in tables):
        return False
    values = [{_key(table, row): row[table.columns.index(column)] for row in table.rows} for table in tables if table]
    return any(values[1].get(key) != values[2].get(key) for key, value in values[0].items() if value is None)


def _key(table: TableRows, row: tuple[str | None, ...]) -> tuple[str | None, ...]:
    """Give what identifies a row."""
    return tuple(row[table.columns.index(name)] for name in table.key)
