"""Rehearses one revision: on a few rows first, to see which tables it touches, and then on many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.findings import Direction
from pytest_stairway.rehearsal.model import Rehearsal
from pytest_stairway.rehearsal.stage import stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_stairway.clones import Clones
    from pytest_stairway.rehearsal.model import Estimate, Filling, Run
    from pytest_stairway.rehearsal.stage import Stage

__all__ = ["rehearse"]

FEW = 5
"""So many rows at least has every table in the trial."""
SHRINK = 10
"""By so much fewer rows the upgrade is tried again where it failed."""


def rehearse(clones: Clones, revision: str, *, rows: int, downgrade: bool = True) -> Rehearsal:
    """Rehearse one revision, up and down, on a PostgreSQL database of its own.

    Args:
        clones: gives databases of the project's.
        revision: the full identifier.
        rows: how many rows each table is to have that the revision touches.
        downgrade: take it back, too.
    """
    with stage(clones, revision) as few:
        trial, nulls = _try(few, downgrade=downgrade)
    if trial[0].failure is not None:
        note = f"it fails on {FEW} rows already: {trial[0].failure.words}"
        return Rehearsal(revision=revision, rows=rows, trial=trial, note=note)
    tables = frozenset().union(*(run.tables for run in trial))
    runs: list[Run] = []
    estimates: list[Estimate] = []
    fillings: tuple[Filling, ...] = ()
    for count in _sizes(rows):
        with stage(clones, revision) as many:
            many.top_up()
            found = many.fill(tables, count, nulls)
            fillings = fillings or found
            up = many.step(Direction.UPGRADE, count)
            runs.append(up.run)
            if up.run.failure is None:
                runs += [many.step(Direction.DOWNGRADE, count).run] if downgrade else []
                break
            estimate = many.estimate(up) if not estimates else None
            estimates += [estimate] if estimate is not None else []
    return Rehearsal(
        revision=revision, rows=rows, fillings=fillings, runs=tuple(runs), trial=trial, estimates=tuple(estimates)
    )


def _try(few: Stage, *, downgrade: bool) -> tuple[tuple[Run, ...], Mapping[str, frozenset[str]]]:
    """Watch the revision on a few rows; tell also in which columns it fills NULLs."""
    population = few.top_up()
    before = few.null_counts(population.populated)
    up = few.step(Direction.UPGRADE, FEW).run
    if up.failure is not None:
        return (up,), {}
    after = few.null_counts(sorted(up.tables))
    filled = [place for place, count in after.items() if count < before.get(place, 0)]
    nulls = {table: frozenset(name for other, name in filled if other == table) for table, _ in filled}
    return (up, *([few.step(Direction.DOWNGRADE, FEW).run] if downgrade else ())), nulls


def _sizes(rows: int) -> Iterator[int]:
    """Give the number that was asked for, and ever smaller ones, down to a few."""
    while rows > FEW:
        yield rows
        rows //= SHRINK
