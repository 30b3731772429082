"""What is known of a database between two top-ups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pytest_stairway.rows.shape import Cell, Row
    from pytest_stairway.rows.supply import Supplied

__all__ = ["Borrowed", "Memory", "Refusal"]


class Borrowed(NamedTuple):
    """A primary key of one column, to which columns elsewhere may refer."""

    source: str
    """What stands after FROM."""
    column: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A row or a value that the user supplies and that the database does not take."""

    supplied: Supplied
    reason: str
    """The database's own words."""


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
    supplied: dict[str, dict[str, Row]] = field(default_factory=dict)
    """The users' rows that are in a table, by their texts: what was asked of each, and its primary key."""
    placed: dict[tuple[str, str, tuple[Cell, ...]], set[str]] = field(default_factory=dict)
    """The users' values that were brought into a column, and the texts of those that it did not take."""
    refused: dict[tuple[str, str], Refusal] = field(default_factory=dict)
    """What users supply and the database did not take, by name and text."""

    def ours(self, table: str, key: Sequence[str]) -> dict[tuple[Cell, ...], Collection[str]]:
        """Give the primary keys of rows that no migration made, and the columns of each in which the user decides."""
        found: dict[tuple[Cell, ...], Collection[str]] = dict.fromkeys(self.made.get(table, ()), ())
        for row in self.supplied.get(table, {}).values():
            found[tuple(row.get(name) for name in key)] = row.keys()  # it may have had another key
        return found

    def drop(self, table: str) -> None:
        """Forget a table that is gone."""
        for known in (self.reasons, self.waiting, self.made, self.supplied, self.keys):
            known.pop(table, None)
        for key in [key for key in self.tried if key[0] == table]:
            del self.tried[key]
        for placed in [placed for placed in self.placed if placed[0] == table]:
            del self.placed[placed]
