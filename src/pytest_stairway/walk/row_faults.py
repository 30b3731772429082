"""Tells whose values a step failed on: those that were made up for the walk, or those that the migrations wrote.

That a unique key is violated by rows which were made up says nothing of the rows that somebody has: the revision relies
on theirs being otherwise.  That a new column is NULL in all of them is true of any rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from pytest_stairway.complaints import number_of, sqlstate_of
from pytest_stairway.exceptions import chain_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pytest_stairway.rows import Rows

__all__ = [
    "Fault",
    "Kind",
    "fault_of",
    "has_new_columns",
    "holds_null",
    "is_of_made_up_values",
    "is_of_values",
    "tables_with",
]

_CLASSES = ("21", "22", "23")
"""Of PostgreSQL's states: more rows than one, what is wrong with data, and with its integrity."""
_NAMES = frozenset({"DataError", "IntegrityError"})
"""The same, by the names that every driver gives its errors (PEP 249)."""
_NUMBERS = frozenset(
    {
        *(1048, 1062, 1138, 1216, 1217, 1242, 1264, 1265, 1292, 1365, 1366, 1406, 1411, 1441, 1451, 1452, 1525, 1586),
        *(1690, 3140, 3141, 3819, 4025, 4038),
    }
)
"""The same, by the numbers of MariaDB and MySQL; their drivers call some of them operational errors.  See
https://mariadb.com/kb/en/mariadb-error-codes/"""
_TEMPORARY = "_alembic_tmp_"
"""Before the name of the table into which Alembic copies rows on SQLite."""


class Kind(Enum):
    """What the database does not like."""

    NULL = auto()
    EQUAL = auto()
    CHECK = auto()
    REFERENCE = auto()
    FORM = auto()
    """A text that is none of a type's."""
    FIT = auto()
    """A value that a column cannot hold: too long, too large, no label; MariaDB says the same of NULL."""
    OTHER = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What a database says of the values that it refused."""

    kind: Kind
    table: str | None = None
    columns: tuple[str, ...] = ()
    name: str | None = None
    """The constraint's."""
    value: str | None = None
    of_new_columns: bool = False
    """The columns are those of the step itself, which filled them from others."""

    def words(self) -> str:
        """Tell which rows it is about: ``rows with NULL in name``."""
        columns = ", ".join(self.columns)
        key = columns or (f"the key {self.name}" if self.name else "")
        where = f" in {columns}" if columns else ""
        told = {
            Kind.NULL: f"rows {'that leave' if self.of_new_columns else 'with'} NULL" + where,
            Kind.EQUAL: f"rows that {'become' if self.of_new_columns else 'are'} equal in {key}" if key else "",
            Kind.CHECK: f"rows that break {self.name}" if self.name else "",
            Kind.REFERENCE: f"rows whose {columns or 'key'} refers to nothing",
            Kind.FORM: f"values such as {self.value!r}" if self.value is not None else "",
            Kind.FIT: f"rows whose {columns} does not fit",
        }
        return told.get(self.kind) or "rows with values at the edges of what their columns allow"


_MYSQL_TABLE = r"(?:`[^`]+`\.)?`(?:#sql[^`]*|(?P<table>[^`]+))`"
"""A table in the words of MariaDB and MySQL, where it is not the one into which ALTER TABLE copies rows."""
_PATTERNS = tuple(
    (kind, re.compile(pattern, re.DOTALL))
    for kind, pattern in (
        (Kind.NULL, r'column "(?P<columns>[^"]+)" of relation "(?P<table>[^"]+)" (?:contains null|violates not-null)'),
        (Kind.NULL, r'null value in column "(?P<columns>[^"]+)"'),
        (Kind.NULL, r"NOT NULL constraint failed: (?P<table>\S+)\.(?P<columns>\S+)"),
        (Kind.EQUAL, r"Key \((?P<columns>.+?)\)=\(.*?\) (?:is duplicated|already exists|conflicts with)"),
        (Kind.EQUAL, r"UNIQUE constraint failed: (?P<columns>[^\n]+)"),
        (Kind.CHECK, r'check constraint "(?P<name>[^"]+)"(?: of relation "(?P<table>[^"]+)")?'),
        (Kind.CHECK, r"CHECK constraint failed: (?P<name>[^\n]+)"),
        (Kind.REFERENCE, r"Key \((?P<columns>.+?)\)=\(.*?\) is not present in table"),
        (Kind.REFERENCE, r"FOREIGN KEY constraint failed"),
        (Kind.NULL, r"Column '(?P<columns>[^']+)' cannot be null|Invalid use of NULL value"),
        (Kind.EQUAL, r"Duplicate entry '.*' for key '(?:[^'.]+\.)?(?P<name>[^']+)'"),
        (Kind.CHECK, rf"CONSTRAINT `(?P<name>[^`]+)` failed for {_MYSQL_TABLE}"),
        (Kind.CHECK, r"Check constraint '(?P<name>[^']+)' is violated"),
        (Kind.REFERENCE, rf"child row: [^(]*\({_MYSQL_TABLE}, CONSTRAINT `[^`]+` FOREIGN KEY \((?P<columns>[^)]+)\)"),
        (Kind.FIT, r"(?:Data (?:truncated|too long)|Out of range value) for column '(?P<columns>[^']+)'"),
        (Kind.FORM, r"[Ii]ncorrect [\w ]+ value: '(?P<value>[^'\n]*)'"),
        (Kind.FORM, r'invalid input (?:syntax|value) for [^\n]+?: "(?P<value>[^\n]*)"'),
    )
)


