"""What a bundle tells people, as plain data, section by section of README.md: the templates put it into words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_stairway.handoff.proof import Check

__all__ = [
    "AcceptedTold",
    "ChangeTold",
    "Changes",
    "Duration",
    "Evidence",
    "FileTold",
    "LockTold",
    "RehearsedTold",
    "Return",
    "RevisionTold",
    "RowsTold",
    "Run",
    "StatementTold",
    "Story",
    "Verdict",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionTold:
    """One revision."""

    revision: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTold:
    """One change of the schema."""

    kind: str
    """``column``, ``unique constraint`` …: in the catalogue of texts."""
    name: str
    what: str
    """``new``, ``gone``, ``renamed`` or ``changed``."""
    attribute: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsTold:
    """What happens to the rows of one table, or to the values of one column."""

    what: str
    """A `RowChange`: in the catalogue of texts."""
    table: str
    column: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockTold:
    """What one statement does to one table."""

    table: str
    lock: str
    rewritten: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementTold:
    """One statement, rehearsed."""

    sql: str
    seconds: float
    rows: int | None
    """How many it was about, where the database told."""
    tables: tuple[LockTold, ...]
    reader: str
    """How a reader fared beside it: in the catalogue of texts."""
    writer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedTold:
    """One step, rehearsed."""

    revision: str
    direction: str
    rows: int
    seconds: float
    failed: str
    """Why; empty where it did not."""
    statements: tuple[StatementTold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTold:
    """One file of the bundle."""

    name: str
    checksum: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedTold:
    """A finding that does not hold the release up."""

    finding: str
    """As the console shows it."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether the files may be run."""

    proven: bool
    problems: tuple[str, ...]
    """The findings that keep it from being proven, as the console shows them."""
    accepted: tuple[AcceptedTold, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changes."""

    revisions: tuple[RevisionTold, ...]
    """In the order in which they are applied."""
    schema: tuple[ChangeTold, ...]
    rows: tuple[RowsTold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """How long it takes, and what it blocks."""

    rehearsal: tuple[RehearsedTold, ...]
    """Empty where there was none."""
    rows: int
    """How many rows each table had in it."""
    not_rehearsed: str
    """The first revision that could not be rehearsed; empty where all of them were."""
    limits: Mapping[str, str]
    """The session's time limits that the files set: names and values."""
    lock_timeout: str
    statement_timeout: str
    own_timeouts: tuple[tuple[str, str], ...]
    """By revision: what the migrations set in place of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How to run it."""

    command: str
    """What runs a file, up to the file's name."""
    upgrade: bool
    """Whether there is an upgrade.sql."""
    by_statement: bool
    """Whether the database commits each statement by itself."""
    atomic: bool
    """Whether it happens as a whole or not at all."""
    parts: tuple[str, ...]
    """The same in a file for each revision; empty where both ways are atomic, or of one revision."""
    shared: bool
    """Whether a transaction holds several revisions, though not all."""
    concurrent: bool
    """Whether an index is built outside of transactions, either way, and may be left half-built."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """How to go back."""

    downgrade: bool
    """Whether there is a downgrade.sql."""
    atomic: bool
    """As of `Run`."""
    parts: tuple[str, ...]
    """As of `Run`."""
    irreversible: str
    """A revision that cannot be taken back; empty where there is none."""
    dropped: tuple[RowsTold, ...]
    """What the downgrade takes away of what stands there after the upgrade."""
    lost_rows: tuple[RowsTold, ...]
    """What is not as it was before the upgrade."""
    lost_schema: tuple[ChangeTold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How it was proven."""

    server: str
    client: str
    """What ran the files; empty where nothing did."""
    by_driver: bool
    """Whether that was a driver, for lack of the database's own client."""
    compares_rows: bool
    dump: str
    stamped: bool
    """Whether the dump's version table was empty."""
    tables: int
    populated: int
    unpopulated: Mapping[str, str]
    """By table: why it has no rows."""
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything that README.md and report.html tell."""

    language: str
    product: str
    """See `products.product_of`."""
    start: str
    """``faa4416c842b``; ``base`` for the empty database."""
    end: str
    version_table: str
    verdict: Verdict
    changes: Changes
    duration: Duration
    run: Run
    back: Return
    evidence: Evidence
    files: tuple[FileTold, ...]
