"""Tells what was raised in words.

A user never sees a traceback of ours where the fault is theirs: their own frames are shown, with the statement.
"""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING

from alembic.util import CommandError
from sqlalchemy.exc import StatementError

from pytest_stairway.contacts import without_password
from pytest_stairway.exceptions import chain_of
from pytest_stairway.frames import own_frames, told_frames
from pytest_stairway.paths import is_library, is_same_file

if TYPE_CHECKING:
    from pytest_stairway.revisions import Revision
    from pytest_stairway.walk.session import StepFailed

__all__ = [
    "is_irreversible",
    "line_in",
    "raises_itself",
    "statement_of",
    "story_of",
    "words_of",
]

MESSAGE_LENGTH = 500
STATEMENT_LENGTH = 1_000
VALUE_LENGTH = 200

ADDRESS = re.compile(r" object at 0x[0-9a-f]+")
"""What differs from run to run in a message."""
THROWAWAY = re.compile(r"`?\bstairway_[0-9a-f]{12}_\w+`?\.")
"""The name of a database of ours before a table's, which MariaDB always tells."""
BACKGROUND = re.compile(r" ?\(Background on this error at: \S+\)")
"""What SQLAlchemy appends."""


def words_of(error: BaseException) -> str:
    """Tell an error in one line: its type and what it says, without passwords."""
    if isinstance(error, StatementError) and error.orig is not None:
        error = _innermost(error.orig)
        lines = _lines(error)
        said = " ".join([*lines[:1], *(line for line in lines[1:] if line.startswith("DETAIL:"))])
    else:
        said = " ".join(_lines(error))
    said = _cut(without_password(THROWAWAY.sub("", BACKGROUND.sub("", ADDRESS.sub("", said)))), MESSAGE_LENGTH)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _lines(error: BaseException) -> list[str]:
    return [line.strip() for line in str(error).splitlines() if line.strip()]


def _innermost(error: BaseException) -> BaseException:
    """Find the driver's own error beneath the adapters that SQLAlchemy puts around async drivers."""
    cause = error.__cause__
    return cause if cause is not None and type(error).__module__.startswith("sqlalchemy.") else error


def _frames_of_migration(error: BaseException) -> list[traceback.FrameSummary]:
    """Leave of a migration's traceback what lies below the migration's own function, without `env.py` above it."""
    frames = own_frames(error)
    start = next((n for n, frame in enumerate(frames) if frame.name in {"upgrade", "downgrade"}), 0)
    return frames[start:]


def line_in(error: BaseException, path: str) -> int | None:
    """Find the innermost line of a file in an error's traceback."""
    if isinstance(error, SyntaxError) and error.filename and is_same_file(error.filename, path):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if is_same_file(frame.filename, path)]
    return lines[-1] if lines else None


def raises_itself(error: BaseException, path: str | None = None) -> bool:
    """Tell whether an error comes from a ``raise`` statement of the user's, not from anything that a library did.

    Args:
        error: what was raised.
        path: the file in which the statement must stand; None for any of the user's.
    """
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or not (frames[-1].line or "").startswith("raise"):
        return False
    file = frames[-1].filename
    return not is_library(file) if path is None else is_same_file(file, path)


def is_irreversible(failure: StepFailed, revision: Revision) -> bool:
    """Tell whether a downgrade said that it cannot, rather than failed.

    It did where the user's code raised NotImplementedError or Alembic's CommandError, or where the revision itself
    raised anything else by a ``raise`` of its own.
    """
    if failure.stage != "migration":
        return False
    said_so = isinstance(failure.error, (NotImplementedError, CommandError))
    return raises_itself(failure.error, None if said_so else revision.path)


def story_of(failure: StepFailed) -> str:
    """Tell where a migration was and what it ran, on several lines."""
    lines = [f"on {failure.database}"] if failure.database else []
    if failure.stage == "migration":
        lines += told_frames(_frames_of_migration(failure.error)).splitlines()
    statement = statement_of(failure.error)
    return "\n".join([*lines, statement] if statement else lines)


def statement_of(error: BaseException) -> str | None:
    """Tell what the database was asked for when it raised an error; None where it was not the database."""
    failed = _with_statement(error)
    if failed is None or not failed.statement:
        return None
    lines = [f"SQL: {_cut(' '.join(failed.statement.split()), STATEMENT_LENGTH)}"]
    if failed.params:
        lines.append(f"     with {_cut(repr(failed.params), VALUE_LENGTH)}")
    return "\n".join(lines)


def _with_statement(error: BaseException | None) -> StatementError | None:
    """Find SQLAlchemy's error, which knows the statement, also where an application unwraps it."""
    return next((each for each in chain_of(error) if isinstance(each, StatementError)), None)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}… ({len(text)} characters)"
