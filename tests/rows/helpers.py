"""What the tests of rows do to a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection
    from sqlalchemy.engine import Row


def do(connection: Connection, *statements: str) -> None:
    """Execute statements as they stand; several in one text where the driver can."""
    for statement in statements:
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def ask(connection: Connection, query: str) -> Sequence[Row[Any]]:
    """Fetch all rows."""
    return connection.exec_driver_sql(query, execution_options={"no_parameters": True}).fetchall()


def column(connection: Connection, query: str) -> list[Any]:
    """Fetch the first column."""
    return [row[0] for row in ask(connection, query)]
