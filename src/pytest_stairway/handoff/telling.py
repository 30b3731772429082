"""Gathers what a bundle tells from what a release gave."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway.findings import Severity
from pytest_stairway.handoff.bundle import checksum
from pytest_stairway.handoff.products import COMMANDS, COMMITS_STATEMENTS
from pytest_stairway.handoff.proof import Proof
from pytest_stairway.handoff.story import (
    AcceptedTold,
    Changes,
    ChangeTold,
    Duration,
    Evidence,
    FileTold,
    Return,
    RevisionTold,
    RowsTold,
    Run,
    Story,
    Verdict,
)
from pytest_stairway.handoff.traits import builds_concurrently, own_timeouts, shares_transactions
from pytest_stairway.reporters.failure import render_finding
from pytest_stairway.rows import RowChange
from pytest_stairway.schema import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_stairway.findings import Finding
    from pytest_stairway.handoff.release import Release
    from pytest_stairway.project import Project
    from pytest_stairway.rows import RowDifference
    from pytest_stairway.schema import Difference

__all__ = ["tell_story"]

_SHOWN = 80
_CHANGES = {Change.MISSING: "gone", Change.UNEXPECTED: "new", Change.RENAMED: "renamed", Change.CHANGED: "changed"}


def tell_story(release: Release, project: Project, files: Mapping[str, str]) -> Story:
    """Gather what a bundle tells.

    Args:
        release: the release.
        project: whose revisions it is made of.
        files: the SQL files, by name.
    """
    return Story(
        language=release.settings.handoff_language,
        product=release.product,
        start=_named(release.span.start),
        end=_named(release.span.end),
        version_table=release.version_table,
        verdict=_verdict(release),
        changes=_what_changes(release, project),
        duration=_duration(release),
        run=_run(release),
        back=_return(release),
        evidence=_evidence(release),
        files=tuple(FileTold(name=name, checksum=checksum(text), text=text) for name, text in files.items()),
    )


def _named(revisions: Iterable[str]) -> str:
    return ", ".join(sorted(revisions)) or "base"


def _verdict(release: Release) -> Verdict:
    open_ = [each for each in release.findings if not each.accepted]
    accepted = [each for each in release.findings if each.accepted]
    return Verdict(
        proven=release.proven,
        problems=tuple(_shown(each, release) for each in open_ if each.severity is Severity.ERROR),
        accepted=tuple(AcceptedTold(finding=_shown(each, release), reason=each.reason or "") for each in accepted),
        remarks=tuple(_shown(each, release) for each in open_ if each.severity is not Severity.ERROR),
    )


def _shown(finding: Finding, release: Release) -> str:
    return render_finding(finding, language=release.language)


def _what_changes(release: Release, project: Project) -> Changes:
    proof = _proof(release)
    return Changes(
        revisions=tuple(
            RevisionTold(revision=name, message=project.history[name].message) for name in release.span.revisions
        ),
        schema=_changes(proof.changed),
        rows=_rows(proof.rows_changed),
    )


def _proof(release: Release) -> Proof:
    """Give the proof; where there was none, one that saw nothing."""
    return release.proof or Proof(runner="")


def _duration(release: Release) -> Duration:
    settings = release.settings
    return Duration(
        rehearsal=release.rehearsal,
        rows=settings.handoff_rehearse,
        not_rehearsed=_not_rehearsed(release),
        limits=release.limits,
        lock_timeout=settings.handoff_lock_timeout,
        statement_timeout=settings.handoff_statement_timeout,
        own_timeouts=tuple(own_timeouts(release.files.scripts)),
    )


def _not_rehearsed(release: Release) -> str:
    rehearsed = {each.revision for each in release.rehearsal}
    missing = (name for name in release.span.revisions if name not in rehearsed)
    return next(missing, "") if rehearsed else ""


def _run(release: Release) -> Run:
    upgrade = release.files.upgrade
    return Run(
        command=COMMANDS[release.product],
        upgrade=upgrade is not None,
        by_statement=release.product in COMMITS_STATEMENTS,
        atomic=release.files.atomic,
        parts=tuple(part.name for part in release.files.upgrade_parts),
        shared=upgrade is not None and shares_transactions(upgrade.script),
        concurrent=any(map(builds_concurrently, release.files.scripts)),
    )


def _return(release: Release) -> Return:
    proof, files = _proof(release), release.files
    return Return(
        downgrade=files.downgrade is not None,
        atomic=files.downgrade_atomic,
        parts=tuple(part.name for part in files.downgrade_parts),
        irreversible=files.irreversible or "",
        dropped=_rows(proof.dropped_rows),
        lost_rows=_rows(proof.lost_rows),
        lost_schema=_changes(proof.lost_schema),
    )


def _evidence(release: Release) -> Evidence:
    proof, start, dump = _proof(release), release.start, release.settings.handoff_from_dump
    population = start.population if start else None
    return Evidence(
        server=release.server,
        client=proof.runner,
        by_driver=proof.by_driver,
        compares_rows=release.compares_rows,
        dump=Path(dump).name if dump else "",
        stamped=start.stamped if start else False,
        tables=population.tables if population else 0,
        populated=len(population.populated) if population else 0,
        unpopulated={each.table: each.reason for each in population.unpopulated} if population else {},
        checks=tuple(proof.checks),
    )


def _changes(differences: Iterable[Difference]) -> tuple[ChangeTold, ...]:
    return tuple(map(_change, differences))


def _change(difference: Difference) -> ChangeTold:
    key = difference.key
    return ChangeTold(
        kind=key.kind,
        name=key.told_name,
        what=_CHANGES[difference.change],
        attribute=difference.attribute or "",
        before=_cut(difference.before),
        after=_cut(difference.after),
    )


def _rows(differences: Iterable[RowDifference]) -> tuple[RowsTold, ...]:
    return tuple(
        RowsTold(what=each.change.value, table=each.table, column=each.column or "", to=each.to or "")
        for each in differences
        if each.holds_data or each.change in (RowChange.TABLE_DROPPED, RowChange.COLUMN_DROPPED)
    )


def _cut(text: str | None) -> str:
    text = " ".join((text or "").split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
