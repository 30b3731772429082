"""A history is cut so that nothing is lost, nothing is walked twice, and everybody has about as much to do."""

from __future__ import annotations

import pytest

from pytest_stairway.pieces import UPGRADE_COST, cut

HISTORY = [f"r{number}" for number in range(300)]


@pytest.mark.parametrize("number", [1, 2, 3, 4, 7, 16, 300, 301])
@pytest.mark.parametrize("length", [0, 1, 2, 5, 300])
@pytest.mark.parametrize("ways", [0, 2])
def test_the_pieces_make_up_the_whole(number: int, length: int, ways: int) -> None:
    pieces = cut(HISTORY[:length], number, ways=ways)
    assert len(pieces) == number
    assert [name for piece in pieces for name in piece] == HISTORY[:length]


@pytest.mark.parametrize("number", [2, 3, 4])
@pytest.mark.parametrize("ways", [0, 2])
def test_all_take_about_the_same_time(number: int, ways: int) -> None:
    pieces = cut(HISTORY, number, ways=ways)
    below = [sum(map(len, pieces[:place])) for place in range(number)]
    costs = [len(piece) + UPGRADE_COST * start for piece, start in zip(pieces, below, strict=True)]
    costs[-1] += ways * UPGRADE_COST / 2 * len(HISTORY)
    assert max(costs) - min(costs) <= 2


@pytest.mark.parametrize("length", [1, 2, 3])
def test_each_revision_goes_somewhere_where_there_are_few(length: int) -> None:
    assert [len(piece) for piece in cut(HISTORY[:length], 4, ways=2)] == [1] * length + [0] * (4 - length)
