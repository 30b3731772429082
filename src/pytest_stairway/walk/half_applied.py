"""Says what a failed step leaves behind where DDL is not transactional.

On MariaDB, MySQL and Oracle every statement that ran before the failure stays.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_stairway.findings import Direction
from pytest_stairway.phrases import joined, phrase, term
from pytest_stairway.schema import Change, compare_schemas

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_stairway.findings import Finding
    from pytest_stairway.phrases import Phrase
    from pytest_stairway.schema import Difference
    from pytest_stairway.walk.walk import Roundtrip, Snapshot

__all__ = ["changed_objects", "tell_half_applied"]

_AT_MOST = 6
"""So many objects are named; of a long migration nobody reads all."""
_HINT = (
    "What ran before the failure stays in a real database, and must be taken back by hand before the next try: make "
    "one change per revision, or let each statement work twice (IF EXISTS, IF NOT EXISTS)"
)
_WORDS = {Change.UNEXPECTED: phrase("added"), Change.MISSING: phrase("gone")}


def tell_half_applied(finding: Finding, direction: Direction, trip: Roundtrip) -> Finding:
    """Add to the finding of a failed step which objects it had changed already, if any.

    Args:
        finding: tells of the failure.
        direction: the step that failed.
        trip: what was seen of its revision.
    """
    start = {Direction.UPGRADE: trip.before, Direction.DOWNGRADE: trip.upgraded, Direction.REUPGRADE: trip.downgraded}
    objects = changed_objects(_changes(start[direction], trip.halfway))
    if not objects:
        return finding
    return replace(
        finding,
        message=f"{finding.message}; these objects were already changed: {objects}",
        hint=f"{finding.hint}. {_HINT}" if finding.hint else _HINT,
    )


def changed_objects(differences: Iterable[Difference]) -> Phrase:
    """Name what was changed, and how; of much, the beginning.  Empty where nothing was."""
    changed = [_told(difference) for difference in differences]
    more = len(changed) - _AT_MOST
    return joined([*changed[:_AT_MOST], *([phrase("and %(number)s more", number=more)] if more > 0 else [])])


def _changes(start: Snapshot | None, halfway: Snapshot | None) -> Iterator[Difference]:
    if start is not None and halfway is not None:
        for name in start.keys() & halfway.keys():
            yield from compare_schemas(start[name], halfway[name])


def _told(difference: Difference) -> Phrase:
    if difference.change is Change.RENAMED:
        return phrase("%(object)s (named %(name)s)", object=difference.object, name=difference.after)
    change = _WORDS.get(difference.change) or term(difference.attribute or "changed")
    return phrase("%(object)s (%(change)s)", object=difference.object, change=change)
