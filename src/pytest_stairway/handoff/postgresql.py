"""The guard on PostgreSQL: plain SQL that any client runs, and two lines for psql."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.handoff.pieces import Kind, Piece, comment
from pytest_stairway.handoff.traits import ends_transactions
from pytest_stairway.phrases import ENGLISH, phrase, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_stairway.offline.rendering import Script
    from pytest_stairway.phrases import Language

__all__ = ["PostgresqlGuarding"]

_FOR_PSQL = phrase("The next two lines are for psql alone: leave them out with any other client.")
_PSQL = r"""
\set ON_ERROR_STOP on
\encoding UTF8"""

_CHECK = """
DO $stairway$
DECLARE
    found text;
BEGIN
    SELECT coalesce(string_agg(version_num::text, ', ' ORDER BY version_num::text COLLATE "C"), {none})
        INTO found FROM {table};
    IF found <> {expected} THEN
        RAISE EXCEPTION {message}, {expected}, found
            USING HINT = {hint};
    END IF;
END
$stairway$;"""

_CHECK_EMPTY = """
DO $stairway$
DECLARE
    found text;
BEGIN
    IF to_regclass({name}) IS NOT NULL THEN
        SELECT string_agg(version_num::text, ', ' ORDER BY version_num::text COLLATE "C") INTO found FROM {table};
        IF found IS NOT NULL THEN
            RAISE EXCEPTION {message}, {expected}, found
                USING HINT = {hint};
        END IF;
        DROP TABLE {table};  -- {left}
    END IF;
END
$stairway$;"""

_NONE = phrase("no revision")
_LEFT = phrase("a downgrade to base has left it empty, and it is made below")
_REFUSED = phrase(
    "stairway: refused, because this script starts at %(start)s and the database is at %(found)s", start="%", found="%"
)
_REFUSED_HINT = phrase("This transaction has changed nothing. Was it run before, or is it another database?")
_LOST = phrase("stairway: the version table should hold %(expected)s now, and holds %(found)s", expected="%", found="%")
_LOST_HINT = phrase(
    "This transaction has changed nothing. Something else has written to the version table, or hides its rows"
)
_OUTSIDE = phrase("From here to the next BEGIN no transaction is open: what has been done stays, whatever comes after.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlGuarding:
    """The guard on PostgreSQL."""

    version_table: str
    """As SQL writes it: quoted where it needs to be, with its schema where it has one."""
    lock_timeout: str = "5s"
    statement_timeout: str = "15min"
    language: Language = ENGLISH
    """In which it speaks."""

    @property
    def limits(self) -> Mapping[str, str]:
        """See `Guarding`."""
        return {"lock_timeout": self.lock_timeout, "statement_timeout": self.statement_timeout}

    def is_atomic(self, script: Script) -> bool:
        """See `Guarding`."""
        return script.is_atomic and not ends_transactions(script)

    def top(self) -> Iterator[Piece]:
        """See `Guarding`."""
        yield Piece(comment(say(_FOR_PSQL, self.language)) + _PSQL, Kind.CLIENT)

    def bottom(self) -> Iterator[Piece]:
        """See `Guarding`."""
        return iter(())

    def enter(self, expected: frozenset[str], *, creates: bool) -> Iterator[Piece]:
        """See `Guarding`."""
        for name, value in self.limits.items():
            yield Piece(f"SET LOCAL {name} = {_literal(value)};", Kind.GUARD)
        if not creates:  # else there is nothing to lock yet
            yield Piece(f"LOCK TABLE {self.version_table} IN SHARE ROW EXCLUSIVE MODE;", Kind.GUARD)
        yield self._check(expected, _REFUSED, _REFUSED_HINT, template=_CHECK_EMPTY if creates else _CHECK)

    def alone(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """See `Guarding`: a lock and local settings want a transaction."""
        yield Piece("BEGIN;", Kind.GUARD)
        yield from pieces
        yield Piece("COMMIT;", Kind.GUARD)
        yield from self.outside()

    def statement(self, piece: Piece) -> Iterator[Piece]:
        """See `Guarding`."""
        yield piece

    def hit(self) -> Iterator[Piece]:
        """See `Guarding`."""
        return iter(())

    def check(self, expected: frozenset[str]) -> Iterator[Piece]:
        """See `Guarding`."""
        yield self._check(expected, _LOST, _LOST_HINT)

    def outside(self) -> Iterator[Piece]:
        """See `Guarding`."""
        yield Piece(comment(say(_OUTSIDE, self.language)), Kind.COMMENT)
        for name, value in self.limits.items():
            yield Piece(f"SET {name} = {_literal(value)};", Kind.GUARD)

    def _check(self, expected: frozenset[str], message: str, hint: str, *, template: str = _CHECK) -> Piece:
        none = say(_NONE, self.language)
        text = template.format(
            table=self.version_table,
            name=_literal(self.version_table),
            none=_literal(none),
            left=say(_LEFT, self.language),
            expected=_literal(", ".join(sorted(expected)) or none),
            message=_literal(say(message, self.language)),
            hint=_literal(say(hint, self.language)),
        )
        return Piece(text.strip(), Kind.GUARD)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
