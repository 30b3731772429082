"""Tracebacks as their user wants to read them: the frames of files that the user wrote, and no others."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from pytest_stairway.contacts import without_password
from pytest_stairway.paths import is_library, is_ours, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["own_frames", "told_frames"]


def own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Leave of a traceback the frames that the user wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame for frame in frames if not is_library(frame.filename) and not is_ours(frame.filename)]


def told_frames(frames: Iterable[traceback.FrameSummary]) -> str:
    """Write frames with their lines, without passwords."""
    return "\n".join(
        f"{shown(frame.filename)}:{frame.lineno}: in {frame.name}\n    {without_password(frame.line or '')}"
        for frame in frames
    )
