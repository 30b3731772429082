"""What lies between two revisions: the steps up, as Alembic would take them, and the same steps back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.exceptions import UsageError
from pytest_stairway.offline.rendering import Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_stairway.revisions import History

__all__ = ["Span", "span_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What one release runs."""

    start: frozenset[str]
    """What the version table holds before."""
    end: frozenset[str]
    """What it holds after."""
    up: tuple[Step, ...]
    down: tuple[Step, ...]

    @property
    def revisions(self) -> tuple[str, ...]:
        """The revisions, in the order in which they are applied."""
        return tuple(step.revision for step in self.up)


def span_of(history: History, written: str) -> Span:
    """Resolve a range, as `History.select` does.

    Raises:
        UsageError: it is no range of this history, or nothing lies in it.
    """
    chosen = {revision.revision for revision in history.select(written)}
    if not chosen:
        raise UsageError(f"there is nothing to hand over: no revision lies in {written}")
    below = frozenset().union(*(history.ancestors(name) for name in chosen)) - chosen
    start, end = _heads(history, below), _heads(history, below | chosen)
    iterate = history.script.iterate_revisions
    up = [each.revision for each in iterate(tuple(end), tuple(start), implicit_base=True)][::-1]
    if set(up) != chosen:  # branches, of which Alembic would take other ones along
        up = [each.revision for each in history.revisions if each.revision in chosen]
    return Span(
        start=start,
        end=end,
        up=tuple(Step(name) for name in up),
        down=tuple(Step(name, upgrade=False) for name in reversed(up)),
    )


def _heads(history: History, revisions: Iterable[str]) -> frozenset[str]:
    """Give those that no other one needs: what the version table holds when they are all applied."""
    applied = frozenset(revisions)
    needed = frozenset().union(*(history.ancestors(name) for name in applied))
    return applied - needed
