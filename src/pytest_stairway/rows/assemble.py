"""Puts rows together from the components' candidates, so that what must be unique is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from unicodedata import combining, normalize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_stairway.rows.shape import Cell, Row, TableShape, Unique
    from pytest_stairway.rows.solve import Component

__all__ = ["Assembler"]

_CANDIDATES = 80
"""How many of a component's candidates are looked at for one row."""
_TRIES = 400
"""How many combinations of candidates."""


@dataclass(slots=True, kw_only=True)
class Assembler:
    """Makes rows of one table that differ from each other and from those that are there, where they must."""

    shape: TableShape
    components: Sequence[Component]
    base: Row = field(default_factory=dict)
    """What every row has in columns that are not the components'."""
    _taken: dict[Unique, set[tuple[Cell, ...]]] = field(init=False)

    def __post_init__(self) -> None:
        supplied = {*self.base, *(name for component in self.components for name in component.names)}
        self._taken = {unique: set() for unique in self.shape.uniques if supplied.issuperset(unique.columns)}

    def occupy(self, rows: Iterable[Row]) -> None:
        """Take note of rows that are there."""
        for row in rows:
            for unique, keys in self._taken.items():
                key = _key(unique, row)
                if key is not None:
                    keys.add(key)

    def rows(self, numbers: Sequence[int], fixed: Sequence[Row]) -> Iterator[tuple[int, Row]]:
        """Make the rows of these numbers, as far as there are any.

        Args:
            numbers: each row's number in the table.
            fixed: for each, values that are already decided.
        """
        for number, cells in zip(numbers, fixed, strict=False):
            made = self.row(number, cells)
            if made is not None:
                self.occupy([made])
                yield number, made

    def row(self, number: int, fixed: Row) -> Row | None:
        """Make one row; None where what must be unique cannot be, or a condition has no solution."""
        options = [_Candidates(component.candidates(number, fixed)) for component in self.components]
        if any(candidates[0] is None for candidates in options):
            return None
        ignored: set[Unique] = set()
        places = [0] * len(options)
        for _ in range(_TRIES):
            made = dict(self.base)
            for candidates, place in zip(options, places, strict=False):
                made.update(candidates[place] or {})
            clash = self._clash(made, ignored)
            if clash is None:
                return made
            if not self._advance(places, options, clash):
                if not clash.soft:
                    return None
                ignored.add(clash)
        return None

    def _clash(self, made: Row, ignored: set[Unique]) -> Unique | None:
        return next(
            (unique for unique, keys in self._taken.items() if unique not in ignored and _key(unique, made) in keys),
            None,
        )

    def _advance(self, places: list[int], options: list[_Candidates], clash: Unique) -> bool:
        """Go to the next combination of the components that the clash is about, as an odometer does."""
        for index, component in enumerate(self.components):
            if component.names.isdisjoint(clash.columns):
                continue
            places[index] += 1
            if options[index][places[index]] is not None:
                return True
            places[index] = 0
        return False


class _Candidates:
    """A component's candidates, made only as far as they are looked at."""

    def __init__(self, candidates: Iterator[Row]) -> None:
        self._coming = candidates
        self._made: list[Row] = []

    def __getitem__(self, place: int) -> Row | None:
        """One of them; None where there are no more."""
        while len(self._made) <= place < _CANDIDATES:
            row = next(self._coming, None)
            if row is None:
                return None
            self._made.append(row)
        return self._made[place] if place < len(self._made) else None


def _key(unique: Unique, row: Row) -> tuple[Cell, ...] | None:
    """Give what must differ, as loosely as a collation may see it; None where NULLs make it distinct anyway."""
    cells = [row.get(name) for name in unique.columns]
    if unique.nulls_distinct and None in cells:
        return None
    if unique.prefixes:
        cells = [cell and cell[:length] for cell, length in zip(cells, unique.prefixes, strict=True)]
    return tuple(cell if cell is None else _folded(cell) for cell in cells)


def _folded(cell: str) -> str:
    """Take case, accents and outer blanks away."""
    text = cell.strip().casefold()
    return text if text.isascii() else "".join(each for each in normalize("NFKD", text) if not combining(each))
