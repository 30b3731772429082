"""How a failed item is told: findings in our words, for pytest's report and for the command.

The first line of a failure is its code and what it says, because that is the line that pytest's short test summary,
JUnit files and editors show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pytest_stairway.findings import Direction, Severity
from pytest_stairway.phrases import ENGLISH, joined, phrase, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_stairway.findings import Finding
    from pytest_stairway.phrases import Language
    from pytest_stairway.report import KeptDatabase

__all__ = ["Failure", "Paint", "Problem", "plain", "render_finding", "render_findings", "render_kept"]


class Paint(Protocol):
    """Colours a text where colours are shown: the `markup` method of pytest's terminal writer is one."""

    def __call__(self, text: str, **markup: bool) -> str:
        """Give the text with the colours' escapes around it."""


class Line(Protocol):
    """A terminal writer, as far as a failure needs one."""

    def line(self, text: str) -> None:
        """Write a line."""

    def markup(self, text: str, **markup: bool) -> str:
        """Colour a text."""


def plain(text: str, **_markup: bool) -> str:
    """Leave a text as it is."""
    return text


_HELP = phrase("help:")
_DIRECTIONS = {
    Direction.UPGRADE: phrase("upgrade"),
    Direction.DOWNGRADE: phrase("downgrade"),
    Direction.REUPGRADE: phrase("reupgrade"),
}
_WEIGHTS = {Severity.WARNING: phrase("warning"), Severity.INFO: phrase("info")}
_ACCEPTED = phrase("accepted")
COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """Where a failure stands and what it says in one line, as pytest's own reports have it."""

    path: str
    lineno: int
    message: str

    def __str__(self) -> str:
        """Tell it as ``--tb=line`` does."""
        return f"{self.path}:{self.lineno}: {self.message}"


class Failure:
    """What an item's report shows as its failure; pytest asks it for colours, JUnit and xdist for its text.

    Args:
        findings: all that the item found.
        path: the item's file, where no finding names another.
        line: in that file.
        kept: the item's databases that are kept.
    """

    def __init__(self, findings: Iterable[Finding], *, path: str, line: int, kept: Iterable[KeptDatabase] = ()) -> None:
        self._findings = ordered(findings)
        self._kept = tuple(kept)
        first = self._findings[0]
        place = (first.path, first.line or 1) if first.path else (path, line)
        self.reprcrash = Crash(path=place[0], lineno=place[1], message=headline(self._findings))

    def toterminal(self, writer: Line) -> None:
        """Write the findings in colours."""
        writer.line(self._render(writer.markup))

    def __str__(self) -> str:
        """Give the findings as text."""
        return self._render(plain)

    def _render(self, paint: Paint) -> str:
        return "\n".join([render_findings(self._findings, paint), *render_kept(self._kept, paint)])


class Problem:
    """What kept an item from looking at all, as its report shows it.

    Args:
        text: one line, or more where there is something to explain.
        path: the item's file.
        line: in that file.
    """

    def __init__(self, text: str, *, path: str, line: int) -> None:
        self._text = text
        self.reprcrash = Crash(path=path, lineno=line, message=text.partition("\n")[0])

    def toterminal(self, writer: Line) -> None:
        """Write the text, its first line in colour."""
        first, _, rest = self._text.partition("\n")
        writer.line(writer.markup(first, red=True, bold=True) + (f"\n{rest}" if rest else ""))

    def __str__(self) -> str:
        """Give the text."""
        return self._text


def headline(findings: list[Finding]) -> str:
    """Tell findings in one line: the first, and how many more weigh as much."""
    first = findings[0]
    more = sum(1 for each in findings[1:] if each.severity is first.severity and not each.accepted)
    return f"{first.code}: {first.message}" + (f" (and {more} more)" if more else "")


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Put what fails first, what is accepted last; of those that weigh the same, what happened first."""
    weights, steps = list(Severity), [*Direction, None]
    return sorted(findings, key=lambda each: (each.accepted, weights.index(each.severity), steps.index(each.direction)))


def render_findings(findings: Iterable[Finding], paint: Paint = plain) -> str:
    """Tell findings, those that fail first."""
    return "\n\n".join(render_finding(finding, paint) for finding in ordered(findings))


def render_finding(finding: Finding, paint: Paint = plain, language: Language = ENGLISH) -> str:
    """Tell one finding: code and message; where; the migration's own frames and statement; the remedy."""
    lines = [_first_line(finding, paint, language)]
    if place := _place(finding, language):
        lines.append(f"  {paint('-->', blue=True)} {place}")
    if finding.detail:
        lines += [f"    {line}" for line in finding.detail.splitlines()]
    if finding.hint:
        first, *rest = say(finding.hint, language).splitlines()
        lines.append(f"  {paint(say(_HELP, language), cyan=True, bold=True)} {first}")
        lines += [f"        {line}" for line in rest]
    return "\n".join(lines)


def render_kept(kept: Iterable[KeptDatabase], paint: Paint = plain) -> Iterator[str]:
    """Tell of the databases that are kept, and how to open them."""
    for each in kept:
        name = f" for {each.database}" if each.database else ""
        yield f"\n{paint('kept:', cyan=True, bold=True)} the database{name}, at {each.state}"
        yield f"    {each.command}"
        yield f"    {each.url}"


def _first_line(finding: Finding, paint: Paint, language: Language) -> str:
    markup: dict[str, Any] = {COLOURS[finding.severity]: True, "bold": True}
    remarks = [_WEIGHTS[finding.severity]] if finding.severity in _WEIGHTS else []
    remarks += [_ACCEPTED] if finding.accepted else []
    remark = f" ({say(joined(remarks), language)})" if remarks else ""
    return f"{paint(f'{finding.code}{remark}:', **markup)} {paint(say(finding.message, language), bold=True)}"


def _place(finding: Finding, language: Language) -> str:
    direction = say(_DIRECTIONS[finding.direction], language) if finding.direction else None
    about = ", ".join(word for word in (finding.revision, direction) if word)
    where = f"{finding.path}:{finding.line}" if finding.path and finding.line else finding.path
    if where and about:
        return f"{where} ({about})"
    return where or about
