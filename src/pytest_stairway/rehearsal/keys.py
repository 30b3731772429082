"""The unique key that a migration has violated: found by the server's complaint, and taken away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy.exc import DBAPIError

from pytest_stairway.rows.backend import quote, run
from pytest_stairway.rows.postgresql_relations import default_schema, text_literal

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pytest_stairway.rehearsal.model import Failure

__all__ = ["Key", "find_key", "loosen"]

_INDEX = """
SELECT i.indrelid::regclass::text, n.nspname, t.relname, k.conname, i.indexrelid::regclass::text,
 ARRAY(SELECT a.attname::text FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS c(number, place)
       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = c.number ORDER BY c.place)
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = t.relnamespace LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid
WHERE i.indisunique AND NOT i.indisprimary AND x.relname = {} AND t.relname = {}"""
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


def find_key(connection: Connection, failure: Failure) -> Key | None:
    """Find the key by the name in the server's complaint; where the failed statement was to make it, by its detail."""
    schema, _, table = (failure.table or "").rpartition(".")
    if not table:
        return None
    query = _INDEX.format(text_literal(failure.constraint or ""), text_literal(table))
    for relation, in_schema, name, constraint, index, columns in run(connection, query):
        if schema in ("", in_schema) and columns:
            drop = f"ALTER TABLE {relation} DROP CONSTRAINT {quote(constraint)}" if constraint else None
            return Key(relation, in_schema, name, tuple(columns), drop or f"DROP INDEX {index}")
    told = _KEY.search(failure.words)
    if told is None:
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
    key = find_key(connection, failure)
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
