"""Makes a release: its files, the database of the proof, the proof; all that the bundle tells comes from here."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway.dumps import require_dump
from pytest_stairway.environment.environment import Environment
from pytest_stairway.environment.sandbox import Sandbox
from pytest_stairway.environment.surveying import survey_alone
from pytest_stairway.exceptions import HistoryUnusable, StairwayError, UsageError
from pytest_stairway.findings import Finding, Severity
from pytest_stairway.handoff.accepting import Acceptances
from pytest_stairway.handoff.files import Files, Writer, quoted, write_files
from pytest_stairway.handoff.products import DIALECTS, guarding_for, product_of
from pytest_stairway.handoff.proof import Proof, prove
from pytest_stairway.handoff.rehearsing import rehearse_release
from pytest_stairway.handoff.runner import runner_for
from pytest_stairway.handoff.span import Span, span_of
from pytest_stairway.handoff.start import Start, StartNotReached, make_start
from pytest_stairway.mistakes import environment_finding, is_fault_of_environment
from pytest_stairway.offline.site import Site
from pytest_stairway.phrases import phrase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_stairway.handoff.settings import HandoffSettings
    from pytest_stairway.handoff.story import RehearsedTold
    from pytest_stairway.phrases import Language
    from pytest_stairway.project import Project

__all__ = ["Release", "make_release"]


@dataclass(slots=True, kw_only=True)
class Release:
    """One release, as far as it came."""

    written: str
    """The range as somebody wrote it."""
    span: Span
    settings: HandoffSettings
    files: Files = field(default_factory=Files)
    start: Start | None = None
    proof: Proof | None = None
    rehearsal: tuple[RehearsedTold, ...] = ()
    findings: tuple[Finding, ...] = ()
    server: str = ""
    """The throwaway server, in one line."""
    dialect: str = ""
    product: str = ""
    """See `products.product_of`."""
    compares_rows: bool = True
    limits: Mapping[str, str] = field(default_factory=dict)
    """The session's time limits that the files set."""
    version_table: str = "alembic_version"
    seconds: float = 0.0

    @property
    def language(self) -> Language:
        """The bundle's language."""
        from pytest_stairway.handoff.catalogue import translations

        return translations(self.settings.handoff_language)

    @property
    def proven(self) -> bool:
        """Whether the files do what they should."""
        wrong = any(each.severity is Severity.ERROR and not each.accepted for each in self.findings)
        return not wrong and self.proof is not None and self.proof.ok and self.files.upgrade is not None


def make_release(project: Project, written: str, settings: HandoffSettings) -> Release:
    """Make a release of a range.

    Raises:
        UsageError: an option or the range cannot be used.
        HistoryUnusable: the history or `env.py` cannot be.
        DatabaseUnavailable: no throwaway database can be had.
    """
    started = time.perf_counter()
    history = project.history
    release = Release(written=written, span=span_of(history, written), settings=settings)
    dump = Path(settings.handoff_from_dump) if settings.handoff_from_dump else None
    _require_dialect(project, dump)
    if dump is not None:
        require_dump(dump)
    site = _site(project)
    release.server, release.dialect = site.server.description, site.server.dialect
    release.product, release.compares_rows = product_of(site.server), site.compares_rows
    release.version_table = quoted(release.dialect, site.circumstances.version_table)
    try:
        release.files = _write(project, site, release)
    except StairwayError as error:
        if isinstance(error, UsageError) or not is_fault_of_environment(error):
            raise
        release.findings = (_offline_finding(project, error),)
    else:
        acceptances = Acceptances(history, project.baseline)
        release.findings = acceptances.mark_all(release.files.findings)
        if release.files.upgrade is not None:
            _prove(release, site, dump, acceptances)
            _rehearse(release, project, acceptances)
    release.seconds = time.perf_counter() - started
    return release


def _site(project: Project) -> Site:
    """Learn how `env.py` configures Alembic, on a database of its own."""
    server = project.server
    try:
        surveyed = survey_alone(project.history, server)
    except StairwayError as error:
        if isinstance(error, UsageError) or not is_fault_of_environment(error):
            raise
        raise HistoryUnusable([_environment_finding(project, error)]) from error
    if len(surveyed.addresses) > 1:
        several = ", ".join(surveyed.addresses)
        raise UsageError(f"env.py migrates several databases ({several}), and a release is of one")
    return Site(
        history=project.history,
        server=server,
        survey=surveyed.survey,
        address=surveyed.addresses[0],
        driver=project.contact.driver,
        rows=project.row_settings,
    )


def _write(project: Project, site: Site, release: Release) -> Files:
    guarding = guarding_for(release.product, release.version_table, release.settings, release.language)
    release.limits = guarding.limits
    writer = Writer(
        environment=Environment(project.history, sandbox=Sandbox(lambda _contact: site.server)),
        guarding=guarding,
        dialect=release.dialect,
        per_migration=release.settings.per_migration,
        language=release.language,
    )
    return write_files(writer, release.span, irreversible=project.irreversible)


def _require_dialect(project: Project, dump: Path | None) -> None:
    """See that a release can be proven there, before anything is started.

    Raises:
        UsageError: it cannot.
    """
    dialect = project.contact.dialect
    if dialect not in DIALECTS:
        raise UsageError(
            f"stairway handoff proves releases on {', '.join(DIALECTS)}, not on {dialect}: no guard is known there.  "
            "`alembic upgrade FROM:TO --sql` writes the statements; `stairway check` walks the revisions"
        )
    if dump is not None and dialect != "postgresql":
        raise UsageError(f"--from-dump restores PostgreSQL's dumps, and env.py connects to {dialect}")


def _prove(release: Release, site: Site, dump: Path | None, acceptances: Acceptances) -> None:
    try:
        release.start = make_start(site, release.span, dump=dump)
    except StartNotReached as error:
        release.findings += (Finding(code="upgrade-failed", message=error.words, dialect=release.dialect),)
        return
    try:
        runner = runner_for(release.product)
        release.proof = prove(
            release.start.place, release.files, release.span, runner, acceptances, dialect=release.dialect
        )
        told = {_cause(each) for each in release.findings}
        release.findings += tuple(each for each in release.proof.findings if _cause(each) not in told)
    finally:
        release.start.place.drop()


def _rehearse(release: Release, project: Project, acceptances: Acceptances) -> None:
    rows = release.settings.handoff_rehearse
    if rows and release.proof is not None and release.dialect == "postgresql":
        downgrade = release.files.downgrade is not None
        rehearsed = rehearse_release(project, release.span, rows=rows, downgrade=downgrade)
        release.rehearsal = rehearsed.told()
        release.findings += acceptances.mark_all(rehearsed.findings)


def _cause(finding: Finding) -> tuple[object, ...]:
    """Tell by what a finding is known that was already made when the files were read, before they were run."""
    statement = finding.detail if finding.code == "offline-differs" else object()
    return finding.code, finding.revision, finding.direction, statement


def _offline_finding(project: Project, error: StairwayError) -> Finding:
    """Tell that `env.py` cannot be run in offline mode."""
    found = _environment_finding(project, error)
    return Finding(
        code="offline-failed",
        message=phrase("`alembic upgrade --sql` cannot be run: %(said)s", said=found.message),
        hint=found.hint,
        path=found.path,
        line=found.line,
        detail=found.detail,
    )


def _environment_finding(project: Project, error: BaseException) -> Finding:
    env_py = project.history.script.env_py_location
    return environment_finding(error, env_py=env_py, ini=str(project.configuration))
