"""The graph functions, over random graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from pytest_stairway.revisions.graph import find_loops, invert, reach, topological_order

if TYPE_CHECKING:
    from collections.abc import Sequence

Graph = dict[str, tuple[str, ...]]


def some(names: Sequence[str]) -> st.SearchStrategy[list[str]]:
    """Draw none, one or two of them."""
    return st.lists(st.sampled_from(names), max_size=2, unique=True) if names else st.just([])


@st.composite
def histories(draw: st.DrawFn, *, dependencies: bool = True) -> tuple[Graph, Graph]:
    """Draw the parents, and all that is needed, of revisions whose names say nothing of their order."""
    names = draw(st.permutations([f"r{number:02}" for number in range(draw(st.integers(1, 14)))]))
    down: Graph = {}
    needs: Graph = {}
    for index, name in enumerate(names):
        down[name] = tuple(draw(some(names[:index])))
        depends_on = draw(some(names[:index])) if dependencies else []
        needs[name] = (*down[name], *depends_on)
    written = draw(st.permutations(names))
    return {name: down[name] for name in written}, {name: needs[name] for name in written}


@given(histories())
def test_everything_stands_once_and_after_what_it_needs(history: tuple[Graph, Graph]) -> None:
    down, needs = history
    order = topological_order(down, needs)
    assert sorted(order) == sorted(needs)
    position = {name: index for index, name in enumerate(order)}
    assert all(position[needed] < position[name] for name in needs for needed in needs[name])


@given(histories())
def test_the_order_is_the_same_every_time(history: tuple[Graph, Graph]) -> None:
    down, needs = history
    assert topological_order(down, needs) == topological_order(dict(down), dict(needs))


@given(histories(dependencies=False))
def test_a_branch_stays_together(history: tuple[Graph, Graph]) -> None:
    """An only child that needs nothing but its parent follows it at once."""
    down, _ = history
    order = topological_order(down, down)
    children = invert(down)
    for name in order:
        if len(down[name]) == 1 and len(children[down[name][0]]) == 1:
            assert order[order.index(name) - 1] == down[name][0]


def test_a_branch_goes_on_before_the_one_that_waited_for_it() -> None:
    down = {"a1": (), "a2": ("a1",), "b1": (), "b2": ("b1",), "b3": ("b2",)}
    needs = {**down, "a2": ("a1", "b2")}
    assert topological_order(down, needs) == ["a1", "b1", "b2", "b3", "a2"]


def test_sides_of_a_diamond_are_not_mixed() -> None:
    down = {"base": (), "a1": ("base",), "b1": ("base",), "a2": ("a1",), "b2": ("b1",), "merge": ("b2", "a2")}
    assert topological_order(down, down) == ["base", "a1", "a2", "b1", "b2", "merge"]


@given(histories())
def test_what_is_reached_is_the_closure(history: tuple[Graph, Graph]) -> None:
    _, needs = history
    dependents = invert(needs)
    for name in needs:
        assert reach([name], needs) == {name}.union(*(reach([needed], needs) for needed in needs[name]))
        assert all(name in reach([needed], dependents) for needed in reach([name], needs))


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Draw any graph, with loops or without."""
    names = [f"r{number}" for number in range(draw(st.integers(1, 7)))]
    return {name: tuple(draw(some(names))) for name in names}


@given(graphs())
def test_each_knot_has_one_loop_told(needs: Graph) -> None:
    reached = {name: reach(needs[name], needs) for name in needs}
    knots = {frozenset(other for other in reached[name] if name in reached[other]) for name in needs} - {frozenset()}
    loops = find_loops(needs)
    assert sorted(map(sorted, knots)) == sorted(sorted(next(k for k in knots if loop[0] in k)) for loop in loops)
    for loop in loops:
        assert len(set(loop)) == len(loop)
        assert all(following in needs[each] for each, following in zip(loop, [*loop[1:], loop[0]], strict=True))


@given(graphs())
def test_there_is_an_order_where_there_is_no_loop(needs: Graph) -> None:
    assert (len(topological_order(needs, needs)) == len(needs)) == (not find_loops(needs))
