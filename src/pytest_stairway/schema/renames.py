"""Finds what has another name than before, among what is missing and what was not there.

A table or a column is taken for renamed only where there is no doubt: one that is missing and one that was not there,
alike in all that is known of them.  Constraints and indexes are taken for renamed by what they say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pytest_stairway.schema.model import Key, Part

    Alike = Callable[[Key, Key], bool]

__all__ = ["POSITION", "find_renames", "with_new_names"]

POSITION = "position"
"""A column's fact that says where among its table's columns it stands, as a number."""

_COLUMNS = frozenset({"column", "attribute"})
_NEVER = frozenset({"schema", "extension", "database"})
"""What holds more than is compared here, or says too little of itself."""


def find_renames(old: Part, new: Part, alike: Alike) -> dict[Key, Key]:
    """Pair what is missing with what was not there.

    Args:
        old: the objects before.
        new: the objects afterwards.
        alike: tells whether the facts of an old and of a new object are the same, but for where a column stands.
    """
    missing = [key for key in old if key not in new and key.kind not in _NEVER]
    unexpected = [key for key in new if key not in old and key.kind not in _NEVER]
    tables = dict(_one_to_one(_loose(missing), _loose(unexpected), _Contents(old, new, alike)))
    columns = dict(_columns(missing, unexpected, old, new, alike))
    others = dict(_by_what_they_say(missing, unexpected, alike))
    return {**tables, **columns, **others}


def with_new_names(text: str, names: Mapping[str, str]) -> str:
    """Write new names for old ones wherever a text has them, all of them without quotes."""
    for name in {*names, *names.values()}:
        text = re.sub(rf'(?<![\w$])"?{re.escape(name)}"?(?![\w$])', names.get(name, name), text)
    return text


class _Contents:
    """Tells whether two objects that stand by themselves are alike with all that hangs on them."""

    def __init__(self, old: Part, new: Part, alike: Alike) -> None:
        self._old, self._new, self._alike = _by_holder(old), _by_holder(new), alike

    def __call__(self, key: Key, other: Key) -> bool:
        inside, others = self._old.get((key.schema, key.name), {}), self._new.get((other.schema, other.name), {})
        return (
            inside.keys() == others.keys()
            and self._alike(key, other)
            and all(self._alike(each, others[place]) for place, each in inside.items())
        )


def _by_holder(part: Part) -> dict[tuple[str, str], dict[tuple[str, str], Key]]:
    """Sort objects by what they hang on, and there by kind and name."""
    holders: dict[tuple[str, str], dict[tuple[str, str], Key]] = {}
    for key in part:
        if key.parent:
            holders.setdefault((key.schema, key.parent), {})[key.kind, key.name] = key
    return holders


def _loose(keys: Iterable[Key]) -> list[Key]:
    return [key for key in keys if not key.parent]


def _same_place(key: Key, other: Key) -> bool:
    return (key.kind, key.parent, key.schema) == (other.kind, other.parent, other.schema)


def _one_to_one(missing: list[Key], unexpected: list[Key], alike: Alike) -> Iterator[tuple[Key, Key]]:
    """Pair those that have one counterpart each."""
    pairs = [(key, other) for key in missing for other in unexpected if _same_place(key, other) and alike(key, other)]
    for key, other in pairs:
        if sum(key == each or other == one for each, one in pairs) == 1:
            yield key, other


def _columns(
    missing: Iterable[Key], unexpected: Iterable[Key], old: Part, new: Part, alike: Alike
) -> Iterator[tuple[Key, Key]]:
    """Pair columns; where several are alike, those that stand in the same position."""
    gone = [key for key in missing if key.kind in _COLUMNS]
    come = [key for key in unexpected if key.kind in _COLUMNS]
    pairs = dict(_one_to_one(gone, come, alike))
    yield from pairs.items()
    gone = [key for key in gone if key not in pairs]
    come = [key for key in come if key not in pairs.values()]
    yield from _one_to_one(
        gone, come, lambda key, other: old[key].get(POSITION) == new[other].get(POSITION) and alike(key, other)
    )


def _by_what_they_say(missing: Iterable[Key], unexpected: Iterable[Key], alike: Alike) -> Iterator[tuple[Key, Key]]:
    """Pair what hangs on a table, each with the first that says the same."""
    candidates = [key for key in unexpected if key.parent and key.kind not in _COLUMNS]
    for key in missing:
        found = next((other for other in candidates if _same_place(key, other) and alike(key, other)), None)
        if found is not None:
            candidates.remove(found)
            yield key, found
