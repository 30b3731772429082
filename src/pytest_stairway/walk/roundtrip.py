"""What the walk has seen, as plain data: `checks` judges it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pytest_stairway.findings import Direction

if TYPE_CHECKING:
    from pytest_stairway.rows import Refusal, Rows, Unpopulated
    from pytest_stairway.walk.carried_rows import CarriedRows
    from pytest_stairway.walk.row_faults import Fault
    from pytest_stairway.walk.session import Session, StepFailed
    from pytest_stairway.walk.snapshots import Snapshot, Snapshots

__all__ = ["Descent", "Excursion", "Repeat", "Roundtrip", "RowFailure", "RowMoments"]


_MOMENTS = {Direction.UPGRADE: "upgraded", Direction.DOWNGRADE: "downgraded", Direction.REUPGRADE: "reupgraded"}
"""What is seen after each step is kept under this name."""


@dataclass(slots=True, kw_only=True)
class RowMoments:
    """The rows of each database, by its name, at the moments between a revision's steps; None where it did not come."""

    before: dict[str, Rows]
    made: bool = True
    """Some of them were made for the walk."""
    upgraded: dict[str, Rows] | None = None
    downgraded: dict[str, Rows] | None = None
    reupgraded: dict[str, Rows] | None = None

    def at_start_of(self, direction: Direction) -> dict[str, Rows]:
        """Give the rows as they were before a step."""
        moments = {Direction.UPGRADE: self.before, Direction.DOWNGRADE: self.upgraded}
        return moments.get(direction, self.downgraded) or self.before

    def note(self, direction: Direction, rows: dict[str, Rows]) -> None:
        """Keep the rows as they are after a step."""
        setattr(self, _MOMENTS[direction], rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFailure:
    """A step that failed because of the rows in some table: without rows it does not."""

    failure: StepFailed
    tables: tuple[str, ...] = ()
    """The tables that the database's message or the statement names."""
    fault: Fault | None = None
    """What the database says of the values; None where it is not about them."""
    of_made_up_values: bool = False
    """The values were made up for the walk: rows may be there on which the step does not fail."""
    since: str | None = None
    """It is rows from before this revision on which the step fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excursion:
    """What was seen below a revision that fills a column of an earlier one: down to before that one, and up again."""

    bottom: str
    """The revision that made the column: the lowest that was taken down."""
    rows: dict[str, Rows]
    """What came of the rows, by the database's name."""


@dataclass(slots=True, kw_only=True)
class Roundtrip:
    """What was seen of one revision."""

    revision: str
    blocked_by: str | None = None
    """An earlier revision that this one depends on and that cannot go up: this one was not reached."""
    before: Snapshot | None = None
    upgraded: Snapshot | None = None
    downgraded: Snapshot | None = None
    reupgraded: Snapshot | None = None
    seconds: dict[Direction, float] = field(default_factory=dict)
    failures: dict[Direction, StepFailed] = field(default_factory=dict)
    halfway: Snapshot | None = None
    """The schema that a failed step left, which is another one where DDL is not transactional."""
    row_failures: dict[Direction, RowFailure] = field(default_factory=dict)
    """Steps that fail on populated tables only; what came after was seen without those rows."""
    rows: RowMoments | None = None
    """None where no rows were carried."""
    seen: list[dict[str, Rows]] = field(default_factory=list)
    """What was captured before the first step, and after each: also where nobody judges it."""
    unpopulated: tuple[Unpopulated, ...] = ()
    """Tables that could not be given rows, and were not told of before."""
    refused: tuple[Refusal, ...] = ()
    """What the user supplies and the database did not take, and was not told of before."""
    excursion: Excursion | None = None
    coverage: tuple[int, int] = (0, 0)
    """How many tables had rows in the end, and how many there were."""
    left_alone: bool = False
    """Declared irreversible: it was upgraded only."""

    def note(self, direction: Direction, snapshot: Snapshot) -> None:
        """Keep the schema as it is after a step."""
        setattr(self, _MOMENTS[direction], snapshot)


@dataclass(slots=True, kw_only=True)
class Descent:
    """What was seen on the way from the heads down to where the walk starts."""

    expected: Snapshot
    """The schema there before anything was walked."""
    reached: Snapshot | None = None
    """The schema there now; None where the way down was blocked."""
    failures: dict[str, StepFailed] = field(default_factory=dict)
    """By revision: downgrades that failed."""
    barriers: tuple[str, ...] = ()
    """Revisions that are irreversible or could not be downgraded, so that nothing below them was."""
    missing: tuple[str, ...] = ()
    """Revisions that were never applied, because an upgrade failed."""


class Repeat(Protocol):
    """Takes a revision down and up once more after its round trip, in a way of its own."""

    def __call__(self, trip: Roundtrip, session: Session, snapshots: Snapshots, rows: CarriedRows) -> bool:
        """Do so; tell whether the database is as it was."""
