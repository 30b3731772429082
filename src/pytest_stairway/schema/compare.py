"""Compares two schemas: a pure function between plain data.

Consequences are left out: where a table is missing, nothing is said of its columns (see `consequences`).  What has
another name than before is told as a rename (see `renames`).  Texts that differ are weighed by `meaning`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.schema import meaning
from pytest_stairway.schema.consequences import without_consequences
from pytest_stairway.schema.difference import Change, Difference, Verdict, unqualified
from pytest_stairway.schema.renames import POSITION, find_renames, with_new_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_stairway.schema.model import Key, Part, Schema

__all__ = ["COLUMN_ORDER", "POSITION", "compare_schemas"]

COLUMN_ORDER = "column order"
"""The attribute under which a table's difference in `POSITION` is told."""


def compare_schemas(before: Schema, after: Schema, *, between: Schema | None = None) -> tuple[Difference, ...]:
    """Find what is not in `after` as it was in `before`, in the order of the objects' names.

    A part that is the very same in both is not looked at.

    Args:
        before: a schema.
        after: the schema of which the same is expected.
        between: the schema in the meantime, where there is one: it tells what was renamed from what was dropped here
            and made there, and what was left from what was made only then.
    """
    if before is after:
        return ()
    old, new = _changed_parts(before, after)
    if not old and not new:
        return ()
    comparison = _Comparison(before, old, new, between)
    return tuple(sorted(without_consequences(comparison.differences(), old, new), key=_order))


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

    def __init__(self, before: Schema, old: Part, new: Part, between: Schema | None) -> None:
        self._dialect = before.dialect
        self._default_schema = before.default_schema
        self._old = old
        self._new = new
        self._between = None if between is None else between.objects()
        self._renamed = find_renames(old, new, self._alike)
        self._names = {key.name: other.name for key, other in self._renamed.items()}

    def differences(self) -> Iterator[Difference]:
        """Find all of them, consequences included."""
        yield from self.come_and_gone()
        yield from self.changed()

    def come_and_gone(self) -> Iterator[Difference]:
        """Find what is missing, what is unexpected, and what came back under another name."""
        for key, other in self._renamed.items():
            made_up = all(meaning.is_automatic(self._dialect, each) for each in (key, other))
            verdict = Verdict.SAME_MEANING if made_up else Verdict.DIFFERENT
            yield Difference(
                key=key,
                change=Change.RENAMED,
                verdict=verdict,
                before=key.name,
                after=other.name,
                lasting=self._was_between(other),
            )
        back = set(self._renamed.values())
        for key in self._old:
            if key not in self._new and key not in self._renamed:
                there = self._was_between(key)
                yield Difference(key=key, change=Change.MISSING, lasting=None if there is None else not there)
        for key in self._new:
            if key not in self._old and key not in back:
                yield Difference(key=key, change=Change.UNEXPECTED, lasting=self._was_between(key))

    def _was_between(self, key: Key) -> bool | None:
        return None if self._between is None else key in self._between

    def _has_lasted(self, key: Key, attribute: str) -> bool | None:
        """Tell whether a fact was as it is now between the two; None where it was a third."""
        if self._between is None or key not in self._between:
            return None
        fact = self._between[key].get(attribute)
        lasted = {self._old[key].get(attribute): False, self._new[key].get(attribute): True}
        return lasted.get(fact)

    def _alike(self, key: Key, other: Key) -> bool:
        """Tell whether one object may be the other under a new name."""
        if key.name != other.name and self._was_between(key) and self._was_between(other):
            return False
        facts = self._facts_that_differ(key, other, {key.name: other.name})
        return not any(verdict is Verdict.DIFFERENT for _, verdict in facts)

    def changed(self) -> Iterator[Difference]:
        """Find the facts that changed of what is in both."""
        moved: dict[tuple[str, str, str], Key] = {}
        for key, facts in self._old.items():
            others = self._new.get(key)
            if others is None or facts is others or facts == others:
                continue
            for attribute, verdict in self._facts_that_differ(key, key, self._names):
                if attribute == POSITION:
                    moved[key.kind, key.schema, key.parent] = key
                    continue
                before, after = self._told(facts.get(attribute), others.get(attribute))
                yield Difference(
                    key=key,
                    change=Change.CHANGED,
                    verdict=verdict,
                    attribute=attribute,
                    before=before,
                    after=after,
                    lasting=self._has_lasted(key, attribute),
                )
        for key in moved.values():
            yield from self._reordered(key)

    def _facts_that_differ(self, key: Key, other: Key, names: Mapping[str, str]) -> Iterator[tuple[str, Verdict]]:
        facts, others = self._old[key], self._new[other]
        for attribute in {**facts, **others}:
            before, after = facts.get(attribute), others.get(attribute)
            if before == after or meaning.follows(attribute, facts, others) or _only_renamed(before, after, names):
                continue
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


def _only_renamed(before: str | None, after: str | None, names: Mapping[str, str]) -> bool:
    """Tell whether two texts differ in nothing but the names of what was renamed."""
    if before is None or after is None or not names:
        return False
    return with_new_names(before, names) == with_new_names(after, names)
