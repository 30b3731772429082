"""Rehearses a project's revisions on many rows, and answers as its walk does."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pytest_stairway.answers import Answer, accepted
from pytest_stairway.clones import Clones, TemplateUnbuilt
from pytest_stairway.exceptions import HistoryUnusable, UsageError
from pytest_stairway.findings import REHEARSED
from pytest_stairway.rehearsal import rehearse
from pytest_stairway.rehearsal.judging import check_rehearsal

if TYPE_CHECKING:
    from pytest_stairway.project import Project
    from pytest_stairway.revisions import Revision

__all__ = ["Volume"]

DIALECT = "postgresql"


class Volume:
    """Rehearses revisions of one project.

    Args:
        project: the project.
        rows: how many rows each table is to have that a revision touches.
    """

    def __init__(self, project: Project, rows: int) -> None:
        self.project = project
        self.rows = rows

    def check(self, revision: Revision) -> Answer:
        """Rehearse one revision up and down."""
        project = self.project
        try:
            dialect = project.contact.dialect
            if dialect != DIALECT:
                return Answer(note=f"only PostgreSQL is watched at volume, and env.py connects to {dialect}")
            project.pause()  # Alembic serves one run of env.py at a time
            downgrade = revision.revision not in project.irreversible
            rehearsal = rehearse(self._clones, revision.revision, rows=self.rows, downgrade=downgrade)
        except HistoryUnusable as error:
            return Answer(findings=error.findings)
        except (TemplateUnbuilt, UsageError) as error:
            return Answer(note=f"{revision.revision} was not rehearsed: {str(error).partition(chr(10))[0]}")
        findings = check_rehearsal(rehearsal, revision)
        findings = accepted(findings, revision, codes=REHEARSED, where=" in a rehearsal")
        note = None if rehearsal.note is None else f"{revision.revision} was not rehearsed: {rehearsal.note}"
        return Answer(findings=findings, note=note, database=project.database_facts, rehearsal=rehearsal)

    @cached_property
    def _clones(self) -> Clones:
        project = self.project
        return Clones(
            project.history,
            project.configuration,
            project.lineage,
            project.server,
            project.contact,
            row_settings=project.row_settings,
        )
