"""The order in which tables get rows: those that others refer to first, and those that need each other together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["groups_in_order"]


def groups_in_order(edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Group what depends on each other in a circle, each group after all that it depends on.

    Tarjan's algorithm, without recursion: a chain of foreign keys can be long.

    Args:
        edges: for each node, those that it depends on; others than the keys are left out.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []
    for start in edges:
        if start in index:
            continue
        work = [(start, iter([to for to in edges[start] if to in edges]))]
        index[start] = low[start] = len(index)
        stack.append(start)
        while work:
            node, following = work[-1]
            to = next(following, None)
            if to is None:
                work.pop()
                _close(node, index, low, stack, groups)
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
            elif to not in index:
                index[to] = low[to] = len(index)
                stack.append(to)
                work.append((to, iter([further for further in edges[to] if further in edges])))
            elif to in stack:
                low[node] = min(low[node], index[to])
    return groups


def _close(node: str, index: dict[str, int], low: dict[str, int], stack: list[str], groups: list[list[str]]) -> None:
    """Take a finished group off the stack."""
    if low[node] != index[node]:
        return
    place = stack.index(node)
    groups.append(sorted(stack[place:]))
    del stack[place:]
