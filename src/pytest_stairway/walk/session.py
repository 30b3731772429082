"""Steps through revisions, with one run of `env.py` for as many steps as it can serve.

An `env.py` that configures several databases in one run cannot be held in the middle; it is run once for each step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stairway.findings import Direction
from pytest_stairway.walk.environment_run import EnvironmentRun
from pytest_stairway.walk.stepping import Command, Observer, StepFailed, Swallowed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from pytest_stairway.environment.environment import Environment, Survey
    from pytest_stairway.environment.sandbox import Sandbox

__all__ = ["Observer", "Session", "StepFailed", "Swallowed"]


class Session:
    """Steps through revisions on the sandbox's databases.

    Args:
        environment: the user's `env.py`.
        survey: how it configures Alembic.
        observer: looks at the databases around each step.
    """

    def __init__(self, environment: Environment, survey: Survey, observer: Observer) -> None:
        self._environment = environment
        self._survey = survey
        self._observer = observer
        self._current: EnvironmentRun | None = None
        self._heads: dict[str, frozenset[str]] = {}
        self._committed: dict[str, frozenset[str]] = {}
        self._before: dict[str, frozenset[str]] = {}  # what the version tables held before the step at hand

    @property
    def sandbox(self) -> Sandbox:
        """The databases."""
        return self._environment.sandbox

    @property
    def heads(self) -> dict[str, frozenset[str]]:
        """What the version tables held when last seen, by the databases' URLs."""
        return dict(self._heads)

    def step(self, revision: str, *, upgrade: bool, observed: bool = True) -> float:
        """Take one step and commit it.

        Returns:
            The seconds it took, without our own looks at the database.

        Raises:
            StepFailed: the migration, its version update or its commit raised; the session is closed.
            NothingCommitted: `env.py` did not commit.
        """
        return self._ask(Command(revision=revision, upgrade=upgrade, observed=observed))

    def steps(self, revision: str, directions: Sequence[Direction], done: Callable[[Direction, float], None]) -> None:
        """Take some steps of one revision, each committed before the next; in one turn of `env.py` where that can be.

        Args:
            revision: its full identifier.
            directions: of the steps.
            done: called after each step with its direction and its seconds, and not for one that fails.

        Raises:
            StepFailed: see `step`; no further steps were taken.
            NothingCommitted: `env.py` did not commit.
        """
        if not self._survey.continuous:
            for direction in directions:
                done(direction, self.step(revision, upgrade=direction is not Direction.DOWNGRADE))
            return

        def command(at: int) -> Command | None:
            if at == len(directions):
                return None

            def then(seconds: float) -> Command | None:
                self._before = self.heads
                done(directions[at], seconds)
                return command(at + 1)

            return Command(revision=revision, upgrade=directions[at] is not Direction.DOWNGRADE, then=then)

        first = command(0)
        if first is not None:
            self._ask(first)

    def stamp(self, revision: str) -> None:
        """Note in the version tables that a revision is applied, without running it."""
        self._ask(Command(revision=revision, stamped=True, observed=False))

    def look(self, work: Callable[[str, Connection], Any]) -> None:
        """Do something with each database's URL and connection, between two steps."""
        self._ask(Command(work=work))

    def close(self) -> None:
        """End the run of `env.py`, at a committed place."""
        run, self._current = self._current, None
        if run is not None:
            run.finish()

    def _ask(self, command: Command) -> float:
        if self._current is None:
            run = EnvironmentRun(self._environment, self._survey, self._observer, self._heads, self._committed)
            self._current = run
        self._before, self._committed = self.heads, {}
        try:
            seconds = self._current.ask(command)
        except BaseException:
            self.close()
            self._heads.update(self._before)
            raise
        else:
            self._committed = self.heads
            return seconds
        finally:
            if not self._survey.continuous:
                self.close()
