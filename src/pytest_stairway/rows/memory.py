"""What is known of a database between two top-ups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pytest_stairway.rows.shape import Cell

__all__ = ["Borrowed", "Memory"]


class Borrowed(NamedTuple):
    """A primary key of one column, to which columns elsewhere may refer."""

    source: str
    """What stands after FROM."""
    column: str
    type: str


@dataclass(slots=True)
class Memory:
    """What is known of a database between two calls."""

    reasons: dict[str, str | None] = field(default_factory=dict)
    """Every table, and why it has no rows; None where it has some."""
    waiting: dict[str, frozenset[str]] = field(default_factory=dict)
    """Tables without rows, and the tables that they refer to: worth another try when these get some."""
    made: dict[str, set[tuple[Cell, ...]]] = field(default_factory=dict)
    """The primary keys of the rows that were made here and not by a migration: only these are ever changed."""
    tried: dict[tuple[str, str], tuple[object, ...]] = field(default_factory=dict)
    """Columns for which something is wanted that no row can have, as they were then."""
    keys: dict[str, Borrowed] = field(default_factory=dict)
    """Every table's primary key, where it is of one column: others may refer to it without saying so."""
    supplied: dict[str, set[str]] = field(default_factory=dict)
    """The users' rows that were inserted."""

    def drop(self, table: str) -> None:
        """Forget a table that is gone."""
        for known in (self.reasons, self.waiting, self.made, self.supplied, self.keys):
            known.pop(table, None)
        for key in [key for key in self.tried if key[0] == table]:
            del self.tried[key]
