"""One project under test: its history, its `env.py`, its walk, and the findings of each.

Both edges, the pytest plugin and the command, ask a `Project` and tell what it answers.  What only some answers need is
imported with the question: who checks one revision does not wait for the rest.
"""

from __future__ import annotations

import functools
import sys
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

from pytest_stairway.answers import OFFLINE, Answer, accepted, barrier_note, reported
from pytest_stairway.checks.row_names import RowNames
from pytest_stairway.checks.rows import check_rows
from pytest_stairway.checks.schemas import VERSION_COLUMN_LENGTH, check_descent, check_release, check_roundtrip
from pytest_stairway.environment.environment import Environment, EnvironmentRaised
from pytest_stairway.environment.sandbox import Sandbox
from pytest_stairway.environment.surveying import survey_alone
from pytest_stairway.exceptions import HistoryUnusable, StairwayError
from pytest_stairway.findings import Direction, Finding, Severity
from pytest_stairway.report import Outcome, RevisionReport
from pytest_stairway.revisions import check_structure
from pytest_stairway.walk.carried_rows import DIALECTS
from pytest_stairway.walk.faults import is_irreversible
from pytest_stairway.walk.moves import move
from pytest_stairway.walk.roundtrip import Roundtrip
from pytest_stairway.walk.shortcuts import Shortcuts
from pytest_stairway.walk.walk import Walk
from pytest_stairway.workspace import Workspace, find_configuration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pytest_stairway.environment.environment import Survey
    from pytest_stairway.offline.repeat import OfflineRepeat
    from pytest_stairway.offline.scripts import OfflineScripts
    from pytest_stairway.offline.walk import OfflineWalk
    from pytest_stairway.report import Report
    from pytest_stairway.revisions import Revision
    from pytest_stairway.settings import Settings
    from pytest_stairway.walk.keeping import Keeper
    from pytest_stairway.walk.moves import Move
    from pytest_stairway.walk.session import StepFailed

__all__ = ["Answer", "Project", "find_configuration"]


