"""Tells from two snapshots of the schema, and from what a step wrote to, which rows have to be looked at again.

What is known without asking is not asked: a table that a step made and did not fill is empty, and where a column went
or a text column got another length, the rows that were neither written nor stored anew are otherwise what they were.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_stairway.rows import known_tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pytest_stairway.rows import KnownTable, Rows, TableRows
    from pytest_stairway.schema import Schema
    from pytest_stairway.schema.model import Key, Part

__all__ = ["CapturePlan", "SchemaChange", "plan_capture", "tables_that_differ"]

_OF_VALUES = frozenset({"enum type", "domain", "composite type", "range type"})
"""Kinds of objects that decide which values the columns of their type take."""
_TEXT = re.compile(r"(?:varchar|character varying)(?:\(\d+\))?|text")
"""Types whose values are written alike, whatever their length may be."""


@dataclass(frozen=True)
class SchemaChange:
    """The parts of a schema that a step changed."""

    after: Schema
    old: Mapping[str, Part]
    new: Mapping[str, Part]

    @classmethod
    def between(cls, before: Schema | None, after: Schema) -> SchemaChange:
        """Compare two snapshots; a part that did not change is the very same object in both."""
        old = before.parts if before is not None else {}
        if before is after:
            return cls(after, {}, {})
        new = {name: part for name, part in after.parts.items() if old.get(name) is not part}
        gone = old.keys() - after.parts.keys()
        return cls(after, {name: old[name] for name in (*sorted(gone), *new) if name in old}, new)

    @cached_property
    def tables(self) -> dict[str, KnownTable | None]:
        """The tables in the parts that changed; None stands for one that is gone."""
        return {**dict.fromkeys(known_tables(self.old.values())), **known_tables(self.new.values())}

    @property
    def partitioned(self) -> set[str]:
        """The partitioned tables, where a partition came, went or changed: any of them may have other rows."""
        parts = (*self.old.values(), *self.new.values())
        if not any("partition bound" in facts for part in parts for key, facts in part.items() if key.kind == "table"):
            return set()
        return {name for name, table in known_tables(self.after.parts.values()).items() if table.partitioned}

    @property
    def wanting(self) -> set[str]:
        """The tables that may want other rows, because a column came, or a rule or a type changed."""
        if not self.new and not self.old:
            return set()
        changed = ((self.old.get(name, {}), part) for name, part in self.new.items())
        wanting = (part for known, part in changed if _of_rows(known) != _of_rows(part))
        return set(known_tables(wanting)) | self.of_changed_types

    @property
    def of_changed_types(self) -> set[str]:
        """The tables with a column of a type that changed, though they did not: a new label wants a row, values go."""
        types = {key.name for part in self.new.values() for key in part if key.kind in _OF_VALUES}
        if not types:
            return set()
        while more := {key.parent for key in self._using(types, "attribute")} - types:
            types |= more
        return {f"{key.schema}.{key.parent}" if key.schema else key.parent for key in self._using(types, "column")}

    def _using(self, types: Collection[str], kind: str) -> Iterator[Key]:
        """Give the objects of a kind that are of one of these types."""
        for part in self.after.parts.values():
            for key, facts in part.items():
                if key.kind == kind and any(name in facts.get("type", "") for name in types):
                    yield key


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePlan:
    """What to capture after a step, and what is known without."""

    names: frozenset[str]
    """The tables to be captured."""
    known: Mapping[str, KnownTable | None]
    """What is known of their shapes."""
    derived: Mapping[str, TableRows] = field(default_factory=dict)
    """Rows that need not be captured."""


def plan_capture(change: SchemaChange, previous: Rows, touched: Collection[str]) -> CapturePlan:
    """Decide which tables' rows to capture after a step.

    Args:
        change: what it did to the schema.
        previous: the rows before it.
        touched: the tables of which it wrote rows, that it stored anew, or that have another table's name now.
    """
    touched = {*touched, *change.partitioned, *change.of_changed_types}
    changed = change.tables
    reshaped = {name: table for name, table in changed.items() if _is_reshaped(table, previous.get(name))}
    derived: dict[str, TableRows] = {}
    for name in reshaped.keys() - touched:
        rows = _derived(reshaped[name], previous.get(name))
        if rows is not None:
            derived[name] = rows
    unchanged = [change.after.parts[part] for part in _parts_of(touched - changed.keys(), change.after)]
    written = {name: changed[name] for name in changed.keys() & touched}
    known: dict[str, KnownTable | None] = {**known_tables(unchanged), **reshaped, **written}
    names = frozenset({*known, *touched} - derived.keys())
    return CapturePlan(names=names, known={name: known[name] for name in known.keys() & names}, derived=derived)


def tables_that_differ(before: Rows, after: Rows) -> set[str]:
    """Name the tables whose columns or rows are others than before, those that came or are gone included."""
    names = {name for name in {*before, *after} if before.get(name) is not after.get(name)}
    return {name for name in names if _content(before.get(name)) != _content(after.get(name))}


def _content(rows: TableRows | None) -> object:
    return None if rows is None else (rows.columns, rows.key, rows.rows, rows.count, rows.digests)


def _is_reshaped(table: KnownTable | None, rows: TableRows | None) -> bool:
    """Tell whether a table that changed has other columns now, or another key: if not, its rows are as they were."""
    if table is None or rows is None:
        return True
    shape = table.empty
    return (shape.columns, shape.types, shape.key) != (rows.columns, rows.types, rows.key)


def _derived(table: KnownTable | None, before: TableRows | None) -> TableRows | None:
    """Give the rows of a table that was not written to, where what they were before tells."""
    if table is None or table.partitioned:
        return None
    if before is None:
        return table.empty
    shape = table.empty
    types = dict(zip(before.columns, before.types, strict=True))
    kept = all(_written_alike(types.get(name), type_) for name, type_ in zip(shape.columns, shape.types, strict=True))
    if not kept or before.digests is not None:
        return None
    places = [before.columns.index(name) for name in shape.columns]
    return replace(shape, rows=tuple(tuple(row[place] for place in places) for row in before.rows), count=before.count)


def _written_alike(old: str | None, new: str) -> bool:
    return old is not None and (old == new or (_TEXT.fullmatch(old) is not None and _TEXT.fullmatch(new) is not None))


def _of_rows(part: Part) -> Part:
    """Leave out of a part what makes no difference to rows that are there."""
    return {
        key: _without_length(facts) if key.kind == "column" else facts
        for key, facts in part.items()
        if key.kind != "index"
    }


def _without_length(facts: Mapping[str, str]) -> dict[str, str]:
    type_ = facts.get("type", "")
    return {**facts, "type": "text"} if _TEXT.fullmatch(type_) else dict(facts)


def _parts_of(tables: Collection[str], schema: Schema) -> Iterator[str]:
    """Name the parts of a schema in which tables stand, of PostgreSQL's or MariaDB's."""
    for table in tables:
        for name in (f"relation {schema.default_schema}.{table}", f"relation {table}", f"table {table}"):
            if name in schema.parts:
                yield name
