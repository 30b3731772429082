"""Rehearses one revision: on a few rows first, to see which tables it touches, and then on many."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from pytest_stairway.findings import Direction
from pytest_stairway.rehearsal.model import Rehearsal
from pytest_stairway.rehearsal.stage import stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_stairway.clones import Clones
    from pytest_stairway.rehearsal.keys import UniqueColumn
    from pytest_stairway.rehearsal.model import Estimate, Failure, Filling, Run
    from pytest_stairway.rehearsal.running import Watched

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
    play = _Play(clones=clones, revision=revision, trial=trial, downgrade=downgrade)
    play.perform(rows)
    return Rehearsal(
        revision=revision,
        rows=rows,
        fillings=play.fillings,
        runs=tuple(play.runs),
        trial=trial.runs,
        estimates=tuple(play.estimates),
    )


@dataclass(slots=True, kw_only=True)
class _Play:
    """Rehearses on many rows."""

    clones: Clones
    revision: str
    trial: _Trial
    downgrade: bool
    runs: list[Run] = field(default_factory=list)
    estimates: list[Estimate] = field(default_factory=list)
    fillings: tuple[Filling, ...] = ()
    _up: Watched | None = None

    def perform(self, rows: int) -> None:
        """Run up and down; where that fails, see how it can pass, so that as much as possible is watched."""
        failure = self._once(rows)
        if failure is None and self.trial.drawn:
            self._weigh(rows)
        if failure is not None and any(estimate.by_lot for estimate in self.estimates):
            failure = self._once(rows, violated=failure)
        while failure is not None and rows // SHRINK > FEW:
            rows //= SHRINK
            failure = self._once(rows)

    def _once(self, rows: int, *, violated: Failure | None = None) -> Failure | None:
        """Fill, upgrade and downgrade once, and tell why the upgrade failed.

        Args:
            rows: how many.
            violated: why it failed before: without the unique key that was violated.
        """
        with stage(self.clones, self.revision) as there:
            there.top_up(self.trial.few)
            found = there.fill(self.trial.tables, rows, self.trial.nulls)
            if violated is not None and not there.loosen(violated):
                return violated
            self.fillings = self.fillings or found
            up = self._up = there.step(Direction.UPGRADE, rows)
            self._keep(up.run, violated)
            if up.run.failure is None and self.downgrade:
                self._keep(there.step(Direction.DOWNGRADE, rows).run, violated)
            if up.run.failure is not None and not self.estimates:
                estimate = there.estimate(up)
                self.estimates += [estimate] if estimate is not None else []
            return up.run.failure

    def _weigh(self, rows: int) -> None:
        """See on rows as they were before whether the upgrade has passed by luck."""
        with stage(self.clones, self.revision) as there:
            there.top_up(self.trial.few)
            there.fill(self.trial.tables, rows, self.trial.nulls)
            assert self._up is not None
            found = [there.estimate_chance(self._up, place) for place in self.trial.drawn]
            self.estimates += [estimate for estimate in found if estimate is not None]

    def _keep(self, run: Run, violated: Failure | None) -> None:
        self.runs.append(run if violated is None else replace(run, without=violated.constraint))


class _Trial(NamedTuple):
    """What was seen on a few rows."""

    few: int
    """How many each table was to have at least."""
    runs: tuple[Run, ...]
    nulls: Mapping[str, frozenset[str]] = {}
    """By table, the columns in which the revision fills NULLs."""
    drawn: tuple[UniqueColumn, ...] = ()
    """What it fills though no two values may be equal there."""

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
        new = [place for place in after if place not in before and place[0] in population.populated]
        unique = there.unique_columns()
        drawn = tuple(unique[place] for place in (*filled, *new) if place in unique)
        nulls = {table: frozenset(name for other, name in filled if other == table) for table, _ in filled}
        down = [there.step(Direction.DOWNGRADE, few).run] if downgrade else []
        return _Trial(few, (up, *down), nulls, drawn)
