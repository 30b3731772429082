"""One column's source of values: which one the n-th row of a table gets, and which others are worth trying."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_stairway.rows.kinds import constant_default, values_of
from pytest_stairway.rows.mine import family, mined
from pytest_stairway.rows.scalars import UUIDS
from pytest_stairway.rows.values import cycle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_stairway.rows.expressions import Constants
    from pytest_stairway.rows.shape import Cell, Column, TableShape
    from pytest_stairway.rows.texts import Words
    from pytest_stairway.rows.values import Values

__all__ = ["Source", "Style", "sources_of"]

ROUND = 5
"""Of so many rows the first is typical in every column, the second as sparse as it may be, the rest mixed."""
_SPARSE = 1
_ALIKE, _RARE, _ANY = 0, 1, 2
"""What the mixed ones hold, each column in an order of its own: the first row's value once more, the edge that tells
most, and anything else."""
_MIXED = 3
_LONELY = 6
"""One column of so many is NULL in a mixed row, too, where others are not."""
_FEW = 12
_SPREAD = 37
"""How much further apart values are where an expression may make two of them one: moments of the same month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How values are chosen."""

    words: Words
    """Gives realistic texts."""
    seed: int = 0
    adversarial: bool = True
    """Use the values at the edges of what is allowed, too."""
    plain: bool = False
    """Use typical values only, no two alike where there are so many, and NULL only where nothing else will do."""

    def number(self, *what: object) -> int:
        """Draw a number, the same for the same seed and `what`."""
        return zlib.crc32("/".join(map(str, (self.seed, *what))).encode())


@dataclass(slots=True, kw_only=True)
class Source:
    """Values for one column."""

    table: str
    column: Column
    style: Style
    values: Values
    ordinal: int
    """Its place among the table's columns of the same family, and `step` how many those are: so the values of a row
    ascend from column to column (a start before its end), and no two rows share one."""
    step: int
    careful: bool
    """Part of the primary key or of an exclusion constraint: nothing but typical values."""
    tried: tuple[str, ...] = ()
    """What the conditions on it suggest."""
    supplied: Callable[[int], Cell] | None = None
    """The user's own values."""
    _default: str | None = field(init=False)
    _pool: list[Cell] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._default = constant_default(self.column.default)

    @property
    def nullable(self) -> bool:
        """Whether NULL is one of the values."""
        return self.column.nullable and self.supplied is None

    def typical(self, row: int) -> Cell:
        """Give the value that the row typically has."""
        if self.supplied is not None:
            return self.supplied(row)
        shift = 0 if self.values.complete else self.style.seed * 97
        return self.values.nth(row * self.step + self.ordinal + shift)

    def value(self, row: int) -> Cell:
        """Give the value that the row has if nothing stands against it."""
        if self.is_null(row):
            return None
        if self.careful or self.style.plain or self.values.complete or self.supplied is not None or row % ROUND == 0:
            return self.typical(row)
        return self._mixed(row)

    def is_null(self, row: int) -> bool:
        """Tell whether it is NULL in that row."""
        if not self.nullable or self.style.plain or row % ROUND == 0:
            return False
        return row % ROUND == _SPARSE or (row < ROUND and self._turn(row) == _ANY and self._lot % _LONELY == 0)

    def _mixed(self, row: int) -> Cell:
        turn = self._turn(row)
        if turn == _ANY and self._default is not None:
            return self._default
        if turn == _ALIKE and self.style.adversarial and (row < ROUND or not self.edges):
            return self.typical(0)
        return self._edge(row) if self.edges else self.typical(row)

    def _edge(self, row: int) -> Cell:
        """Give two rows of the first round the edges that tell most, a third any; in later rounds all of them come."""
        if row >= ROUND:
            return self.edges[(row // ROUND * _MIXED + row % ROUND + self._lot) % len(self.edges)]
        if row != _SPARSE:
            return self.edges[0 if self._turn(row) == _RARE else 1 % len(self.edges)]
        others = self.edges[2:] or self.edges
        return others[self._lot // _MIXED % len(others)]

    @property
    def edges(self) -> tuple[str, ...]:
        """The values at the edges that rows get without being asked to: none in a key."""
        wanted = self.style.adversarial and not self.careful and self.supplied is None and not self.values.complete
        return self.values.edges if wanted else ()

    def _turn(self, row: int) -> int:
        """Tell what a mixed row holds here; the sparse one, where it is not NULL, holds any of the edges."""
        return _ANY if row % ROUND == _SPARSE else (row + self._lot) % _MIXED

    @property
    def _lot(self) -> int:
        return self.style.number(self.table, self.column.name)

    def pool(self) -> list[Cell]:
        """Give everything that is worth trying, the most promising first."""
        if not self._pool:
            self._pool = self._make_pool()
        return self._pool

    def _make_pool(self) -> list[Cell]:
        if self.supplied is not None:
            return list(dict.fromkeys(self.supplied(row) for row in range(_FEW)))
        few = min(_FEW, self.values.size or _FEW)
        pool: dict[Cell, None] = dict.fromkeys([*self.tried, *(self.typical(row) for row in range(few))])
        if self._default is not None:
            pool[self._default] = None
        if self.style.adversarial:
            pool.update(dict.fromkeys(self.values.edges))
        pool.update(dict.fromkeys(self.values.varied))
        if self.nullable:
            pool[None] = None
        return list(pool)


def sources_of(
    shape: TableShape,
    style: Style,
    *,
    found: dict[str, Constants],
    supplied: dict[str, Callable[[int], Cell]],
    borrowed: Mapping[str, Sequence[str]],
    also: tuple[Column, ...] = (),
) -> dict[str, Source]:
    """Make the sources of a table's columns.

    Args:
        shape: the table.
        style: how values are chosen.
        found: per column, the constants in the conditions on it.
        supplied: per column, the user's values by row.
        borrowed: per column, the keys of a table that it seems to refer to.
        also: columns that the database would give, and that get values from us all the same.
    """
    columns = (*shape.writable, *also)
    families = [family(column.type) for column in columns]
    spread = {name for unique in shape.uniques if unique.by_expression for name in unique.columns}
    careful = {*shape.key, *shape.exclusive}

    def values_for(column: Column) -> Values:
        if column.name in borrowed:
            return cycle(borrowed[column.name])
        salt = f"{shape.name}.{column.name}" if column.type.name in UUIDS else ""
        return values_of(column.type, column.name, default=column.default, words=style.words, salt=salt)

    return {
        column.name: Source(
            table=shape.name,
            column=column,
            style=style,
            values=(values := values_for(column)),
            ordinal=0 if values.complete else families[:place].count(families[place]),
            step=1 if values.complete else families.count(families[place]) * (_SPREAD if column.name in spread else 1),
            careful=column.name in careful,
            tried=mined(found[column.name], column.type) if column.name in found else (),
            supplied=supplied.get(column.name),
        )
        for place, column in enumerate(columns)
    }
