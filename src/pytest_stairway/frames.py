"""Tracebacks as their user wants to read them: the frames of files that the user wrote, and no others."""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import TYPE_CHECKING

from pytest_stairway.contacts import without_password
from pytest_stairway.exceptions import chain_of
from pytest_stairway.paths import is_library, is_ours, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["own_frames", "own_traceback", "strip_tracebacks", "told_frames"]


def own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Leave of a traceback the frames that the user wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame for frame in frames if not is_library(frame.filename) and not is_ours(frame.filename)]


def own_traceback(error: BaseException | None) -> TracebackType | None:
    """Leave of an error's traceback what the user wrote, so that a debugger stops where the migration failed."""
    entries = []
    entry = error.__traceback__ if error is not None else None
    while entry is not None:
        filename = entry.tb_frame.f_code.co_filename
        entries += [] if is_library(filename) or is_ours(filename) else [entry]
        entry = entry.tb_next
    place: TracebackType | None = None
    for each in reversed(entries):
        place = TracebackType(place, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return place


def strip_tracebacks(error: BaseException) -> None:
    """Leave of an error's traceback, and of those that led to it, what the user wrote."""
    for each in chain_of(error):
        each.__traceback__ = own_traceback(each)


def told_frames(frames: Iterable[traceback.FrameSummary]) -> str:
    """Write frames with their lines, without passwords."""
    return "\n".join(
        f"{shown(frame.filename)}:{frame.lineno}: in {frame.name}\n    {without_password(frame.line or '')}"
        for frame in frames
    )
