"""Rehearses one revision: on a few rows first, to see which tables it touches, and then on many."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_stairway.findings import Direction
from pytest_stairway.rehearsal.model import Rehearsal
from pytest_stairway.rehearsal.stage import stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_stairway.clones import Clones
    from pytest_stairway.rehearsal.model import Estimate, Filling, Run

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
    trial = _first_that_passes(clones, revision, downgrade=downgrade)
    if trial.runs[0].failure is not None:
        note = f"it fails on a few rows already: {trial.runs[0].failure.words}"
        return Rehearsal(revision=revision, rows=rows, trial=trial.runs, note=note)
    downgrade = downgrade and all(run.failure is None for run in trial.runs)
    runs: list[Run] = []
    estimates: list[Estimate] = []
    fillings: tuple[Filling, ...] = ()
    for count in _sizes(rows):
        with stage(clones, revision) as many:
            many.top_up(trial.few)
            found = many.fill(trial.tables, count, trial.nulls)
            fillings = fillings or found
            up = many.step(Direction.UPGRADE, count)
            runs.append(up.run)
            if up.run.failure is None:
                runs += [many.step(Direction.DOWNGRADE, count).run] if downgrade else []
                break
            estimate = many.estimate(up) if not estimates else None
            estimates += [estimate] if estimate is not None else []
    return Rehearsal(
        revision=revision, rows=rows, fillings=fillings, runs=tuple(runs), trial=trial.runs, estimates=tuple(estimates)
    )


class _Trial(NamedTuple):
    """What was seen on a few rows."""

    few: int
    """How many each table was to have at least."""
    runs: tuple[Run, ...]
    nulls: Mapping[str, frozenset[str]] = {}
    """By table, the columns in which the revision fills NULLs."""

    @property
    def tables(self) -> frozenset[str]:
        """The tables that the revision touches."""
        return frozenset().union(*(run.tables for run in self.runs))


def _first_that_passes(clones: Clones, revision: str, *, downgrade: bool) -> _Trial:
    """Try on rows as they come; where the upgrade fails on those, on rows of which no two are alike."""
    trial = _try(clones, revision, FEW, downgrade=downgrade)
    if trial.runs[0].failure is None:
        return trial
    other = _try(clones, revision, 1, downgrade=downgrade)
    return other if other.runs[0].failure is None else trial


def _try(clones: Clones, revision: str, few: int, *, downgrade: bool) -> _Trial:
    """Watch the revision on a few rows."""
    with stage(clones, revision) as there:
        population = there.top_up(few)
        before = there.null_counts(population.populated)
        up = there.step(Direction.UPGRADE, few).run
        if up.failure is not None:
            return _Trial(few, (up,))
        after = there.null_counts(sorted(up.tables))
        filled = [place for place, count in after.items() if count < before.get(place, 0)]
        nulls = {table: frozenset(name for other, name in filled if other == table) for table, _ in filled}
        down = [there.step(Direction.DOWNGRADE, few).run] if downgrade else []
        return _Trial(few, (up, *down), nulls)


def _sizes(rows: int) -> Iterator[int]:
    """Give the number that was asked for, and ever smaller ones, down to a few."""
    while rows > FEW:
        yield rows
        rows //= SHRINK
