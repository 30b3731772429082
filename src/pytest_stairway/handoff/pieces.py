"""What a file for a DBA consists of: pieces, so that nobody has to split a text into statements again."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_stairway.offline.rendering import Script

__all__ = ["Guarding", "Kind", "Piece", "as_text", "comment"]

_WIDTH = 120


class Kind(str, Enum):
    """Who reads a piece, and whose it is."""

    COMMENT = "comment"
    CLIENT = "client"
    """A line for one client program alone; every other one must be given the file without it."""
    GUARD = "guard"
    """A statement of ours."""
    STATEMENT = "statement"
    """As Alembic rendered it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One comment, one client's line, or one statement with its terminator."""

    text: str
    kind: Kind
    step: int | None = None
    """The place of the script's step that it belongs to; None for what stands around all of them."""

    @property
    def is_sql(self) -> bool:
        """Whether a server reads it."""
        return self.kind in (Kind.GUARD, Kind.STATEMENT)


class Guarding(Protocol):
    """What a database allows for a guard around Alembic's statements."""

    @property
    def limits(self) -> Mapping[str, str]:
        """The session's time limits that a file sets: names and values."""

    def is_atomic(self, script: Script) -> bool:
        """Tell whether a script in its guard happens as a whole or not at all."""

    def fit(self, script: Script) -> Guarding:
        """Give the guard that a script needs."""

    def top(self) -> Iterator[Piece]:
        """Give what stands at the head of a file."""

    def bottom(self) -> Iterator[Piece]:
        """Give what stands at its end."""

    def enter(self, expected: frozenset[str], *, creates: bool) -> Iterator[Piece]:
        """Refuse to go on unless the version table holds exactly this; right after a transaction began.

        Args:
            expected: what it must hold.
            creates: the next statements make the version table.
        """

    def alone(self, pieces: Iterator[Piece], mark: str) -> Iterator[Piece]:
        """Give what another one of these gave, made fit for where no transaction is open.

        Args:
            pieces: what it gave.
            mark: as of `outside`.
        """

    def statement(self, piece: Piece) -> Iterator[Piece]:
        """Give a statement of Alembic's with the lines that its client needs around it."""

    def hit(self) -> Iterator[Piece]:
        """Refuse to go on unless a version update has hit one row; right after each but a step's last one."""

    def check(self, expected: frozenset[str]) -> Iterator[Piece]:
        """Refuse to go on unless a step has brought the version table exactly here; right after its version update."""

    def outside(self, commit: Piece, mark: str) -> Iterator[Piece]:
        """Let what follows outside of any transaction change nothing, unless the one before it was committed.

        Args:
            commit: the statement that commits it.
            mark: which one it is, in its file.
        """

    def built(self, statement: str) -> Iterator[Piece]:
        """Refuse to go on unless a statement outside of any transaction has left what it should; right after it."""


def as_text(pieces: Iterable[Piece]) -> str:
    """Write pieces as a file."""
    return "\n\n".join(piece.text for piece in pieces) + "\n"


def comment(text: str) -> str:
    """Write a text as SQL's comment."""
    return "\n".join(textwrap.wrap(text, _WIDTH, initial_indent="-- ", subsequent_indent="-- "))
