"""Finds which row after is which row before."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stairway.rows.captured import TableRows
    from pytest_stairway.rows.shape import Cell

__all__ = ["Match", "match_rows", "same_value"]


_FEW = 250_000
"""So many pairs of rows are looked at one by one."""


@dataclass(slots=True, kw_only=True)
class Match:
    """Two captures of one table, row by row."""

    before: TableRows
    after: TableRows
    pairs: list[tuple[tuple[Cell, ...], tuple[Cell, ...]]] = field(default_factory=list)
    lost_rows: list[tuple[Cell, ...]] = field(default_factory=list)
    new_rows: list[tuple[Cell, ...]] = field(default_factory=list)

    @property
    def sampled(self) -> bool:
        """Whether not all rows are known."""
        return self.before.digests is not None or self.after.digests is not None

    @property
    def lost(self) -> int:
        """How many rows are lost."""
        return max(0, self.before.count - self.after.count) if self.sampled else len(self.lost_rows)

    @property
    def new(self) -> int:
        """How many rows are new."""
        return max(0, self.after.count - self.before.count) if self.sampled else len(self.new_rows)

    @property
    def keys_differ(self) -> bool:
        """Whether there are other rows than before among those that are not known."""
        return any(self.digests_differ(name) for name in self.before.key)

    def digests_differ(self, column: str) -> bool:
        """Tell whether a column's values differ somewhere in rows that are not known."""
        before, after = self.before, self.after
        if before.digests is None or after.digests is None or before.key != after.key or before.count != after.count:
            return False
        if column not in after.columns:
            return False
        same_type = before.type_of(column) == after.type_of(column)
        one, other = before.columns.index(column), after.columns.index(column)
        return same_type and before.digests[one] != after.digests[other]


def match_rows(before: TableRows, after: TableRows) -> Match:
    """Pair the rows of one table at two moments.

    By the primary key it had, if its columns are still there, or else by the one it has now, if its columns were there
    already, or else by the column that holds the key now; rows that are left over are paired by what else they hold.
    """
    match = Match(before=before, after=after)
    common = [name for name in before.columns if name in after.columns]
    key = _common_key(before, after, common)
    old, now = list(before.rows), list(after.rows)
    if key:
        old, now = _pair_by_key(match, key, old, now)
        others = [name for name in common if name not in dict(key)]
        if not match.sampled and others:
            old, now = _pair_rest(match, others, old, now, least=0.5 if len(old) == len(now) else 1.0)
    else:
        old, now = _pair_rest(match, common, old, now, least=0.5)
    match.lost_rows, match.new_rows = old, now
    return match


def _common_key(before: TableRows, after: TableRows, common: Sequence[str]) -> list[tuple[str, str]]:
    """Give the columns that identify rows at both moments, under both names."""
    for key in (before.key, after.key):
        if key and all(name in common for name in key) and _identifies(before, key) and _identifies(after, key):
            return [(name, name) for name in key]
    if len(before.key) != 1:
        return []
    cells = sorted(map(str, before.column(before.key[0])))
    for name in after.columns:
        if name not in before.columns and cells and sorted(map(str, after.column(name))) == cells:
            return [(before.key[0], name)]
    return []


def _identifies(table: TableRows, key: Sequence[str]) -> bool:
    places = [table.columns.index(name) for name in key]
    return len({tuple(row[place] for place in places) for row in table.rows}) == len(table.rows)


def _pair_by_key(
    match: Match, key: Sequence[tuple[str, str]], old: list[Any], now: list[Any]
) -> tuple[list[Any], list[Any]]:
    """Pair rows whose key holds the same; gives what is left of both."""
    ones = [match.before.columns.index(name) for name, _ in key]
    others = [match.after.columns.index(name) for _, name in key]
    by_key: defaultdict[tuple[Cell, ...], list[Any]] = defaultdict(list)
    for row in reversed(now):
        by_key[tuple(row[place] for place in others)].append(row)
    left = []
    for row in old:
        candidates = by_key.get(tuple(row[place] for place in ones))
        if candidates:
            match.pairs.append((row, candidates.pop()))
        else:
            left.append(row)
    unmatched = {id(row) for rows in by_key.values() for row in rows}
    return left, [row for row in now if id(row) in unmatched]


def _pair_rest(
    match: Match, names: Sequence[str], old: list[Any], now: list[Any], *, least: float
) -> tuple[list[Any], list[Any]]:
    """Pair rows that hold the same, then those that have most in common; of many, those that differ in one column."""
    old, now = _pair_by_key(match, [(name, name) for name in names], old, now)
    if len(old) * len(now) <= _FEW:
        return _pair_alike(match, names, old, now, least=least)
    for name in names if least < 1.0 and len(names) > 1 else ():
        old, now = _pair_by_key(match, [(other, other) for other in names if other != name], old, now)
    return old, now


def _pair_alike(
    match: Match, names: Sequence[str], old: list[Any], now: list[Any], *, least: float
) -> tuple[list[Any], list[Any]]:
    """Pair the rows that have most in common, if that is at least such a part of the columns."""
    places = [(match.before.columns.index(name), match.after.columns.index(name)) for name in names]
    scores = sorted(
        (
            (-sum(row[one] == other_row[other] for one, other in places), place, other_place)
            for place, row in enumerate(old)
            for other_place, other_row in enumerate(now)
        )
    )
    paired: dict[int, int] = {}
    for score, place, other_place in scores:
        alike = -score >= max(1, least * len(places))
        if alike and place not in paired and other_place not in paired.values():
            paired[place] = other_place
    match.pairs += [(old[place], now[other]) for place, other in sorted(paired.items())]
    left = [row for place, row in enumerate(old) if place not in paired]
    return left, [row for place, row in enumerate(now) if place not in paired.values()]


def same_value(before: Cell, after: Cell, *, loosely: bool = False) -> bool:
    """Tell whether two values are the same; or, where the type changed, whether they mean the same."""
    if before == after:
        return True
    if not loosely or before is None or after is None:
        return False
    return any(read(before) == read(after) is not None for read in (_number, _boolean, _document)) or (
        before.rstrip() == after.rstrip()
    )


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _boolean(text: str) -> bool | None:
    return {"true": True, "t": True, "1": True, "yes": True, "false": False, "f": False, "0": False, "no": False}.get(
        text.lower()
    )


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
