"""Says what to write so that a schema is what it should be: the hints beside differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.findings import Direction
from pytest_stairway.schema import Change

if TYPE_CHECKING:
    from pytest_stairway.schema import Difference

__all__ = ["remedy_for"]


def remedy_for(difference: Difference, direction: Direction) -> str:
    """Say what would mend a difference.

    Args:
        difference: what is not as it was.
        direction: the step after which it was seen.
    """
    if direction is Direction.REUPGRADE:
        return "Make upgrade() give the same whatever was there before, and let downgrade() take all of it back"
    kind = difference.key.kind
    if difference.change is Change.UNEXPECTED and kind == "enum type":
        name = difference.key.name
        return f"A table's drop leaves its enum type: add sa.Enum(name={name!r}).drop(op.get_bind()) to downgrade()"
    if difference.change is Change.UNEXPECTED:
        return f"Drop the {kind} in downgrade()"
    if difference.change is Change.MISSING:
        return f"Create the {kind} again in downgrade(), or say `# stairway: irreversible: REASON`"
    if difference.change is Change.RENAMED:
        return f"Give the {kind} its old name in downgrade()"
    return f"Put the {difference.attribute or 'definition'} back in downgrade()"
