"""One project under test: its history, its `env.py`, its walk, and the findings of each.

Both edges, the pytest plugin and the command, ask a `Project` and tell what it answers.
"""

from __future__ import annotations

import functools
import sys
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pytest_stairway import databases
from pytest_stairway.baseline import FILE_NAME as BASELINE
from pytest_stairway.baseline import Baseline, read_baseline
from pytest_stairway.carried_rows import DIALECTS, RowSettings
from pytest_stairway.checks import VERSION_COLUMN_LENGTH, check_descent, check_release, check_roundtrip
from pytest_stairway.databases import Cache
from pytest_stairway.drift import check_models
from pytest_stairway.environment import Environment, EnvironmentRaised
from pytest_stairway.exceptions import DatabaseUnavailable, HistoryUnusable, UsageError
from pytest_stairway.faults import is_irreversible
from pytest_stairway.findings import REHEARSED, Direction, Finding, Severity
from pytest_stairway.lineage import Lineage
from pytest_stairway.marks import Mark, marks_in
from pytest_stairway.mistakes import environment_finding, is_fault_of_environment
from pytest_stairway.models import compare_models
from pytest_stairway.moves import move
from pytest_stairway.offline_walk import COMPARED, OfflineWalk
from pytest_stairway.pieces import cut, read_shard
from pytest_stairway.release import walk_release
from pytest_stairway.report import DatabaseFacts, HistoryFacts, Outcome, RevisionReport
from pytest_stairway.revisions import check_structure, load_history
from pytest_stairway.revisions.extensions import created_extensions
from pytest_stairway.revisions.source import shown
from pytest_stairway.roundtrip import Roundtrip
from pytest_stairway.row_checks import check_rows
from pytest_stairway.rows_file import read_rows_file
from pytest_stairway.sandbox import Sandbox
from pytest_stairway.shortcuts import Shortcuts
from pytest_stairway.surveying import survey_alone
from pytest_stairway.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_stairway.databases import Provider, Server
    from pytest_stairway.environment import Survey
    from pytest_stairway.guard import Contact
    from pytest_stairway.moves import Move
    from pytest_stairway.rehearsal import Rehearsal
    from pytest_stairway.report import Report
    from pytest_stairway.revisions import History, Revision
    from pytest_stairway.session import StepFailed
    from pytest_stairway.settings import Settings

T = TypeVar("T")

