"""Rehearses each revision of a release on many rows, for what the README says of seconds and locks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.clones import Clones, TemplateUnbuilt
from pytest_stairway.handoff.story import LockTold, RehearsedTold, StatementTold
from pytest_stairway.rehearsal import Passing, rehearse
from pytest_stairway.rehearsal.judging import check_rehearsal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_stairway.findings import Finding
    from pytest_stairway.handoff.span import Span
    from pytest_stairway.project import Project
    from pytest_stairway.rehearsal import Rehearsal, Run, Statement

__all__ = ["Rehearsed", "rehearse_release"]

_WORST = (Passing.BLOCKED, Passing.BLOCKED_ON_ROW, Passing.WENT_ON)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What the rehearsal of a release gave."""

    rows: int
    rehearsals: tuple[Rehearsal, ...]
    findings: tuple[Finding, ...]

    def told(self) -> tuple[RehearsedTold, ...]:
        """Give what the README tells: every revision up in the release's order, and then back."""
        runs = [(each.revision, run) for each in self.rehearsals for run in (*each.runs, *_only_trial(each))]
        up = [_told(name, run) for name, run in runs if run.direction.value != "downgrade"]
        down = [_told(name, run) for name, run in reversed(runs) if run.direction.value == "downgrade"]
        return (*up, *down)


def rehearse_release(project: Project, span: Span, *, rows: int, downgrade: bool) -> Rehearsed:
    """Rehearse the revisions of a release, one by one.

    Args:
        project: the project.
        span: the release.
        rows: how many rows each table gets that a revision touches.
        downgrade: take each back, too.
    """
    clones = Clones(
        project.history,
        project.configuration,
        project.lineage,
        project.server,
        project.contact,
        row_settings=project.row_settings,
    )
    rehearsals = tuple(_rehearsals(clones, span, rows=rows, downgrade=downgrade))
    findings = (check_rehearsal(each, project.history[each.revision]) for each in rehearsals)
    return Rehearsed(rows=rows, rehearsals=rehearsals, findings=tuple(each for found in findings for each in found))


def _rehearsals(clones: Clones, span: Span, *, rows: int, downgrade: bool) -> Iterable[Rehearsal]:
    """Rehearse up to the first revision that no database can be brought to: the proof tells why."""
    for name in span.revisions:
        try:
            yield rehearse(clones, name, rows=rows, downgrade=downgrade)
        except TemplateUnbuilt:
            return


def _only_trial(rehearsal: Rehearsal) -> Iterable[Run]:
    """Give the runs on a few rows where there were no others."""
    return () if rehearsal.runs else rehearsal.trial


def _told(revision: str, run: Run) -> RehearsedTold:
    return RehearsedTold(
        revision=revision,
        direction=run.direction.value,
        rows=run.rows,
        seconds=run.seconds,
        failed=run.failure.words if run.failure else "",
        statements=tuple(_statement(each) for each in run.statements),
    )


def _statement(statement: Statement) -> StatementTold:
    works = [work for work in statement.tables if work.lock is not None and not work.new]
    return StatementTold(
        sql=statement.sql,
        seconds=statement.seconds,
        rows=statement.rows,
        tables=tuple(LockTold(table=each.table, lock=str(each.lock), rewritten=each.rewritten) for each in works),
        reader=_worst([work.reader for work in works]),
        writer=_worst([work.writer for work in works]),
    )


def _worst(passings: list[Passing | None]) -> str:
    return next((each.value for each in _WORST if each in passings), "")
