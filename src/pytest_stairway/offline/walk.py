"""Checks each revision's offline SQL: two databases go through the history side by side.

One is migrated by `env.py`, as ever; the other by the SQL that Alembic writes offline.  Both start each revision with
the same rows, and after each step they must be the same.  They go on from there, so that nothing is copied as long as
nothing differs; where something does, the second one becomes a copy of the first again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_stairway.findings import Direction
from pytest_stairway.offline.checks import Blame, changed_literals, check_rendering, differing, failed_to_run
from pytest_stairway.offline.pair import Pair
from pytest_stairway.offline.rendering import Step
from pytest_stairway.offline.scripts import without_version_table
from pytest_stairway.offline.twice import is_excused, may_change, objects_that_change
from pytest_stairway.schema import compare_schemas
from pytest_stairway.walk.session import StepFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_stairway.findings import Finding
    from pytest_stairway.offline.pair import Migrated
    from pytest_stairway.offline.scripts import OfflineScripts
    from pytest_stairway.offline.site import Site

__all__ = ["COMPARED", "OfflineTrip", "OfflineWalk"]

COMPARED = ("PostgreSQL", "SQLite", "MariaDB", "MySQL")
"""Databases of which rows can be read, so that two results can be compared."""


@dataclass(slots=True, kw_only=True)
class OfflineTrip:
    """What was found about one revision."""

    findings: list[Finding] = field(default_factory=list)
    blocked_by: str | None = None
    """A revision that cannot go up online, which the walk tells of."""
    different: set[str | None] = field(default_factory=set)
    """What is not the same on both sides any more."""
    literals: set[str | None] = field(default_factory=set)
    """What is not, because a literal is another in the SQL: nothing excuses that."""


class OfflineWalk:
    """Walks revisions on two databases side by side.

    Args:
        site: where the databases are, and how they are migrated.
        scripts: the history's SQL.
        planned: revisions that will be asked for.
    """

    def __init__(self, site: Site, scripts: OfflineScripts, *, planned: Iterable[str] = ()) -> None:
        self._pair = Pair(site)
        self._scripts = scripts
        self._history = site.history
        self._dialect = site.server.dialect
        self._order = [revision.revision for revision in site.history.revisions]
        self._irreversible = scripts.irreversible
        wanted = frozenset(planned)
        self._planned = [revision for revision in self._order if revision in wanted]
        self._trips: dict[str, OfflineTrip] = {}
        self._blocked: dict[str, StepFailed] = {}
        self._applied: list[str] = []

    def check(self, revision: str) -> OfflineTrip:
        """Check one revision's SQL.

        Raises:
            StairwayError: `env.py` cannot be run in offline mode.
        """
        if revision not in self._trips:
            earlier = self._planned[: self._planned.index(revision)] if revision in self._planned else []
            self._scripts.render()
            for name in [*(each for each in earlier if each not in self._trips), revision]:
                self._trips[name] = self._check(name)
        return self._trips[revision]

    def spare(self, revisions: Iterable[str]) -> None:
        """Take it that nothing is to be found in some revisions."""
        for revision in revisions:
            self._trips.setdefault(revision, OfflineTrip())

    def pause(self) -> None:
        """End the run of `env.py`; the databases stay."""
        self._pair.pause()

    def close(self) -> None:
        """Drop the databases."""
        self._pair.drop()

    # -- one revision -------------------------------------------------------------------------------------------------

    def _check(self, revision: str, *, populated: bool = True) -> OfflineTrip:
        trip = OfflineTrip()
        self._reach(self._order[: self._order.index(revision)])
        trip.blocked_by = self._blocker(revision)
        if trip.blocked_by is not None:
            return trip
        if populated:
            self._pair.populate(revision)
        if self._step(trip, Step(revision)):
            self._go_on(trip, revision)
        elif self._pair.filled:  # it may be the rows: the walk tells of that
            self._blocked.pop(revision, None)
            self._drop()
            return self._check(revision, populated=False)
        else:
            trip.blocked_by = revision
        return trip

    def _go_on(self, trip: OfflineTrip, revision: str) -> None:
        """Go down, and up once more; leave out what cannot be the same, and make both the same again."""
        is_back = revision not in self._irreversible and self._go_down_and_up(trip, revision)
        suspicious = any(each.object is not None for each in trip.findings)
        if suspicious and not self._excuse(trip, revision, is_back=is_back):
            blame = self._blame(Step(revision))
            trip.findings[:] = [
                each for each in trip.findings if each.object in trip.literals or not may_change(each, blame)
            ]
        if is_back and trip.findings:
            self._pair.drop_offline()

    def _go_down_and_up(self, trip: OfflineTrip, revision: str) -> bool:
        """Tell whether both sides came so far; where all was well, nobody looks at what the second upgrade gives."""
        return self._step(trip, Step(revision, upgrade=False)) and self._step(trip, Step(revision), again=True)

    def _excuse(self, trip: OfflineTrip, revision: str, *, is_back: bool) -> bool:
        """Leave out what `alembic` itself does not give twice; tell whether that could be found out."""
        ways = {Direction.UPGRADE: Step(revision)}
        if is_back:
            ways[Direction.DOWNGRADE] = Step(revision, upgrade=False)
        blames = {way: self._blame(step) for way, step in ways.items()}
        try:
            online = self._below(revision, is_back=is_back)
            changing = objects_that_change(online, self._pair.site, blames)
            if is_back:
                online.step(revision, upgrade=True)
        except StepFailed:
            self._drop()
            return False
        self._note(Step(revision))
        trip.findings[:] = [
            each for each in trip.findings if each.object in trip.literals or not is_excused(each, changing)
        ]
        return True

    def _below(self, revision: str, *, is_back: bool) -> Migrated:
        """Go to before a revision: by its downgrade, or anew from the base where that is no way."""
        online = self._pair.online
        if is_back and online is not None:
            online.step(revision, upgrade=False)
            self._note(Step(revision, upgrade=False))
            return online
        self._drop()
        self._reach(self._order[: self._order.index(revision)])
        self._pair.populate(revision)
        self._pair.drop_offline()
        assert self._pair.online is not None
        return self._pair.online

    def _step(self, trip: OfflineTrip, step: Step, *, again: bool = False) -> bool:
        """Take one step on both sides and compare; tell whether it worked online."""
        online = self._pair.online
        assert online is not None
        seed = self._pair.seed()
        try:
            online.step(step.revision, upgrade=step.upgrade, seed=seed)
        except StepFailed as failure:
            self._fail_online(step, failure, again=again)
            return False
        self._note(step)
        blame = self._blame(step)
        if not again:
            trip.findings += check_rendering(blame)
        ran = self._run(blame, trip, seed, silent=again)
        if ran and not again:
            self._compare(blame, trip)
        if not ran:  # the next step is not to blame for this one
            self._pair.copy()
        return True

    def _blame(self, step: Step) -> Blame:
        return Blame(self._scripts.of(step), self._history, self._dialect)

    def _run(self, blame: Blame, trip: OfflineTrip, seed: str | None, *, silent: bool) -> bool:
        """Run the SQL of a step; tell whether it came to its end."""
        if blame.script.failures:
            return False
        runner = self._pair.runner
        assert runner is not None
        statements = without_version_table(blame.script)
        ran = runner.run([each.text for each in statements], seed=seed)
        if ran.said is None:
            return True
        if not silent:
            statement = None if ran.place is None else statements[ran.place]
            trip.findings.append(failed_to_run(blame, ran.said, statement, how=runner.name))
        return False

    def _compare(self, blame: Blame, trip: OfflineTrip) -> None:
        online, offline = self._pair.online, self._pair.offline
        assert online is not None
        assert offline is not None
        schema, rows = online.state()
        rows_offline = offline.rows()
        found = differing(blame, (schema, rows), (offline.schema(), rows_offline))
        trip.literals |= changed_literals(rows, rows_offline) if found else set()
        lost = {(each.code, each.detail) for each in trip.findings if each.detail}
        new = [each for each in found if each.object not in trip.different]
        trip.findings += [each for each in new if (each.code, each.detail) not in lost]
        trip.different.update(each.object for each in found)

    def _note(self, step: Step) -> None:
        if step.upgrade:
            self._applied.append(step.revision)
        else:
            self._applied.remove(step.revision)

    def _fail_online(self, step: Step, failure: StepFailed, *, again: bool) -> None:
        """Leave the failure to the walk, which tells of it, and keep the database where the step left nothing."""
        if step.upgrade and not again:
            self._blocked[step.revision] = failure
        self._pair.drop_offline()
        if again or not self._scripts.of(step).transactional_ddl or not self._is_as_before():
            self._drop()

    def _is_as_before(self) -> bool:
        """See whether a step that failed was rolled back."""
        online = self._pair.online
        if online is None or online.latest is None:
            return False
        return not compare_schemas(online.latest, online.schema())

    # -- the way there ------------------------------------------------------------------------------------------------

    def _blocker(self, revision: str) -> str | None:
        if revision in self._blocked:
            return revision
        return next((name for name in self._blocked if name in self._history.ancestors(revision)), None)

    def _reach(self, before: list[str]) -> None:
        """Bring both databases to where these revisions, and no others, are applied."""
        if self._pair.online is None or set(self._applied) - set(before):
            self._drop()
            self._pair.begin()
        for name in before:
            if name not in self._applied and self._blocker(name) is None:
                self._pair.drop_offline()
                if not self._upgrade(name):
                    self._reach(before)
                    return
        if self._pair.offline is None:
            self._pair.copy()

    def _upgrade(self, revision: str) -> bool:
        online = self._pair.online
        assert online is not None
        try:
            online.pass_by(revision)
        except StepFailed as failure:
            if not self._pair.filled:  # or it is tried again on empty tables
                self._blocked[revision] = failure
            self._drop()
            return False
        self._applied.append(revision)
        return True

    def _drop(self) -> None:
        self._applied.clear()
        self._pair.drop()
