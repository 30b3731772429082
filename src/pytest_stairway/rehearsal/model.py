"""What a rehearsal has seen, as plain data: nothing here touches a database.

Seconds are those of the migration itself: the time that watching takes is left out.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from pytest_stairway.rehearsal.locks import Lock

if TYPE_CHECKING:
    from pytest_stairway.findings import Direction

__all__ = [
    "Estimate",
    "Failure",
    "Filling",
    "Passing",
    "Rehearsal",
    "Run",
    "Statement",
    "TableLock",
    "TableWork",
]


class Passing(str, Enum):
    """How another session fared that tried to read or to write a table."""

    WENT_ON = "went on"
    BLOCKED = "blocked"
    BLOCKED_ON_ROW = "blocked on a row"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """How many rows a table got before the migration ran."""

    table: str
    """``author``; outside the default schema ``app.author``."""
    rows: int
    """What it holds."""
    seconds: float = 0.0
    reason: str | None = None
    """Why it holds fewer than were wanted, in the database's own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableWork:
    """What one statement did to one table."""

    table: str
    lock: Lock | None = None
    """The strongest lock that it had when the statement was done; None where it was not to be seen."""
    reader: Passing | None = None
    """How a reader fared beside it; None where nobody tried, because nothing had changed."""
    writer: Passing | None = None
    scans: int = 0
    """How often the table was read from end to end."""
    read: int = 0
    """Rows that were read so."""
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    rewritten: bool = False
    """The whole table was written anew."""
    truncated: bool = False
    indexes: tuple[str, ...] = ()
    """Indexes that were built or built anew."""
    new: bool = False
    """The migration itself has made the table, so nobody waits for it."""

    @property
    def written(self) -> int:
        """Rows that were inserted, updated or deleted."""
        return self.inserted + self.updated + self.deleted

    @property
    def touched(self) -> bool:
        """Whether the statement did anything with the table but look at its definition."""
        return bool(self.read or self.scans or self.written or self.rewritten or self.truncated or self.indexes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of a migration; what a DO block does counts as one."""

    sql: str
    """As it was sent, on one line, without passwords."""
    seconds: float
    started: float
    """Seconds after the step's beginning."""
    transaction: int
    """Which of the step's transactions it belongs to, from 0."""
    is_alone: bool = False
    """It ran outside any transaction, or ended its own."""
    rows: int | None = None
    """How many it was about, as the database told; None where it did not."""
    wal_bytes: int = 0
    """What was written ahead while it ran: whatever else the server was doing is in it, too."""
    tables: tuple[TableWork, ...] = ()
    failed: bool = False

    def on(self, table: str) -> TableWork | None:
        """Give what it did to a table; None where it had nothing to do with it."""
        return next((work for work in self.tables if work.table == table), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLock:
    """One table's locks in one transaction."""

    table: str
    transaction: int
    lock: Lock
    """The strongest."""
    statement: int
    """The place of the statement that took it."""
    seconds: float
    """How long it was held: from that statement's start to the end of the transaction."""
    weaker: Lock | None = None
    """The strongest that an earlier statement of the transaction had taken."""
    weaker_statement: int | None = None
    reader: Passing | None = None
    writer: Passing | None = None

    @property
    def is_upgrade(self) -> bool:
        """Whether it can deadlock with ordinary traffic.

        Traffic must be able to wait for the weaker lock while it holds what keeps the stronger one waiting.
        """
        return self.weaker is not None and self.weaker.keeps_traffic_waiting and self.lock.blocks_writers


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a step failed."""

    words: str
    """What was raised, without passwords."""
    statement: int | None = None
    """The place of the statement that failed; None where something else did."""
    sqlstate: str | None = None
    table: str | None = None
    constraint: str | None = None

    @property
    def is_collision(self) -> bool:
        """Whether two rows had one key."""
        return self.sqlstate == "23505"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One step, up or down, on tables of some size."""

    direction: Direction
    rows: int
    """How many each table was to have."""
    seconds: float
    statements: tuple[Statement, ...] = ()
    locks: tuple[TableLock, ...] = ()
    failure: Failure | None = None
    without: str | None = None
    """A unique key that was violated before, and in whose place a plain index stood, so that all else was watched."""

    @property
    def wal_bytes(self) -> int:
        """What all of its statements wrote ahead."""
        return sum(statement.wal_bytes for statement in self.statements)

    @property
    def tables(self) -> frozenset[str]:
        """The tables that were there before and that it read, wrote or locked."""
        return frozenset(work.table for each in self.statements for work in each.tables if not work.new)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """How often a migration that draws values by lot makes two rows collide."""

    table: str
    columns: tuple[str, ...]
    constraint: str | None
    values: float
    """How many different values there are to draw from."""
    description: str | None
    """Where that number comes from: ``six hex characters are 16^6 values``; None where it was only measured."""
    drawn: int
    """How many values were drawn to see."""
    duplicates: int
    """How many of them were there before."""
    by_lot: bool = True
    """Another draw gives other values; where it gives the same ones, the failure is certain."""

    def probability(self, rows: int) -> float:
        """Tell in which share of tries so many rows collide."""
        if not self.by_lot:
            return 1.0
        from math import exp

        return 1.0 - exp(-rows * (rows - 1) / (2 * self.values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """One revision, rehearsed on as many rows as were asked for."""

    revision: str
    rows: int
    """How many rows each table that the revision touches was to have."""
    fillings: tuple[Filling, ...] = ()
    """The tables that were filled, with as many rows as `runs` had."""
    runs: tuple[Run, ...] = ()
    """Up and down.

    Where the upgrade violates a unique key by chance, once more without that key; where it fails in another way, on
    ever fewer rows until it passes.
    """
    trial: tuple[Run, ...] = ()
    """Up and down on a few rows, by which the tables were found."""
    estimates: tuple[Estimate, ...] = ()
    note: str | None = None
    """What could not be looked at, and why."""

    @property
    def failed(self) -> tuple[Run, ...]:
        """The runs that failed though the step works on a few rows."""
        works = {run.direction for run in self.trial if run.failure is None}
        return tuple(run for run in self.runs if run.failure is not None and run.direction in works)

    def as_dict(self) -> dict[str, Any]:
        """Give the rehearsal as plain data, as JSON has it."""
        return {name: plain(value) for name, value in asdict(self).items()}


def plain(value: Any) -> Any:
    """Turn locks and other named values into their names, however deep they are."""
    if isinstance(value, Lock):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(each) for each in value]
    return value
