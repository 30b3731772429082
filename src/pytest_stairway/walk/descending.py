"""Takes revisions down from the heads, around those that stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_stairway.revisions import History

__all__ = ["take_down"]


def take_down(revisions: Iterable[str], history: History, leave: Callable[[str], bool]) -> tuple[str, ...]:
    """Take revisions down, but for those on which one stands that stays.

    Args:
        revisions: from the newest down.
        history: all of them.
        leave: takes one down; tells whether that went well.

    Returns:
        Those that stay of themselves: they could not be left.
    """
    barriers: dict[str, None] = {}
    for revision in revisions:
        if not any(revision in history.ancestors(barrier) for barrier in barriers) and not leave(revision):
            barriers[revision] = None
    return tuple(barriers)
