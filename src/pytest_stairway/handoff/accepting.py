"""Marks what the developers accept, in a revision file or in the baseline: that does not hold a release up.

It is told with its reason all the same, because whoever runs the files has not agreed to anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_stairway.marks import marks_in

if TYPE_CHECKING:
    from pytest_stairway.baseline import Baseline
    from pytest_stairway.findings import Finding
    from pytest_stairway.revisions import History

__all__ = ["Acceptances"]


@dataclass(frozen=True, slots=True)
class Acceptances:
    """What a project accepts."""

    history: History
    baseline: Baseline

    def mark(self, finding: Finding) -> Finding:
        """Mark a finding, if it is accepted.

        Raises:
            UsageError: a revision's comment is not understood.
        """
        if finding.accepted or finding.code == "irreversible":
            return finding
        reason = self._reason(finding)
        return finding if reason is None else replace(finding, accepted=True, reason=reason)

    def mark_all(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Mark those of some findings that are accepted."""
        return tuple(self.mark(each) for each in findings)

    def _reason(self, finding: Finding) -> str | None:
        if finding.revision is not None:
            for mark in marks_in(self.history[finding.revision].path):
                if mark.code == finding.code:
                    return mark.reason
        entry = self.baseline.entry_for(finding)
        return None if entry is None else entry.reason
