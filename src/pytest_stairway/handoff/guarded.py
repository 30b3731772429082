"""Puts a guard around what Alembic wrote: where it starts, that each version update did its work, where it ends.

Alembic's own script does none of that.  Started from the wrong revision it changes what it can, its last ``UPDATE`` of
the version table hits no row, and it commits.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_stairway.handoff.pieces import Kind, Piece
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
    return (_title(title), *guarding.top(), *_guarded(script, guarding, apart=False), *guarding.bottom())


def guarded_steps(
    script: Script, guarding: Guarding, *, titles: Sequence[Sequence[str]]
) -> tuple[tuple[Piece, ...], ...]:
    """Put the guard around each step of a script, each a file of its own.

    Args:
        script: what Alembic wrote, with no transaction around several steps.
        guarding: what the database allows.
        titles: each file's first lines.
    """
    whole = tuple(_guarded(script, guarding, apart=True))
    return tuple(
        (_title(title), *guarding.top(), *(piece for piece in whole if piece.step == place), *guarding.bottom())
        for place, title in enumerate(titles)
    )


def _title(lines: Sequence[str]) -> Piece:
    return Piece("\n".join(f"-- {line}".rstrip() for line in lines), Kind.COMMENT)


def _guarded(script: Script, guarding: Guarding, *, apart: bool) -> Iterator[Piece]:
    """Go through a script, and note on the way what the version table must hold.

    Args:
        script: what Alembic wrote.
        guarding: what the database allows.
        apart: each step begins by itself, also where no transaction does.
    """
    expected, exists, entered = script.start, bool(script.start), -1
    last = {each.step: place for place, each in enumerate(script.statements) if each.part is Part.VERSION}
    for place, statement in enumerate(script.statements):
        step = statement.step
        if not script.transactional_ddl and step is not None and step > entered and (apart or entered < 0):
            entered = step
            yield from _of(step, guarding.alone(guarding.enter(expected, creates=not exists)))
        yield from guarding.statement(_piece(statement))
        if statement.part is Part.BEGIN:
            yield from _of(step, guarding.enter(expected, creates=not exists))
        elif statement.part is Part.VERSION:
            exists = True
            if place == last[step] and step is not None:
                expected = script.heads.get(step, expected)
                yield from _of(step, guarding.check(expected))
            elif _HITS.match(statement.text):
                yield from _of(step, guarding.hit())
        elif statement.part is Part.COMMIT and _goes_on(script.statements, place):
            yield from _of(step, guarding.outside())


def _piece(statement: Statement) -> Piece:
    kind = Kind.COMMENT if statement.part is Part.COMMENT else Kind.STATEMENT
    return Piece(statement.text, kind, statement.step)


def _of(step: int | None, pieces: Iterator[Piece]) -> Iterator[Piece]:
    return (replace(piece, step=step) for piece in pieces)


def _goes_on(statements: Sequence[Statement], place: int) -> bool:
    """Tell whether a step goes on after its transaction was committed: an ``autocommit_block``."""
    following = statements[place + 1] if place + 1 < len(statements) else None
    return following is not None and following.step == statements[place].step and following.part is not Part.BEGIN
