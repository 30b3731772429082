"""Runs the whole of what we check on one history: the one place that knows how."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gauntlet.case import write
from pytest_stairway.exceptions import HistoryUnusable
from pytest_stairway.findings import Severity
from pytest_stairway.project import Project
from pytest_stairway.report import Report
from pytest_stairway.settings import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gauntlet.case import Case
    from pytest_stairway.findings import Finding
    from pytest_stairway.project import Answer

__all__ = ["find", "unmet"]

SECRETS = ("secret", "p%40ss")
"""The passwords in the URLs of the histories."""


def find(case: Case, folder: Path, *, address: str | None = None) -> list[Finding]:
    """Write a history into a folder, run every check on it, and give its errors and warnings.

    Args:
        case: the history.
        folder: an empty folder.
        address: of the server to use; None where the history is for SQLite.
    """
    write(case, folder)
    settings = resolve(lambda _option: None, lambda option: case.options.get(option.ini), environ={})
    project = Project(settings, folder, address=address)
    try:
        report = Report()
        answers = (project.check_models(),) if case.models_only else _answers(project)
        for answer in answers:
            report.take(answer.as_dict())
    finally:
        project.close()
    return [finding for finding in report.findings if finding.severity is not Severity.INFO and not finding.accepted]


def _answers(project: Project) -> Iterator[Answer]:
    history = project.check_history()
    yield history
    try:
        selected = project.selected
    except HistoryUnusable:
        return
    if any(finding.code == "environment-failed" for finding in history.findings):
        return
    project.plan(revision.revision for revision in selected)
    yield from map(project.check_revision, selected)
    yield project.check_leftovers()
    yield project.check_models()
    yield from map(project.check_release, project.releases)


def unmet(case: Case, found: list[Finding]) -> list[str]:
    """Tell in lines what is not as the case expects it: missed, found without reason, told badly or twice."""
    told: dict[tuple[str, str | None], str] = {}
    for finding in found:
        place = (finding.code, finding.revision)
        told[place] = (
            f"{told.get(place, '')}\n{finding.object or ''} | {finding.message} | {finding.path or ''}".strip()
        )
    missed = [f"missed: {code} on {revision}" for code, revision in case.expect.keys() - told.keys()]
    false = [
        f"false: {code} on {revision}: {told[code, revision]}" for code, revision in told.keys() - case.expect.keys()
    ]
    unnamed = [
        f"does not name {text!r}: {place[0]} on {place[1]}: {told[place]}"
        for place, text in case.expect.items()
        if place in told and text not in told[place]
    ]
    places = Counter((finding.code, finding.revision, finding.path) for finding in found if finding.object is None)
    twice = [f"told {times} times: {place[0]} on {place[1]}" for place, times in places.items() if times > 1]
    shown = [(finding, secret) for finding in found for secret in SECRETS if secret in str(finding.as_dict())]
    leaked = [f"shows a password: {finding.as_dict()}" for finding, _secret in shown]
    hints = [finding.hint for finding in found if finding.hint]
    odd = [f"an odd hint: {hint}" for hint in hints if not hint[0].isupper() or hint.endswith(".")]
    unhelpful = [f"no hint says {case.hint!r}: {hints}"] if not any(case.hint in hint for hint in hints or [""]) else []
    return sorted(missed + false + unnamed + twice + leaked + odd + unhelpful)
