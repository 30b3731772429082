"""Words and places of findings about rows, and which differences are losses at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.findings import Direction, Finding, Severity
from pytest_stairway.revisions.source import shown
from pytest_stairway.rows import RowChange
from pytest_stairway.walk.carried_rows import EVERY_TABLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pytest_stairway.revisions import Revision
    from pytest_stairway.rows import RowDifference
    from pytest_stairway.walk.roundtrip import Roundtrip

__all__ = ["RowTeller", "is_loss", "overwrites", "told_of"]

_FUNCTIONS = {Direction.UPGRADE: "upgrade", Direction.DOWNGRADE: "downgrade", Direction.REUPGRADE: "upgrade"}
_ROWS_FILE = "supply rows or values for it by stairway_rows_file (docs/rows.md)"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTeller:
    """Makes findings of one revision."""

    revision: Revision
    dialect: str
    excused: bool
    """The revision is declared irreversible: somebody knows what it does."""
    told: Collection[str]
    new_labels: frozenset[str] = frozenset()
    """Labels of enum types that the revision before has added: only rows that were made up hold them."""

    def tells_of(self, table: str, column: str | None) -> bool:
        """Tell whether the schema's findings name a table or a column."""
        return f"table {table}" in self.told or f"column {table}.{column}" in self.told

    def finding(
        self,
        code: str,
        direction: Direction,
        what: str,
        message: str,
        *,
        hint: str | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """Make a finding that stands at the step's function."""
        return Finding(
            code=code,
            severity=severity,  # type: ignore[arg-type]  # None is the code's own
            revision=self.revision.revision,
            direction=direction,
            dialect=self.dialect,
            object=what,
            message=message,
            hint=hint,
            path=shown(self.revision.path),
            line=self.revision.line_of(_FUNCTIONS[direction]),
        )

    def unpopulated(self, trip: Roundtrip) -> Iterator[Finding]:
        """Tell of the tables that could not be given rows."""
        for each in trip.unpopulated:
            what = f"table {each.table}" if each.table != EVERY_TABLE else "every table"
            yield self.finding(
                "not-populated",
                Direction.UPGRADE,
                what,
                f"{what}: no row could be made, so nothing is known of its data: {each.reason}",
                hint=_ROWS_FILE[0].upper() + _ROWS_FILE[1:],
            )


def is_loss(each: RowDifference) -> bool:
    """Tell whether something that was there is not any more; a NULL that was filled is no loss."""
    if each.change is RowChange.VALUES_CHANGED:
        return overwrites(each)
    return each.holds_data and each.change in {
        RowChange.ROWS_LOST,
        RowChange.COLUMN_DROPPED,
        RowChange.TABLE_DROPPED,
    }


def overwrites(each: RowDifference) -> bool:
    """Tell whether values that were there became others."""
    return each.overwritten > 0 or (each.at_least and not each.rows)


def told_of(each: RowDifference) -> str:
    """Tell an example and how many there are."""
    if not each.examples:
        return each.words()
    return each.words().removeprefix(f"{each.object}: ").removeprefix(f"{each.change.value}, such as ")
