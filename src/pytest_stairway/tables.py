"""Rows of tables as they are at one revision: reflected, not taken from models that have moved on since."""

from __future__ import annotations

import warnings
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from sqlalchemy import MetaData, Table, inspect, select
from sqlalchemy.exc import NoSuchTableError, SAWarning

from pytest_stairway.exceptions import UsageError
from pytest_stairway.rows import Rows, TableRows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sqlalchemy import Connection

__all__ = ["Tables"]

Row = dict[str, Any]


class Tables:
    """The tables of one database between two steps.

    Args:
        moment: where the database is, for messages.
    """

    def __init__(self, moment: str) -> None:
        self._moment = moment
        self._metadata = MetaData()

    def reflect(self, connection: Connection, name: str) -> Table:
        """Read a table's definition, once.

        Args:
            connection: to the database.
            name: the table; outside the default schema with its schema, ``app.author``.

        Raises:
            UsageError: there is none.
        """
        schema, _, table = name.rpartition(".")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SAWarning)  # a type that SQLAlchemy does not know is no harm
                return Table(table, self._metadata, schema=schema or None, autoload_with=connection)
        except NoSuchTableError:
            there = inspect(connection).get_table_names(schema=schema or None)
            raise UsageError(f"there is no table {name} {self._moment}{_instead(table, there)}") from None

    def capture(self, connection: Connection, *, ignore: Collection[tuple[str | None, str]]) -> Rows:
        """Read all rows of the default schema, where the dialect has no reader of its own.

        Args:
            connection: to the database.
            ignore: tables to leave out, as (schema, table).
        """
        names = [name for name in inspect(connection).get_table_names() if (None, name) not in ignore]
        tables = [self.reflect(connection, name) for name in names]
        return Rows({table.name: _captured(connection, table) for table in tables})

    def insert(self, connection: Connection, name: str, rows: Iterable[Mapping[str, Any]]) -> list[Row]:
        """Insert rows one by one, because each may leave other columns to the database.

        Returns:
            The rows as they are there now, as far as the database can tell.

        Raises:
            UsageError: there is no such table or column.
        """
        table = self.reflect(connection, name)
        return [self._insert(connection, table, row) for row in rows]

    def _insert(self, connection: Connection, table: Table, row: Mapping[str, Any]) -> Row:
        self._require(table, row)
        statement = table.insert().values(dict(row))
        if connection.dialect.insert_returning:
            return dict(connection.execute(statement.returning(*table.columns)).mappings().one())
        key = connection.execute(statement).inserted_primary_key
        if not key:
            return dict(row)
        same = (column == value for column, value in zip(table.primary_key, key, strict=True))
        return dict(connection.execute(select(table).where(*same)).mappings().one())

    def read(self, connection: Connection, name: str, columns: Collection[str], having: Mapping[str, Any]) -> list[Row]:
        """Read rows in the order of the primary key.

        Args:
            connection: to the database.
            name: the table.
            columns: these only; all where none is named.
            having: values that the rows must have.

        Raises:
            UsageError: there is no such table or column.
        """
        table = self.reflect(connection, name)
        self._require(table, [*columns, *having])
        wanted = [table.columns[each] for each in columns or table.columns.keys()]
        same = (table.columns[each].is_not_distinct_from(value) for each, value in having.items())
        query = select(*wanted).where(*same).order_by(*table.primary_key)
        return [dict(row) for row in connection.execute(query).mappings()]

    def _require(self, table: Table, names: Iterable[str]) -> None:
        for name in names:
            if name not in table.columns:
                instead = _instead(name, table.columns.keys())
                raise UsageError(f"table {table.fullname} has no column {name} {self._moment}{instead}")


def _captured(connection: Connection, table: Table) -> TableRows:
    query = select(table).order_by(*table.primary_key)
    rows = tuple(tuple(None if cell is None else str(cell) for cell in row) for row in connection.execute(query))
    return TableRows(
        name=table.name,
        columns=tuple(table.columns.keys()),
        types=tuple(column.type.compile(connection.dialect) for column in table.columns),
        key=tuple(column.name for column in table.primary_key),
        rows=rows,
        count=len(rows),
    )


def _instead(name: str, there: Collection[str]) -> str:
    """Tell what there is."""
    close = get_close_matches(name, there, n=1)
    meant = f"; did you mean {close[0]}?" if close else ""
    return f" (there are {', '.join(sorted(there))}){meant}" if there else " (there is nothing)"
