"""The unique key that a migration has violated: found by the server's complaint, and taken away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy.exc import DBAPIError

from pytest_stairway.rows.backend import display_name, quote, run
from pytest_stairway.rows.postgresql_relations import default_schema, text_literal

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pytest_stairway.rehearsal.model import Failure

__all__ = ["Key", "UniqueColumn", "loosen", "named_key", "told_key", "unique_columns"]

_INDEX = """
SELECT i.indrelid::regclass::text, n.nspname, t.relname, k.conname, i.indexrelid::regclass::text,
 ARRAY(SELECT a.attname::text FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS c(number, place)
       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = c.number ORDER BY c.place)
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = t.relnamespace LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid
WHERE i.indisunique AND NOT i.indisprimary AND x.relname = {} AND t.relname = {}"""
_COLUMNS = """
SELECT n.nspname::text, t.relname::text, a.attname::text, x.relname::text
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = t.relnamespace JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
WHERE i.indisunique AND NOT i.indisprimary AND i.indnkeyatts = 1 AND t.oid >= 16384"""
_KEY = re.compile(r"Key \((.+?)\)=\(")


class Key(NamedTuple):
    """Columns whose values must differ."""

    table: str
    """What stands after FROM."""
    schema: str
    name: str
    columns: tuple[str, ...]
    drop: str | None = None
    """The statement that takes the rule away; None where it is not there yet."""


@dataclass(frozen=True, slots=True)
class UniqueColumn:
    """A column whose values must differ, by itself."""

    schema: str
    table: str
    column: str
    index: str


def unique_columns(connection: Connection) -> dict[tuple[str, str], UniqueColumn]:
    """Find the columns whose values must differ by themselves, but for primary keys.

    Returns:
        Them by the table's name, as it is displayed, and the column's.
    """
    default = default_schema(connection)
    found = (UniqueColumn(*row) for row in run(connection, _COLUMNS))
    return {(display_name(each.schema, each.table, default), each.column): each for each in found}


def named_key(connection: Connection, failure: Failure) -> Key | None:
    """Find the key that the server names in its complaint; None where there is none of that name, or not yet."""
    schema, _, table = (failure.table or "").rpartition(".")
    query = _INDEX.format(text_literal(failure.constraint or ""), text_literal(table))
    for relation, in_schema, name, constraint, index, columns in run(connection, query):
        if schema in ("", in_schema) and columns:
            drop = f"ALTER TABLE {relation} DROP CONSTRAINT {quote(constraint)}" if constraint else None
            return Key(relation, in_schema, name, tuple(columns), drop or f"DROP INDEX {index}")
    return None


def told_key(connection: Connection, failure: Failure) -> Key | None:
    """Read the key's columns from the detail of the server's complaint: the failed statement was to make it."""
    schema, _, table = (failure.table or "").rpartition(".")
    told = _KEY.search(failure.words)
    if told is None or not table:
        return None
    columns = tuple(part.strip().strip('"') for part in told[1].split(","))
    schema = schema or default_schema(connection)
    return Key(f"{quote(schema)}.{quote(table)}", schema, table, columns)


def loosen(connection: Connection, failure: Failure) -> bool:
    """Put a plain index in the place of the key that was violated, so that all else costs what it costs.

    Args:
        connection: to the database before the step.
        failure: what violated the key.

    Returns:
        Whether that was possible: the step itself may make the key, or another table may refer to it.
    """
    key = named_key(connection, failure)
    if key is None or key.drop is None or failure.constraint is None:
        return False
    columns = ", ".join(map(quote, key.columns))
    run(connection, "SAVEPOINT stairway_key")
    try:
        run(connection, key.drop)
        run(connection, f"CREATE INDEX {quote(failure.constraint)} ON {key.table} ({columns})")
    except DBAPIError:
        run(connection, "ROLLBACK TO SAVEPOINT stairway_key")
        return False
    return True