def is_of_values(error: BaseException) -> bool:
    """Tell whether the database did not like what stands in a row.

    Args:
        error: what a migration raised; an application may have taken SQLAlchemy's wrapping off.
    """
    return any(
        (sqlstate_of(each) or "").startswith(_CLASSES)
        or number_of(each) in _NUMBERS
        or any(kind.__name__ in _NAMES for kind in type(each).__mro__)
        for each in chain_of(error)
    )


def fault_of(error: BaseException) -> Fault | None:
    """Read what the database says; None where it is not about values.

    Args:
        error: what a migration raised.
    """
    if not is_of_values(error):
        return None
    said = "\n".join(str(getattr(each, "orig", None) or each) for each in chain_of(error))
    for kind, pattern in _PATTERNS:
        if found := pattern.search(said):
            groups = {name: text for name, text in found.groupdict().items() if text is not None}
            columns = [name.strip().strip('"`') for name in groups.get("columns", "").split(",")]
            return Fault(
                kind=kind,
                table=groups["table"].removeprefix(_TEMPORARY) if "table" in groups else None,
                columns=tuple(name.rpartition(".")[2] for name in columns if name),
                name=groups.get("name"),
                value=groups.get("value"),
            )
    return Fault(kind=Kind.OTHER)


def has_new_columns(fault: Fault, rows: Mapping[str, Rows], tables: Collection[str]) -> bool:
    """Tell whether the step itself made a column that the database complains of.

    Args:
        fault: what it says.
        rows: those that were there before the step, by the database's name.
        tables: the tables that it is about.
    """
    there = _columns_of(rows, tables)
    return bool(there) and not there.issuperset(fault.columns)


def is_of_made_up_values(fault: Fault, rows: Mapping[str, Rows], *, passes_on_plain_rows: bool) -> bool:
    """Tell whether it is made-up values that the database refused, so that rows may be there which it takes.

    Args:
        fault: what it says.
        rows: those that were there before the step, by the database's name.
        passes_on_plain_rows: the step goes well where rows are ordinary, no two of them alike and without NULL.
    """
    if passes_on_plain_rows or fault.of_new_columns:
        return passes_on_plain_rows
    if fault.kind is Kind.FORM:
        return fault.value is not None and bool(tables_with(fault.value, rows))
    return fault.kind in {Kind.CHECK, Kind.REFERENCE}


def holds_null(rows: Mapping[str, Rows], tables: Collection[str], columns: Collection[str]) -> bool:
    """Tell whether some columns of tables hold NULL in a row."""
    return any(
        None in table.column(column)
        for every in rows.values()
        for name, table in every.items()
        if name in tables
        for column in columns
        if column in table.columns
    )


def tables_with(value: str, rows: Mapping[str, Rows]) -> tuple[str, ...]:
    """Name the tables in which a value stands."""
    return tuple(
        sorted(
            {
                name
                for tables in rows.values()
                for name, table in tables.items()
                if any(value in row for row in table.rows)
            }
        )
    )


def _columns_of(rows: Mapping[str, Rows], tables: Collection[str]) -> set[str]:
    return {
        column
        for every in rows.values()
        for name, table in every.items()
        if name in tables or name.rpartition(".")[2] in tables
        for column in table.columns
    }
