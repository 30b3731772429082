"""What people read in a terminal before and after a run: the header, the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pytest_stairway.exceptions import HistoryUnusable, StairwayError
from pytest_stairway.findings import Severity
from pytest_stairway.report import Outcome
from pytest_stairway.reporters.failure import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_stairway.findings import Finding
    from pytest_stairway.project import Project
    from pytest_stairway.report import Report, RevisionReport
    from pytest_stairway.reporters.failure import Paint

__all__ = ["Writer", "render_header", "render_summary"]

SLOWEST = 3
MESSAGE_LENGTH = 40
COLOURS = {Outcome.PASSED: "green", Outcome.FAILED: "red", Outcome.NOT_REACHED: "yellow"}


class Writer(Protocol):
    """What a summary is written to: pytest's terminal reporter is one."""

    def section(self, title: str, sep: str = "=") -> None:
        """Write a separating line with a title."""

    def line(self, msg: str) -> None:
        """Write a line."""


def render_header(project: Project, *, started: bool) -> list[str]:
    """Tell what is walked and where, or why that is not known.

    Args:
        project: the project.
        started: the run will walk, so `env.py` may be looked at.
    """
    name = project.configuration.name
    try:
        revisions = len(project.history.revisions)
    except HistoryUnusable:
        return [f"stairway: {name}, whose history cannot be loaded"]
    first = f"stairway: {name}, {_revisions(revisions)}"
    if not started:
        return [first]
    try:
        contact = project.contact
    except StairwayError:
        return [f"{first}; env.py cannot be run"]
    first = f"{first}; env.py connects to {contact.dialect}"
    try:
        provider = project.provider
    except StairwayError as error:
        return [first, f"stairway: {_first_line(str(error))}"]
    named = project.settings.database
    why = f"named by {project.settings.source('database')}" if named else provider.why
    return [first, f"stairway: database: {provider.name} ({why})"]


def render_summary(report: Report, writer: Writer, *, paint: Paint = plain, written: str | None = None) -> None:
    """Tell at a glance what was seen.

    Args:
        report: what was seen.
        writer: where to.
        paint: gives colours.
        written: the file that the findings were written to.
    """
    writer.section("stairway", sep="=")
    for line in (*_walked(report, paint), *_findings(report, paint), *_kept(report, paint), *_notes(report, paint)):
        writer.line(line)
    if written is not None:
        writer.line(f"findings written to {written}")


def _walked(report: Report, paint: Paint) -> Iterator[str]:
    """Tell how many revisions were walked, how they fared, how long it took, and where."""
    looked_at = [each for each in report.revisions.values() if each.outcome is not Outcome.SKIPPED]
    if not looked_at:
        yield "no revision was walked"
    else:
        counts = _counts([each.outcome for each in looked_at], paint)
        yield f"{_how_many(len(looked_at), report)}: {counts}, in {report.seconds:.2f} s"
    walked = sorted((each for each in looked_at if each.seconds), key=lambda each: -each.seconds)
    if len(walked) > 1:
        yield "slowest: " + "; ".join(_duration(each) for each in walked[:SLOWEST])
    if report.rehearsals:
        rows = max(told["rows"] for told in report.rehearsals)
        yield f"rehearsed on {rows:,} rows: {_revisions(len(report.rehearsals))}"
    if report.database is not None:
        yield f"database: {report.database.description}"
    if report.coverage is not None and report.coverage[1]:
        populated, tables = report.coverage
        yield f"rows: in {populated} of {tables} table{'s' if tables != 1 else ''}"


def _how_many(looked_at: int, report: Report) -> str:
    everything = report.history.revisions if report.history is not None else looked_at
    if looked_at == everything:
        return _revisions(looked_at)
    return f"{looked_at} of {_revisions(everything)}"


def _counts(outcomes: list[Outcome], paint: Paint) -> str:
    counts = [(outcome, outcomes.count(outcome)) for outcome in COLOURS]
    told = [_counted(outcome, count, paint) for outcome, count in counts if count]
    return ", ".join(told)


def _counted(outcome: Outcome, count: int, paint: Paint) -> str:
    return paint(f"{count} {outcome.value.replace('-', ' ')}", **{COLOURS[outcome]: True, "bold": True})


def _duration(revision: RevisionReport) -> str:
    message = revision.message
    message = message if len(message) <= MESSAGE_LENGTH else f"{message[: MESSAGE_LENGTH - 1]}…"
    return f"{revision.revision} {message}".rstrip() + f" {revision.seconds * 1000:.0f} ms"


def _findings(report: Report, paint: Paint) -> Iterator[str]:
    """List the warnings and what was accepted: no failed item shows them."""
    for finding in report.findings:
        if finding.accepted:
            reason = f" ({finding.reason})" if finding.reason else ""
            yield f"accepted: {_told(finding)}{reason}"
        elif finding.severity is Severity.WARNING:
            yield f"{paint('warning:', yellow=True, bold=True)} {_told(finding)}"


def _told(finding: Finding) -> str:
    where = finding.revision or finding.path
    return f"{finding.code}: " + (f"{where}: " if where else "") + finding.message


def _kept(report: Report, paint: Paint) -> Iterator[str]:
    """List the databases that are kept, with what opens each."""
    for each in report.kept:
        yield f"{paint('kept:', cyan=True)} the database of {each.about}, {each.command}"


def _notes(report: Report, paint: Paint) -> Iterable[str]:
    return [f"{paint('note:', cyan=True)} {note}" for note in dict.fromkeys(report.notes)]


def _revisions(number: int) -> str:
    return f"{number} revision{'s' if number != 1 else ''}"


def _first_line(text: str) -> str:
    return text.partition("\n")[0]
