"""Columns that depend on each other, and the combinations of values that are worth trying in them.

A component is a set of columns that conditions and foreign keys tie together.  Its combinations are tried on the server
(`Judge`), which evaluates the conditions themselves: no condition is understood here, only searched for constants.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import islice, permutations
from typing import TYPE_CHECKING, Protocol

from pytest_stairway.rows.mine import family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_stairway.rows.shape import Cell, Column, ForeignKey, Row
    from pytest_stairway.rows.sources import Source

__all__ = ["Component", "Judge", "Trial"]

_SAMPLES = 90
_SEARCHES = 3
"""How often the best failures are searched around."""
_BEST = 6
_TURNS = 4
_TRIPLES = 12
_ALONE = 60
"""How many values are tried in a column that stands alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What the server is asked: which of the rows satisfy which of the conditions."""

    columns: tuple[Column, ...]
    conditions: tuple[str, ...]
    rows: Sequence[Row]


class Judge(Protocol):
    """Evaluates conditions on rows that are in no table."""

    def __call__(self, trial: Trial) -> list[str]:
        """Give for each row a text of one character per condition: ``1`` satisfied, ``0`` not, ``?`` it failed."""


@dataclass(slots=True, kw_only=True)
class Component:
    """Columns that depend on each other."""

    sources: tuple[Source, ...]
    conditions: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    """One of these must be satisfied, too."""
    foreign_keys: tuple[ForeignKey, ...] = ()
    parents: Callable[[ForeignKey], Sequence[tuple[Cell, ...]]]
    """The rows that a foreign key can refer to."""
    good: list[tuple[Row, int]] = field(default_factory=list)
    """Combinations that satisfy the conditions, and which of `any_of`."""

    @property
    def names(self) -> frozenset[str]:
        """Its columns' names."""
        return frozenset(source.column.name for source in self.sources)

    @property
    def judged(self) -> bool:
        """Whether there are conditions."""
        return bool(self.conditions or self.any_of)

    def candidates(self, row: int, fixed: Row) -> Iterator[Row]:
        """Give the combinations for one row, the most wanted first.

        Args:
            row: its number in the table.
            fixed: values that are already decided.
        """
        mine = {name: cell for name, cell in fixed.items() if name in self.names}
        wanted = [self._build(row, mine), self._build(row, mine, typical=True)]
        if self.judged:
            yield from self._judged(row, mine, wanted)
            return
        yield from (made for made in wanted if made is not None)
        if self.foreign_keys:
            yield from self._by_parent(row, mine)
        elif not mine:
            yield from self._later(row)

    def _judged(self, row: int, mine: Row, wanted: list[Row | None]) -> Iterator[Row]:
        good = [(made, place) for made, place in self.good if all(made[name] == cell for name, cell in mine.items())]
        if self.any_of:
            good.sort(key=lambda pair: pair[1] != row % len(self.any_of))
            yield from (made for made, place in good if place == row % len(self.any_of))
        known = [made for made, _ in good]
        yield from (made for made in wanted if made in known)
        if self.any_of:
            yield from known
            return
        filled = [made for made in known if None not in made.values()]
        turn = row % len(filled) if filled else 0
        yield from filled[turn:] + filled[:turn]
        yield from (made for made in known if None in made.values())

    def _by_parent(self, row: int, mine: Row) -> Iterator[Row]:
        first = self.foreign_keys[0]
        for turn in range(_TURNS if len(self.foreign_keys) > 1 else 1):
            for parent in self.parents(first):
                fixed = {**dict(zip(first.columns, parent, strict=False)), **mine}
                made = self._build(row + 2 * turn, fixed, typical=True)
                if made is not None:
                    yield made
        nulls = self._build(row, mine, typical=True, orphan=True)
        if nulls is not None:
            yield nulls

    def _later(self, row: int) -> Iterator[Row]:
        (source,) = self.sources
        size = source.values.size or 1000
        for later in range(row + 1, row + 1 + min(size, _ALONE)):
            yield {source.column.name: source.typical(later)}
        yield from ({source.column.name: cell} for cell in source.pool())

    def drawn(self, draw: random.Random) -> Row | None:
        """Give a combination by lot."""
        if self.judged and self.good:
            return draw.choice(self.good)[0]
        return self._build(0, {}, draw=draw)

    def _build(
        self,
        row: int,
        fixed: Row,
        *,
        typical: bool = False,
        orphan: bool = False,
        draw: random.Random | None = None,
    ) -> Row | None:
        """Put one combination together; None where the foreign keys do not agree with each other."""
        made = dict(fixed)
        for key in self.foreign_keys:
            if not self._refer(key, made, row, typical=typical, orphan=orphan, draw=draw):
                return None
        for source in self.sources:
            if source.column.name not in made:
                made[source.column.name] = (
                    _drawn(source, draw) if draw else source.typical(row) if typical else source.value(row)
                )
        return made

    def _refer(
        self, key: ForeignKey, made: Row, row: int, *, typical: bool, orphan: bool, draw: random.Random | None
    ) -> bool:
        by_name = {source.column.name: source for source in self.sources}
        options = [
            parent
            for parent in self.parents(key)
            if all(made.get(name, cell) == cell for name, cell in zip(key.columns, parent, strict=False))
        ]
        mine = [by_name[name] for name in key.columns]
        free = [source for source in mine if source.nullable and source.column.name not in made]
        already = any(name in made and made[name] is None for name in key.columns)
        enough = len(free) == len(mine) if key.full else bool(free) or already
        lonely = orphan or (draw.random() < 0.3 if draw else not typical and mine[0].is_null(row))  # noqa: PLR2004
        if enough and (lonely or not options):
            made.update({source.column.name: None for source in free})
            return True
        if options:
            turn = row if mine[0].style.plain else row // 2
            place = draw.randrange(len(options)) if draw else (turn + mine[0].style.number(key.columns)) % len(options)
            made.update(zip(key.columns, options[place], strict=False))
            return True
        return already or all(name in made for name in key.columns) or not self.parents(key)

    def solve(self, judge: Judge, rows: Sequence[int], fixed: Sequence[Row] = ()) -> None:
        """Find combinations that satisfy the conditions: `good`.

        Args:
            judge: the server.
            rows: the numbers of the rows that are wanted.
            fixed: for each of them, values that are already decided.
        """
        draw = random.Random(f"{sorted(self.names)} {self.sources[0].style.seed}")  # noqa: S311 - the same every time
        tries = list(self._proposals(rows, fixed or [{}] * len(rows), draw))
        failures = self._try(judge, tries)
        for _ in range(_SEARCHES):
            if len(self.good) >= len(rows) or len(self.sources) == 1:
                return
            failures = self._try(judge, list(self._around(failures, draw)))

    def _try(self, judge: Judge, tries: Iterable[Row | None]) -> list[tuple[int, Row]]:
        names = [source.column.name for source in self.sources]
        seen = {tuple(made[name] for name in names) for made, _ in self.good}
        rows: list[Row] = []
        for made in tries:
            if made is not None and (key := tuple(made[name] for name in names)) not in seen:
                seen.add(key)
                rows.append(made)
        if not rows:
            return []
        columns = tuple(source.column for source in self.sources)
        verdicts = judge(Trial(columns=columns, conditions=(*self.conditions, *self.any_of), rows=rows))
        failures = []
        for made, verdict in zip(rows, verdicts, strict=False):
            needed, choice = verdict[: len(self.conditions)], verdict[len(self.conditions) :]
            if "0" not in needed and "?" not in needed and (not choice or "1" in choice):
                self.good.append((made, choice.find("1")))
            elif "?" not in needed:
                failures.append((needed.count("1"), made))
        failures.sort(key=lambda pair: -pair[0])
        return failures

    def _proposals(self, rows: Sequence[int], fixed: Sequence[Row], draw: random.Random) -> Iterator[Row | None]:
        for row, cells in zip(rows, fixed, strict=False):
            mine = {name: cell for name, cell in cells.items() if name in self.names}
            yield self._build(row, mine)
            yield self._build(row, mine, typical=True)
            for _ in range(_SAMPLES // 3 if mine else 0):
                yield self._build(row, mine, draw=draw)
        if len(self.sources) == 1 and not self.foreign_keys:
            yield from ({self.sources[0].column.name: cell} for cell in self.sources[0].pool()[:_ALONE])
            return
        yield from self._shaped()
        for row in range(_SAMPLES):
            made = self._build(row, {}, draw=draw)
            yield made
            if made is not None:
                yield self._alike(made, draw)

    def _shaped(self) -> Iterator[Row | None]:
        """Give all NULL, all but one NULL, one NULL; and numbers that are all the same."""
        optional = [source.column.name for source in self.sources if source.nullable]
        for row in range(4):
            yield self._build(row, dict.fromkeys(optional), typical=True)
            for name in optional:
                yield self._build(row, dict.fromkeys(other for other in optional if other != name), typical=True)
                yield self._build(row, {name: None}, typical=True)
        numbers = [source.column.name for source in self.sources if family(source.column.type) == "number"]
        referring = {name for key in self.foreign_keys for name in key.columns}
        free = [name for name in numbers if name not in referring]
        for number in ("0", "1"):
            yield self._build(0, dict.fromkeys(free, number), typical=True)
        for names in islice(permutations(free, 3), _TRIPLES):
            for cells in (("3", "2", "1"), ("10", "7", "3"), ("6", "3", "2"), ("20", "4", "5")):  # sums, then products
                yield self._build(0, dict(zip(names, cells, strict=False)), typical=True)

    def _alike(self, made: Row, draw: random.Random) -> Row | None:
        """Give one column the value of another of its family."""
        referring = {name for key in self.foreign_keys for name in key.columns}
        free = [source for source in self.sources if source.column.name not in referring]
        if not free:
            return None
        to = draw.choice(free)
        others = [s for s in self.sources if s is not to and family(s.column.type) == family(to.column.type)]
        if not others:
            return None
        return {**made, to.column.name: made[draw.choice(others).column.name]}

    def _around(self, failures: list[tuple[int, Row]], draw: random.Random) -> Iterator[Row | None]:
        """Keep most of what came closest, and draw the rest anew."""
        groups = [key.columns for key in self.foreign_keys]
        grouped = {name for group in groups for name in group}
        groups += [(source.column.name,) for source in self.sources if source.column.name not in grouped]
        for _, near in failures[:_BEST]:
            for turn in range(_SAMPLES // _BEST):
                kept = [group for group in groups if draw.random() < 0.7]  # noqa: PLR2004 - most
                fixed = {name: near[name] for group in kept for name in group}
                yield self._build(turn, fixed, draw=draw)


def _drawn(source: Source, draw: random.Random) -> Cell:
    if source.nullable and draw.random() < 0.3:  # noqa: PLR2004 - often enough for conditions about NULL
        return None
    if source.tried and draw.random() < 0.7:  # noqa: PLR2004 - constants are the best guess
        return draw.choice(source.tried)
    return draw.choice(source.pool())
