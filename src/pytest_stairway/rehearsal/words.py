"""How numbers, statements and probabilities are written for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.phrases import figure, joined, phrase

if TYPE_CHECKING:
    from pytest_stairway.phrases import Figure, Phrase
    from pytest_stairway.rehearsal.model import Estimate

__all__ = ["milestones", "number", "percent", "quoted", "seconds_of"]

STATEMENT_LENGTH = 120
MILESTONES = (100, 1_000, 5_000, 10_000, 50_000, 100_000, 1_000_000, 10_000_000)
RARE, CERTAIN = 0.01, 0.995


def number(value: float) -> Figure:
    """Write a whole number with its thousands apart."""
    return figure(value, ",.0f")


def seconds_of(value: float) -> Phrase:
    """Write a duration."""
    if value >= 0.1:  # noqa: PLR2004 - below, milliseconds say more
        return phrase("%(number)s s", number=figure(value, ".2f"))
    return phrase("%(number)s ms", number=figure(value * 1000, ".0f"))


def percent(share: float) -> Phrase:
    """Write a probability."""
    if share >= CERTAIN:
        return phrase("every try") if share >= 1.0 - 1e-9 else phrase("over 99 %")
    form = ".1f" if share < 0.1 else ".0f"  # noqa: PLR2004 - two figures each
    return phrase("%(share)s %%", share=figure(share * 100, form))


def quoted(sql: str) -> str:
    """Quote a statement, cut where it is long."""
    return f"`{sql}`" if len(sql) <= STATEMENT_LENGTH else f"`{sql[: STATEMENT_LENGTH - 1]}…`"


def milestones(estimate: Estimate) -> Phrase:
    """Tell at how many rows how many tries fail."""
    if estimate.constraint:
        where = phrase("under %(constraint)s", constraint=estimate.constraint)
    else:
        where = phrase("in %(columns)s", columns=", ".join(estimate.columns))
    if not estimate.by_lot:
        return phrase(
            "%(where)s the same %(duplicates)s of %(drawn)s values collide in every try",
            where=where,
            duplicates=number(estimate.duplicates),
            drawn=number(estimate.drawn),
        )
    return phrase(
        "%(values)s: %(where)s rows collide in %(tries)s", values=_values(estimate), where=where, tries=_tries(estimate)
    )


def _values(estimate: Estimate) -> Phrase:
    """Tell of how many values there are."""
    if estimate.description:
        return phrase("%(what)s (%(number)s)", what=estimate.description, number=number(estimate.values))
    about = figure(float(f"{estimate.values:.2g}"), ",.0f")
    return phrase("the values are drawn from about %(number)s", number=about)


def _tries(estimate: Estimate) -> Phrase:
    shares = [(rows, estimate.probability(rows)) for rows in MILESTONES]
    told = [(rows, share) for rows, share in shares if RARE <= share < CERTAIN]
    told += [(rows, share) for rows, share in shares if share >= CERTAIN][:1]
    tries = [phrase("%(share)s at %(rows)s rows", share=percent(share), rows=number(rows)) for rows, share in told]
    if told and told[0][1] < CERTAIN:
        rows, share = told[0]
        tries[0] = phrase("%(share)s of tries at %(rows)s rows", share=percent(share), rows=number(rows))
    return joined(tries)
