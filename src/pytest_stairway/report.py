"""What a run has seen, gathered for the reporters."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from pytest_stairway.findings import CODES, Direction, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DatabaseFacts", "HistoryFacts", "KeptDatabase", "Outcome", "Report", "RevisionReport"]


class Outcome(str, Enum):
    """What became of a revision."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """It was not asked for, or is upgraded only."""
    NOT_REACHED = "not-reached"
    """It depends on a revision that cannot go up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """The throwaway database in use."""

    dialect: str
    server_version: str
    provider: str
    description: str
    """One line for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDatabase:
    """A throwaway database that is kept, because the item that it belongs to failed."""

    about: str
    """The revision, or the item of the whole history."""
    database: str
    """As `env.py` addresses it, where it migrates several; else empty."""
    url: str
    """Without a password."""
    command: str
    """Opens it in a client."""
    state: str
    """Where in the history it stands, and why it was kept there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFacts:
    """The history's size and ends."""

    revisions: int
    heads: tuple[str, ...]
    bases: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionReport:
    """What became of one revision."""

    revision: str
    down_revision: tuple[str, ...]
    message: str
    path: str
    outcome: Outcome
    upgrade_seconds: float | None = None
    downgrade_seconds: float | None = None
    reupgrade_seconds: float | None = None
    blocked_by: str | None = None
    """The revision that keeps this one from being reached."""

    @property
    def seconds(self) -> float:
        """All its steps together."""
        return sum(filter(None, (self.upgrade_seconds, self.downgrade_seconds, self.reupgrade_seconds)))

    def as_dict(self) -> dict[str, Any]:
        """Give the report as plain data, as JSON has it."""
        return {**asdict(self), "down_revision": list(self.down_revision), "outcome": self.outcome.value}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RevisionReport:
        """Read what `as_dict` gave."""
        return cls(**{**data, "down_revision": tuple(data["down_revision"]), "outcome": Outcome(data["outcome"])})


@dataclass(slots=True, kw_only=True)
class Report:
    """Everything that a run has seen so far."""

    database: DatabaseFacts | None = None
    history: HistoryFacts | None = None
    revisions: dict[str, RevisionReport] = field(default_factory=dict)
    """By revision, in the history's order once the run is over."""
    findings: list[Finding] = field(default_factory=list)
    rehearsals: list[dict[str, Any]] = field(default_factory=list)
    """What was seen of revisions on many rows, as plain data."""
    coverage: tuple[int, int] | None = None
    """How many tables had rows at most, and how many there were then; None where no rows were carried."""
    kept: list[KeptDatabase] = field(default_factory=list)
    """The databases of items that failed, where they are to be kept."""
    notes: list[str] = field(default_factory=list)
    """Things to know that are no findings: what could not be looked at, and why."""
    seconds: float = 0.0
    items: int = 0
    """How many answers were taken in."""

    def take(self, answer: dict[str, Any]) -> None:
        """Take in one item's answer as plain data; what was told already is not told twice."""
        self.items += 1
        for finding in map(Finding.from_dict, answer["findings"]):
            if not any(_is_told_by(finding, told) for told in self.findings):
                self.findings.append(finding)
        if answer["revision"] is not None:
            revision = RevisionReport.from_dict(answer["revision"])
            self.revisions[revision.revision] = revision
        if answer["note"] is not None and answer["note"] not in self.notes:
            self.notes.append(answer["note"])
        self.kept += [KeptDatabase(**each) for each in answer["kept"]]
        if answer["rehearsal"] is not None:
            self.rehearsals.append(answer["rehearsal"])
        if answer["coverage"] is not None:
            self.coverage = max(
                self.coverage or (0, 0), tuple(answer["coverage"]), key=lambda counts: (counts[1], counts[0])
            )
        if answer["database"] is not None:
            self.database = DatabaseFacts(**answer["database"])

    def complete(self, history: HistoryFacts | None, order: Sequence[str]) -> None:
        """Add the history's facts, and bring what was seen into its order, whatever order it came in."""
        self.history = history
        places = {revision: place for place, revision in enumerate(order)}
        last = len(places)
        self.revisions = dict(sorted(self.revisions.items(), key=lambda item: places.get(item[0], last)))
        self.rehearsals.sort(key=lambda told: places.get(told["revision"], last))
        codes, steps = list(CODES), [*Direction, None]

        def place(finding: Finding) -> tuple[int, int, int, str, str]:
            revision = places.get(finding.revision or "", last)
            step, code = steps.index(finding.direction), codes.index(finding.code)
            return revision, step, code, finding.object or "", finding.message

        self.findings.sort(key=place)
        first: dict[object, Finding] = {}
        self.findings = [each for each in self.findings if first.setdefault(_told_once(each), each) is each]
        self.notes.sort()

    def count(self, severity: Severity) -> int:
        """Count the findings of a severity that nobody has accepted."""
        return sum(1 for finding in self.findings if finding.severity is severity and not finding.accepted)

    def failed(self, *, strict: bool = False) -> bool:
        """Tell whether the run as a whole fails."""
        return bool(self.count(Severity.ERROR) or (strict and self.count(Severity.WARNING)))


def _told_once(finding: Finding) -> object:
    """Give what a whole walk tells once, at the first revision where it is so, and each worker tells at its first."""
    if finding.code == "not-populated":
        return finding.code, finding.dialect, finding.object
    if finding.code == "refused-rows":
        return finding.code, finding.dialect, finding.object, finding.message
    return finding


def _is_told_by(finding: Finding, told: Finding) -> bool:
    """Tell whether another finding says the same; an id's length is seen without a database and by it."""
    if finding.code == "revision-id-too-long":
        return (finding.code, finding.revision) == (told.code, told.revision)
    return finding == told
