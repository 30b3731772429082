"""Where one table's rows are made, inserted and, if the database refuses them, made in another way."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from pytest_stairway.phrases import phrase
from pytest_stairway.rows.assemble import Assembler
from pytest_stairway.rows.backend import Refused
from pytest_stairway.rows.conditions import components_of, constants_by_column
from pytest_stairway.rows.mine import family
from pytest_stairway.rows.sources import ROUND, sources_of
from pytest_stairway.rows.supply import values_for

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from pytest_stairway.rows.backend import Backend
    from pytest_stairway.rows.shape import Cell, Column, ForeignKey, Row, TableShape
    from pytest_stairway.rows.solve import Component, Trial
    from pytest_stairway.rows.sources import Source, Style
    from pytest_stairway.rows.supply import Supply

__all__ = ["Bench", "Wanted"]

_ATTEMPTS = 60
"""How many refused INSERTs a table is worth each time that rows are made for it."""
_ALONE = 15
"""How many columns are made NULL one by one, to find the one that takes no value."""
_DRAWS = 25
"""How many rows are drawn by lot when all else was refused."""
_MOST_LABELS = 20
_COMPLETIONS = 20
"""How many ways of completing a row of the user's are tried."""
_DISCARDED = phrase("the INSERT was taken and no row is there: a trigger or a rule discards it")


class Wanted(NamedTuple):
    """What no row of a column has yet."""

    cells: list[Cell]
    """These values."""
    others: int = 0
    """So many values that differ from all that are there."""
    edge: Cell = None
    """The last of them may be this one, where nothing but the type says what the column takes."""
    again: Cell = None
    """The first of them may be this one, and may stand in another row as well."""

    @property
    def rows(self) -> int:
        """How many rows it takes."""
        return len(self.cells) + self.others

    def plainer(self, *, again: bool) -> Wanted:
        """Want nothing that a rule which nobody knows may be against: no edge, and maybe no value twice."""
        return self._replace(edge=None, again=self.again if again else None)

    def shown(self, column: str) -> list[Row]:
        """Give what is decided of each row that shows it, and of one more where a value is to stand twice."""
        again: list[Row] = [] if self.again is None else [{column: self.again}]
        others = [*again, *([{}] * self.others)][: self.others]
        if self.others and self.edge is not None:
            others[-1] = {column: self.edge}
        return [*({column: cell} for cell in self.cells), *others, *again]


