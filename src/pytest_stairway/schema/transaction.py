"""Leaves a connection's transaction as it was found."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

__all__ = ["Ending", "EndingFailed", "driver_in_transaction", "undisturbed"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a step's transaction is to be ended."""

    statement: str
    """Ends the transaction, and may begin the next."""
    settled: bool = False
    """No statement of the step can have changed the session: what was prepared in it is still there."""


class EndingFailed(Exception):
    """The statement that was to end a step's transaction raised.

    Attributes:
        error: what it raised.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def driver_in_transaction(connection: Connection) -> bool:
    """Tell whether the driver itself is in a transaction; where it does not say, whether SQLAlchemy is."""
    driver = connection.connection.driver_connection
    return bool(getattr(driver, "in_transaction", connection.in_transaction()))


@contextmanager
def undisturbed(connection: Connection) -> Iterator[None]:
    """End the transaction that SQLAlchemy begins for our own statements, and no other."""
    had_begun = connection.in_transaction() or driver_in_transaction(connection)
    try:
        yield
    finally:
        if not had_begun:
            connection.rollback()
