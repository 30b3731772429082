"""Turns the rows that the walk has captured into findings.  Nothing here touches a database.

Rows are looked at four times: before a revision, after its upgrade, after its downgrade, after its second upgrade.  One
defect is told once: what the downgrade did not bring back is not told again of the second upgrade, and what the upgrade
did to rows that are back afterwards is not told at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_stairway.checks.new_labels import labels_added_by
from pytest_stairway.checks.row_excursions import check_excursion
from pytest_stairway.checks.row_teller import RowTeller, is_loss, overwrites, told_of
from pytest_stairway.checks.touching import is_filled_by_trigger, is_set_by_trigger
from pytest_stairway.findings import Direction, Finding, Severity
from pytest_stairway.rows import RowChange, Rows, compare_rows
from pytest_stairway.schema import Key
from pytest_stairway.walk.faults import is_irreversible

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pytest_stairway.revisions import Revision
    from pytest_stairway.rows import RowDifference
    from pytest_stairway.schema import Schema
    from pytest_stairway.walk.roundtrip import Roundtrip, RowMoments

__all__ = ["check_rows"]


def check_rows(
    trip: Roundtrip,
    revision: Revision,
    *,
    dialect: str,
    told: Collection[str] = (),
    bottom: Revision | None = None,
    parents: Collection[Revision] = (),
) -> tuple[Finding, ...]:
    """Judge what one revision's steps did to the rows.

    Args:
        trip: what was seen.
        revision: the revision.
        dialect: SQLAlchemy's name of the dialect.
        told: the objects of which the schema's findings tell already.
        bottom: the revision down to which the excursion went, where there was one.
        parents: the revisions right before it.
    """
    failure = trip.failures.get(Direction.DOWNGRADE)
    excused = trip.left_alone or (failure is not None and is_irreversible(failure, revision))
    new = labels_added_by(parents)
    teller = RowTeller(revision=revision, dialect=dialect, excused=excused, told=told, new_labels=new)
    findings = list(teller.unpopulated(trip))
    if trip.rows is not None:
        for name in trip.rows.before:
            schema = trip.upgraded.get(name) if trip.upgraded is not None else None
            findings += _Steps.of(trip.rows, name, teller, schema).findings()
            if trip.excursion is not None and bottom is not None:
                findings += check_excursion(trip.rows, trip.excursion.rows, name, teller, bottom)
    return tuple(findings)


_GIVING = frozenset({"default", "generated", "identity"})
"""What a schema says of a column whose values the database itself gives."""


@dataclass(slots=True, kw_only=True)
class _Steps:
    """What became of one database's rows."""

    teller: RowTeller
    up: tuple[RowDifference, ...] = ()
    """From before to after the upgrade."""
    back: tuple[RowDifference, ...] | None = None
    """From before to after the downgrade; None where it did not come to that."""
    again: tuple[RowDifference, ...] = ()
    """From after the upgrade to after the second one."""
    upgraded: Rows = field(default_factory=Rows)
    """After the upgrade."""
    schema: Schema | None = None
    """After the upgrade."""
    _old_names: dict[str, str] = field(init=False)
    _lost: set[str] = field(init=False, default_factory=set)
    """The tables of which a loss is told."""

    def __post_init__(self) -> None:
        renamed = (each for each in self.up if each.change is RowChange.TABLE_RENAMED)
        self._old_names = {each.to: each.table for each in renamed if each.to is not None}

    @classmethod
    def of(cls, rows: RowMoments, name: str, teller: RowTeller, schema: Schema | None) -> _Steps:
        """Compare the moments of one database."""

        def compared(one: dict[str, Rows] | None, other: dict[str, Rows] | None) -> tuple[RowDifference, ...] | None:
            return None if one is None or other is None else compare_rows(one[name], other[name])

        return cls(
            teller=teller,
            up=compared(rows.before, rows.upgraded) or (),
            back=compared(rows.before, rows.downgraded),
            again=compared(rows.upgraded, rows.reupgraded) or (),
            upgraded=rows.upgraded[name] if rows.upgraded is not None else Rows(),
            schema=schema,
        )

    def findings(self) -> Iterator[Finding]:
        """Tell what each step did, in the steps' order."""
        back = list(self._of_round_trip())
        yield from self._of_upgrade()
        yield from back
        yield from self._dropped_by_downgrade()
        yield from self._of_second_upgrade()

    # -- upgrade ------------------------------------------------------------------------------------------------------

    def _of_upgrade(self) -> Iterator[Finding]:
        for each in self.up:
            table = self._old_names.get(each.table, each.table)
            if not each.holds_data or self._came_back(table, each) or self._is_touched(each):
                continue
            if each.change in {RowChange.TABLE_DROPPED, RowChange.COLUMN_DROPPED}:
                self._lost.add(table)
                if self.teller.tells_of(table, each.column):
                    continue  # the schema is not restored, so that nobody expects the data back
                yield self._dropped(each)
            elif each.change is RowChange.ROWS_LOST:
                yield self._tell_upgrade("rows-deleted", each, f"the upgrade deletes rows: {told_of(each)}")
            elif each.change is RowChange.VALUES_CHANGED and overwrites(each) and not each.converted:
                hint = "Let a backfill touch what is empty only: `… WHERE … IS NULL`"
                message = f"the upgrade overwrites values: {told_of(each)}"
                yield self._tell_upgrade("values-overwritten", each, message, hint=hint)

    def _came_back(self, table: str, up: RowDifference) -> bool:
        """Tell whether the rows are, after the downgrade, as they were before."""
        if self.back is None:
            return False
        return not any(is_loss(each) and _concerns(each, table, up.column) for each in self.back)

    def _dropped(self, each: RowDifference) -> Finding:
        what = f"column {each.column}" if each.column else f"table {each.table}"
        return self.teller.finding(
            "data-dropped",
            Direction.UPGRADE,
            each.object,
            f"the upgrade drops {what}, which holds data: {told_of(each)}{self._return_of(each)}",
            hint="Keep the data somewhere, or say that it may go: `# stairway: accept data-dropped: REASON`",
            severity=Severity.INFO if self.teller.excused else None,
        )

    def _return_of(self, dropped: RowDifference) -> str:
        """Say what the downgrade makes of what the upgrade dropped."""
        if self.back is None:
            return ""
        table = self._old_names.get(dropped.table, dropped.table)
        for each in self.back:
            same = each.change is RowChange.VALUES_CHANGED and (each.table, each.column) == (table, dropped.column)
            if same and each.overwritten > each.emptied:
                return f"; the downgrade brings back others: {told_of(each)}"
            if same and 0 < each.overwritten < dropped.rows:
                return f", and the downgrade does not bring all of it back: {told_of(each)}"
            if each.change is RowChange.ROWS_LOST and each.table == table and each.rows < each.total:
                return f", and the downgrade does not bring all of it back: {each.rows} of {each.total} rows are gone"
        return ", and the downgrade does not bring it back"

    def _tell_upgrade(self, code: str, each: RowDifference, message: str, *, hint: str | None = None) -> Finding:
        """Tell what an upgrade does to rows; where the round trip tells it as a loss, for the reports only."""
        told = self.back is not None or self.teller.excused
        severity = Severity.INFO if told else None
        return self.teller.finding(code, Direction.UPGRADE, each.object, message, hint=hint, severity=severity)

    # -- downgrade ----------------------------------------------------------------------------------------------------

    def _of_round_trip(self) -> Iterator[Finding]:
        """Tell what is not as it was, but for what the upgrade itself dropped."""
        for each in self.back or ():
            if not is_loss(each) or self._was_dropped(each.table, each.column) or each.converted:
                continue
            if each.change is RowChange.ROWS_LOST:
                self._lost.add(each.table)
                yield self.teller.finding(
                    "rows-lost",
                    Direction.DOWNGRADE,
                    each.object,
                    f"rows are gone after upgrade and downgrade: {told_of(each)}{self._culprit(each)}",
                    hint="Let the upgrade keep them, or the downgrade put them back",
                )
            elif each.change is RowChange.VALUES_CHANGED:
                yield self._not_restored(each)

    def _not_restored(self, each: RowDifference) -> Finding:
        """Tell of values that are not back, with the reason where nobody can be blamed for it."""
        excuse = None
        if self._is_touched(each):
            excuse = "; a trigger of the table sets them by the clock, or counts, whenever a row is written"
        else:
            self._lost.add(each.table)
            if each.replaced and each.replaced <= self.teller.new_labels:
                excuse = ", which the revision before has only just added"
        return self.teller.finding(
            "values-not-restored",
            Direction.DOWNGRADE,
            each.object,
            f"values are others after upgrade and downgrade: {told_of(each)}{excuse or self._culprit(each)}",
            hint="Put the values back in downgrade(), or let the upgrade leave them alone" if excuse is None else None,
            severity=Severity.INFO if excuse is not None else None,
        )

    def _is_logged(self, each: RowDifference) -> bool:
        """Tell whether rows came that a trigger inserts whenever a row elsewhere is written."""
        return self.schema is not None and is_filled_by_trigger(self.schema, each.table)

    def _is_touched(self, each: RowDifference) -> bool:
        """Tell whether values changed that a trigger sets by the clock, or counts, whenever a row is written."""
        of_column = each.change is RowChange.VALUES_CHANGED and each.column is not None
        return of_column and self.schema is not None and is_set_by_trigger(self.schema, each.table, each.column or "")

    def _culprit(self, loss: RowDifference) -> str:
        """Say where it is the upgrade that did it."""
        for each in self.up:
            table = self._old_names.get(each.table, each.table)
            if (table, each.column, each.change) == (loss.table, loss.column, loss.change) and is_loss(each):
                return "; the upgrade deletes them" if each.column is None else "; the upgrade overwrites them"
        return ""

    def _was_dropped(self, table: str, column: str | None) -> bool:
        """Tell whether the upgrade dropped a column, or the table with all that was in it."""
        for each in self.up:
            of_table = each.change is RowChange.TABLE_DROPPED and each.table == table
            of_column = each.change is RowChange.COLUMN_DROPPED and each.column == column
            if of_table or (of_column and self._old_names.get(each.table, each.table) == table):
                return True
        return False

    def _dropped_by_downgrade(self) -> Iterator[Finding]:
        """Say for the reports, for whoever is about to run it, which values the downgrade drops with their column."""
        stays = {(each.table, each.column) for each in self.back or () if each.change is RowChange.COLUMN_ADDED}
        for each in self.up if self.back is not None else ():
            table = self._old_names.get(each.table, each.table)
            of_column = each.change is RowChange.COLUMN_ADDED and each.column is not None and each.holds_data
            if of_column and (table, each.column) not in stays and not self._has_default(each.table, each.column or ""):
                yield self.teller.finding(
                    "data-dropped",
                    Direction.DOWNGRADE,
                    each.object,
                    f"the downgrade drops column {each.column}, which the upgrade filled: {told_of(each)}",
                    severity=Severity.INFO,
                )

    # -- second upgrade -----------------------------------------------------------------------------------------------

    def _of_second_upgrade(self) -> Iterator[Finding]:
        """Tell what the upgrade fills otherwise the second time, where nothing was lost on the way."""
        for each in self.again:
            if self._follows_from_loss(each) or self._is_given(each) or self._is_touched(each):
                continue
            if each.change is RowChange.VALUES_CHANGED and self._was_filled(each):
                yield self._not_repeatable(each, "fills other values than the first")
            elif each.change is RowChange.ROWS_ADDED and not self._is_logged(each):
                yield self._not_repeatable(each, "leaves rows that the first did not")

    def _follows_from_loss(self, again: RowDifference) -> bool:
        """Tell whether the second upgrade did not find what it needs: what was lost on the way is told already."""
        made = any((each.change, each.table) == (RowChange.TABLE_ADDED, again.table) for each in self.up)
        lost = self._lost & {again.table, self._old_names.get(again.table, again.table)}
        return bool(lost or (made and self._lost)) or self.teller.tells_of(again.table, again.column)

    def _was_filled(self, again: RowDifference) -> bool:
        """Tell whether the upgrade is what filled a column."""
        return any(
            each.table == again.table
            and (each.column in {None, again.column})
            and each.change is not RowChange.ROWS_LOST
            for each in self.up
        )

    def _is_given(self, again: RowDifference) -> bool:
        """Tell whether it is what the database itself gives to rows that the upgrade inserts: a number, the time."""
        added = {RowChange.ROWS_ADDED, RowChange.TABLE_ADDED}
        inserted = [each for each in self.up if each.table == again.table and each.change in added]
        if again.column is None or not inserted or inserted[0].rows < again.rows:
            return False
        return again.column in self.upgraded[again.table].key or self._has_default(again.table, again.column)

    def _has_default(self, table: str, column: str) -> bool:
        schema, _, name = table.rpartition(".")
        key = Key("column", column, name, schema)
        parts = self.schema.parts.values() if self.schema is not None else ()
        return any(not _GIVING.isdisjoint(part.get(key, ())) for part in parts)

    def _not_repeatable(self, each: RowDifference, what: str) -> Finding:
        return self.teller.finding(
            "not-repeatable",
            Direction.REUPGRADE,
            each.object,
            f"the second upgrade {what}: {told_of(each)}",
            hint="Derive values from what is in the row, not from random() or the clock; or accept it",
        )


def _concerns(each: RowDifference, table: str, column: str | None) -> bool:
    """Tell whether a difference is about a column, or about any of a table where none is named."""
    return each.table == table and (column is None or each.column in {None, column})