@dataclass(slots=True, kw_only=True)
class Bench:
    """Makes the rows of one table."""

    connection: Connection
    backend: Backend
    shape: TableShape
    style: Style
    supply: Supply
    parents: Callable[[ForeignKey], Sequence[tuple[Cell, ...]]]
    rows: list[Row]
    """Those that are there, as far as they were looked at."""
    borrowed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Keys of other tables, by the columns that seem to refer to these."""
    also: tuple[Column, ...] = ()
    """Columns that get values although the database would give them."""
    reason: str | None = None
    """Why the database refused the first row that it refused."""
    own: int = 0
    """How many of the rows are the user's own, of a table that had none when it came here."""
    _sources: dict[str, Source] = field(init=False)
    _components: list[Component] = field(init=False)
    _refusals: int = 0
    _accepted: Row | None = None
    """The last row that the database took when it was asked one by one."""
    _hinted: bool = False

    def __post_init__(self) -> None:
        self._prepare(())

    def _prepare(self, hints: Sequence[str]) -> None:
        self._sources = sources_of(
            self.shape,
            self.style,
            found=constants_by_column(self.shape, hints),
            supplied=values_for(self.supply, self.shape),
            borrowed=self.borrowed,
            also=self.also,
        )
        self._components = components_of(self.shape, self._sources, self.parents)

    def _take_hints(self) -> bool:
        """Look into triggers and functions for constants, once; tells whether there was anything new."""
        if self._hinted:
            return False
        self._hinted = True
        hints = self.backend.hints(self.connection, self.shape)
        if hints:
            self._prepare(hints)
        return bool(hints)

    @property
    def is_new(self) -> bool:
        """Whether the table has no rows but the user's own, which have just come."""
        return len(self.rows) == self.own

    @property
    def labels(self) -> int:
        """How many rows it takes to show every label of each enum."""
        if self.style.plain:
            return 0
        sizes = [(s.values.size or 0) + s.nullable for s in self._sources.values() if s.values.complete]
        return min(_MOST_LABELS, max(sizes, default=0))

    def typical(self, name: str, number: int) -> Cell:
        """Give the value that a row typically has in a column."""
        return self._sources[name].typical(number)

    def wanted(self, column: Column) -> Wanted:
        """Tell what no row of a column has yet."""
        source = self._sources.get(column.name)
        if source is None or source.careful or source.supplied is not None or self.style.plain:
            return Wanted([])
        seen = {row.get(column.name) for row in self.rows}
        cells: list[Cell] = [None] if source.nullable and None not in seen else []
        seen.discard(None)
        keys = [key for key in self.shape.foreign_keys if column.name in key.columns]
        if keys:
            return Wanted(cells, int(not seen and all(self.parents(key) for key in keys)))
        if source.values.complete:
            labels = [source.values.nth(n) for n in range(min(source.values.size or 0, _MOST_LABELS))]
            return Wanted([*cells, *(label for label in labels if label not in seen)])
        others = max(0, min(2, source.values.size or 2) - len(seen))
        if not others or self._is_judged(source):
            return Wanted(cells, others)
        return Wanted(cells, others, self._edge(source, seen), None if seen else self._again(source))

    def _is_judged(self, source: Source) -> bool:
        """Tell whether a condition may be against what only the type allows."""
        return any(each.judged for each in self._components if source.column.name in each.names)

    def _edge(self, source: Source, seen: Collection[Cell]) -> Cell:
        """Choose an edge for a column of rows that are there."""
        edges = () if source.column.name in self.borrowed else source.edges
        return next((edge for edge in edges if edge not in seen), None)

    def _again(self, source: Source) -> Cell:
        """Choose a value that two rows may have, for a column of rows that are there."""
        alone = any(unique.columns == (source.column.name,) for unique in self.shape.uniques)
        return None if alone or not source.style.adversarial else source.typical(len(self.rows))

    def propose(self, numbers: Sequence[int], fixed: Sequence[Row]) -> list[tuple[int, Row]]:
        """Make rows without inserting them.

        Args:
            numbers: each row's number in the table.
            fixed: for each, values that are already decided.
        """
        self._solve(numbers, fixed)
        if not all(component.good for component in self._components if component.judged) and self._take_hints():
            self._solve(numbers, fixed)
        more = {
            number: {name: cell for name, cell in cells.items() if name not in self._sources}
            for number, cells in zip(numbers, fixed, strict=False)
        }
        return [(number, {**row, **more[number]}) for number, row in self._assembler().rows(numbers, fixed)]

    def _solve(self, numbers: Sequence[int], fixed: Sequence[Row]) -> None:
        for component in self._components:
            if component.judged:
                component.solve(self._judge, numbers, fixed)

    def _judge(self, trial: Trial) -> list[str]:
        return self.backend.judge(self.connection, trial)

    def _assembler(self) -> Assembler:
        assembler = Assembler(shape=self.shape, components=self._components)
        assembler.occupy(self.rows)
        return assembler

    def add(self, numbers: Sequence[int], fixed: Sequence[Row]) -> list[Row]:
        """Make rows and insert them.

        Returns:
            Those that the database has now.
        """
        self._refusals = 0
        proposed = self.propose(numbers, fixed)
        if not proposed and not self.rows:
            proposed = [
                (number, self._unconstrained(number, cells)) for number, cells in zip(numbers[:1], fixed, strict=False)
            ]
        if not proposed:
            return []
        try:
            inserted = self.backend.insert(self.connection, self.shape, [row for _, row in proposed])
        except Refused as refused:
            self.reason = self.reason or str(refused)
            if self._take_hints():
                self._solve(numbers, fixed)
            return [row for number, made in proposed for row in self._insert_one(number, made)]
        if not inserted:
            return self._insert_discarded(proposed)
        self.rows += inserted
        return inserted

    def add_exactly(self, number: int, cells: Row) -> Row:
        """Insert a row of the user's, completed with values that are made here.

        Args:
            number: its number in the table.
            cells: what the user wants in it.

        Returns:
            The row as it is in the database.

        Raises:
            Refused: with nothing that was tried in the other columns it was taken; the reason is that of the first.
        """
        said = ""
        for row in islice(self._completions(number, cells), _COMPLETIONS):
            try:
                inserted = self.backend.insert(self.connection, self.shape, [row], skip_conflicts=False)
            except Refused as refused:
                said = said or str(refused)
                continue
            if inserted:
                self.rows += inserted
                return inserted[-1]
            said = said or _DISCARDED
        raise Refused(said)

    def _completions(self, number: int, cells: Row) -> Iterator[Row]:
        """Give rows that have the user's values, the most promising first, each once."""
        proposed = [row for _, row in self.propose([number], [cells])] or [self._unconstrained(number, cells)]
        tried: list[Row] = []
        for row in chain(proposed, self._others(number, cells)):
            made = {**row, **cells}
            if made not in tried:
                tried.append(made)
                yield made

    def _unconstrained(self, number: int, fixed: Row) -> Row:
        """Make a row that breaks a rule for which no values were found, to hear the database's own words about it."""
        made = {name: source.typical(number) for name, source in self._sources.items()}
        for component in self._components:
            made.update(component.good[0][0] if component.good else {})
        return {**made, **{name: cell for name, cell in fixed.items() if name in made}}

    def _insert_discarded(self, proposed: Sequence[tuple[int, Row]]) -> list[Row]:
        """Find out why no row arrived: sequences that are behind, other unique keys, triggers."""
        rows = [row for _, row in proposed]
        try:
            if self.backend.catch_up(self.connection, self.shape):
                inserted = self.backend.insert(self.connection, self.shape, rows)
                self.rows += inserted
                return inserted
            self.rows += (inserted := self.backend.insert(self.connection, self.shape, rows[:1], skip_conflicts=False))
            self.reason = self.reason or _DISCARDED
        except Refused as refused:
            self.reason = self.reason or str(refused)
            return []
        return inserted or [row for number, made in proposed[:1] for row in self._insert_one(number, made)]

    def _insert_one(self, number: int, proposed: Row) -> list[Row]:
        """Insert one row, or another in its place, for as long as the database refuses."""
        for row in self._alternatives(number, proposed):
            if self._refusals >= _ATTEMPTS:
                break
            try:
                inserted = self.backend.insert(self.connection, self.shape, [row])
            except Refused as refused:
                self.reason = self.reason or str(refused)
                inserted = []
            if inserted:
                self._accepted = row
                self.rows += inserted
                return inserted
            self._refusals += 1
        return []

    def _alternatives(self, number: int, proposed: Row) -> Iterator[Row]:
        yield proposed
        yield from self._others(number, {})

    def _others(self, number: int, cells: Row) -> Iterator[Row]:
        """Give rows to be tried where one was refused; some values may be decided."""
        assembler = self._assembler()
        plain = ROUND * (number + 1)
        for fixed in (*self._like_accepted(), {}, *self._shaped()):
            row = assembler.row(plain, {**fixed, **cells})
            if row is not None:
                yield row
        draw = random.Random(f"{self.shape.name} {number} {self.style.seed}")  # noqa: S311 - the same every time
        for _ in range(_DRAWS):
            parts = [component.drawn(draw) for component in self._components]
            yield {name: cell for part in parts if part is not None for name, cell in part.items()}

    def _like_accepted(self) -> Iterator[Row]:
        """Keep what need not differ from a row that was accepted."""
        if self._accepted is not None:
            unique = {name for unique in self.shape.uniques for name in unique.columns}
            yield {name: cell for name, cell in self._accepted.items() if name not in unique}

    def _shaped(self) -> Iterator[Row]:
        """Give NULL in one column, in as many as possible, and numbers that are all one or zero."""
        free = [s for s in self._sources.values() if not s.careful and s.supplied is None and not self._refers(s)]
        nullable = [source.column.name for source in free if source.nullable]
        for name in nullable[:_ALONE]:
            yield {name: None}
        yield {name: None for name in nullable}  # noqa: C420 - as wide a type as a row has
        for number in ("1", "0"):
            yield {source.column.name: number for source in free if family(source.column.type) == "number"}

    def _refers(self, source: Source) -> bool:
        return any(source.column.name in key.columns for key in self.shape.foreign_keys)

    def change(self, rows: Sequence[Row], first: int, fixed: Sequence[Row], columns: Sequence[Sequence[str]]) -> bool:
        """Give some columns of rows that are there other values; tells whether the database took them.

        Args:
            rows: some of `rows`.
            first: the number of the row whose values the first one gets; the others get those of every fifth after it.
            fixed: for each row, values that are already decided.
            columns: for each row, which of its columns.
        """
        made = [
            self._changed(row, first + ROUND * place, cells, names)
            for place, (row, cells, names) in enumerate(zip(rows, fixed, columns, strict=True))
        ]
        changed = [(row, new) for row, new in zip(rows, made, strict=True) if new is not None and new != row]
        if not changed:
            return False
        every = [name for name in self._sources if any(row[name] != new[name] for row, new in changed)]
        try:
            self.backend.update(self.connection, self.shape, every, [new for _, new in changed])
        except Refused:
            return False
        for row, new in changed:
            row.update(new)
        return True

    def _changed(self, row: Row, number: int, fixed: Row, columns: Sequence[str]) -> Row | None:
        """Make a row that differs from one that is there in some columns only."""
        kept = {name: cell for name, cell in row.items() if name not in columns}
        components = [component for component in self._components if not component.names.isdisjoint(columns)]
        for component in components:
            if component.judged:
                component.solve(self._judge, [number], [{**kept, **fixed}])
        assembler = Assembler(shape=self.shape, components=components, base=kept)
        assembler.occupy(other for other in self.rows if other is not row)
        return assembler.row(number, {**kept, **fixed})
