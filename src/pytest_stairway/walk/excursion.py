"""Chooses how far below a revision to go, where it fills a column that an earlier one made.

The revision's own downgrade may keep what it filled, and that of the earlier one drops the column.  Whether it is
filled with the same values on the way up again, only going there tells.
"""

from __future__ import annotations

from itertools import islice, takewhile
from typing import TYPE_CHECKING

from pytest_stairway.rows import RowChange, compare_rows
from pytest_stairway.schema import Key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pytest_stairway.revisions import History
    from pytest_stairway.rows import Rows
    from pytest_stairway.walk.roundtrip import Roundtrip
    from pytest_stairway.walk.snapshots import Snapshot

__all__ = ["filled_columns", "holds_any", "unknown_columns", "way_below", "way_to_search"]

REACH = 10
"""So many revisions are worth going down for it; each costs two steps."""


def filled_columns(trip: Roundtrip) -> frozenset[Key]:
    """Give the columns in which a revision's upgrade filled what was NULL; none where it was not taken up again."""
    if trip.rows is None or trip.rows.upgraded is None or trip.reupgraded is None:
        return frozenset()
    upgraded = trip.rows.upgraded
    return frozenset(key for name, before in trip.rows.before.items() for key in _filled(before, upgraded[name]))


def way_below(
    filled: Collection[Key],
    revision: str,
    makers: Mapping[Key, str],
    history: History,
    applied: Collection[str],
    barriers: Collection[str],
) -> tuple[str, ...]:
    """Name the revisions to be taken down, in that order; none where there is nothing to be learned.

    Args:
        filled: the columns that a revision fills.
        revision: that one, which all that is applied was applied before.
        makers: which revision made an object.
        history: the revisions.
        applied: the revisions that the database has, in the order in which they were applied.
        barriers: revisions that must not be taken down.
    """
    bottoms = {makers[key] for key in filled if key in makers} - {revision}
    places = {name: place for place, name in enumerate(applied)}
    bottom = min((name for name in bottoms if name in places), key=lambda name: places[name], default=None)
    if bottom is None:
        return ()
    way = [name for name in applied if name == bottom or bottom in history.ancestors(name)]
    return () if len(way) > REACH or set(way) & set(barriers) else tuple(reversed(way))


def unknown_columns(filled: Collection[Key], makers: Mapping[Key, str], floor: Snapshot | None) -> frozenset[Key]:
    """Give those columns of which nobody saw who made them, because the walk began later.

    Args:
        filled: the columns that a revision fills.
        makers: which revision made an object, as far as that was seen.
        floor: the schema where the walk starts, below which nothing is taken down.
    """
    unknown = (key for key in filled if key not in makers)
    return frozenset(key for key in unknown if floor is None or not holds_any(floor, {key}))


def way_to_search(applied: Sequence[str], barriers: Collection[str]) -> tuple[str, ...]:
    """Name the revisions to be taken down, in that order, to find the one that made a column."""
    return tuple(takewhile(lambda name: name not in barriers, islice(reversed(applied), REACH)))


def holds_any(snapshot: Snapshot, keys: Collection[Key]) -> bool:
    """Tell whether any of these objects is there."""
    return any(key in part for schema in snapshot.values() for part in schema.parts.values() for key in keys)


def _filled(before: Rows, upgraded: Rows) -> Iterator[Key]:
    for each in compare_rows(before, upgraded):
        if each.change is RowChange.VALUES_CHANGED and each.filled and each.column is not None:
            schema, _, table = each.table.rpartition(".")
            yield Key("column", each.column, table, schema)
