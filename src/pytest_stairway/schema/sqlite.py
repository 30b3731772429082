"""Reads an SQLite database's schema.

``PRAGMA schema_version`` says for nothing that no schema changed.  Where one did, all statements of sqlite_schema are
read, and the PRAGMAs of those tables whose statements are others than last time.  Only ``main`` is read: ``temp`` does
not stay, and what is attached is another database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stairway.schema.model import Part, Schema
from pytest_stairway.schema.sqlite_ddl import is_virtual, parse_table
from pytest_stairway.schema.sqlite_part import (
    ColumnRow,
    ForeignKeyRow,
    IndexRow,
    Statement,
    TableRows,
    describe_statement,
    describe_table,
)
from pytest_stairway.schema.transaction import driver_in_transaction, undisturbed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from pytest_stairway.schema.transaction import Ending

__all__ = ["Reader"]

_AT_ONCE = 500
"""Tables that one statement asks of; SQLite before 3.32 took 999 parameters."""
_TABLE_LIST_SINCE = (3, 37)
_STATEMENTS = r"SELECT tbl_name, type, name, sql FROM main.sqlite_master WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'"
_SHADOW_TABLES = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'"
_SHADOW_SUFFIXES = (
    *("_content", "_segments", "_segdir", "_docsize", "_stat"),  # fts3, fts4
    *("_data", "_idx", "_config"),  # fts5
    *("_node", "_rowid", "_parent"),  # rtree
)
"""Of the modules that come with SQLite, for releases that do not list shadow tables."""
_COLUMNS = """
SELECT t.name, c.name, c.type, c."notnull", c.dflt_value, c.pk
FROM t CROSS JOIN pragma_table_xinfo(t.name, 'main') AS c
"""
_INDEXES = """
SELECT t.name, i.name, i."unique", i.origin, c.name, c."desc", c.coll
FROM t CROSS JOIN pragma_index_list(t.name, 'main') AS i CROSS JOIN pragma_index_xinfo(i.name, 'main') AS c
WHERE c.key
"""
_FOREIGN_KEYS = """
SELECT t.name, f."to" IS NULL, f.id, f."table", f."from",
    coalesce(f."to", (SELECT p.name FROM pragma_table_xinfo(f."table", 'main') AS p WHERE p.pk = f.seq + 1)),
    f.on_update, f.on_delete
FROM t CROSS JOIN pragma_foreign_key_list(t.name, 'main') AS f
"""


class Reader:
    """Reads one SQLite database, and remembers each table's statements with what came of them.

    It needs to be told of no steps: the statements themselves say what changed.

    Args:
        dialect_name: SQLAlchemy's name of the dialect.
        ignore: tables to leave out, as (schema, table).
    """

    touched_tables: frozenset[str] | None = None
    """SQLite does not count what happens to a table's rows."""

    def __init__(self, dialect_name: str, *, ignore: frozenset[tuple[str | None, str]]) -> None:
        self._dialect = dialect_name
        self._ignore = {table.casefold() for schema, table in ignore if schema in {None, "", "main"}}
        self.forget()

    def turn_to_next(self) -> None:
        """See `SchemaReader`."""

    def begin_step(self, connection: Connection) -> None:
        """Nothing needs to be noted."""

    def end_step(self, connection: Connection, ending: Ending | None = None) -> bool:  # noqa: ARG002 - it never is
        """Nothing needs to be noted."""
        return False

    def resume(self, connection: Connection) -> None:
        """Nothing needs to be noted."""

    def forget(self) -> None:
        """Drop what is remembered: the database was replaced."""
        self._version: int | None = None
        self._schema = Schema(self._dialect, {})
        self._statements: frozenset[tuple[str, ...]] = frozenset()
        self._shadows: set[str] = set()
        self._depending: set[str] = set()
        """The tables with a foreign key that leaves the parent's columns to the parent's primary key."""

    def read(self, connection: Connection, *, thorough: bool = False) -> Schema:
        """Read the schema; the very same one where nothing changed.

        Args:
            connection: the one on which the step ran.
            thorough: read everything, whatever is remembered.
        """
        uncommitted = driver_in_transaction(connection)
        with undisturbed(connection):
            version = connection.exec_driver_sql("PRAGMA main.schema_version").scalar_one()
            if thorough:
                self.forget()
            if version != self._version:
                self._update(connection)
                # A rollback takes the version back, and the next change counts up to the same again.
                self._version = None if uncommitted else version
        return self._schema

    def _update(self, connection: Connection) -> None:
        """Describe again what changed."""
        statements = frozenset(map(tuple, connection.exec_driver_sql(_STATEMENTS).all()))
        if statements == self._statements:
            return
        shadows = _shadow_tables(connection, [values[0] for values in statements if is_virtual(values[3])])
        moved = {values[0] for values in statements ^ self._statements} | self._depending | (shadows ^ self._shadows)
        kept = {name: part for name, part in self._schema.parts.items() if name not in moved}
        described = {table for table in moved - shadows if table.casefold() not in self._ignore}
        changed = [Statement(*values) for values in statements if values[0] in described]
        self._depending = set()
        self._schema = Schema(self._dialect, kept | self._describe(connection, changed))
        self._statements, self._shadows = statements, shadows

    def _describe(self, connection: Connection, statements: Sequence[Statement]) -> dict[str, Part]:
        by_table: dict[str, list[Statement]] = {}
        for statement in sorted(statements):
            by_table.setdefault(statement.table, []).append(statement)
        tables = {each.name: each.sql for each in statements if each.kind == "table" and not is_virtual(each.sql)}
        rows = self._read_rows(connection, tables)
        parts: dict[str, Part] = {}
        for name, of_table in by_table.items():
            parts[name] = {}
            if name in tables:
                parts[name].update(describe_table(name, parse_table(tables[name]), rows[name], of_table))
            for statement in of_table:
                if statement.kind in {"view", "trigger"} or is_virtual(statement.sql):
                    parts[name].update(describe_statement(statement))
        return parts

    def _read_rows(self, connection: Connection, tables: Iterable[str]) -> dict[str, TableRows]:
        """Read the PRAGMAs of some tables, a few statements for all of them."""
        rows = {name: TableRows() for name in tables}
        for name, *values in _ask(connection, _COLUMNS, rows):
            rows[name].columns.append(ColumnRow(*values))
        for name, *values in _ask(connection, _INDEXES, rows):
            rows[name].indexes.append(IndexRow(*values))
        for name, looked_up, *values in _ask(connection, _FOREIGN_KEYS, rows):
            rows[name].foreign_keys.append(ForeignKeyRow(*values))
            if looked_up:
                self._depending.add(name)
        return rows


def _shadow_tables(connection: Connection, virtual: Sequence[str]) -> set[str]:
    """Find the tables in which virtual tables keep their rows."""
    if not virtual:
        return set()
    version = connection.dialect.server_version_info
    if version is None or version >= _TABLE_LIST_SINCE:
        return {name for (name,) in connection.exec_driver_sql(_SHADOW_TABLES)}
    return {owner + suffix for owner in virtual for suffix in _SHADOW_SUFFIXES}


def _ask(connection: Connection, query: str, tables: Iterable[str]) -> Iterator[Sequence[Any]]:
    """Run one of the queries above for some tables, which it knows as ``t``."""
    names = list(tables)
    for start in range(0, len(names), _AT_ONCE):
        some = tuple(names[start : start + _AT_ONCE])
        values = ", ".join(["(?)"] * len(some))
        yield from connection.exec_driver_sql(f"WITH t(name) AS (VALUES {values}) {query}", some).all()
