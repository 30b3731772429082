"""What the walk asks of a run of `env.py`, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from pytest_stairway.schema.transaction import Ending

__all__ = ["CHAIN", "Command", "Observer", "StepFailed", "Swallowed", "chains", "end_transaction"]

CHAINING = frozenset({"psycopg", "psycopg2"})
"""Drivers that take PostgreSQL's word for whether a transaction is open."""

CHAIN = "COMMIT AND CHAIN"
"""Ends a transaction and begins the next in one round trip."""


class Observer(Protocol):
    """Looks at a database around each step, on the migration's own connection."""

    def begin_step(self, url: str, connection: Connection) -> None:
        """Right before the step."""

    def end_step(self, url: str, connection: Connection, ending: Ending | None = None) -> bool:
        """After the step's version update, in the step's own transaction.

        Args:
            url: of the database.
            connection: the migration's own.
            ending: how the transaction is ended; that may be done together with other statements.

        Returns:
            Whether it was done.

        Raises:
            EndingFailed: it was run, and raised.
        """

    def read(self, url: str, connection: Connection) -> None:
        """After the step was committed (or just before, where `env.py` keeps the transaction to itself)."""


class StepFailed(Exception):
    """A migration, its version update or its commit raised.

    Attributes:
        error: what was raised.
        stage: ``migration``, ``version table`` or ``commit``.
        database: on which of several databases, as `env.py` addresses it; empty where there is one.
    """

    def __init__(self, error: BaseException, stage: str, database: str = "") -> None:
        super().__init__(str(error))
        self.error = error
        self.stage = stage
        self.database = database


class Swallowed(Exception):
    """`env.py` caught what was raised in the middle of a step, so that nobody knows what it was."""

    def __init__(self) -> None:
        super().__init__("env.py caught the exception and went on to its end")


@dataclass(slots=True, kw_only=True)
class Command:
    """One request of the walk."""

    revision: str = ""
    upgrade: bool = True
    work: Callable[[str, Connection], Any] | None = None
    """Do this instead of a step."""
    observed: bool = True
    stamped: bool = False
    """Write the version table only."""
    then: Callable[[float], Command | None] | None = None
    """Called with the step's seconds once it is done; gives what is to be done next in the same turn.

    It is called in the run's thread while the walk waits.  Several databases in one run get no next one."""


def end_transaction(connection: Connection) -> None:
    """Commit by the driver, and begin the next transaction in the same round trip where that can be had."""
    if chains(connection):
        cursor = connection.connection.cursor()
        cursor.execute(CHAIN)
        cursor.close()
    else:
        connection.connection.commit()


def chains(connection: Connection) -> bool:
    """Tell whether the driver lets a statement end one transaction and begin the next."""
    driver_connection: Any = connection.connection.driver_connection
    return connection.dialect.driver in CHAINING and not driver_connection.autocommit
