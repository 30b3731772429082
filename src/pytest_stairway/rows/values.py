"""What can stand in a column, before any rule but its type is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Values", "cycle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The values of one type, in the order in which they are worth trying."""

    nth: Callable[[int], str]
    """Typical ones: ascending where the type has an order, and distinct up to `size`."""
    size: int | None = None
    """How many distinct typical ones there are; None where there is no end."""
    edges: tuple[str, ...] = ()
    """Rare ones that are allowed all the same, which real data holds sooner or later."""
    varied: tuple[str, ...] = ()
    """Others, to try where a condition is not understood."""
    complete: bool = False
    """The typical ones are all that there are, and each is worth a row: an enum, a boolean."""


def cycle(values: Sequence[str], *, edges: tuple[str, ...] = (), varied: tuple[str, ...] = ()) -> Values:
    """Take a fixed list, over and over."""
    return Values(nth=lambda n: values[n % len(values)], size=len(values), edges=edges, varied=varied)
