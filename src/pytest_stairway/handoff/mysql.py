"""The guard on MariaDB and MySQL, which commit each statement by itself: it refuses, and cannot take anything back.

SQL that asks and raises stands in stored procedures only there.  A procedure needs a privilege of its own, stays behind
where the run stops, and has semicolons in it, at which clients cut.  So a session variable refuses: whoever sets it to
words that it does not take gets an error with these words in it.  The session is made read-only before, so that a
client that goes on after errors changes nothing either.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.handoff.pieces import Kind, Piece, comment
from pytest_stairway.mysql_clients import delimiter_for
from pytest_stairway.phrases import ENGLISH, phrase, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_stairway.offline.rendering import Script
    from pytest_stairway.phrases import Language

__all__ = ["MysqlGuarding"]

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400}
_YEAR = 31536000
"""The longest that a server waits for a lock."""
_READ_ONLY = {"mariadb": "tx_read_only", "mysql": "transaction_read_only"}
_LOCK = "CONCAT('stairway ', LEFT(SHA2(DATABASE(), 256), 32))"
"""User-level locks belong to the server, not to a database, and their names are short."""

_FOUND = """\
SET @stairway_found = CONVERT((
    SELECT COALESCE(GROUP_CONCAT(version_num ORDER BY CAST(version_num AS BINARY) SEPARATOR ', '), {none})
    FROM {table}) USING utf8mb4);"""
_ROWS = "SET @stairway_rows = ROW_COUNT();"
_EXPLAINED = phrase(
    "The guard goes on where its condition holds.  Where it does not, it makes the session read-only, and then sets "
    "completion_type to words that this variable does not take: they are in the error, and say why."
)
_CLIENT = phrase("The next line is for the client programs mariadb and mysql alone: leave it out with any other.")
_CLIENT_END = phrase(
    "The next two lines are for the client programs mariadb and mysql alone: leave them out with any other."
)
_NONE = phrase("no revision")
_BUSY = phrase("stairway: refused, because another run is under way here")
_MISSED = phrase(
    "stairway: the version update should have changed one row, and it changed %(rows)s", rows="@stairway_rows"
)
_VARIABLE = re.compile(r"(@stairway_\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqlGuarding:
    """The guard on MariaDB and MySQL."""

    version_table: str
    """As SQL writes it."""
    product: str = "mariadb"
    """``mariadb`` or ``mysql``: two variables have other names there."""
    lock_timeout: str = "5s"
    statement_timeout: str = "15min"
    language: Language = ENGLISH
    """In which it speaks."""

    @property
    def limits(self) -> Mapping[str, str]:
        """See `Guarding`."""
        wait = str(math.ceil(_seconds(self.lock_timeout)) or _YEAR)
        limit = _seconds(self.statement_timeout)
        if self.product == "mysql":
            statement = {"max_execution_time": str(math.ceil(limit * 1000))}
        else:
            statement = {"max_statement_time": f"{limit:.6f}".rstrip("0").rstrip(".")}
        return {"lock_wait_timeout": wait, "innodb_lock_wait_timeout": wait, **statement}

    def is_atomic(self, script: Script) -> bool:  # noqa: ARG002 - not even if env.py says so
        """See `Guarding`."""
        return False

    def fit(self, script: Script) -> MysqlGuarding:  # noqa: ARG002 - whatever it is
        """See `Guarding`."""
        return self

    def top(self) -> Iterator[Piece]:
        """See `Guarding`."""
        yield Piece(self._comment(_EXPLAINED), Kind.COMMENT)
        yield Piece("SET NAMES utf8mb4;", Kind.GUARD)
        limits = ", ".join(f"SESSION {name} = {value}" for name, value in self.limits.items())
        yield Piece(f"SET SESSION autocommit = 1, {limits};", Kind.GUARD)
        yield Piece(f"SET @stairway_alone = GET_LOCK({_LOCK}, 0);", Kind.GUARD)
        yield from self._require("@stairway_alone = 1", _BUSY)

    def bottom(self) -> Iterator[Piece]:
        """See `Guarding`."""
        yield Piece(f"DO RELEASE_LOCK({_LOCK});", Kind.GUARD)

    def enter(self, expected: frozenset[str], *, creates: bool) -> Iterator[Piece]:
        """See `Guarding`."""
        if creates:  # a downgrade to base may have left it empty, and there is no asking whether it is there
            yield Piece(f"CREATE TABLE IF NOT EXISTS {self.version_table} (version_num VARCHAR(32));", Kind.GUARD)
        yield self._find()
        refused = phrase(
            "stairway: refused, because this script starts at %(start)s and the database is at %(found)s",
            start=self._told(expected),
            found="@stairway_found",
        )
        yield from self._require(self._holds(expected), refused)
        if creates:
            yield Piece(f"DROP TABLE {self.version_table};", Kind.GUARD)

    def alone(self, pieces: Iterator[Piece], mark: str) -> Iterator[Piece]:  # noqa: ARG002 - it is fit already
        """See `Guarding`."""
        return pieces

    def statement(self, piece: Piece) -> Iterator[Piece]:
        """Keep the clients from cutting a trigger or a procedure at the semicolons inside it; see `Guarding`."""
        delimiter = delimiter_for(piece.text) if piece.is_sql else None
        if delimiter is None:
            yield piece
            return
        yield Piece(f"{self._comment(_CLIENT)}\nDELIMITER {delimiter}", Kind.CLIENT, piece.step)
        yield piece
        yield Piece(f"{self._comment(_CLIENT_END)}\n{delimiter}\nDELIMITER ;", Kind.CLIENT, piece.step)

    def hit(self) -> Iterator[Piece]:
        """See `Guarding`."""
        yield Piece(_ROWS, Kind.GUARD)
        yield from self._require("@stairway_rows = 1", _MISSED)

    def check(self, expected: frozenset[str]) -> Iterator[Piece]:
        """See `Guarding`."""
        yield Piece(_ROWS, Kind.GUARD)
        yield self._find()
        lost = phrase(
            "stairway: the version update should have changed one row and left %(expected)s, "
            "not %(rows)s and %(found)s",
            expected=self._told(expected),
            rows="@stairway_rows",
            found="@stairway_found",
        )
        yield from self._require(f"@stairway_rows = 1 AND {self._holds(expected)}", lost)

    def outside(self, commit: Piece, mark: str) -> Iterator[Piece]:  # noqa: ARG002 - the guard is not of transactions
        """See `Guarding`."""
        yield commit

    def built(self, statement: str) -> Iterator[Piece]:  # noqa: ARG002 - nothing is left half-built here
        """See `Guarding`."""
        return iter(())

    def _find(self) -> Piece:
        """Ask what the version table holds."""
        none = _literal(say(_NONE, self.language))
        return Piece(_FOUND.format(table=self.version_table, none=none), Kind.GUARD)

    def _holds(self, expected: frozenset[str]) -> str:
        return f"CAST(@stairway_found AS BINARY) = {_literal(self._told(expected))}"

    def _told(self, revisions: frozenset[str]) -> str:
        return ", ".join(sorted(revisions)) or say(_NONE, self.language)

    def _comment(self, text: str) -> str:
        return comment(say(text, self.language))

    def _require(self, condition: str, refusal: str) -> Iterator[Piece]:
        """Go on where a condition holds only; else the error says the refusal."""
        message = _expression(say(refusal, self.language))
        name = _READ_ONLY[self.product]
        yield Piece(f"SET SESSION {name} = IF({condition}, @@SESSION.{name}, 1);", Kind.GUARD)
        refusing = f"SET SESSION completion_type = IF({condition}, @@SESSION.completion_type,\n    {message});"
        yield Piece(refusing, Kind.GUARD)


def _seconds(duration: str) -> float:
    """Read a duration as PostgreSQL does: a number alone is of milliseconds."""
    number, unit = re.findall(r"\d+|[a-z]+", f"{duration} ms")[:2]  # a number alone is of milliseconds
    return int(number) * _SECONDS[unit]


def _expression(text: str) -> str:
    """Write a text in which variables of the guard stand."""
    parts = [each if _VARIABLE.match(each) else _literal(each) for each in _VARIABLE.split(text) if each]
    return parts[0] if len(parts) == 1 else f"CONCAT({', '.join(parts)})"


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
