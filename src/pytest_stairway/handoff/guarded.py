"""Puts a guard around what Alembic wrote: where it starts, that each version update did its work, where it ends.

Alembic's own script does none of that.  Started from the wrong revision it changes what it can, its last ``UPDATE`` of
the version table hits no row, and it commits.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from pytest_stairway.handoff.pieces import Kind, Piece
from pytest_stairway.handoff.traits import ends_transaction
from pytest_stairway.offline.rendering import Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_stairway.handoff.pieces import Guarding
    from pytest_stairway.offline.rendering import Script, Statement

__all__ = ["guarded", "guarded_steps"]

_HITS = re.compile(r"\s*(?:INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
"""What must hit one row of the version table; what makes or drops it hits none."""


def guarded(script: Script, guarding: Guarding, *, title: Sequence[str]) -> tuple[Piece, ...]:
    """Put the guard around a script.

    Args:
        script: what Alembic wrote.
        guarding: what the database allows.
        title: the file's first lines.
    """
    fitting = guarding.fit(script)
    return (_title(title), *fitting.top(), *_Guarded(script, fitting).pieces(), *fitting.bottom())


def guarded_steps(
    script: Script, guarding: Guarding, *, titles: Sequence[Sequence[str]]
) -> tuple[tuple[Piece, ...], ...]:
    """Put the guard around each step of a script, each a file of its own.

    Args:
        script: what Alembic wrote, with no transaction around several steps.
        guarding: what the database allows.
        titles: each file's first lines.
    """
    files = (guarded(part, guarding, title=title) for part, title in zip(script.parts(), titles, strict=True))
    return tuple(
        tuple(piece if piece.step is None else replace(piece, step=place) for piece in pieces)
        for place, pieces in enumerate(files)
    )


def _title(lines: Sequence[str]) -> Piece:
    return Piece("\n".join(f"-- {line}".rstrip() for line in lines), Kind.COMMENT)


class _Guarded:
    """Goes through a script, and notes on the way what the version table must hold."""

    def __init__(self, script: Script, guarding: Guarding) -> None:
        self._statements = script.statements
        self._heads = script.heads
        self._guarding = guarding
        self._expected = script.start
        self._exists = bool(script.start)
        self._last = {each.step: place for place, each in enumerate(script.statements) if each.part is Part.VERSION}
        self._entered = script.transactional_ddl
        """Whether the guard stands before the first step; where there are transactions, it stands in each of them."""
        self._inside = False
        """Whether a transaction is open."""
        self._marks = 0

    def pieces(self) -> Iterator[Piece]:
        for place, each in enumerate(self._statements):
            for piece in chain(self._before(each), self._with(place, each), self._after(place, each)):
                yield replace(piece, step=each.step)

    def _before(self, statement: Statement) -> Iterator[Piece]:
        if not self._entered and statement.step is not None:
            self._entered = True
            yield from self._alone(self._enter())

    def _with(self, place: int, statement: Statement) -> Iterator[Piece]:
        piece = Piece(statement.text, Kind.COMMENT if statement.part is Part.COMMENT else Kind.STATEMENT)
        if self._goes_on_outside(place):
            yield from self._guarding.outside(piece, self._mark())
        else:
            yield from self._guarding.statement(piece)

    def _after(self, place: int, statement: Statement) -> Iterator[Piece]:
        if statement.part is Part.BEGIN:
            self._inside = True
            yield from self._enter()
        elif statement.part is Part.VERSION:
            self._exists = True
            yield from self._check(place, statement)
        elif _ends(statement):
            self._inside = False
        elif statement.part is Part.MIGRATION and not self._inside:
            built = tuple(self._guarding.built(statement.text))
            yield from self._alone(iter(built)) if built else ()

    def _enter(self) -> Iterator[Piece]:
        return self._guarding.enter(self._expected, creates=not self._exists)

    def _check(self, place: int, statement: Statement) -> Iterator[Piece]:
        if place == self._last[statement.step] and statement.step is not None:
            self._expected = self._heads.get(statement.step, self._expected)
            check = self._guarding.check(self._expected)
            yield from check if self._inside else self._alone(check)
        elif _HITS.match(statement.text):
            yield from self._guarding.hit()

    def _alone(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        return self._guarding.alone(pieces, self._mark())

    def _mark(self) -> str:
        self._marks += 1
        return str(self._marks)

    def _goes_on_outside(self, place: int) -> bool:
        """Tell whether a statement commits, and the step goes on outside of transactions: an ``autocommit_block``."""
        statement, *following = self._statements[place : place + 2]
        return _ends(statement) and any(
            each.step == statement.step and each.part is not Part.BEGIN for each in following
        )


def _ends(statement: Statement) -> bool:
    """Tell whether a statement ends a transaction: Alembic's own, or one of the migration's."""
    if statement.part is Part.MIGRATION:
        return ends_transaction(statement.text)
    return statement.part is Part.COMMIT
