"""How numbers, statements and probabilities are written for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_stairway.rehearsal.model import Estimate

__all__ = ["milestones", "number", "percent", "quoted", "seconds_of"]

STATEMENT_LENGTH = 120
MILESTONES = (100, 1_000, 5_000, 10_000, 50_000, 100_000, 1_000_000, 10_000_000)
RARE, CERTAIN = 0.01, 0.995


def number(value: float) -> str:
    """Write a whole number with its thousands apart."""
    return f"{value:,.0f}"


def seconds_of(value: float) -> str:
    """Write a duration."""
    return f"{value:.2f} s" if value >= 0.1 else f"{value * 1000:.0f} ms"  # noqa: PLR2004 - below, milliseconds say more


def percent(share: float) -> str:
    """Write a probability."""
    if share >= CERTAIN:
        return "every try" if share >= 1.0 - 1e-9 else "over 99 %"
    return f"{share * 100:.1f} %" if share < 0.1 else f"{share * 100:.0f} %"  # noqa: PLR2004 - two figures each


def quoted(sql: str) -> str:
    """Quote a statement, cut where it is long."""
    return f"`{sql}`" if len(sql) <= STATEMENT_LENGTH else f"`{sql[: STATEMENT_LENGTH - 1]}…`"


def milestones(estimate: Estimate) -> str:
    """Tell at how many rows how many tries fail."""
    columns = ", ".join(estimate.columns)
    where = f"under {estimate.constraint}" if estimate.constraint else f"in {columns}"
    if not estimate.by_lot:
        return f"{where} the same {number(estimate.duplicates)} of {number(estimate.drawn)} values collide in every try"
    size = f"{estimate.description} ({number(estimate.values)})" if estimate.description else None
    size = size or f"the values are drawn from about {float(f'{estimate.values:.2g}'):,.0f}"
    shares = [(rows, estimate.probability(rows)) for rows in MILESTONES]
    told = [(rows, share) for rows, share in shares if RARE <= share < CERTAIN]
    told += [(rows, share) for rows, share in shares if share >= CERTAIN][:1]
    tries = ", ".join(f"{percent(share)} at {number(rows)} rows" for rows, share in told)
    return f"{size}: {where} rows collide in {tries.replace(' %', ' % of tries', 1)}"
