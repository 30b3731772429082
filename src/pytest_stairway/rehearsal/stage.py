"""Where one revision is rehearsed: a database of its own, right before that revision, that is filled and migrated."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.findings import Direction
from pytest_stairway.lenience import lenient
from pytest_stairway.rehearsal.estimating import estimate_chance, estimate_collision
from pytest_stairway.rehearsal.filling import Filler, null_counts
from pytest_stairway.rehearsal.keys import loosen, unique_columns
from pytest_stairway.rehearsal.probing import bystanders
from pytest_stairway.rehearsal.running import Watched, Watcher, prepare
from pytest_stairway.rows import RowGenerator
from pytest_stairway.walk.session import Session, StepFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pytest_stairway.clones import Clones
    from pytest_stairway.migrated import MigratedDatabase
    from pytest_stairway.rehearsal.keys import UniqueColumn
    from pytest_stairway.rehearsal.model import Estimate, Failure, Filling
    from pytest_stairway.rows import Population

__all__ = ["Stage", "stage"]


@dataclass(slots=True, kw_only=True)
class Stage:
    """A database right before a revision."""

    revision: str
    database: MigratedDatabase
    ignore: Collection[tuple[str | None, str]]
    """The version tables."""
    _session: Session
    _watcher: Watcher

    def top_up(self, rows: int) -> Population:
        """Give every table a few ordinary rows; the walk is for those at the edges of what is allowed.

        Args:
            rows: how many at least; one leaves no two alike.
        """
        told = self.database.row_settings
        generator = RowGenerator(
            "postgresql",
            rows=rows,
            ignore=self.ignore,
            adversarial=False,
            seed=told.seed,
            supply={**told.supply, **told.supply_for.get(self.revision, {})},
            words=told.words,
        )
        return self.database.run(generator.top_up)

    def fill(self, tables: Collection[str], rows: int, nulls: Mapping[str, Collection[str]]) -> tuple[Filling, ...]:
        """Give some tables many rows.

        Args:
            tables: their names.
            rows: how many.
            nulls: by table, columns that are to be NULL throughout.
        """
        return self.database.run(lambda connection: Filler(connection=connection, rows=rows, nulls=nulls).fill(tables))

    def null_counts(self, tables: Collection[str]) -> dict[tuple[str, str], int]:
        """Count the NULLs in every column of some tables."""
        return self.database.run(lambda connection: null_counts(connection, tables))

    def step(self, direction: Direction, rows: int) -> Watched:
        """Take the step, watched.

        Args:
            direction: up or down.
            rows: how many each table was to have.
        """
        error: BaseException | None = None
        try:
            with lenient():
                self._session.step(self.revision, upgrade=direction is Direction.UPGRADE)
        except StepFailed as failure:
            error = failure.error
        finally:
            self._session.close()
        return self._watcher.tell(direction, rows, error)

    def loosen(self, failure: Failure) -> bool:
        """Put a plain index in the place of a unique key that was violated; tells whether that was possible."""
        return self.database.run(lambda connection: loosen(connection, failure))

    def estimate(self, watched: Watched) -> Estimate | None:
        """Tell how often the step fails as it just did, where it is a matter of chance."""
        failure = watched.run.failure
        if failure is None or failure.statement is None:
            return None
        sent = watched.sent[: failure.statement + 1]
        return self.database.run(lambda connection: estimate_collision(connection, sent, failure))

    def unique_columns(self) -> dict[tuple[str, str], UniqueColumn]:
        """Find the columns whose values must differ by themselves, by table and column."""
        return self.database.run(unique_columns)

    def estimate_chance(self, watched: Watched, place: UniqueColumn) -> Estimate | None:
        """Tell how often a step would fail that passed elsewhere, for it fills a unique column."""
        return self.database.run(lambda connection: estimate_chance(connection, watched.sent, place))


@contextlib.contextmanager
def stage(clones: Clones, revision: str) -> Iterator[Stage]:
    """Make a database right before a revision, for as long as it is wanted.

    Args:
        clones: gives databases of the project's.
        revision: the full identifier.
    """
    database = clones.before(revision, label="volume")
    try:
        database.run(prepare)
        with bystanders(database.database.url) as (bystander, lookout):
            watcher = Watcher(bystander=bystander, lookout=lookout, ignore=database.version_tables)
            yield Stage(
                revision=revision,
                database=database,
                ignore=database.version_tables,
                _session=Session(database.environment, clones.survey, watcher),
                _watcher=watcher,
            )
    finally:
        clones.drop(database)
