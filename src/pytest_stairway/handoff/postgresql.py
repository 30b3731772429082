"""The guard on PostgreSQL: plain SQL that any client runs, and two lines for psql.

A transaction that has failed takes everything in it back, whatever the client sends on.  What stands outside of
transactions has no such shelter: a client that goes on after errors would run it after a refusal.  So each transaction
before it notes that it was committed, and where that note is missing the session is made read-only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_stairway.handoff.pieces import Kind, Piece, comment
from pytest_stairway.handoff.traits import built_concurrently, ends_transactions
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

_SHUT = """
DO $stairway$
DECLARE
    passed text := coalesce(current_setting('stairway.passed', true), '');
BEGIN
    IF passed = '' THEN
        RAISE EXCEPTION {moved}
            USING HINT = {moved_hint};
    ELSIF passed <> {mark} THEN
        PERFORM set_config('default_transaction_read_only', 'on', false);
        RAISE WARNING {shut};
    END IF;
END
$stairway$;"""

_CHECK_INDEX = """
DO $stairway$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE indrelid = to_regclass({table}) AND relname = (parse_ident({index}))[1]::name AND indisvalid
    ) THEN
        RAISE EXCEPTION {message}, {index}, {table}
            USING HINT = {hint};
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
_MOVED = phrase("stairway: stopped, because the file did not begin in this session")
_MOVED_HINT = phrase("Connect to the server itself: a pooler may run each transaction in another session")
_SHUT_SAYS = phrase("stairway: what stands above has failed, so what stands below can only read")
_INVALID = phrase("stairway: the index %(index)s on %(table)s should be valid now, and is not", index="%", table="%")
_INVALID_HINT = phrase("Drop the index, and go on from the statement that builds it")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlGuarding:
    """The guard on PostgreSQL."""

    version_table: str
    """As SQL writes it: quoted where it needs to be, with its schema where it has one."""
    lock_timeout: str = "5s"
    statement_timeout: str = "15min"
    language: Language = ENGLISH
    """In which it speaks."""
    atomic: bool = True
    """Whether all of a file is one transaction."""

    @property
    def limits(self) -> Mapping[str, str]:
        """See `Guarding`."""
        return {"lock_timeout": self.lock_timeout, "statement_timeout": self.statement_timeout}

    def is_atomic(self, script: Script) -> bool:
        """See `Guarding`."""
        return script.is_atomic and not ends_transactions(script)

    def fit(self, script: Script) -> PostgresqlGuarding:
        """See `Guarding`."""
        return replace(self, atomic=self.is_atomic(script))

    def top(self) -> Iterator[Piece]:
        """See `Guarding`."""
        yield Piece(comment(say(_FOR_PSQL, self.language)) + _PSQL, Kind.CLIENT)
        if not self.atomic:
            yield self._note("nothing yet")

    def bottom(self) -> Iterator[Piece]:
        """See `Guarding`."""
        for name in () if self.atomic else ("stairway.passed", "default_transaction_read_only", *self.limits):
            yield Piece(f"RESET {name};", Kind.GUARD)

    def enter(self, expected: frozenset[str], *, creates: bool) -> Iterator[Piece]:
        """See `Guarding`."""
        set_ = "SET LOCAL" if self.atomic else "SET"  # which holds after the transaction, too
        for name, value in self.limits.items():
            yield Piece(f"{set_} {name} = {_literal(value)};", Kind.GUARD)
        if not creates:  # else there is nothing to lock yet
            yield Piece(f"LOCK TABLE {self.version_table} IN SHARE ROW EXCLUSIVE MODE;", Kind.GUARD)
        yield self._check(expected, _REFUSED, _REFUSED_HINT, template=_CHECK_EMPTY if creates else _CHECK)

    def alone(self, pieces: Iterator[Piece], mark: str) -> Iterator[Piece]:
        """See `Guarding`: a lock wants a transaction, and so does what decides whether to go on."""
        yield Piece("BEGIN;", Kind.GUARD)
        yield from pieces
        yield self._note(mark)
        yield Piece("COMMIT;", Kind.GUARD)
        yield self._shut(mark)

    def statement(self, piece: Piece) -> Iterator[Piece]:
        """See `Guarding`."""
        yield piece

    def hit(self) -> Iterator[Piece]:
        """See `Guarding`."""
        return iter(())

    def check(self, expected: frozenset[str]) -> Iterator[Piece]:
        """See `Guarding`."""
        yield self._check(expected, _LOST, _LOST_HINT)

    def outside(self, commit: Piece, mark: str) -> Iterator[Piece]:
        """See `Guarding`."""
        yield self._note(mark)
        yield commit
        yield Piece(comment(say(_OUTSIDE, self.language)), Kind.COMMENT)
        yield self._shut(mark)

    def built(self, statement: str) -> Iterator[Piece]:
        """See `Guarding`: an index that could not be built stays behind, and counts as there."""
        named = built_concurrently(statement)
        if named is not None:
            index, table = named
            yield self._do(_CHECK_INDEX, index=index, table=table, message=_INVALID, hint=_INVALID_HINT)

    def _note(self, mark: str) -> Piece:
        """Note that a transaction was committed: the last statement in it, so that it is taken back with it."""
        return Piece(f"SET stairway.passed = {_literal(mark)};", Kind.GUARD)

    def _shut(self, mark: str) -> Piece:
        """Make the session read-only unless that was noted; no error, which would take this back as well."""
        return self._do(_SHUT, mark=mark, moved=_MOVED, moved_hint=_MOVED_HINT, shut=_SHUT_SAYS)

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

    def _do(self, template: str, **texts: str) -> Piece:
        """Write a block with texts in it."""
        said = {name: _literal(say(text, self.language)) for name, text in texts.items()}
        return Piece(template.strip().format(**said), Kind.GUARD)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
