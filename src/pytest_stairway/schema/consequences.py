"""Tells which differences only follow from others, so that nothing need be said of them.

Where a table is missing, so are its columns; where a column is left, so is the index over it; what a partitioned table
lacks, each of its partitions lacks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_stairway.schema.difference import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_stairway.schema.difference import Difference
    from pytest_stairway.schema.model import Facts, Key, Part

__all__ = ["without_consequences"]

_OF_THE_TYPE = frozenset({"storage", "compression", "collation"})
"""Facts of a column that its type decides on, unless somebody says otherwise."""
_OF_THE_PARENT = frozenset({"inherited", "attached to", "of the partitioned table"})
"""Facts of what a table has from the one that it is a partition or a child of."""
_GO_WITH_A_COLUMN = frozenset(
    {"primary key", "unique constraint", "check constraint", "foreign key", "exclusion constraint", "index"}
)
_TYPES = frozenset({"enum type", "domain", "composite type", "range type", "type"})


def without_consequences(differences: Iterable[Difference], old: Part, new: Part) -> Iterator[Difference]:
    """Leave out the differences that follow from others.

    Args:
        differences: all of them.
        old: the objects before.
        new: the objects afterwards.
    """
    causes = _Causes(differences, old, new)
    return (each for each in causes.differences if not causes.explain(each))


def _names(facts: Facts) -> list[str]:
    """List a table's parents, without their schemas."""
    return [name.rpartition(".")[2].strip('"') for name in facts["inherits"].split(", ")]


class _Causes:
    def __init__(self, differences: Iterable[Difference], old: Part, new: Part) -> None:
        self.differences = list(differences)
        self._parts = {Change.MISSING: old, Change.UNEXPECTED: new}
        renamed = [each for each in self.differences if each.change is Change.RENAMED]
        self._lost = {
            Change.MISSING: {each.key for each in self.differences if each.change is Change.MISSING},
            Change.UNEXPECTED: {each.key for each in self.differences if each.change is Change.UNEXPECTED},
        }
        self._lost[Change.MISSING] |= {each.key for each in renamed}
        self._lost[Change.UNEXPECTED] |= {each.key._replace(name=each.after or "") for each in renamed}
        self._changed = {(each.key, each.attribute): each for each in self.differences if each.change is Change.CHANGED}
        self._parents = {(key.schema, key.name): _names(facts) for key, facts in old.items() if "inherits" in facts}
        self._moved = {
            (key.schema, key.name) for key, attribute in self._changed if attribute in {"inherits", "partition bound"}
        }
        self._types = {
            each.key.name
            for each in self.differences
            if each.key.kind in _TYPES and not each.key.parent and each.attribute != "comment"
        }

    def explain(self, difference: Difference) -> bool:
        """Tell whether another difference is the cause of one."""
        if difference.change is Change.CHANGED:
            return self._follows_type(difference) or self._follows_parent(difference)
        if difference.change is Change.RENAMED:
            return self._is_within(difference.key, self._lost[Change.MISSING])
        key, lost = difference.key, self._lost[difference.change]
        return (
            self._is_within(key, lost)
            or self._is_of_default(key)
            or self._is_inherited(difference)
            or (difference.change is Change.UNEXPECTED and self._goes_with_column(key, lost))
        )

    def _is_within(self, key: Key, lost: set[Key]) -> bool:
        """Tell whether something came or went with the schema, the table or the column that it is of."""
        if any(each.kind == "schema" and each.name == key.schema for each in lost):
            return True
        if not key.parent:
            return False
        holders = {(each.schema, each.name) for each in lost if not each.parent}
        column = key._replace(kind="column")
        return (key.schema, key.parent) in holders or (key.kind != "column" and column in lost)

    def _is_of_default(self, key: Key) -> bool:
        """Tell whether a sequence is told of already: by its column's default."""
        return key.kind == "sequence" and (key._replace(kind="column"), "default") in self._changed

    def _goes_with_column(self, key: Key, lost: set[Key]) -> bool:
        """Tell whether something would go with a column that is left."""
        if key.kind not in _GO_WITH_A_COLUMN:
            return False
        text = self._parts[Change.UNEXPECTED][key].get("definition", "")
        columns = (each.name for each in lost if (each.kind, each.parent, each.schema) == ("column", *key[2:]))
        return any(re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text) for name in columns)

    def _is_inherited(self, difference: Difference) -> bool:
        """Tell whether a partition's object came or went with that of its parent."""
        facts = self._parts[difference.change][difference.key]
        return facts.get("inherited") == "yes" or any(facts.get(each) for each in _OF_THE_PARENT - {"inherited"})

    def _follows_type(self, difference: Difference) -> bool:
        """Tell whether a column's type, of the same name as before, is another one now."""
        facts = self._parts[Change.MISSING].get(difference.key, {})
        name = facts.get("type", "").rpartition(".")[2].removesuffix("[]").strip('"')
        return difference.attribute in _OF_THE_TYPE and name in self._types

    def _follows_parent(self, difference: Difference) -> bool:
        """Tell whether a partition's fact changed with its parent's, or because it has another parent."""
        key = difference.key
        if difference.attribute in _OF_THE_PARENT:
            return (key.schema, key.parent) in self._moved
        return any(self._is_same(difference, parent) for parent in self._parents.get((key.schema, key.parent), ()))

    def _is_same(self, difference: Difference, parent: str) -> bool:
        other = self._changed.get((difference.key._replace(parent=parent), difference.attribute))
        return other is not None and (other.before, other.after) == (difference.before, difference.after)
