"""Where in the history the walk's databases are, and how they get somewhere else.

They stand at a set of applied revisions.  To go up to others costs a step for each, unless a template spares the way;
to have fewer applied means to begin anew.  What fails on the way is remembered, and not tried again.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING

from pytest_stairway.walk.empty_databases import look_at_empty
from pytest_stairway.walk.session import Session, StepFailed
from pytest_stairway.walk.shortcuts import WORTHWHILE
from pytest_stairway.walk.snapshots import Snapshot, Snapshots, new_objects

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pytest_stairway.environment.environment import Environment, Survey
    from pytest_stairway.revisions import History
    from pytest_stairway.schema import Key
    from pytest_stairway.walk.carried_rows import CarriedRows
    from pytest_stairway.walk.shortcuts import Shortcuts

__all__ = ["Position"]


class Position:
    """The databases of one sandbox, and the revisions that are applied there.

    Args:
        history: the revisions.
        environment: the user's `env.py` and the sandbox.
        survey: how it configures Alembic.
        minimum: revisions that are only upgraded: the walk starts above them.
        shortcuts: spare the way to where the walk starts.
        rows: what the databases carry.
    """

    def __init__(
        self,
        history: History,
        environment: Environment,
        survey: Survey,
        *,
        minimum: Collection[str],
        shortcuts: Shortcuts | None,
        rows: CarriedRows,
    ) -> None:
        self._history = history
        self._environment = environment
        self._survey = survey
        self._minimum = frozenset(minimum)
        self._shortcuts = shortcuts
        self._unobserved = False
        self._order = [revision.revision for revision in history.revisions]
        self.rows = rows
        self.snapshots = Snapshots(environment, ignore=survey.version_tables, rows=rows)
        self.session = Session(environment, survey, self.snapshots)
        self.applied: dict[str, None] = {}
        """The revisions that are applied, in the order in which they were."""
        self.fresh = True
        """Whether nothing happened to the databases but what is told here; if not, whoever comes next begins anew."""
        self.floor: Snapshot | None = None
        """The schema where the walk starts."""
        self.at_heads: Snapshot | None = None
        """The schema with every revision applied, once the databases have been there."""
        self.blocked: dict[str, StepFailed] = {}
        """Revisions that cannot go up."""
        self.makers: dict[Key, str] = {}
        """Which revision made an object."""

    @property
    def latest(self) -> Snapshot:
        """The newest snapshot."""
        return self.snapshots.latest

    def top_up(self, revision: str) -> None:
        """Give tables rows before a revision is walked."""
        self.session.look(functools.partial(self.snapshots.top_up, revision=revision))

    def bring_up(self, order: list[str], *, observed: bool = False) -> None:
        """Apply all of these revisions that can be applied, and nothing else."""
        if not self.fresh or self.applied.keys() - order:
            self.start_over()
        if observed and self.floor is None and self.applied:
            self.look_at_floor()
        shortened = not observed and self._shorten(order)
        if self.floor is None and not self.applied:
            self._apply([name for name in order if name in self._minimum], observed=False)
            self.floor = self.look()
        steps = -len(self.applied)
        taken = self._apply(order, observed=observed)
        if not observed and steps + len(self.applied) >= WORTHWHILE:
            self._leave_shortcut()
        if (taken or shortened) and not observed:
            self.look()

    def start_over(self) -> None:
        """Begin with new, empty databases."""
        self.session.close()
        self._environment.sandbox.reset()
        self.snapshots.forget()
        self.rows.forget()
        self.applied.clear()
        self.fresh = True

    def look(self) -> Snapshot:
        """Read everything, because steps were taken unobserved or something went wrong."""
        self.rows.lose()
        self.session.look(self.snapshots.read_thoroughly)
        return self.snapshots.latest

    def look_at_floor(self) -> None:
        """See where the walk starts, though this one came in above: on other databases, or from the start."""
        if self._minimum:
            self.start_over()
            return
        self.session.close()
        self.floor = look_at_empty(self._environment, self._survey)

    def learn_makers(self) -> None:
        """Go up once more and look at each step, where some were taken without a look."""
        if self._unobserved:
            self.start_over()
            self.bring_up(self._order, observed=True)
            self.fresh, self._unobserved = False, False

    def note_heads(self) -> None:
        """Keep the schema where every revision is applied."""
        if len(self.applied) == len(self._order):
            self.at_heads = self.snapshots.latest

    @contextlib.contextmanager
    def venturing(self, *, followed: bool) -> Iterator[None]:
        """Follow the rows meanwhile; whoever comes after an interruption in the middle of a step begins anew."""
        self.rows.following = followed
        try:
            yield
        except StepFailed:
            raise
        except BaseException:
            self.fresh = False
            raise
        finally:
            self.rows.following = False

    def blocker(self, revision: str) -> str | None:
        """Name a revision that cannot go up and that this one is or depends on."""
        if revision in self.blocked:
            return revision
        return next((name for name in self.blocked if name in self._history.ancestors(revision)), None)

    def _shorten(self, order: list[str]) -> bool:
        """Begin with a template, where there is one; tell whether there was."""
        if self.applied or self._shortcuts is None:
            return False
        self.session.close()
        taken = self._shortcuts.take([name for name in order if self.blocker(name) is None])
        self.applied = dict.fromkeys(taken)
        self._unobserved = self._unobserved or bool(taken)
        return bool(taken)

    def _leave_shortcut(self) -> None:
        """Leave a template of where the database is now."""
        if self._shortcuts is not None and not self.rows.populated:
            self.session.close()
            self._shortcuts.leave(tuple(self.applied))

    def _apply(self, order: list[str], *, observed: bool) -> bool:
        """Upgrade what is not applied yet; tell whether there was anything to do."""
        missing = [name for name in order if name not in self.applied]
        for name in missing:
            if self.blocker(name) is None and not self._upgrade(name, observed=observed):
                self.start_over()
                return self._apply(order, observed=observed)
        return bool(missing)

    def _upgrade(self, revision: str, *, observed: bool) -> bool:
        before = self.snapshots.latest
        try:
            self.session.step(revision, upgrade=True, observed=observed)
        except StepFailed as failure:
            if not self.rows.populated:  # or it is tried again without rows
                self.blocked[revision] = failure
            return False
        except BaseException:
            self.fresh = False
            raise
        self.applied[revision] = None
        self.rows.lose()
        if observed:
            self.makers.update(dict.fromkeys(new_objects(before, self.snapshots.latest), revision))
        elif revision not in self._minimum:
            self._unobserved = True
        return True
