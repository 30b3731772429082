"""What a dialect must be able to do for rows to be made in it, and what all dialects do alike."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy.exc import DBAPIError

from pytest_stairway.asking import ask
from pytest_stairway.complaints import number_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

    from pytest_stairway.rows.shape import Cell, Column, Row, TableShape
    from pytest_stairway.rows.solve import Trial

__all__ = ["Backend", "Refused", "display_name", "quote", "refusable", "run", "split_name"]

_SAVEPOINT = "stairway_rows"
_DATABASE = re.compile(r"`stairway_\w+`\.")
"""The name of a database of ours, which says nothing to the user."""


class Refused(Exception):
    """The database did not take a statement; the message is its own."""


class Backend(Protocol):
    """One dialect."""

    def session(self, connection: Connection) -> AbstractContextManager[None]:
        """Set the session up for all that is done within, and leave it as it was."""

    def outlines(self, connection: Connection, names: Collection[str] | None) -> dict[str, TableShape]:
        """Read tables' columns, and no more than that where more costs more.

        Args:
            connection: where.
            names: these only, as far as they exist; a partition stands for its table.  None: all that hold rows of
                their own and belong to the user.
        """

    def complete(self, connection: Connection, shapes: Sequence[TableShape]) -> list[TableShape]:
        """Read the tables' rules, too."""

    def hints(self, connection: Connection, shape: TableShape) -> tuple[str, ...]:
        """Read the source text of triggers and functions that may judge a row: it holds constants worth trying."""

    def read(
        self, connection: Connection, tables: Mapping[str, tuple[str, Sequence[str]]], limit: int
    ) -> dict[str, list[Row]]:
        """Read some rows of several tables, each value as text.

        Args:
            connection: where.
            tables: by name, what stands after FROM, and the columns.
            limit: so many rows of each.
        """

    def find(self, connection: Connection, shape: TableShape, cells: Row) -> Row | None:
        """Read a row that holds certain values, whole and as texts; None where none does, or no row could."""

    def judge(self, connection: Connection, trial: Trial) -> list[str]:
        """Evaluate conditions on rows that are in no table: see `solve.Judge`."""

    def insert(
        self, connection: Connection, shape: TableShape, rows: Sequence[Row], *, skip_conflicts: bool = True
    ) -> list[Row]:
        """Insert rows in one statement.

        Args:
            connection: where.
            shape: the table.
            rows: what each column gets; columns that are left out get what the database gives.
            skip_conflicts: leave out those that clash with rows that are there.

        Returns:
            The rows that the database has now, with all their values.

        Raises:
            Refused: it took none of them.
        """

    def insert_together(self, connection: Connection, rows: Sequence[tuple[TableShape, Sequence[Row]]]) -> None:
        """Insert rows of tables that refer to each other, checking foreign keys at the end only.

        Raises:
            Refused: it took none of them.
        """

    def update(self, connection: Connection, shape: TableShape, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Give rows, found by their primary keys, other values in some columns.

        Raises:
            Refused: it did not, or one of them is not there.
        """

    def draw(self, connection: Connection, shape: TableShape, column: Column, count: int) -> list[Cell]:
        """Take values that the database itself would give, for rows that must know them beforehand.

        Raises:
            Refused: it gave none.
        """

    def catch_up(self, connection: Connection, shape: TableShape) -> bool:
        """Move sequences behind the values that are there; tells whether any had to be."""


def run(connection: Connection, statement: str) -> Sequence[Any]:
    """Execute a statement as it stands: no parameters, and no character in it means one.

    Returns:
        Its rows, where it has any.
    """
    result = connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    return result.fetchall() if result.returns_rows else ()


@contextmanager
def refusable(connection: Connection) -> Iterator[None]:
    """Run statements in a savepoint, so that the connection stays usable whatever the database says.

    Raises:
        Refused: what the database said.
    """
    ask(connection, f"SAVEPOINT {_SAVEPOINT}", rows=False)
    try:
        yield
    except (DBAPIError, Refused) as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise
        run(connection, f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
        run(connection, f"RELEASE SAVEPOINT {_SAVEPOINT}")
        raise Refused(reason(error)) from error
    ask(connection, f"RELEASE SAVEPOINT {_SAVEPOINT}", rows=False)


def reason(error: BaseException) -> str:
    """Give the database's own words, without the driver's: its message and its detail."""
    original = getattr(error, "orig", None) or error
    for said in (original, original.__cause__):
        diagnosis = getattr(said, "diag", said)
        message = getattr(diagnosis, "message_primary", None) or getattr(diagnosis, "message", None)
        if message:
            detail = getattr(diagnosis, "message_detail", None) or getattr(diagnosis, "detail", None)
            return f"{message} ({detail})" if detail else str(message)
    said = original.args[1] if number_of(original) is not None and len(original.args) > 1 else original
    lines = _DATABASE.sub("", str(said)).strip().splitlines()
    return lines[0] if lines else type(original).__name__


def quote(name: str) -> str:
    """Quote an identifier."""
    return '"' + name.replace('"', '""') + '"'


def display_name(schema: str | None, name: str, default_schema: str | None) -> str:
    """Name a table as schemas do: qualified only outside the default schema."""
    return name if schema in {None, "", default_schema} else f"{schema}.{name}"


def split_name(name: str, default_schema: str) -> list[tuple[str, str]]:
    """Give the schemas and tables that a displayed name can mean."""
    found = [(default_schema, name)]
    schema, dot, table = name.partition(".")
    while dot:
        found.append((schema, table))
        more, dot, table = table.partition(".")
        schema = f"{schema}.{more}"
    return found
