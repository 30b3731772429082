"""Tables whose columns are known from a schema snapshot, so that capturing their rows need not ask for them again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_stairway.rows.backend import quote
from pytest_stairway.rows.captured import TableRows
from pytest_stairway.rows.expressions import balanced, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_stairway.rows.shape import TableShape

__all__ = ["KnownTable", "known_tables"]

_USUAL_KEY = re.compile(r"PRIMARY KEY \(([a-z0-9_]+(?:, [a-z0-9_]+)*)\)")

_OF_PERIODS = frozenset({"ROW START", "ROW END"})
"""What makes the columns of MariaDB's system-versioned tables that say since when a row is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTable:
    """One table as it is at this moment."""

    empty: TableRows
    """The table without its rows."""
    schema: str
    """Empty for the default schema."""
    table: str
    partitioned: bool = False

    @classmethod
    def of(cls, shape: TableShape) -> KnownTable:
        """Take it from what is known for making rows."""
        empty = TableRows(
            name=shape.name,
            columns=tuple(column.name for column in shape.columns),
            types=tuple(column.declared for column in shape.columns),
            key=shape.key,
            stamped=tuple(column.name for column in shape.columns if column.stamped),
        )
        return cls(empty=empty, schema=shape.schema, table=shape.table, partitioned=shape.partitioned)

    def source(self, default_schema: str) -> str:
        """Write what stands after FROM to read the table's own rows in PostgreSQL."""
        name = f"{quote(self.schema or default_schema)}.{quote(self.table)}"
        return name if self.partitioned else f"ONLY {name}"


def known_tables(parts: Iterable[Mapping[Any, Mapping[str, str]]]) -> dict[str, KnownTable]:
    """Find the tables in parts of a schema snapshot.

    Args:
        parts: objects by key, each key with `kind`, `name`, `parent` and `schema`; a table's columns and primary key
            are in the same part as the table.  Partitions are left out: their tables stand for them.
    """
    return {known.empty.name: known for part in parts for known in _known(part)}


def _known(part: Mapping[Any, Mapping[str, str]]) -> Iterator[KnownTable]:
    tables = {(key.schema, key.name): facts for key, facts in part.items() if key.kind == "table" and not key.parent}
    for (schema, name), facts in tables.items():
        if "partition bound" in facts:
            continue
        own = [(key, told) for key, told in part.items() if (key.schema, key.parent) == (schema, name)]
        of_rows = [
            (key, told) for key, told in own if key.kind == "column" and told.get("generated") not in _OF_PERIODS
        ]
        columns = sorted((int(told["position"]), key.name, told["type"]) for key, told in of_rows)
        keys = [told.get("definition", "") for key, told in own if key.kind == "primary key"]
        names = {name for _, name, _ in columns}
        empty = TableRows(
            name=f"{schema}.{name}" if schema else name,
            columns=tuple(column for _, column, _ in columns),
            types=tuple(type_ for *_, type_ in columns),
            key=tuple(name for name in _columns_of_key(keys[0]) if name in names) if keys else (),
            stamped=tuple(key.name for key, told in own if key.kind == "column" and "on update" in told),
        )
        yield KnownTable(empty=empty, schema=schema, table=name, partitioned="partitioned by" in facts)


def _columns_of_key(definition: str) -> tuple[str, ...]:
    """Read the columns of ``PRIMARY KEY (id, "Other") INCLUDE (more)``."""
    usual = _USUAL_KEY.fullmatch(definition)
    if usual:
        return tuple(usual[1].split(", "))
    pieces = tokens(definition)
    start = next((place for place, piece in enumerate(pieces) if piece.text == "("), len(pieces))
    inner = pieces[start + 1 : balanced(pieces, start)] if start < len(pieces) else []
    first = [piece for place, piece in enumerate(inner) if place == 0 or inner[place - 1].text == ","]
    return tuple(piece.name for piece in first)
