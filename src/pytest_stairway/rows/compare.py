"""Compares two captures of rows, purely: what is lost, new, or has another value; and what is only renamed."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from pytest_stairway.rows.difference import RowChange, RowDifference, example, held, tell_row
from pytest_stairway.rows.match import Match, match_rows, same_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_stairway.rows.captured import TableRows
    from pytest_stairway.rows.shape import Cell

__all__ = ["compare_rows"]

_EXAMPLES = 3
_DOCUMENTS = frozenset({"json", "jsonb"})
"""Types of which one value can be written in many ways."""
_ENOUGH_ALIKE = 0.5
"""The part of a table's columns that must hold the same for it to be the one that had another name."""


def compare_rows(before: Mapping[str, TableRows], after: Mapping[str, TableRows]) -> tuple[RowDifference, ...]:
    """Tell how rows differ, table by table.

    Rows are identified by their primary key; where there is none, or it is another one now, by what they hold.  A table
    or a column under another name that holds the same is `RENAMED`, one whose values stand elsewhere now is `MOVED`:
    neither is a loss.

    Args:
        before: the rows at one moment.
        after: the rows at a later one.
    """
    if before is after:
        return ()
    new = {name: after[name] for name in after.keys() - before.keys()}
    gone = {name: before[name] for name in before.keys() - after.keys()}
    renamed = dict(_renamed_tables(gone, new))
    pairs = [(before[name], after[to]) for name, to in renamed.items()]
    pairs += [(one, after[name]) for name, one in before.items() if one is not after.get(name, one) != one]
    added = {name: table for name, table in new.items() if name not in renamed.values()}
    homes = list(_new_homes(pairs, added.values()))
    found = [_of_table(RowChange.TABLE_RENAMED, before[name], to=to) for name, to in renamed.items()]
    found += (_of_table(RowChange.TABLE_DROPPED, table) for name, table in gone.items() if name not in renamed)
    found += (_of_table(RowChange.TABLE_ADDED, table) for table in added.values())
    for one, other in pairs:
        found += _compare_table(one, other, homes)
    return tuple(sorted(found, key=lambda difference: difference.table))  # a stable sort: columns stay in their order


def _new_homes(
    pairs: Iterable[tuple[TableRows, TableRows]], added: Iterable[TableRows]
) -> Iterator[tuple[str, frozenset[Cell]]]:
    """Give the columns that are new, in which values that are gone elsewhere may stand."""
    for one, other in pairs:
        yield from ((f"{other.name}.{n}", frozenset(other.column(n))) for n in other.columns if n not in one.columns)
    for table in added:
        yield from ((f"{table.name}.{n}", frozenset(table.column(n))) for n in table.columns if n not in table.key)


def _of_table(change: RowChange, table: TableRows, *, to: str | None = None) -> RowDifference:
    examples = () if to else tuple(tell_row(table, row) for row in table.rows[:_EXAMPLES])
    return RowDifference(table=table.name, change=change, to=to, rows=table.count, total=table.count, examples=examples)


def _compare_table(
    before: TableRows, after: TableRows, homes: Sequence[tuple[str, frozenset[Cell]]]
) -> Iterator[RowDifference]:
    match = match_rows(before, after)
    gone = [name for name in before.columns if name not in after.columns]
    added = [name for name in after.columns if name not in before.columns]
    renamed = dict(_renamed_columns(match, gone, added))
    if match.lost or match.keys_differ:
        yield RowDifference(
            table=after.name,
            change=RowChange.ROWS_LOST,
            rows=match.lost,
            total=before.count,
            at_least=match.keys_differ,
            examples=tuple(tell_row(before, row) for row in match.lost_rows[:_EXAMPLES]),
        )
    if match.new:
        examples = tuple(tell_row(after, row) for row in match.new_rows[:_EXAMPLES])
        yield RowDifference(
            table=after.name, change=RowChange.ROWS_ADDED, rows=match.new, total=after.count, examples=examples
        )
    for name in before.columns:
        if name in renamed:
            yield _of_column(RowChange.COLUMN_RENAMED, after.name, before, name, to=renamed[name])
        elif name in gone:
            to = _home(before.column(name), homes)
            yield _of_column(
                RowChange.COLUMN_MOVED if to else RowChange.COLUMN_DROPPED, after.name, before, name, to=to
            )
        elif name not in {*before.stamped, *after.stamped}:
            yield from _changed_values(match, name)
    for name in added:
        if name not in renamed.values():
            yield _of_column(RowChange.COLUMN_ADDED, after.name, after, name)