class Project(Workspace):
    """One project under test; see `Workspace` for the arguments."""

    def __init__(self, settings: Settings, root: Path, *, address: str | None = None) -> None:
        super().__init__(settings, root, address=address)
        self._walk: Walk | None = None
        self._offline_walk: OfflineWalk | None = None
        self._repeat: OfflineRepeat | None = None
        self._ahead: tuple[str, ...] = ()
        self._found: dict[str, tuple[Finding, ...]] = {}
        self._row_names: RowNames | None = None
        self._keeper = _keeper() if settings.keep else None

    def plan(self, revisions: Iterable[str], *, ahead: bool = True) -> None:
        """Tell which revisions the whole run asks for, in whatever order.

        Args:
            revisions: their full identifiers.
            ahead: all of them are asked of this object, so that those before the one that is asked for can be walked
                on the way.
        """
        self._asked = frozenset(revisions)
        self._ahead = tuple(self._asked) if ahead else ()

    def check_history(self) -> Answer:
        """Check the graph of revisions, their marks, and that `env.py` runs up to its connection."""
        try:
            findings = self._structure(VERSION_COLUMN_LENGTH)
            if any(finding.code == "revision-id-too-long" for finding in findings):
                findings = self._structure(self._version_column_length())
        except HistoryUnusable as error:
            return Answer(findings=error.findings)
        return Answer(findings=findings)

    def _structure(self, version_column_length: int) -> tuple[Finding, ...]:
        return check_structure(
            self.history,
            max_heads=self.settings.max_heads,
            dialect=self.contact.dialect,
            version_column_length=version_column_length,
        )

    def _version_column_length(self) -> int:
        """Ask the database how long an id may be: an `env.py` can make the version table itself."""
        return self._guarded(lambda: self._started_walk().version_column_length()) or sys.maxsize

    def check_revision(self, revision: Revision) -> Answer:
        """Walk one revision up, down and up again."""
        try:
            trip = self._guarded(lambda: self._started_walk().roundtrip(revision.revision))
        except HistoryUnusable as error:
            return Answer(findings=error.findings, revision=reported(revision, None, Outcome.FAILED))
        if trip.blocked_by is not None:
            return self._not_reached(revision, trip.blocked_by)
        findings = check_roundtrip(trip, revision, dialect=self.server.dialect)
        told = {each.object for each in findings if each.object is not None and each.severity is Severity.ERROR}
        bottom = None if trip.excursion is None else self.history.get(trip.excursion.bottom)
        parents = [self.history.get(name) for name in revision.down_revision]
        findings += check_rows(trip, revision, dialect=self.server.dialect, told=told, bottom=bottom, parents=parents)
        self._row_names = self._row_names or RowNames(self.row_settings)
        findings += self._row_names.refused(trip.refused, revision, dialect=self.server.dialect)
        self._found[revision.revision] = findings
        self._row_names.meet(trip.before, trip.upgraded)
        findings = accepted(findings, revision)
        failures = [*trip.failures.values(), *(failed.failure for failed in trip.row_failures.values())]
        raised = next((failure.error for failure in failures), None)
        coverage = trip.coverage if trip.rows is not None else None
        answer = Answer(findings=findings, database=self.database_facts, error=raised, coverage=coverage)
        outcome = Outcome.FAILED if answer.failed(strict=self.settings.strict) else Outcome.PASSED
        return replace(answer, revision=reported(revision, trip, outcome), about=revision.revision)

    def settle(self, answer: Answer) -> Answer:
        """Keep what was set aside of databases where an item fails, and drop it where it does not.

        Args:
            answer: with what is accepted marked.
        """
        if self._keeper is None or answer.about is None:
            return answer
        fatal = answer.fatal(strict=self.settings.strict)
        directions = [finding.direction for finding in fatal]
        return replace(answer, kept=self._keeper.settle(answer.about, directions, failed=bool(fatal)))

    def _set_aside(self, about: str, environment: Environment, state: str, findings: Sequence[Finding]) -> None:
        """Copy the databases of an item for which there is something to tell, for whoever wants to look into them."""
        if self._keeper is not None and findings:
            self._keeper.set_aside(about, environment.sandbox, state)

    def check_offline(self, revision: Revision) -> Answer:
        """Check the SQL that Alembic writes offline for one revision."""
        from pytest_stairway.offline.walk import COMPARED

        try:
            if self._is_proven(revision.revision):
                return Answer(findings=accepted((), revision, codes=OFFLINE), database=self.database_facts)
            walk = self._guarded(self._started_offline_walk)
            if walk is None:
                return Answer(note=f"offline SQL is compared on {' and '.join(COMPARED)}, with one database")
            if self._walk is not None:
                self._walk.pause()
            trip = self._guarded(lambda: walk.check(revision.revision))
        except HistoryUnusable as error:
            return Answer(findings=error.findings)
        if trip.blocked_by is not None:
            return Answer(blocked_by=trip.blocked_by, database=self.database_facts)
        return Answer(findings=accepted(tuple(trip.findings), revision, codes=OFFLINE), database=self.database_facts)

    def _is_proven(self, revision: str) -> bool:
        """Tell whether the SQL was seen to do what `alembic` does when the walk was there."""
        if self._walk is None:
            self._guarded(self._started_walk)
        if self._repeat is None:
            return False
        if revision not in self._repeat.tried and self._walk is not None and not self._walk.blocked:
            self._guarded(lambda: self._started_walk().roundtrip(revision))
        return revision in self._repeat.proven

    @cached_property
    def _scripts(self) -> OfflineScripts:
        from pytest_stairway.offline.scripts import OfflineScripts

        return OfflineScripts(self.history, self.server, irreversible=self._irreversible())

    def _prepared_repeat(self, survey: Survey) -> OfflineRepeat | None:
        """Get ready to repeat each round trip by its SQL, which is written before the walk's run of `env.py` begins."""
        if not self.settings.offline or not survey.continuous:
            return None
        from pytest_stairway.offline.repeat import REPEATED, OfflineRepeat

        if self.server.dialect not in REPEATED:
            return None
        try:
            self._scripts.render()
        except StairwayError:  # told where the SQL is asked for
            return None
        return OfflineRepeat(self._scripts, self.history, self.server.dialect)

    def _started_offline_walk(self) -> OfflineWalk | None:
        """Start the walk that compares; None where it cannot."""
        from pytest_stairway.offline.site import Site
        from pytest_stairway.offline.walk import OfflineWalk

        if self.server.dialect not in DIALECTS:
            return None
        if self._offline_walk is None:
            self.pause()
            surveyed = survey_alone(self.history, self.server)
            if len(surveyed.addresses) > 1:
                return None
            site = Site(
                history=self.history,
                server=self.server,
                survey=surveyed.survey,
                address=surveyed.addresses[0],
                driver=self.contact.driver,
                rows=self.row_settings,
            )
            self._offline_walk = OfflineWalk(site, self._scripts, planned=self._ahead)
        self._offline_walk.spare(self._repeat.proven if self._repeat else ())
        return self._offline_walk

    def unwalked(self, revision: Revision, outcome: Outcome) -> RevisionReport:
        """Report a revision that was not walked."""
        return reported(revision, None, outcome)

    def complete(self, report: Report) -> None:
        """Add to a report what the history says and what was not asked for, and bring all into the history's order."""
        for revision in self.history.revisions if self.is_usable else ():
            report.revisions.setdefault(revision.revision, self.unwalked(revision, Outcome.SKIPPED))
        report.complete(self.history_facts, self.order)

    def check_leftovers(self) -> Answer:
        """Go from the heads down to the base, where nothing may be left."""
        try:
            walk = self._guarded(self._started_walk)
            descent = self._guarded(walk.descend)
        except HistoryUnusable as error:
            return Answer(findings=error.findings)
        descent.failures = {
            name: failure
            for name, failure in descent.failures.items()
            if not is_irreversible(failure, self.history[name])
            and not self._fails_alone(name)
            and not self._spoilt_before(name)
        }
        findings = check_descent(descent, self.history, walk.makers, dialect=self.server.dialect)
        walk.pause()
        self._set_aside("leftovers", self._environment, "as far down as it went from the heads", findings)
        findings = tuple(finding for finding in findings if not self._told_already(finding))
        if self._row_names is not None and self._found.keys() >= set(self.order) - set(self.minimum):
            findings += self._row_names.unknown()
        note = barrier_note(descent.barriers)
        return Answer(findings=findings, note=note, database=self.database_facts, about="leftovers")

    def check_release(self, start: str) -> Answer:
        """Upgrade from a released revision to the heads in one run."""
        from pytest_stairway.walk.release import walk_release

        try:
            walk = self._guarded(self._started_walk)
            at_heads = self._guarded(walk.reach_heads)
            if walk.blocked:
                return self._blocked(next(iter(walk.blocked)))
            walk.pause()
            environment = Environment(self.history, sandbox=Sandbox(self._acquire, label="release"))
            survey = self._survey
            try:
                release = self._guarded(lambda: walk_release(self.history, environment, survey, start))
                dialect = self.server.dialect
                findings = check_release(release, self.history, walk.makers, at_heads=at_heads, dialect=dialect)
                at = f"after the run from {start} to the heads" + (", which failed" if release.failure else "")
                self._set_aside(f"release from {start}", environment, at, findings)
            finally:
                environment.sandbox.reset()
        except HistoryUnusable as error:
            return Answer(findings=error.findings)
        findings = tuple(finding for finding in findings if not self._told_already(finding))
        return Answer(findings=findings, database=self.database_facts, about=f"release from {start}")

    def check_models(self) -> Answer:
        """Compare what the migrations make with what the models declare."""
        from pytest_stairway.checks.models import check_models
        from pytest_stairway.models import compare_models

        try:
            self.server  # noqa: B018 - see `_started_walk`
            if not any(context.options.get("target_metadata") is not None for context in self._survey.contexts):
                return Answer(note="env.py gives context.configure() no target_metadata to compare the database with")
            self.pause()
            migrated = Environment(self.history, sandbox=Sandbox(self._acquire, label="heads"))
            try:
                moved = self._guarded(lambda: move(migrated, "heads", upgrade=True))
                if moved.failure is not None:
                    return self._unreached(moved)
                comparisons = self._guarded(lambda: compare_models(migrated, self._survey, self.server))
                findings = check_models(comparisons, dialect=self.server.dialect)
                self._set_aside("models", migrated, "the heads, as the migrations make them", findings)
            finally:
                migrated.sandbox.reset()
        except HistoryUnusable as error:
            return Answer(findings=error.findings)
        return Answer(findings=findings, database=self.database_facts, about="models")

    def pause(self) -> None:
        """End the run of `env.py` for now, because somebody else may use Alembic; nothing is lost."""
        for walk in (self._walk, self._offline_walk):
            if walk is not None:
                walk.pause()

    def close(self) -> None:
        """End the walk, drop the databases, and stop a server of ours."""
        try:
            for walk in (self._offline_walk, self._walk):
                if walk is not None:
                    walk.close()
        finally:
            if self.head_start is not None:
                self.head_start.close()
            if self._keeper is not None:
                self._keeper.close()
                self.notes += self._keeper.notes
            if self._server is not None:
                self._server.close()
                self.notes += (*self._server.notes, *self._without_rows())

    def _started_walk(self) -> Walk:
        if self._offline_walk is not None:
            self._offline_walk.pause()  # only one run of env.py at a time
        if self._walk is None:
            self.server  # noqa: B018 - started here, where a failure is not taken for one of env.py
            survey = self._survey
            self._walk = Walk(
                self.history,
                self._environment,
                survey,
                minimum=self.minimum,
                irreversible=self._irreversible(),
                planned=self._ahead,
                shortcuts=Shortcuts(self._environment.sandbox, self.lineage) if survey.continuous else None,
                rows=self.row_settings if self.server.dialect in DIALECTS else None,
            )
            self._repeat = self._prepared_repeat(survey)
            if self._repeat is not None:
                self._walk.repeat_by(self._repeat)
            self._walk.keeper = self._keeper
        return self._walk

    def _fails_alone(self, revision: str) -> bool:
        """Tell whether a revision's own round trip tells that its downgrade fails."""
        return any(finding.code == "downgrade-failed" for finding in self._alone(revision))

    def _spoilt_before(self, revision: str) -> bool:
        """Tell whether a revision above leaves another schema behind, so that the way down says nothing of this one."""
        above = self.order[self.order.index(revision) + 1 :]
        return any(found.code == "schema-not-restored" for name in above for found in self._alone(name))

    def _told_already(self, finding: Finding) -> bool:
        """Tell whether the round trip of the revision that made an object tells of it."""
        if finding.code not in {"leftovers", "release-differs"} or finding.revision is None:
            return False
        return any(told.object == finding.object for told in self._alone(finding.revision))

    def _alone(self, revision: str) -> tuple[Finding, ...]:
        """Give what a revision's own round trip finds."""
        if revision not in self._found and revision not in self.minimum:
            self.check_revision(self.history.get(revision))
        return self._found.get(revision, ())

    def _not_reached(self, revision: Revision, blocker: str) -> Answer:
        report = replace(reported(revision, None, Outcome.NOT_REACHED), blocked_by=blocker)
        return replace(self._blocked(blocker), revision=report)

    def _blocked(self, blocker: str) -> Answer:
        """Answer with the revision that cannot go up; and why, where nobody asks for it in this run."""
        assert self._walk is not None
        return self._blocked_by(blocker, self._walk.blocked[blocker])

    def _unreached(self, moved: Move) -> Answer:
        """Answer with the revision that keeps one run from coming to the heads."""
        failure = moved.failure
        assert failure is not None
        if moved.failed_at is None:
            return self._guarded(functools.partial(_raise, EnvironmentRaised(failure.error)))
        return self._blocked_by(moved.failed_at, failure)

    def _blocked_by(self, blocker: str, failure: StepFailed) -> Answer:
        if blocker in self._asked:
            return Answer(blocked_by=blocker)
        trip = Roundtrip(revision=blocker, failures={Direction.UPGRADE: failure})
        findings = check_roundtrip(trip, self.history.get(blocker), dialect=self.server.dialect)
        return Answer(findings=findings, blocked_by=blocker)


def _keeper() -> Keeper:
    from pytest_stairway.walk.keeping import Keeper

    return Keeper()


def _raise(error: Exception) -> NoReturn:
    raise error
