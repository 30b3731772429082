"""Captures rows in MariaDB and MySQL, and asks these servers by a checksum of each table which have others now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_stairway.rows.backend import run
from pytest_stairway.rows.captured import LONG
from pytest_stairway.rows.known import KnownTable
from pytest_stairway.rows.mysql_catalog import read_shapes
from pytest_stairway.rows.mysql_reading import cells_of, read_tables, row_text
from pytest_stairway.rows.mysql_types import backquote, reading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from pytest_stairway.rows.captured import TableRows

__all__ = ["MysqlCapture"]


class MysqlCapture:
    """Captures the rows of one database, and remembers what the server's checksum of each table was then.

    Args:
        whole: so many rows of a table are fetched.
        sample: so many of one that has more, and digests of all.
    """

    def __init__(self, whole: int, sample: int) -> None:
        self._whole = whole
        self._sample = sample
        self._checksums: dict[str, str | None] = {}

    def capture(
        self, connection: Connection, wanted: Collection[str] | None, known: Mapping[str, KnownTable | None]
    ) -> dict[str, TableRows]:
        """Capture rows: see `RowReader.capture`."""
        tables = [table.empty for name, table in known.items() if table is not None and name in (wanted or ())]
        unknown = None if wanted is None else set(wanted) - known.keys()
        if unknown is None or unknown:
            tables += [KnownTable.of(shape).empty for shape in read_shapes(connection, unknown).values()]
        captured = self._read(connection, tables)
        if wanted is None:
            self._checksums.clear()
        self._checksums.update(_checksums(connection, captured))
        return captured

    def changed(self, connection: Connection) -> set[str]:
        """Name the tables that have other rows than when they were captured, those that are gone included."""
        now = _checksums(connection, self._checksums)
        changed = {name for name, checksum in self._checksums.items() if now.get(name) != checksum}
        for name in changed:
            del self._checksums[name]
        return changed

    def _read(self, connection: Connection, tables: Sequence[TableRows]) -> dict[str, TableRows]:
        wanted = {table.name: (backquote(table.name), list(map(_short, _readings(table)))) for table in tables}
        found = read_tables(connection, wanted, limit=self._whole + 1)
        return {
            table.name: replace(table, rows=tuple(found[table.name]), count=len(found[table.name]))
            if len(found[table.name]) <= self._whole
            else self._digested(connection, table)
            for table in tables
        }

    def _digested(self, connection: Connection, table: TableRows) -> TableRows:
        """Let the server digest each column, together with the key, so that it matters which row has which value."""
        readings = dict(zip(table.columns, _readings(table), strict=True))
        keys = [readings[name] for name in table.key]
        sums = ", ".join(f"CAST(SUM({_number([*keys, readings[name]])}) AS CHAR)" for name in table.columns)
        source = backquote(table.name)
        ((count, *digests),) = run(connection, f"SELECT COUNT(*), {sums} FROM {source}")
        rows: Sequence[Any] = ()
        if table.key:
            text = row_text(map(_short, readings.values()))
            rows = run(connection, f"SELECT {text} FROM {source} ORDER BY {_number(keys)} LIMIT {self._sample}")
        return replace(table, rows=tuple(cells_of(text) for (text,) in rows), count=count, digests=tuple(digests))


def _readings(table: TableRows) -> list[str]:
    return [reading(name, declared) for name, declared in zip(table.columns, table.types, strict=True)]


def _short(expression: str) -> str:
    """Write an expression that gives the beginning, the length and the hash of a long text."""
    cut = f"CONCAT(LEFT({expression}, {LONG}), '... ', CHAR_LENGTH({expression}), ' ', SHA2({expression}, 256))"
    return f"IF(CHAR_LENGTH({expression}) > {LONG}, {cut}, {expression})"


def _number(expressions: Sequence[str]) -> str:
    """Write an expression that makes a number of 64 bits of some values."""
    return f"CAST(CONV(LEFT(SHA2({row_text(expressions)}, 256), 16), 16, 10) AS DECIMAL(20))"


def _checksums(connection: Connection, names: Iterable[str]) -> dict[str, str | None]:
    """Ask for the checksums of tables; None is that of one that is not there."""
    tables = sorted(names)
    if not tables:
        return {}
    found = run(connection, f"CHECKSUM TABLE {', '.join(map(backquote, tables))}")
    return {name: None if row[1] is None else str(row[1]) for name, row in zip(tables, found, strict=True)}
