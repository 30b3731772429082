"""Marks what the baseline accepts, and tells which of its entries nothing matches any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_stairway.findings import REHEARSED, Direction, Finding
from pytest_stairway.report import Outcome
from pytest_stairway.revisions.source import shown

if TYPE_CHECKING:
    from pytest_stairway.baseline import Acceptance, Baseline
    from pytest_stairway.project import Answer, Project
    from pytest_stairway.report import Report

__all__ = ["accept", "add_unused", "was_looked_for"]

OF_ROWS = frozenset(
    (
        *("rows-lost", "values-not-restored", "data-dropped"),
        *("values-overwritten", "rows-deleted", "not-repeatable", "not-populated"),
    )
)
"""The codes of which only a walk that carries rows can tell."""


def accept(answer: Answer, project: Project) -> Answer:
    """Mark what the project's baseline accepts; only what is new fails then."""
    findings = tuple(_marked(finding, project.baseline) for finding in answer.findings)
    if findings == answer.findings:
        return answer
    accepted = replace(answer, findings=findings)
    told = answer.revision
    if told is not None and told.outcome is Outcome.FAILED and not accepted.failed(strict=project.settings.strict):
        accepted = replace(accepted, revision=replace(told, outcome=Outcome.PASSED))
    return accepted


def _marked(finding: Finding, baseline: Baseline) -> Finding:
    entry = None if finding.accepted else baseline.entry_for(finding)
    return finding if entry is None else replace(finding, accepted=True, reason=entry.reason)


def add_unused(report: Report, project: Project) -> None:
    """Add to a completed report the entries that nothing matched, but those of revisions that were not reached.

    Args:
        report: of a run that has looked at everything: only that can tell.
        project: the project, with its baseline.
    """
    entries = project.baseline.entries
    matched = {id(project.baseline.entry_for(finding)) for finding in report.findings}
    for entry in entries:
        if id(entry) not in matched and was_looked_for(entry, report, project):
            report.findings.append(_unused(entry, project))
    project.complete(report)


def was_looked_for(entry: Acceptance, report: Report, project: Project) -> bool:
    """Tell whether a run that left nothing out would have found what an entry accepts."""
    if entry.code in REHEARSED and not any(told["revision"] == entry.revision for told in report.rehearsals):
        return False
    if entry.code.startswith("offline-") and not project.settings.offline:
        return False
    if entry.code in OF_ROWS and not project.settings.rows:
        return False
    told = report.revisions.get(entry.revision or "")
    return told is None or told.outcome in {Outcome.PASSED, Outcome.FAILED}


def _unused(entry: Acceptance, project: Project) -> Finding:
    about = ", ".join(filter(None, (entry.direction, entry.object)))
    said = f"the baseline accepts {entry.code}{f' ({about})' if about else ''}, which does not happen"
    known = entry.revision is None or entry.revision in project.order
    return Finding(
        code="unused-acceptance",
        revision=entry.revision if known else None,
        direction=Direction(entry.direction) if entry.direction else None,
        object=entry.object,
        message=said if known else f"{said}: there is no revision {entry.revision}",
        hint="Take the entry out, or write the file anew by `stairway baseline`",
        path=shown(str(project.baseline.path)),
        line=entry.line,
    )
