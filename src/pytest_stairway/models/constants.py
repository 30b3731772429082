"""Evaluates two defaults on the server where both are constants: ``'{}'::text[]`` and ``ARRAY[]::text[]`` are the same.

Nothing is called but casts that always give the same, so that no sequence moves on and no clock is asked: what an
expression consists of is read from the server's own parse of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult

__all__ = ["are_equal_constants"]

_NODES = frozenset(
    {
        *("CONST", "RELABELTYPE", "COERCEVIAIO", "ARRAYCOERCEEXPR", "ARRAYEXPR", "ARRAY", "COERCETODOMAIN", "FUNCEXPR"),
        *("CASETESTEXPR", "COLLATEEXPR"),
    }
)
"""Of which constants and casts of them consist, in the server's words."""
_CALL = re.compile(r"\{FUNCEXPR :funcid (\d+) .*?:funcformat (\d)")
_BY_ITSELF = "0"
"""The format of a function that is called as such; the others are casts."""
_MOMENTS = re.compile(r"'\s*(?:now|today|tomorrow|yesterday)\b", re.IGNORECASE)
"""Texts that are another moment each time they are cast."""


def are_equal_constants(connection: Connection, table: str, column: str, texts: tuple[str, str]) -> bool:
    """Tell whether two defaults of a column are constants with the same value.

    Args:
        connection: in a savepoint that is taken back.
        table: a copy of the column's table, without defaults.
        column: its name.
        texts: the defaults.

    Raises:
        SQLAlchemyError: the server cannot evaluate one of them there.
    """
    if not all(_is_constant(connection, table, column, text) for text in texts):
        return False
    type_, category = _row(
        connection,
        f"""SELECT pg_catalog.format_type(atttypid, atttypmod), typcategory
        FROM pg_catalog.pg_attribute JOIN pg_catalog.pg_type ON pg_type.oid = atttypid
        WHERE attrelid = '{table}'::regclass AND attname = {_literal(column)}""",
    )
    one, other = (f"CAST(({text}) AS {type_})" for text in texts)
    as_text = f"({one})::text IS NOT DISTINCT FROM ({other})::text"
    (equal,) = _row(connection, f"SELECT {one} = {other}" if category == "N" else f"SELECT {as_text}")
    return bool(equal)


def _is_constant(connection: Connection, table: str, column: str, text: str) -> bool:
    if _MOMENTS.search(text):
        return False
    quoted = connection.dialect.identifier_preparer.quote(column)
    _run(connection, f"ALTER TABLE {table} ALTER COLUMN {quoted} SET DEFAULT {text}")
    (parsed,) = _row(connection, f"SELECT adbin::text FROM pg_catalog.pg_attrdef WHERE adrelid = '{table}'::regclass")
    _run(connection, f"ALTER TABLE {table} ALTER COLUMN {quoted} DROP DEFAULT")
    calls = _CALL.findall(parsed)
    if not set(re.findall(r"\{([A-Z]+)", parsed)) <= _NODES or any(way == _BY_ITSELF for _, way in calls):
        return False
    functions = ", ".join(["0", *(number for number, _ in calls)])
    (changing,) = _row(
        connection, f"SELECT count(*) FROM pg_catalog.pg_proc WHERE oid IN ({functions}) AND provolatile <> 'i'"
    )
    return not changing


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _row(connection: Connection, query: str) -> tuple[str, ...]:
    return tuple(_run(connection, query).one())


def _run(connection: Connection, statement: str) -> CursorResult[Any]:
    """Execute a statement as it stands: a percent sign in it is no parameter."""
    return connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
