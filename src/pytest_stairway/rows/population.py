"""One top-up of a database: which tables need rows, in which order they get them, and what is remembered of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_stairway.phrases import phrase
from pytest_stairway.rows.backend import Refused, refusable
from pytest_stairway.rows.bench import Bench, Wanted
from pytest_stairway.rows.borrow import borrowed_tables
from pytest_stairway.rows.kinds import values_of
from pytest_stairway.rows.known import KnownTable
from pytest_stairway.rows.memory import Borrowed
from pytest_stairway.rows.order import groups_in_order
from pytest_stairway.rows.sources import ROUND
from pytest_stairway.rows.supplying import bring_rows, bring_values

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from pytest_stairway.rows.backend import Backend
    from pytest_stairway.rows.captured import TableRows
    from pytest_stairway.rows.memory import Memory
    from pytest_stairway.rows.shape import Cell, Column, ForeignKey, Row, TableShape
    from pytest_stairway.rows.sources import Style
    from pytest_stairway.rows.supply import Supply

__all__ = ["TopUp"]

_TURNS = 4
"""How often a table is looked at again after rows were added."""
_SOME, _MANY = 50, 500
"""So many rows of a table are read to know what is there, and so many are looked at where they were captured."""
_SELF_REFERRING = 2
"""How many rows of a table that refers to itself come first, for the others to refer to."""
_UNKNOWN = phrase("no row could be made that satisfies all of the table's rules")


@dataclass(slots=True, kw_only=True)
class TopUp:
    """Tops tables up once."""

    connection: Connection
    backend: Backend
    style: Style
    target: int
    """How many rows a table gets at least."""
    supply: Supply
    memory: Memory
    ignore: frozenset[str]
    captured: Mapping[str, TableRows] = field(default_factory=dict)
    """Rows as they are at this moment, of as many tables as are known."""
    _shapes: dict[str, TableShape] = field(default_factory=dict)
    _rows: dict[str, list[Row]] = field(default_factory=dict)
    """Of tables that get rows all columns, of others those that are referred to."""
    _benches: dict[str, Bench] = field(default_factory=dict)
    _written: set[str] = field(default_factory=set)

    @property
    def known(self) -> dict[str, KnownTable]:
        """What capturing the rows of the tables that were written to needs to know of them."""
        return {name: KnownTable.of(self._shapes[name]) for name in self._written}

    @property
    def fires(self) -> bool:
        """Whether triggers or rules of the tables that were written to may have written to others."""
        return any(self._shapes[name].fires for name in self._written)

    def run(self, wanted: Sequence[str] | None) -> set[str]:
        """Top up, and tell which tables were written to.

        Args:
            wanted: these tables, those that are gone included; None: all.
        """
        self._load(wanted)
        for table in (self.memory.reasons.keys() if wanted is None else wanted) - self._shapes.keys():
            self.memory.drop(table)
        empty = {name for name, reason in self.memory.reasons.items() if reason is not None}
        self._fill_all()
        got_rows = {name for name in self._shapes if self._rows[name]}
        again = [name for name in empty - self._shapes.keys() if self.memory.waiting.get(name, frozenset()) & got_rows]
        if again:
            self._load(again)
            self._fill_all()
        return self._written

    def _load(self, wanted: Sequence[str] | None) -> None:
        """Read what the tables take and what is in them; tables that they refer to and that are empty come along."""
        names: Collection[str] | None = wanted
        while names is None or names:
            found = self.backend.outlines(self.connection, names)
            new = {name: shape for name, shape in found.items() if name not in self._shapes and name not in self.ignore}
            self._rows.update(self._read({name: (s.read_from, [c.name for c in s.columns]) for name, s in new.items()}))
            self._shapes.update(new)
            needy = self.backend.complete(self.connection, [shape for shape in new.values() if not self._in_use(shape)])
            self._shapes.update({shape.name: shape for shape in needy})
            self.memory.keys.update({s.name: Borrowed(s.read_from, *s.sole_key) for s in needy if s.sole_key})
            self._read_parents(needy)
            keys = [key for shape in needy for key in shape.foreign_keys]
            names = {k.parent for k in keys if not self._rows.get(k.parent)} - self._shapes.keys() - self.ignore

    def _in_use(self, shape: TableShape) -> bool:
        """Tell from columns and rows alone that nothing is wanted; in doubt it is not so."""
        rows = self._rows[shape.name]
        if len(rows) < self.target or any(shape.name in {name, name.rpartition(".")[0]} for name in self.supply):
            return False
        return all(
            self._column_in_use(shape.name, column, [row[column.name] for row in rows]) for column in shape.writable
        )

    def _column_in_use(self, table: str, column: Column, cells: Sequence[Cell]) -> bool:
        if self.memory.tried.get((table, column.name)) == (column.type, column.nullable):
            return True
        values = values_of(column.type, column.name)
        distinct = set(cells) - {None}
        enough = min(20, values.size or 20) if values.complete else 2
        return len(distinct) >= enough and (not column.nullable or None in cells)

    def _read(self, tables: dict[str, tuple[str, list[str]]]) -> dict[str, list[Row]]:
        """Give some rows of tables: those that were captured, where they are all, and otherwise from the database."""
        found = {}
        unknown = {}
        for name, (source, columns) in tables.items():
            captured = None if name in self._written else self.captured.get(name)
            if captured is None or captured.digests is not None or not set(columns) <= set(captured.columns):
                unknown[name] = (source, columns)
            else:
                found[name] = captured.as_dicts(max(_MANY, self.target))
        return {**found, **self.backend.read(self.connection, unknown, max(_SOME, self.target))} if unknown else found

    def _read_parents(self, shapes: Sequence[TableShape]) -> None:
        """Read the keys of tables that others refer to and that get no rows themselves."""
        wanted: dict[str, tuple[str, list[str]]] = {}
        for key in (key for shape in shapes for key in shape.foreign_keys if key.parent not in self._shapes):
            columns = wanted.setdefault(key.parent, (key.parent_from, []))[1]
            columns += [column for column in key.parent_columns if column not in columns]
        self._rows.update(self._read(wanted))

    def _fill_all(self) -> None:
        for name in (name for name, shape in self._shapes.items() if not shape.complete):
            self.memory.reasons[name] = None
        shapes = {name: s for name, s in self._shapes.items() if s.complete and name not in self._benches}
        tables = self.memory.keys.keys()
        edges = {
            name: [*(key.parent for key in shape.foreign_keys), *borrowed_tables(shape, tables).values()]
            for name, shape in shapes.items()
        }
        for group in groups_in_order(edges):
            inner = {name: [k.parent for k in shapes[name].foreign_keys if shapes[name].requires(k)] for name in group}
            for names in groups_in_order(inner):
                self._fill_group(names, circular=len(names) > 1 or names[0] in inner[names[0]])
            for name in group if len(group) > 1 else ():
                self._fill(name)  # once more, because now there is what the first ones can refer to
            for name in group:
                self._conclude(name)

    def _fill_group(self, names: Sequence[str], *, circular: bool) -> None:
        for name in names if circular else ():
            self._bring_rows(name)
        if circular and not all(self._rows[name] for name in names):
            for name in names:
                del self._benches[name]
            self._fill_together(names)
        for name in names:
            self._fill(name)

    def _conclude(self, name: str) -> None:
        """Remember how it went."""
        bench = self._bench(name)
        if bring_values(bench, self.supply, self.memory, target=self.target):
            self._written.add(name)
        self.memory.reasons[name] = None if bench.rows else bench.reason or _UNKNOWN
        self.memory.waiting[name] = frozenset(key.parent for key in bench.shape.foreign_keys)
        for column in bench.shape.writable:
            if bench.wanted(column).rows:
                self._give_up(bench, column)

    def _give_up(self, bench: Bench, column: Column) -> None:
        """Take note that a column cannot have what it wants, as things stand."""
        self.memory.tried[bench.shape.name, column.name] = self._signature(bench, column)

    def _signature(self, bench: Bench, column: Column) -> tuple[object, ...]:
        keys = [key for key in bench.shape.foreign_keys if column.name in key.columns]
        return (column.type, column.nullable, *(bool(self._parents(key)) for key in keys))

    def _bench(self, name: str) -> Bench:
        if name not in self._benches:
            self._benches[name] = self._new_bench(name)
        return self._benches[name]

    def _new_bench(self, name: str, also: tuple[Column, ...] = ()) -> Bench:
        return Bench(
            connection=self.connection,
            backend=self.backend,
            shape=self._shapes[name],
            style=self.style,
            supply=self.supply,
            parents=self._parents,
            rows=self._rows[name],
            borrowed=self._borrowed(self._shapes[name]),
            also=also,
        )

    def _borrowed(self, shape: TableShape) -> dict[str, list[str]]:
        """Give the keys of tables that columns seem to refer to without a foreign key."""
        found = {}
        for name, table in borrowed_tables(shape, self.memory.keys).items():
            known = self.memory.keys[table]
            if known.type == shape[name].type.name:
                keys = [row.get(known.column) for row in self._rows_of(table, known)]
                found[name] = [key for key in keys if key is not None]
        return {name: keys for name, keys in found.items() if keys}

    def _rows_of(self, table: str, known: Borrowed) -> Sequence[Row]:
        rows = self._rows.get(table)
        if rows is None or (rows and known.column not in rows[0]):
            try:
                with refusable(self.connection):
                    rows = self._read({table: (known.source, [known.column])})[table]
            except Refused:  # it has another name or another key by now
                rows = []
        return rows

    def _parents(self, key: ForeignKey) -> list[tuple[Cell, ...]]:
        found = (tuple(row.get(name) for name in key.parent_columns) for row in self._rows.get(key.parent, ()))
        return list(dict.fromkeys(values for values in found if None not in values))

    def _fill(self, name: str) -> None:
        """Bring one table to so many rows that each column is in use."""
        bench = self._bring_rows(name)
        for turn in range(_TURNS):
            need = self._missing(bench, turn)
            wanted = {} if need and bench.is_new else self._wanted(bench)
            most = max((want.rows for want in wanted.values()), default=0)
            if not need and not most:
                return
            if not need and self._change(bench, wanted):
                continue
            if not self._add(bench, _fixed(wanted, max(need, most))):
                return
            for column in wanted:
                if bench.wanted(bench.shape[column]) == wanted[column]:
                    self._give_up(bench, bench.shape[column])

    def _bring_rows(self, name: str) -> Bench:
        """Bring the user's own rows into a table."""
        bench = self._bench(name)
        if bring_rows(bench, self.supply, self.memory, target=self.target):
            self._written.add(name)
        return bench

    def _missing(self, bench: Bench, turn: int) -> int:
        target = max(self.target, bench.labels) if bench.is_new else self.target
        if turn == 0 and not bench.rows and any(key.parent == bench.shape.name for key in bench.shape.foreign_keys):
            return min(target, _SELF_REFERRING)
        return max(0, target - len(bench.rows))

    def _wanted(self, bench: Bench) -> dict[str, Wanted]:
        """Give what the columns still want, without what was found impossible."""
        found = {}
        for column in bench.shape.writable:
            want = bench.wanted(column)
            if want.rows and self.memory.tried.get((bench.shape.name, column.name)) != self._signature(bench, column):
                found[column.name] = want
        return found

    def _add(self, bench: Bench, fixed: Sequence[Row]) -> bool:
        count = len(bench.rows)
        if not bench.is_new:
            first = -(-count // ROUND)  # rows that show something get numbers of rows that are typical in all else
            numbers = [ROUND * (first + place) for place in range(len(fixed))]
        else:
            numbers = list(range(count, count + len(fixed)))
        inserted = bench.add(numbers, fixed)
        if not inserted and any(fixed):
            inserted = (
                bench.add(numbers, [{}] * len(fixed)) if bench.is_new else self._add_separately(bench, numbers, fixed)
            )
        self._keep(bench, inserted)
        return bool(inserted)

    def _add_separately(self, bench: Bench, numbers: Sequence[int], fixed: Sequence[Row]) -> list[Row]:
        """Show one thing a row, where all of them together are not allowed."""
        singles = [{name: cell} for cells in fixed for name, cell in cells.items()]
        start = numbers[0]
        return [row for place, cells in enumerate(singles) for row in bench.add([start + ROUND * place], [cells])]

    def _keep(self, bench: Bench, inserted: Iterable[Row]) -> None:
        name, key = bench.shape.name, bench.shape.key
        made = self.memory.made.setdefault(name, set())
        for row in inserted:
            made.add(tuple(row[column] for column in key))
            self._written.add(name)

    def _change(self, bench: Bench, wanted: dict[str, Wanted]) -> bool:
        """Show what is wanted in rows that are there, if some can be spared: so tables do not grow with each column."""
        changed = self._change_rows(bench, wanted)
        for again in (True, False):
            plainer = {name: want.plainer(again=again) for name, want in wanted.items()}
            if changed is False and plainer != wanted:
                wanted, changed = plainer, self._change_rows(bench, plainer)
        if changed:
            self._written.add(bench.shape.name)
        return bool(changed)

    def _change_rows(self, bench: Bench, wanted: dict[str, Wanted]) -> bool | None:
        """Change rows; None where none can be spared."""
        key = bench.shape.key
        ours = self.memory.ours(bench.shape.name, key)
        rows = [row for row in bench.rows if key and tuple(row[column] for column in key) in ours]
        decided = [ours[tuple(row[column] for column in key)] for row in rows]
        fixed: dict[int, Row] = {}
        columns: dict[int, list[str]] = {}
        for name, want in wanted.items():
            spare = _spare(rows, Counter(row[name] for row in bench.rows), name)
            spare = [place for place in spare if name not in decided[place]]
            if len(spare) < want.rows:
                return None
            for row_place, cells in zip(spare, want.shown(name), strict=False):
                columns.setdefault(row_place, []).append(name)
                fixed.setdefault(row_place, {}).update(cells)
        places = sorted(columns)
        first = ROUND * -(-len(bench.rows) // ROUND)
        return bench.change(
            [rows[place] for place in places], first, [fixed[p] for p in places], [columns[p] for p in places]
        )

    def _fill_together(self, names: Sequence[str]) -> None:
        """Fill tables none of which can have a row before the other: with keys that are known beforehand."""
        shapes = [self._shapes[name] for name in names]
        reason: str | None = _UNKNOWN
        try:
            made = self._propose_together(shapes)
            if all(rows for _, rows in made):
                self.backend.insert_together(self.connection, made)
                reason = None
        except Refused as refused:
            reason = str(refused)
        sources = {shape.name: (shape.read_from, [column.name for column in shape.columns]) for shape in shapes}
        self._rows.update(self.backend.read(self.connection, sources, max(_SOME, self.target)))
        for name in names:
            self._bench(name).reason = reason
            self._keep(self._bench(name), self._rows[name])

    def _propose_together(self, shapes: Sequence[TableShape]) -> list[tuple[TableShape, list[Row]]]:
        """Make rows that refer to each other's keys, which are decided first."""
        names = {shape.name for shape in shapes}
        keys = [key for shape in shapes for key in shape.foreign_keys if key.parent in names]
        reserved: dict[str, list[Row]] = {}
        benches = {}
        for shape in shapes:
            columns = {column for key in keys if key.parent == shape.name for column in key.parent_columns}
            also = tuple(column for column in shape.columns if column.given and column.name in columns)
            self._rows[shape.name] = []
            benches[shape.name] = self._new_bench(shape.name, also)
            reserved[shape.name] = self._reserve(benches[shape.name], columns)
            self._rows[shape.name] += reserved[shape.name]
        made = []
        for shape in shapes:
            bench = benches[shape.name]
            bench.rows = []  # what is reserved is not there: it clashes with nothing
            rows = bench.propose(range(self.target), reserved[shape.name])
            made.append((shape, [row for _, row in rows]))
        return made

    def _reserve(self, bench: Bench, columns: Collection[str]) -> list[Row]:
        """Decide the keys of rows that are not there yet."""
        rows: list[Row] = [{} for _ in range(self.target)]
        for column in bench.shape.columns:
            if column.name not in columns:
                continue
            if column.given:
                cells = self.backend.draw(self.connection, bench.shape, column, self.target)
            else:
                cells = [bench.typical(column.name, number) for number in range(self.target)]
            for row, cell in zip(rows, cells, strict=False):
                row[column.name] = cell
        return rows


def _spare(rows: Sequence[Row], counts: Counter[Cell], column: str) -> list[int]:
    """Find the rows that are not the only ones with their value in a column, one of each value being left."""
    spare = []
    for place, row in enumerate(rows):
        if counts[row[column]] > 1:
            counts[row[column]] -= 1
            spare.append(place)
    return spare


def _fixed(wanted: dict[str, Wanted], count: int) -> list[Row]:
    """Decide for each of some rows what it shows."""
    return [
        {name: want.cells[place] for name, want in wanted.items() if place < len(want.cells)}
        for place in range(max(0, count))
    ]
