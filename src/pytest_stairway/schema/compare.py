"""Compares two schemas: a pure function between plain data.

Consequences are left out: where a table is missing, nothing is said of its columns.  What came back under another name
is told as a rename.  Texts that differ are weighed by `meaning`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.schema import meaning
from pytest_stairway.schema.difference import Change, Difference, Verdict, unqualified

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_stairway.schema.model import Key, Part, Schema

__all__ = ["COLUMN_ORDER", "POSITION", "compare_schemas"]

POSITION = "position"
"""A column's fact that says where among its table's columns it stands, as a number."""
COLUMN_ORDER = "column order"
"""The attribute under which a table's difference in `POSITION` is told."""


def compare_schemas(before: Schema, after: Schema) -> tuple[Difference, ...]:
    """Find what is not in `after` as it was in `before`, in the order of the objects' names.

    A part that is the very same in both is not looked at.
    """
    if before is after:
        return ()
    old, new = _changed_parts(before, after)
    if not old and not new:
        return ()
    comparison = _Comparison(before, old, new)
    return tuple(sorted((*comparison.come_and_gone(), *comparison.changed()), key=_order))


def _changed_parts(before: Schema, after: Schema) -> tuple[Part, Part]:
    """Collect the objects of the parts that are not equal."""
    old: Part = {}
    new: Part = {}
    for name, part in before.parts.items():
        other = after.parts.get(name)
        if part is not other and part != other:
            old.update(part)
            new.update(other or {})
    for name, part in after.parts.items():
        if name not in before.parts:
            new.update(part)
    return old, new


def _order(difference: Difference) -> tuple[str, str, str, str, str]:
    key = difference.key
    return (key.schema, key.parent or key.name, key.kind if key.parent else "", key.name, difference.attribute or "")


class _Comparison:
    """Two collections of objects, all that is different among them."""

    def __init__(self, before: Schema, old: Part, new: Part) -> None:
        self._dialect = before.dialect
        self._default_schema = before.default_schema
        self._old = old
        self._new = new

    def come_and_gone(self) -> Iterator[Difference]:
        """Find what is missing, what is unexpected, and what came back under another name."""
        missing = [key for key in self._old if key not in self._new]
        unexpected = [key for key in self._new if key not in self._old]
        renamed = dict(self._renames(missing, unexpected))
        for key, other in renamed.items():
            made_up = all(meaning.is_automatic(self._dialect, each) for each in (key, other))
            verdict = Verdict.SAME_MEANING if made_up else Verdict.DIFFERENT
            yield Difference(key=key, change=Change.RENAMED, verdict=verdict, before=key.name, after=other.name)
        for key in _without_consequences(key for key in missing if key not in renamed):
            yield Difference(key=key, change=Change.MISSING)
        back = set(renamed.values())
        for key in _without_consequences(key for key in unexpected if key not in back):
            yield Difference(key=key, change=Change.UNEXPECTED)

    def _renames(self, missing: Iterable[Key], unexpected: Iterable[Key]) -> Iterator[tuple[Key, Key]]:
        """Pair what is missing with what is unexpected and the same but for its name."""
        candidates = [key for key in unexpected if key.parent and key.kind != "column"]
        for key in missing:
            for other in candidates:
                if (key.kind, key.parent, key.schema) == (other.kind, other.parent, other.schema) and all(
                    verdict is not Verdict.DIFFERENT for _, verdict in self._facts_that_differ(key, other)
                ):
                    candidates.remove(other)
                    yield key, other
                    break

    def changed(self) -> Iterator[Difference]:
        """Find the facts that changed of what is in both."""
        moved: dict[tuple[str, str, str], Key] = {}
        for key, facts in self._old.items():
            others = self._new.get(key)
            if others is None or facts is others or facts == others:
                continue
            for attribute, verdict in self._facts_that_differ(key, key):
                if attribute == POSITION:
                    moved[key.kind, key.schema, key.parent] = key
                    continue
                before, after = self._told(facts.get(attribute), others.get(attribute))
                yield Difference(
                    key=key, change=Change.CHANGED, verdict=verdict, attribute=attribute, before=before, after=after
                )
        for key in moved.values():
            yield from self._reordered(key)

    def _facts_that_differ(self, key: Key, other: Key) -> Iterator[tuple[str, Verdict]]:
        facts, others = self._old[key], self._new[other]
        for attribute in {**facts, **others}:
            before, after = facts.get(attribute), others.get(attribute)
            if before != after and not meaning.follows(attribute, facts, others):
                yield attribute, meaning.weigh(self._dialect, attribute, before, after, self._types(key))

    def _types(self, key: Key) -> dict[str, str]:
        """Collect the types that columns beside an object have, where they did not change."""
        table = (key.schema, key.parent or key.name)
        columns = [each for each in self._old if each.kind == "column" and (each.schema, each.parent) == table]
        types = {each.name: (self._old[each].get("type"), self._new.get(each, {}).get("type")) for each in columns}
        return {name: before for name, (before, after) in types.items() if before is not None and before == after}

    def _told(self, *texts: str | None) -> tuple[str | None, ...]:
        """Leave out the name of the default schema, unless it makes the difference."""
        short = tuple(text and unqualified(text, self._default_schema) for text in texts)
        return short if len(set(short)) == len(texts) else texts

    def _reordered(self, key: Key) -> Iterator[Difference]:
        """Tell once per table that the columns which it had and has stand in another order."""
        place = (key.kind, key.schema, key.parent)
        both = [each for each in self._old if each in self._new and (each.kind, each.schema, each.parent) == place]
        before = sorted(both, key=lambda each: int(self._old[each][POSITION]))
        after = sorted(both, key=lambda each: int(self._new[each][POSITION]))
        if before != after:
            table = ("", key.parent, key.schema)
            owners = (each for each in self._old if (each.parent, each.name, each.schema) == table)
            yield Difference(
                key=next(owners, key),
                change=Change.CHANGED,
                verdict=Verdict.ORDER_ONLY,
                attribute=COLUMN_ORDER,
                before=", ".join(each.name for each in before),
                after=", ".join(each.name for each in after),
            )


def _without_consequences(keys: Iterable[Key]) -> Iterator[Key]:
    """Leave out what came or went with the table, the type or the schema that it was in."""
    keys = list(keys)
    holders = {(key.schema, key.name) for key in keys if not key.parent}
    schemas = {key.name for key in keys if key.kind == "schema"}
    columns = {(key.schema, key.parent, key.name) for key in keys if key.kind == "column"}
    for key in keys:
        within = key.schema in schemas or (key.parent and (key.schema, key.parent) in holders)
        of_column = key.kind != "column" and (key.schema, key.parent, key.name) in columns
        if not within and not of_column:
            yield key