def _of_column(change: RowChange, name: str, table: TableRows, column: str, *, to: str | None = None) -> RowDifference:
    place = table.columns.index(column)
    full = [row for row in table.rows if row[place] is not None]
    examples = () if to else tuple(held(table, row, column) for row in full[:_EXAMPLES])
    return RowDifference(
        table=name,
        change=change,
        column=column,
        to=to,
        rows=len(full),
        total=table.count,
        at_least=table.digests is not None,
        examples=examples,
    )


def _changed_values(match: Match, column: str) -> Iterator[RowDifference]:
    before, after = match.before, match.after
    types = before.type_of(column), after.type_of(column)
    one, other = before.columns.index(column), after.columns.index(column)
    loosely = types[0] != types[1] or types[0].lower() in _DOCUMENTS
    changed = [(old, now) for old, now in match.pairs if not same_value(old[one], now[other], loosely=loosely)]
    unseen = match.digests_differ(column) and not changed and not match.keys_differ
    if not changed and not unseen:
        return
    yield RowDifference(
        table=after.name,
        change=RowChange.VALUES_CHANGED,
        column=column,
        rows=len(changed),
        total=before.count,
        at_least=match.sampled,
        filled=sum(old[one] is None for old, _ in changed),
        emptied=sum(now[other] is None for _, now in changed),
        replaced=frozenset(cell for old, _ in changed if (cell := old[one]) is not None),
        converted=types[0] != types[1],
        examples=tuple(example(before, old, column, now[other]) for old, now in changed[:_EXAMPLES]),
    )


def _renamed_columns(match: Match, gone: Sequence[str], added: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Find columns that are gone and stand under another name with the same value in every row."""
    free = list(added)
    for name in gone:
        place = match.before.columns.index(name)
        if not _tells_something(old[place] for old, _ in match.pairs):
            continue
        same = [other for other in free if _holds_the_same(match, name, other)]
        if same:
            best = max(same, key=lambda other: _likeness(match, name, other))
            free.remove(best)
            yield name, best


def _tells_something(cells: Iterable[Cell]) -> bool:
    """Tell whether equal values in another column can hardly be chance: a single value, over and over, is a default."""
    full = [cell for cell in cells if cell is not None]
    return len(set(full)) > 1 or len(full) == 1


def _holds_the_same(match: Match, name: str, other: str) -> bool:
    one, two = match.before.columns.index(name), match.after.columns.index(other)
    loosely = match.before.types[one] != match.after.types[two]
    return all(same_value(old[one], now[two], loosely=loosely) for old, now in match.pairs)


def _likeness(match: Match, name: str, other: str) -> tuple[bool, float]:
    same_type = match.before.type_of(name) == match.after.type_of(other)
    return same_type, SequenceMatcher(None, name, other).ratio()


def _renamed_tables(gone: dict[str, TableRows], new: dict[str, TableRows]) -> Iterator[tuple[str, str]]:
    """Find tables that are gone and stand under another name with the same rows."""
    free = dict(new)
    for name, table in gone.items():
        likeness = {other: _table_likeness(table, candidate) for other, candidate in free.items()}
        best = max(likeness, key=lambda other: likeness[other], default=None)
        if best is not None and likeness[best][0] >= _ENOUGH_ALIKE:
            del free[best]
            yield name, best


def _table_likeness(before: TableRows, after: TableRows) -> tuple[float, float]:
    """Give the part of a table's columns that another one holds with the same values."""
    if not before.count or before.count != after.count:
        return 0.0, 0.0
    alike = sum(
        name in after.columns and sorted(map(str, before.column(name))) == sorted(map(str, after.column(name)))
        for name in before.columns
    )
    return alike / len(before.columns), SequenceMatcher(None, before.name, after.name).ratio()


def _home(cells: Sequence[Cell], homes: Iterable[tuple[str, frozenset[Cell]]]) -> str | None:
    """Find the new column in which all of a column's values stand."""
    wanted = {cell for cell in cells if cell is not None}
    return next((name for name, held in homes if wanted <= held), None) if _tells_something(cells) else None
