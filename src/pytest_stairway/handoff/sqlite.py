"""The guard on SQLite: one transaction around all of it, and checks that are constraints, as nothing else can raise.

Alembic itself begins no transaction here, though SQLite could take back every statement of a migration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.handoff.pieces import Kind, Piece

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_stairway.offline.rendering import Script

__all__ = ["SqliteGuarding"]

_SHELL = """
-- The next line is for the sqlite3 shell alone: leave it out with any other client, and stop at the first error.
.bail on"""

_CHECK = (
    "CREATE TEMPORARY TABLE stairway_guard (found TEXT CONSTRAINT {name} CHECK (found = {expected}));",
    "INSERT INTO stairway_guard SELECT coalesce(group_concat(version_num, ', '), 'no revision') "
    "FROM (SELECT version_num FROM {table} ORDER BY version_num);",
    "DROP TABLE temp.stairway_guard;",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteGuarding:
    """The guard on SQLite."""

    version_table: str
    """As SQL writes it."""

    @property
    def limits(self) -> Mapping[str, str]:
        """See `Guarding`: there are none."""
        return {}

    def is_atomic(self, script: Script) -> bool:  # noqa: ARG002 - whatever Alembic begins
        """See `Guarding`."""
        return True

    def top(self) -> Iterator[Piece]:
        """See `Guarding`."""
        yield Piece(_SHELL.strip(), Kind.CLIENT)
        yield Piece("BEGIN IMMEDIATE;", Kind.GUARD)

    def bottom(self) -> Iterator[Piece]:
        """See `Guarding`."""
        yield Piece("COMMIT;", Kind.GUARD)

    def enter(self, expected: frozenset[str], *, creates: bool) -> Iterator[Piece]:
        """See `Guarding`."""
        held = _told(expected)
        if creates:  # a downgrade to base leaves it empty; there is no asking whether it is there
            yield Piece(f"CREATE TABLE IF NOT EXISTS {self.version_table} (version_num VARCHAR(32));", Kind.GUARD)
        yield from self._check(held, f"stairway: refused, because this script starts at {held}")
        if creates:
            yield Piece(f"DROP TABLE {self.version_table};", Kind.GUARD)

    def alone(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """See `Guarding`."""
        return pieces

    def statement(self, piece: Piece) -> Iterator[Piece]:
        """See `Guarding`."""
        yield piece

    def hit(self) -> Iterator[Piece]:
        """See `Guarding`."""
        return iter(())

    def check(self, expected: frozenset[str]) -> Iterator[Piece]:
        """See `Guarding`."""
        held = _told(expected)
        yield from self._check(held, f"stairway: the version table should hold {held} now")

    def outside(self) -> Iterator[Piece]:
        """See `Guarding`."""
        return iter(())

    def _check(self, held: str, says: str) -> Iterator[Piece]:
        name = '"' + says.replace('"', '""') + '"'
        expected = "'" + held.replace("'", "''") + "'"
        for statement in _CHECK:
            text = statement.format(name=name, expected=expected, table=self.version_table)
            yield Piece(text, Kind.GUARD)


def _told(revisions: frozenset[str]) -> str:
    return ", ".join(sorted(revisions)) or "no revision"
