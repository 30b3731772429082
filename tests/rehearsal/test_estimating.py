"""How often values that are drawn by lot collide is estimated, not guessed."""

from __future__ import annotations

import pytest

from pytest_stairway.rehearsal import Estimate
from pytest_stairway.rehearsal.words import milestones


def estimate(**told: object) -> Estimate:
    known = {
        "table": "author",
        "columns": ("ref_code",),
        "constraint": "uq_author_ref_code",
        "values": float(16**6),
        "description": "six hex characters are 16^6 values",
        "drawn": 100_000,
        "duplicates": 300,
    }
    return Estimate(**{**known, **told})


@pytest.mark.parametrize(("rows", "share"), [(1_000, 0.029), (5_000, 0.525), (10_000, 0.949), (12_431, 0.99)])
def test_the_birthday_formula_holds(rows: int, share: float) -> None:
    assert estimate().probability(rows) == pytest.approx(share, abs=0.001)


def test_the_estimate_is_told_at_several_numbers_of_rows() -> None:
    assert milestones(estimate()) == (
        "six hex characters are 16^6 values (16,777,216): under uq_author_ref_code rows collide in 2.9 % of tries at "
        "1,000 rows, 53 % at 5,000 rows, 95 % at 10,000 rows, every try at 50,000 rows"
    )


def test_values_that_are_the_same_in_every_try_are_no_matter_of_chance() -> None:
    certain = estimate(by_lot=False, duplicates=12)
    assert certain.probability(2) == 1.0
    assert "the same 12 of 100,000 values collide in every try" in milestones(certain)


def test_a_number_of_values_that_was_only_measured_is_told_as_such() -> None:
    assert milestones(estimate(description=None, values=1_234_567.0)).startswith(
        "the values are drawn from about 1,200,000: "
    )
