"""What a table takes, as plain data: the columns and every rule that a row must satisfy.

A dialect's catalog (`postgresql`, `sqlite`, `mysql`) is read into these; what makes rows (`solve`, `assemble`) sees
nothing else.
Values are texts throughout, in the form in which the database reads them, and None is NULL.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Cell", "Check", "Column", "ColumnType", "ForeignKey", "Row", "Sql", "TableShape", "Unique"]


class Sql(str):
    """An expression that goes into a statement as it stands, not as a quoted text."""

    __slots__ = ()


Cell = str | None
"""One value: a text that the database reads as the column's type, an `Sql`, or None for NULL."""
Row = dict[str, Cell]
"""Column → value."""
Kind = Literal["base", "enum", "array", "range", "multirange", "composite"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnType:
    """A type, with domains resolved to what they stand on."""

    name: str
    """The type's own name in PostgreSQL's catalog (``int4``, ``varchar``), for every dialect if it is there."""
    sql: str
    """How a statement casts to it, without modifiers."""
    kind: Kind = "base"
    modifiers: tuple[int, ...] = ()
    """Length; precision and scale; precision of fractional seconds; number of dimensions."""
    labels: tuple[str, ...] = ()
    """An enum's, in order."""
    element: ColumnType | None = None
    """An array's element, a range's subtype."""
    fields: tuple[ColumnType, ...] = ()
    """A composite's."""
    checks: tuple[str, ...] = ()
    """Those of the domains on the way, about ``VALUE``."""
    not_null: bool = False
    """One of the domains says so."""
    encoding: str = ""
    """Python's name of the only characters that a text may hold; empty for any, ``ucs2`` for those of two bytes."""
    collation: str = ""
    """Of a text in MariaDB and MySQL."""
    known: tuple[str, ...] = ()
    """Values that the server was seen to take, for a type of which nothing else is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column."""

    name: str
    type: ColumnType
    declared: str = ""
    """The type in the words of the database, with modifiers."""
    nullable: bool = True
    default: str | None = None
    """The default's expression."""
    given: bool = False
    """The database itself gives the value: identity, serial, rowid.  None is supplied, so that sequences stay ahead."""
    sequence: Sql | None = None
    """The expression that draws the next of `given` values."""
    always: bool = False
    """``GENERATED ALWAYS AS IDENTITY``."""
    generated: str | None = None
    """The expression of a generated column."""
    stamped: bool = False
    """The server gives the time whenever it changes the row: ``ON UPDATE CURRENT_TIMESTAMP``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A condition on a row."""

    text: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """Columns whose values are distinct together."""

    columns: tuple[str, ...]
    by_expression: bool = False
    """Not the values themselves are distinct, but what an expression makes of them."""
    soft: bool = False
    """Partial or by expression: distinct values are enough, and perhaps more than is asked for."""
    nulls_distinct: bool = True
    prefixes: tuple[int | None, ...] = ()
    """So many characters of each column must differ, where it is not the whole value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """Columns whose values stand in another table, or the same one."""

    columns: tuple[str, ...]
    parent: str
    parent_from: str
    """What stands after FROM to read the parent's own rows."""
    parent_columns: tuple[str, ...]
    full: bool = False
    """``MATCH FULL``: either all are NULL or none is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableShape:
    """One table."""

    name: str
    """``author``; outside the default schema ``app.author``."""
    schema: str = ""
    """Empty for the default schema."""
    table: str
    """The name without the schema."""
    sql: str
    """The quoted, qualified name."""
    read_from: str
    """What stands after FROM to read its own rows: ``ONLY`` where tables inherit from it."""
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    """The primary key's columns, in its order."""
    checks: tuple[Check, ...] = ()
    any_of: tuple[Check, ...] = ()
    """A row must satisfy one of these: the bounds of its partitions."""
    uniques: tuple[Unique, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    exclusive: tuple[str, ...] = ()
    """Columns that exclusion constraints are about: a rare value, a range without an end, may leave no room there."""
    deferred: tuple[str, ...] = ()
    """Constraints that are initially deferred, as ``SET CONSTRAINTS`` names them."""
    skips_conflicts: bool = True
    """``ON CONFLICT DO NOTHING`` can be used."""
    returns: bool = True
    """``RETURNING`` can be used."""
    fires: bool = True
    """What writes to it may write elsewhere as well, by a trigger or a rule; in doubt it may."""
    complete: bool = True
    """Whether the rules are known, or the columns only."""
    oid: int = 0
    """PostgreSQL's."""
    partitioned: bool = False
    row_security: bool = False
    engine: str = ""
    """MariaDB's and MySQL's."""
    numbers: dict[int, str] = field(default_factory=dict, compare=False, repr=False)
    """PostgreSQL's numbers of the columns."""
    _by_name: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {column.name: column for column in self.columns})

    def __getitem__(self, name: str) -> Column:
        """One column.

        Raises:
            KeyError: there is none of that name.
        """
        return self._by_name[name]

    @property
    def sole_key(self) -> tuple[str, str] | None:
        """The primary key's column and the name of its type, where it is only one."""
        return (self.key[0], self[self.key[0]].type.name) if len(self.key) == 1 else None

    @property
    def writable(self) -> tuple[Column, ...]:
        """The columns to which an INSERT gives values."""
        return tuple(c for c in self.columns if not c.given and c.generated is None)

    def requires(self, key: ForeignKey) -> bool:
        """Tell whether no row can be without a parent by this foreign key."""
        nullable = [self[name].nullable for name in key.columns]
        return not (all(nullable) if key.full else any(nullable))
