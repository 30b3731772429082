"""What a bundle tells people, as plain data: the templates put it into words."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway.findings import Severity
from pytest_stairway.handoff.bundle import checksum
from pytest_stairway.handoff.traits import builds_concurrently, own_timeouts, shares_transactions
from pytest_stairway.offline.rendering import Part
from pytest_stairway.reporters.failure import render_finding
from pytest_stairway.rows import RowChange
from pytest_stairway.schema import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_stairway.findings import Finding
    from pytest_stairway.handoff.files import SqlFile
    from pytest_stairway.handoff.proof import Check
    from pytest_stairway.handoff.release import Release
    from pytest_stairway.project import Project
    from pytest_stairway.rows import RowDifference
    from pytest_stairway.schema import Difference

__all__ = [
    "AcceptedTold",
    "ChangeTold",
    "FileTold",
    "LockTold",
    "RehearsedTold",
    "RevisionTold",
    "RowsTold",
    "StatementTold",
    "Story",
    "tell_story",
]

_SHOWN = 80

COMMANDS = {
    "postgresql": 'psql -X -d "$DATABASE_URL" -f',
    "sqlite": 'sqlite3 -bail "$DATABASE_FILE" <',
    "mysql": 'mysql "$DATABASE" <',
    "mariadb": 'mariadb "$DATABASE" <',
}
"""What runs a file, by dialect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionTold:
    """One revision."""

    revision: str
    message: str
    statements: tuple[str, ...]
    """What its upgrade runs, without the version table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTold:
    """One change of the schema."""

    kind: str
    """``column``, ``unique constraint`` …: in the catalogue of texts."""
    name: str
    what: str
    """``new``, ``gone``, ``renamed`` or ``changed``."""
    attribute: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsTold:
    """What happens to the rows of one table, or to the values of one column."""

    what: str
    """A `RowChange`: in the catalogue of texts."""
    table: str
    column: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockTold:
    """What one statement does to one table."""

    table: str
    lock: str
    rewritten: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementTold:
    """One statement, rehearsed."""

    sql: str
    seconds: float
    tables: tuple[LockTold, ...]
    reader: str
    """How a reader fared beside it: in the catalogue of texts."""
    writer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedTold:
    """One step, rehearsed."""

    revision: str
    direction: str
    rows: int
    seconds: float
    failed: str
    """Why; empty where it did not."""
    statements: tuple[StatementTold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTold:
    """One file of the bundle."""

    name: str
    checksum: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedTold:
    """A finding that does not hold the release up."""

    finding: str
    """As the console shows it."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything that README.md and report.html tell."""

    proven: bool
    language: str
    start: str
    """``faa4416c842b``; ``base`` for the empty database."""
    end: str
    dialect: str
    revisions: tuple[RevisionTold, ...]
    files: tuple[FileTold, ...]
    upgrade: bool
    """Whether there is an upgrade.sql."""
    downgrade: bool
    atomic: bool
    """Whether each file happens as a whole or not at all."""
    parts: tuple[str, ...]
    irreversible: str
    version_table: str
    lock_timeout: str
    statement_timeout: str
    server: str
    client: str
    without_psql: bool
    dump: str
    stamped: bool
    tables: int
    populated: int
    unpopulated: Mapping[str, str]
    checks: tuple[Check, ...]
    changes: tuple[ChangeTold, ...]
    rows: tuple[RowsTold, ...]
    dropped: tuple[RowsTold, ...]
    lost_schema: tuple[ChangeTold, ...]
    lost_rows: tuple[RowsTold, ...]
    own_timeouts: tuple[tuple[str, str], ...]
    """By revision: what the migrations set in place of ours."""
    shared: bool
    """Whether a transaction holds several revisions, though not all."""
    concurrent: bool
    """Whether an index is built outside of transactions, and may be left half-built."""
    problems: tuple[str, ...]
    """The findings that keep it from being proven, as the console shows them."""
    accepted: tuple[AcceptedTold, ...]
    remarks: tuple[str, ...]
    command: str
    """What runs a file, up to the file's name."""
    runs_whole: bool
    """Whether upgrade.sql is to be run, rather than the files of its revisions."""
    rehearsal: tuple[RehearsedTold, ...] = ()
    """Empty where there was none."""
    rehearsal_rows: int = 0
    not_rehearsed: str = ""
    """The first revision that could not be rehearsed; empty where all of them were."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """How long each file took on the few rows of the proof."""


def tell_story(release: Release, project: Project, files: Mapping[str, str]) -> Story:
    """Gather what a bundle tells.

    Args:
        release: the release.
        project: whose revisions it is made of.
        files: the SQL files, by name.
    """
    proof, start, settings = release.proof, release.start, release.settings
    population = start.population if start else None
    up = release.files.upgrade
    open_ = [each for each in release.findings if not each.accepted]
    return Story(
        proven=release.proven,
        language=settings.handoff_language,
        start=_named(release.span.start),
        end=_named(release.span.end),
        dialect=release.dialect,
        revisions=tuple(_revisions(release, project)),
        files=tuple(FileTold(name=name, checksum=checksum(text), text=text) for name, text in files.items()),
        upgrade=up is not None,
        downgrade=release.files.downgrade is not None,
        atomic=release.files.atomic,
        parts=tuple(part.name for part in release.files.parts),
        irreversible=release.files.irreversible or "",
        version_table=release.version_table,
        lock_timeout=settings.handoff_lock_timeout,
        statement_timeout=settings.handoff_statement_timeout,
        server=release.server,
        client=proof.runner if proof else "",
        without_psql=proof is not None and release.dialect == "postgresql" and not proof.runner.startswith("psql"),
        dump=Path(settings.handoff_from_dump).name if settings.handoff_from_dump else "",
        stamped=start.stamped if start else False,
        tables=population.tables if population else 0,
        populated=len(population.populated) if population else 0,
        unpopulated={each.table: each.reason for each in population.unpopulated} if population else {},
        checks=tuple(proof.checks) if proof else (),
        changes=_changes(proof.changed if proof else ()),
        rows=_rows(proof.rows_changed if proof else ()),
        dropped=_rows(proof.dropped_rows if proof else ()),
        lost_schema=_changes(proof.lost_schema if proof else ()),
        lost_rows=_rows(proof.lost_rows if proof else ()),
        own_timeouts=tuple(own_timeouts(release.files)),
        shared=up is not None and shares_transactions(up.script),
        concurrent=up is not None and builds_concurrently(up.script),
        problems=_shown(open_, error=True),
        accepted=_accepted(release),
        remarks=_shown(open_, error=False),
        command=COMMANDS.get(release.dialect, ""),
        runs_whole=release.dialect not in ("mysql", "mariadb"),
        rehearsal=release.rehearsal,
        rehearsal_rows=settings.handoff_rehearse,
        not_rehearsed=_not_rehearsed(release),
        seconds={check.file: check.seconds for check in (proof.checks if proof else ()) if _timed(check)},  # type: ignore[misc]
    )


def _not_rehearsed(release: Release) -> str:
    rehearsed = {each.revision for each in release.rehearsal}
    missing = (name for name in release.span.revisions if name not in rehearsed)
    return next(missing, "") if rehearsed else ""


def _timed(check: Check) -> bool:
    return check.name in ("file-upgrade", "file-downgrade") and check.ok


def _named(revisions: Iterable[str]) -> str:
    return ", ".join(sorted(revisions)) or "base"


def _revisions(release: Release, project: Project) -> Iterable[RevisionTold]:
    for place, name in enumerate(release.span.revisions):
        statements = _statements(release.files.upgrade, place)
        yield RevisionTold(revision=name, message=project.history[name].message, statements=statements)


def _statements(file: SqlFile | None, place: int) -> tuple[str, ...]:
    if file is None:
        return ()
    return tuple(each.text for each in file.script.of_step(place) if each.part is Part.MIGRATION)


_CHANGES = {Change.MISSING: "gone", Change.UNEXPECTED: "new", Change.RENAMED: "renamed", Change.CHANGED: "changed"}


def _change(difference: Difference) -> ChangeTold:
    key = difference.key
    return ChangeTold(
        kind=key.kind,
        name=str(key).removeprefix(f"{key.kind} "),
        what=_CHANGES[difference.change],
        attribute=difference.attribute or "",
        before=_cut(difference.before),
        after=_cut(difference.after),
    )


def _changes(differences: Iterable[Difference]) -> tuple[ChangeTold, ...]:
    return tuple(map(_change, differences))


def _rows(differences: Iterable[RowDifference]) -> tuple[RowsTold, ...]:
    return tuple(
        RowsTold(what=each.change.value, table=each.table, column=each.column or "", to=each.to or "")
        for each in differences
        if each.holds_data or each.change in (RowChange.TABLE_DROPPED, RowChange.COLUMN_DROPPED)
    )


def _accepted(release: Release) -> tuple[AcceptedTold, ...]:
    accepted = (each for each in release.findings if each.accepted)
    return tuple(AcceptedTold(finding=render_finding(each), reason=each.reason or "") for each in accepted)


def _shown(findings: Iterable[Finding], *, error: bool) -> tuple[str, ...]:
    return tuple(render_finding(each) for each in findings if (each.severity is Severity.ERROR) is error)


def _cut(text: str | None) -> str:
    text = " ".join((text or "").split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
