"""Cuts a history into pieces for several processes, or machines, to walk at once.

A piece is contiguous: whoever walks it goes once up to where it begins, and from there one revision after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cut"]

UPGRADE_COST = 0.2
"""What it costs to go past a revision, where a walk up, down and up again with a look at each step costs 1."""


def cut(revisions: Sequence[str], number: int, *, ways: int = 0) -> list[tuple[str, ...]]:
    """Cut revisions into pieces that take about the same time.

    A later piece is shorter, for the way up to it is longer; the last one is shorter still where the history is gone
    through as a whole after it.

    Args:
        revisions: in the history's order.
        number: how many pieces; where there are too few revisions, the last ones are empty.
        ways: how often the whole history is gone through after the last piece, up or down.
    """
    shares = [(1 - UPGRADE_COST) ** place for place in range(number)]
    work = len(revisions) * (1 + ways * UPGRADE_COST / 2)
    ends = [min(round(sum(shares[: place + 1]) / sum(shares) * work), len(revisions)) for place in range(number)]
    ends = [max(end, min(place + 1, len(revisions))) for place, end in enumerate(ends)]
    starts = [0, *ends[:-1]]
    return [tuple(revisions[start:end]) for start, end in zip(starts, ends, strict=True)]
