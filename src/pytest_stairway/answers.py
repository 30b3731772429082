"""What one look at a project answers, and how a revision's acceptances show in it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_stairway.findings import CODES, REHEARSED, Direction, Finding, Severity
from pytest_stairway.marks import Mark, marks_in
from pytest_stairway.report import DatabaseFacts, KeptDatabase, Outcome, RevisionReport
from pytest_stairway.revisions.source import shown

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_stairway.rehearsal import Rehearsal
    from pytest_stairway.revisions import Revision
    from pytest_stairway.walk.roundtrip import Roundtrip

__all__ = ["OFFLINE", "WALKED", "Answer", "accepted", "barrier_note", "reported"]

OFFLINE = frozenset(code for code in CODES if code.startswith("offline-"))
"""The codes of which only the offline SQL can tell."""
WALKED = CODES.keys() - OFFLINE - REHEARSED - {"irreversible"}
"""The codes that a revision file accepts of the walk."""


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
    about: str | None = None
    """What databases were set aside under, to be kept where the item fails."""
    kept: tuple[KeptDatabase, ...] = ()
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
            "kept": [asdict(each) for each in self.kept],
            "rehearsal": None if self.rehearsal is None else self.rehearsal.as_dict(),
        }

    def fatal(self, *, strict: bool) -> tuple[Finding, ...]:
        """Give the findings that fail the item."""
        fatal = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
        return tuple(finding for finding in self.findings if finding.severity in fatal and not finding.accepted)

    def failed(self, *, strict: bool) -> bool:
        """Tell whether the item fails."""
        return bool(self.fatal(strict=strict))


def reported(revision: Revision, trip: Roundtrip | None, outcome: Outcome) -> RevisionReport:
    """Report a revision, with the seconds of the steps that were taken."""
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


def accepted(
    findings: tuple[Finding, ...], revision: Revision, *, codes: Collection[str] = WALKED, where: str = ""
) -> tuple[Finding, ...]:
    """Mark the findings that the revision file accepts, and tell what it accepts in vain.

    Args:
        findings: what was found.
        revision: the revision.
        codes: those that could have been found there.
        where: where that was, for the message.
    """
    marks = [mark for mark in marks_in(revision.path) if mark.code in codes]
    found = {finding.code for finding in findings}
    reasons = {mark.code: mark.reason for mark in marks}
    told = [
        replace(finding, accepted=True, reason=reasons[finding.code]) if finding.code in reasons else finding
        for finding in findings
    ]
    return (*told, *(_unused(mark, revision, where) for mark in marks if mark.code not in found))


def _unused(mark: Mark, revision: Revision, where: str) -> Finding:
    return Finding(
        code="unused-acceptance",
        revision=revision.revision,
        message=f"the revision accepts {mark.code}, which does not happen{where}",
        hint="Take the comment out",
        path=shown(mark.path),
        line=mark.line,
    )


def barrier_note(barriers: tuple[str, ...]) -> str | None:
    """Say what the way down did not come to."""
    if not barriers:
        return None
    return f"not looked at below {', '.join(barriers)}, which cannot be downgraded"
