"""The guard on SQLite: one transaction around all of it, and checks that are constraints, as nothing else can raise.

Alembic itself begins no transaction here, though SQLite could take back every statement of a migration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.handoff.pieces import Kind, Piece, comment
from pytest_stairway.phrases import ENGLISH, phrase, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_stairway.offline.rendering import Script
    from pytest_stairway.phrases import Language

__all__ = ["SqliteGuarding"]

_SHELL = phrase(
    "The next line is for the sqlite3 shell alone: leave it out with any other client, and stop at the first error."
)
_NONE = phrase("no revision")

_CHECK = (
    "CREATE TEMPORARY TABLE stairway_guard (found TEXT CONSTRAINT {name} CHECK (found = {expected}));",
    "INSERT INTO stairway_guard SELECT coalesce(group_concat(version_num, ', '), {none}) "
    "FROM (SELECT version_num FROM {table} ORDER BY version_num);",
    "DROP TABLE temp.stairway_guard;",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteGuarding:
    """The guard on SQLite."""

    version_table: str
    """As SQL writes it."""
    language: Language = ENGLISH
    """In which it speaks."""

    @property
    def limits(self) -> Mapping[str, str]:
        """See `Guarding`: there are none."""
        return {}

    def is_atomic(self, script: Script) -> bool:  # noqa: ARG002 - whatever Alembic begins
        """See `Guarding`."""
        return True

    def fit(self, script: Script) -> SqliteGuarding:  # noqa: ARG002 - whatever it is
        """See `Guarding`."""
        return self

    def top(self) -> Iterator[Piece]:
        """See `Guarding`."""
        yield Piece(f"{comment(say(_SHELL, self.language))}\n.bail on", Kind.CLIENT)
        yield Piece("BEGIN IMMEDIATE;", Kind.GUARD)

    def bottom(self) -> Iterator[Piece]:
        """See `Guarding`."""
        yield Piece("COMMIT;", Kind.GUARD)

    def enter(self, expected: frozenset[str], *, creates: bool) -> Iterator[Piece]:
        """See `Guarding`."""
        if creates:  # a downgrade to base leaves it empty; there is no asking whether it is there
            yield Piece(f"CREATE TABLE IF NOT EXISTS {self.version_table} (version_num VARCHAR(32));", Kind.GUARD)
        held = self._told(expected)
        yield from self._check(held, phrase("stairway: refused, because this script starts at %(start)s", start=held))
        if creates:
            yield Piece(f"DROP TABLE {self.version_table};", Kind.GUARD)

    def alone(self, pieces: Iterator[Piece], mark: str) -> Iterator[Piece]:  # noqa: ARG002 - it is fit already
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
        held = self._told(expected)
        yield from self._check(held, phrase("stairway: the version table should hold %(expected)s now", expected=held))

    def outside(self, commit: Piece, mark: str) -> Iterator[Piece]:  # noqa: ARG002 - the guard is not of transactions
        """See `Guarding`."""
        yield commit

    def built(self, statement: str) -> Iterator[Piece]:  # noqa: ARG002 - nothing is left half-built here
        """See `Guarding`."""
        return iter(())

    def _check(self, held: str, says: str) -> Iterator[Piece]:
        name = '"' + say(says, self.language).replace('"', '""') + '"'
        none = _literal(say(_NONE, self.language))
        for statement in _CHECK:
            text = statement.format(name=name, expected=_literal(held), none=none, table=self.version_table)
            yield Piece(text, Kind.GUARD)

    def _told(self, revisions: frozenset[str]) -> str:
        return ", ".join(sorted(revisions)) or say(_NONE, self.language)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
