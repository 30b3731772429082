"""Gathers what the items of a session found, also those of xdist's workers, and dresses their reports.

A report may come from another process, where its colours and our objects were lost; it carries the item's answer as
plain data, from which its failure is made anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stairway.findings import Finding
from pytest_stairway.report import KeptDatabase, Outcome, Report
from pytest_stairway.reporters.failure import Failure, Problem

if TYPE_CHECKING:
    import pytest

    from pytest_stairway.project import Project

__all__ = ["ATTRIBUTE", "Gathering"]

ATTRIBUTE = "stairway"
"""Where an item's answer travels on its test report."""


class Gathering:
    """What has been gathered so far.

    Args:
        config: pytest's.
        project: the project under test.
    """

    def __init__(self, config: pytest.Config, project: Project) -> None:
        self._config = config
        self._project = project
        self._explained: dict[str, str] = {}
        self.report = Report()
        self.began = False
        """Whether any item of ours has run."""

    def take(self, report: pytest.TestReport) -> None:
        """Take in one report of whatever item."""
        data: dict[str, Any] | None = getattr(report, ATTRIBUTE, None)
        if data is None and not (report.failed and self._is_ours(report.nodeid)):
            return  # a test of somebody else's
        self.began = True
        self.report.seconds += report.duration
        if not data:
            self._take_silent(report)
        elif "problem" in data:
            self._take_problem(report, data["problem"])
        else:
            self._take_answer(report, data)

    def complete(self) -> Report:
        """Give the report of the whole session."""
        self._project.complete(self.report)
        return self.report

    def _take_answer(self, report: pytest.TestReport, data: dict[str, Any]) -> None:
        self.report.take(data)
        findings = [Finding.from_dict(finding) for finding in data["findings"]]
        if report.failed and findings:
            kept = [KeptDatabase(**each) for each in data["kept"]]
            report.longrepr = Failure(findings, **_place(report), kept=kept)  # type: ignore[assignment]  # pytest asks for no more

    def _take_problem(self, report: pytest.TestReport, problem: str) -> None:
        """Tell once, in full, what keeps items from looking; the others name the one that tells it."""
        teller = self._explained.setdefault(problem, report.nodeid)
        first, _, rest = problem.partition("\n")
        text = problem
        if teller == report.nodeid:
            self.report.notes.append(first)
        elif rest:
            text = f"{first} ({teller} tells more)"
        report.longrepr = Problem(text, **_place(report))  # type: ignore[assignment]  # see above
        self._note_failed(report)

    def _take_silent(self, report: pytest.TestReport) -> None:
        """Take a report without an answer: of a phase that has none, of a crash, of a fault of ours."""
        if report.failed:
            self.report.notes.append(f"{report.nodeid}: {_in_a_line(report)}")
            self._note_failed(report)

    def _note_failed(self, report: pytest.TestReport) -> None:
        """Count the revision of an item that could not look as failed."""
        path = self._config.rootpath / report.nodeid.partition("::")[0]
        revision = self._project.history.at_path(path) if self._project.is_usable else None
        if revision is not None:
            self.report.revisions[revision.revision] = self._project.unwalked(revision, Outcome.FAILED)

    def _is_ours(self, nodeid: str) -> bool:
        path = self._config.rootpath / nodeid.partition("::")[0]
        if path.name == self._project.configuration.name:
            return path.samefile(self._project.configuration) if path.exists() else False
        return self._project.is_usable and self._project.history.at_path(path) is not None


def _place(report: pytest.TestReport) -> dict[str, Any]:
    path, line, _name = report.location
    return {"path": path, "line": (line or 0) + 1}


def _in_a_line(report: pytest.TestReport) -> str:
    """Tell a failure that is not one of ours in a line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = (crash.message if crash is not None else str(report.longrepr)).splitlines()
    return next((line for line in lines if line.strip()), "failed")