__all__ = ["Answer", "Project", "find_configuration"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one item learned."""

    findings: tuple[Finding, ...] = ()
    revision: RevisionReport | None = None
    blocked_by: str | None = None
    """A revision that cannot go up, because of which there was nothing to look at."""
    coverage: tuple[int, int] | None = None
    """How many tables had rows, and how many there were."""
    note: str | None = None
    """What could not be looked at, and why."""

    database: DatabaseFacts | None = None
    rehearsal: Rehearsal | None = None
    """What was seen on many rows."""
    error: BaseException | None = None
    """What a migration raised, for a debugger; it does not travel."""

    def as_dict(self) -> dict[str, Any]:
        """Give the answer as plain data, which travels between processes and into the report."""
        return {
            "findings": [finding.as_dict() for finding in self.findings],
            "revision": None if self.revision is None else self.revision.as_dict(),
            "note": self.note,
            "coverage": self.coverage and list(self.coverage),
            "database": None if self.database is None else asdict(self.database),
            "rehearsal": None if self.rehearsal is None else self.rehearsal.as_dict(),
        }

    def failed(self, *, strict: bool) -> bool:
        """Tell whether the item fails."""
        fatal = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
        return any(finding.severity in fatal and not finding.accepted for finding in self.findings)


class Project:
    """One project under test.

    Args:
        settings: the options.
        root: the folder in which Alembic's configuration is looked for.
        address: of a server that another process has started (an xdist worker's controller).
    """

    def __init__(self, settings: Settings, root: Path, *, address: str | None = None) -> None:
        self.settings = settings
        self._root = root
        self._address = address
        self._server: Server | None = None
        self._unavailable: DatabaseUnavailable | None = None
        self._walk: Walk | None = None
        self._offline_walk: OfflineWalk | None = None
        self._asked: frozenset[str] = frozenset()
        self._ahead: tuple[str, ...] = ()
        self._found: dict[str, tuple[Finding, ...]] = {}
        self._broken: HistoryUnusable | None = None
        self.notes: tuple[str, ...] = ()
        """What somebody should know after the run, though nothing failed."""

    @cached_property
    def configuration(self) -> Path:
        """Alembic's configuration: an ini file or a pyproject.toml.

        Raises:
            UsageError: there is none.
        """
        return find_configuration(self.settings, self._root)

    @cached_property
    def history(self) -> History:
        """The loaded history.

        Raises:
            HistoryUnusable: it cannot be loaded.
        """
        if self._broken is not None:
            raise self._broken
        try:
            return load_history(self.configuration, section=self.settings.section, x_arguments=self.settings.x)
        except HistoryUnusable as error:
            self._broken = error
            raise

    @property
    def is_usable(self) -> bool:
        """Whether the history can be loaded."""
        return self.history_facts is not None

    @cached_property
    def selected(self) -> tuple[Revision, ...]:
        """The revisions to walk, in the history's order."""
        number, of = self._shard
        return cut(self._walked, of, ways=1 + len(self.releases))[number - 1] if of > 1 else self._walked

    @cached_property
    def _walked(self) -> tuple[Revision, ...]:
        """The revisions that all shards walk together."""
        wanted = self.history.select(self.settings.range) if self.settings.range else self.history.revisions
        return tuple(revision for revision in wanted if revision.revision not in self.minimum)

    @property
    def _shard(self) -> tuple[int, int]:
        if self.settings.shard is None:
            return 1, 1
        return read_shard(self.settings.shard, source=self.settings.source("shard"))

    @property
    def goes_through_whole(self) -> bool:
        """Whether the history is gone through as a whole here: the last of several shards does."""
        number, of = self._shard
        return number == of and bool(self._walked)

    @cached_property
    def minimum(self) -> frozenset[str]:
        """The revisions that are only upgraded, never walked."""
        if self.settings.minimum is None:
            return frozenset()
        lowest = self.history.get(self.settings.minimum).revision
        return self.history.ancestors(lowest) | {lowest}

    @cached_property
    def releases(self) -> tuple[str, ...]:
        """The revisions from which a release walk starts."""
        if self.settings.release_from:
            return tuple(self.history.get(name).revision for name in self.settings.release_from)
        if self.settings.minimum is not None:
            return (self.history.get(self.settings.minimum).revision,)
        return self.history.bases

    def verify(self) -> None:
        """Look up every revision that an option names, and read the marks in the revision files.

        Raises:
            UsageError: one of them cannot be used.
            HistoryUnusable: the history cannot be loaded.
        """
        self.selected, self.releases, self._irreversible(), self.row_settings

    @cached_property
    def baseline(self) -> Baseline:
        """What is accepted as it stands.

        Raises:
            UsageError: the file cannot be used.
        """
        named = self.settings.baseline
        if named is not None:
            return read_baseline(Path(self._root, named), source=self.settings.source("baseline"))
        path = self.configuration.with_name(BASELINE)
        return read_baseline(path, source="the default") if path.exists() else Baseline()

    @cached_property
    def contact(self) -> Contact:
        """Where `env.py` connects to when nobody redirects it.

        Raises:
            HistoryUnusable: `env.py` cannot be run.
        """
        return self._guarded(Environment(self.history, sandbox=Sandbox(self._acquire)).probe)

    @cached_property
    def provider(self) -> Provider:
        """Where throwaway databases come from.

        Raises:
            DatabaseUnavailable: there is nowhere.
        """
        return databases.choose(
            self.contact.dialect,
            named=self.settings.database,
            driver=self.contact.driver,
            cache=self._cache,
            extensions=created_extensions(each.path for each in self.history.revisions),
        )

    @property
    def _cache(self) -> Cache:
        """What is kept between runs."""
        if self.settings.no_cache:
            return Cache(folder=None, on_servers=False)
        folder = databases.cache_folder(self.settings.cache_dir)
        return Cache(folder=folder, project=str(self.configuration), wanted=self._wanted)

    def _wanted(self) -> list[str]:
        """Give the keys of the templates with which the walk can begin, the best first."""
        order = [each.revision for each in self.history.revisions]
        first = next((place for place, name in enumerate(order) if name in self._asked), len(order))
        return self.lineage.keys(order[:first])[::-1]

    @cached_property
    def lineage(self) -> Lineage:
        """What the databases of this history are made from, for the keys of templates."""
        return Lineage(self.history, dialect=self.contact.dialect, facts=(self.contact.driver,))

    @property
    def server(self) -> Server:
        """The running server; started, or joined, when first asked for.

        Raises:
            DatabaseUnavailable: it could not be, and is not tried again.
        """
        if self._unavailable is not None:
            raise self._unavailable
        if self._server is None:
            try:
                self._server = databases.join(self._address) if self._address else self.provider.start()
            except DatabaseUnavailable as error:
                self._unavailable = error
                raise
        return self._server

    @property
    def database_facts(self) -> DatabaseFacts | None:
        """The database in use; None before there is one."""
        server = self._server
        if server is None:
            return None
        return DatabaseFacts(
            dialect=server.dialect,
            server_version=server.version,
            provider=server.provider,
            description=server.description,
        )

    @property
    def history_facts(self) -> HistoryFacts | None:
        """The history's size and ends; None where it cannot be loaded."""
        try:
            history = self.history
        except HistoryUnusable:
            return None
        return HistoryFacts(revisions=len(history.revisions), heads=history.heads, bases=history.bases)

    @property
    def order(self) -> tuple[str, ...]:
        """Every revision in the history's order; none where it cannot be loaded."""
        return () if self.history_facts is None else tuple(each.revision for each in self.history.revisions)

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
            return Answer(findings=error.findings, revision=_reported(revision, None, Outcome.FAILED))
        if trip.blocked_by is not None:
            return self._not_reached(revision, trip.blocked_by)
        findings = check_roundtrip(trip, revision, dialect=self.server.dialect)
        told = {each.object for each in findings if each.object is not None and each.severity is Severity.ERROR}
        bottom = None if trip.excursion is None else self.history.get(trip.excursion.bottom)
        findings += check_rows(trip, revision, dialect=self.server.dialect, told=told, bottom=bottom)
        self._found[revision.revision] = findings
        findings = _accepted(findings, revision)
        failures = [*trip.failures.values(), *(failed.failure for failed in trip.row_failures.values())]
        raised = next((failure.error for failure in failures), None)
        coverage = trip.coverage if trip.rows is not None else None
        answer = Answer(findings=findings, database=self.database_facts, error=raised, coverage=coverage)
        outcome = Outcome.FAILED if answer.failed(strict=self.settings.strict) else Outcome.PASSED
        return replace(answer, revision=_reported(revision, trip, outcome))

    def check_offline(self, revision: Revision) -> Answer:
        """Check the SQL that Alembic writes offline for one revision."""
        try:
            walk = self._guarded(self._started_offline_walk)
            if walk is None:
                return Answer(note=f"offline SQL is compared on {' and '.join(sorted(COMPARED))}, with one database")
            if self._walk is not None:
                self._walk.pause()
            trip = self._guarded(lambda: walk.check(revision.revision))
        except HistoryUnusable as error:
            return Answer(findings=error.findings)
        if trip.blocked_by is not None:
            return Answer(blocked_by=trip.blocked_by, database=self.database_facts)
        return Answer(findings=_accepted(tuple(trip.findings), revision, offline=True), database=self.database_facts)

    def _started_offline_walk(self) -> OfflineWalk | None:
        """Start the walk that compares; None where it cannot."""
        if self.server.dialect not in COMPARED:
            return None
        if self._offline_walk is None:
            self.pause()
            surveyed = survey_alone(self.history, self.server)
            if len(surveyed.addresses) > 1:
                return None
            self._offline_walk = OfflineWalk(
                self.history,
                self.server,
                surveyed.survey,
                address=surveyed.addresses[0],
                driver=self.contact.driver,
                rows=self.row_settings,
                irreversible=self._irreversible(),
                planned=self._ahead,
            )
        return self._offline_walk

    def unwalked(self, revision: Revision, outcome: Outcome) -> RevisionReport:
        """Report a revision that was not walked."""
        return _reported(revision, None, outcome)

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
        findings = tuple(finding for finding in findings if not self._told_already(finding))
        return Answer(findings=findings, note=_barrier_note(descent.barriers), database=self.database_facts)

    def check_release(self, start: str) -> Answer:
        """Upgrade from a released revision to the heads in one run."""
        try:
            walk = self._guarded(self._started_walk)
            at_heads = self._guarded(walk.reach_heads)
            if walk.blocked:
                return self._blocked(next(iter(walk.blocked)))
            walk.pause()
            environment = Environment(self.history, sandbox=Sandbox(self._acquire, label="release"))
            survey = self._survey
            release = self._guarded(lambda: walk_release(self.history, environment, survey, start))
        except HistoryUnusable as error:
            return Answer(findings=error.findings)
        findings = check_release(release, self.history, walk.makers, at_heads=at_heads, dialect=self.server.dialect)
        findings = tuple(finding for finding in findings if not self._told_already(finding))
        return Answer(findings=findings, database=self.database_facts)

    def check_models(self) -> Answer:
        """Compare what the migrations make with what the models declare."""
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
            finally:
                migrated.sandbox.reset()
        except HistoryUnusable as error:
            return Answer(findings=error.findings)
        findings = check_models(comparisons, dialect=self.server.dialect)
        return Answer(findings=findings, database=self.database_facts)

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
            if self._server is not None:
                self._server.close()
                self.notes = (*self._server.notes, *self._without_rows())

    @cached_property
    def _survey(self) -> Survey:
        return self._guarded(self._environment.survey)

    @cached_property
    def _environment(self) -> Environment:
        return Environment(self.history, sandbox=Sandbox(self._acquire))

    def _acquire(self, _contact: Contact) -> Server:
        return self.server

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
        return self._walk

    @property
    def irreversible(self) -> frozenset[str]:
        """The revisions that are never downgraded."""
        return self._irreversible()

    @cached_property
    def row_settings(self) -> RowSettings:
        """What the user says about rows.

        Raises:
            UsageError: the file with the user's own cannot be used.
        """
        settings = self.settings
        if settings.rows_file is None:
            return RowSettings(rows=settings.rows)
        path = Path(self._root, settings.rows_file)
        return read_rows_file(path, self.history, rows=settings.rows, source=settings.source("rows_file"))

    def _without_rows(self) -> tuple[str, ...]:
        """Say so where rows were asked for, and are not made on this dialect."""
        dialect = self.server.dialect
        if dialect in DIALECTS or not self.settings.rows:
            return ()
        return (f"rows are not generated on {dialect}: only schemas are compared",)

    def _irreversible(self) -> frozenset[str]:
        """Gather what is declared irreversible, by the option or in the revision files."""
        named = {self.history.get(name).revision for name in self.settings.irreversible}
        marked = {
            revision.revision
            for revision in self.history.revisions
            if any(mark.code == "irreversible" for mark in marks_in(revision.path))
        }
        return frozenset(named | marked)

    def _guarded(self, work: Callable[[], T]) -> T:
        """Run work that executes `env.py`; what that raises becomes a finding.

        Raises:
            HistoryUnusable: `env.py` could not be used.
        """
        if self._broken is not None:
            raise self._broken
        try:
            return work()
        except (HistoryUnusable, DatabaseUnavailable, UsageError):
            raise
        except (Exception, SystemExit) as error:
            if not is_fault_of_environment(error):
                raise
            env_py = self.history.script.env_py_location
            finding = environment_finding(error, env_py=env_py, ini=str(self.configuration))
            self._broken = HistoryUnusable([finding])
            raise self._broken from error

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
        report = replace(_reported(revision, None, Outcome.NOT_REACHED), blocked_by=blocker)
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


def _raise(error: Exception) -> NoReturn:
    raise error


def find_configuration(settings: Settings, root: Path) -> Path:
    """Find Alembic's configuration.

    Raises:
        UsageError: there is none where it was named, or at any of the usual places.
    """
    if settings.config is not None:
        named = Path(root, settings.config)
        if not named.is_file():
            raise UsageError(f"{settings.source('config')} names {settings.config}, which is not a file")
        return named
    for candidate in (root / "alembic.ini", root / "pyproject.toml"):
        if candidate.is_file() and (candidate.suffix == ".ini" or _configures_alembic(candidate)):
            return candidate
    raise UsageError(
        f"there is no alembic.ini in {root}, and no pyproject.toml with a [tool.alembic] table; name Alembic's "
        "configuration by --stairway-config (or stairway_config in pytest's own)"
    )


def _configures_alembic(path: Path) -> bool:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return any(line.strip().startswith("[tool.alembic") for line in lines)


def _reported(revision: Revision, trip: Roundtrip | None, outcome: Outcome) -> RevisionReport:
    seconds = trip.seconds if trip is not None else {}
    return RevisionReport(
        revision=revision.revision,
        down_revision=tuple(revision.down_revision),
        message=revision.message,
        path=shown(revision.path),
        outcome=outcome,
        upgrade_seconds=seconds.get(Direction.UPGRADE),
        downgrade_seconds=seconds.get(Direction.DOWNGRADE),
        reupgrade_seconds=seconds.get(Direction.REUPGRADE),
    )


def _accepted(findings: tuple[Finding, ...], revision: Revision, *, offline: bool = False) -> tuple[Finding, ...]:
    """Mark the findings that the revision file accepts, and tell what it accepts in vain."""
    marks = [mark for mark in marks_in(revision.path) if mark.code not in {"irreversible", *REHEARSED}]
    marks = [mark for mark in marks if mark.code.startswith("offline-") is offline]
    codes = {finding.code for finding in findings}
    reasons = {mark.code: mark.reason for mark in marks}
    told = [
        replace(finding, accepted=True, reason=reasons[finding.code]) if finding.code in reasons else finding
        for finding in findings
    ]
    return (*told, *(_unused(mark, revision) for mark in marks if mark.code not in codes))


def _unused(mark: Mark, revision: Revision) -> Finding:
    return Finding(
        code="unused-acceptance",
        revision=revision.revision,
        message=f"the revision accepts {mark.code}, which does not happen",
        hint="Take the comment out",
        path=shown(mark.path),
        line=mark.line,
    )


def _barrier_note(barriers: tuple[str, ...]) -> str | None:
    if not barriers:
        return None
    return f"not looked at below {', '.join(barriers)}, which cannot be downgraded"
