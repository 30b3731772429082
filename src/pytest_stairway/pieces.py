"""Cuts a history into pieces for several processes, or machines, to walk at once.

A piece is contiguous: whoever walks it goes once up to where it begins, and from there one revision after the other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from pytest_stairway.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cut", "read_shard"]

T = TypeVar("T")

UPGRADE_COST = 0.2
"""What it costs to go past a revision, where a walk up, down and up again with a look at each step costs 1."""


def cut(revisions: Sequence[T], number: int, *, ways: int = 0) -> list[tuple[T, ...]]:
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


def read_shard(text: str, *, source: str) -> tuple[int, int]:
    """Read which of how many pieces somebody wants, both from 1.

    Raises:
        UsageError: that is not what was written.
    """
    found = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text)
    number, of = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= of:
        raise UsageError(f"{source} takes a piece and how many there are, as in 2/4, not {text!r}")
    return number, of
