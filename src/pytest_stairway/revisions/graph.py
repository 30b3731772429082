"""What can be said of a graph of revisions without Alembic: its order, what hangs on what, and its loops."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["find_loops", "invert", "reach", "topological_order"]


def invert(needs: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Turn "what each needs" into "what needs each", in the order in which the revisions are given."""
    dependents: dict[str, list[str]] = {revision: [] for revision in needs}
    for revision, needed in needs.items():
        for each in dict.fromkeys(needed):
            dependents[each].append(revision)
    return {revision: tuple(others) for revision, others in dependents.items()}


def reach(starts: Iterable[str], edges: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Collect `starts` and all that can be reached from them."""
    seen = set(starts)
    pending = list(seen)
    while pending:
        for other in edges[pending.pop()]:
            if other not in seen:
                seen.add(other)
                pending.append(other)
    return frozenset(seen)


def topological_order(down: Mapping[str, Sequence[str]], needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Put revisions in an order in which each stands after all that it needs, and a branch stays together.

    The newest revision that became possible goes next, and among those the ones that continue its branch; so a branch
    is only left where it ends, merges, or waits for another one.

    Args:
        down: each revision's ``down_revision``; the order of the keys decides where nothing else does.
        needs: the same with ``depends_on`` added.  What is on a loop, or needs what is, is left out.
    """
    dependents = invert(needs)
    waiting_for = {revision: len(set(needed)) for revision, needed in needs.items()}
    ready = [revision for revision in reversed(list(needs)) if not waiting_for[revision]]
    order: list[str] = []
    while ready:
        revision = ready.pop()
        order.append(revision)
        freed = []
        for dependent in dependents[revision]:
            waiting_for[dependent] -= 1
            if not waiting_for[dependent]:
                freed.append(dependent)
        freed.reverse()
        freed.sort(key=lambda each: revision in down[each])  # what is popped first stands last
        ready += freed
    return order


def find_loops(needs: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Find a shortest loop in each knot of revisions that need each other.

    Returns:
        Per knot its revisions, each needing the next and the last needing the first.
    """
    dependents = invert(needs)
    told = set(topological_order(needs, needs))  # what is on a loop, or needs what is, never becomes possible
    loops: list[list[str]] = []
    for revision in needs:
        if revision not in told and (loop := _shortest_loop(revision, needs)):
            loops.append(loop)
            told |= reach([revision], needs) & reach([revision], dependents)
    return loops


def _shortest_loop(start: str, needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Find the shortest way from a revision back to itself; empty where there is none."""
    came_from: dict[str, str] = {}
    pending = deque([start])
    while pending:
        revision = pending.popleft()
        for needed in needs[revision]:
            if needed == start:
                return _trail(revision, start, came_from)
            if needed not in came_from:
                came_from[needed] = revision
                pending.append(needed)
    return []


def _trail(end: str, start: str, came_from: Mapping[str, str]) -> list[str]:
    trail = [end]
    while trail[-1] != start:
        trail.append(came_from[trail[-1]])
    return trail[::-1]
