"""One difference between two schemas, and how it is told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from pytest_stairway.phrases import joined, phrase, term

if TYPE_CHECKING:
    from pytest_stairway.phrases import Phrase
    from pytest_stairway.schema.model import Key

__all__ = ["Change", "Difference", "Verdict", "unqualified"]


class Verdict(str, Enum):
    """What a difference amounts to."""

    DIFFERENT = "different"
    """The schemas are not the same."""
    SAME_MEANING = "same meaning"
    """The same thing in another text, or a name that the database made up: a note."""
    ORDER_ONLY = "order only"
    """The same things, physically in another order: a note."""


class Change(str, Enum):
    """What happened to the object."""

    MISSING = "missing"
    UNEXPECTED = "unexpected"
    RENAMED = "renamed"
    CHANGED = "changed"


_SELF_EXPLAINING = frozenset({"contents", "definition", "firing", "mode", "nullability", "persistence", "validity"})
_NAMES = {"generated": "generated expression"}
"""Attributes that are called otherwise in a sentence."""
_BEFORE, _AFTER = phrase("before"), phrase("after")
_EXCERPT = 100
_BEFORE_THE_CHANGE = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not as it was."""

    key: Key
    """The object, under the name that it had before (for what is unexpected: the name that it has)."""
    change: Change
    verdict: Verdict = Verdict.DIFFERENT
    attribute: str | None = None
    """Which fact changed; None for the object as a whole."""
    before: str | None = None
    """The fact before, or the name of an object that was renamed; None where there was none."""
    after: str | None = None
    """The same afterwards."""
    lasting: bool | None = None
    """Whether it was so already in the schema between the two (after the upgrade, where a downgrade is looked at), and
    did not come about only then; None where that is not known."""

    @property
    def object(self) -> Phrase:
        """The object in words: ``index ix_user_email on user``."""
        return self.key.words

    @property
    def remains(self) -> str:
        """The same, under its new name where somebody renamed it and nobody named it back."""
        renamed = self.change is Change.RENAMED and self.lasting
        return str(self.key._replace(name=self.after or "")) if renamed else self.object

    def words(
        self,
        moment: str = "after",
        *,
        unexpected: str | None = None,
        then: str = _BEFORE,
        now: str = _AFTER,
    ) -> Phrase:
        """Tell the difference in one line.

        Args:
            moment: when the second schema was read: ``after the downgrade``.
            unexpected: how to say that something is there that was not, before `moment`; ``still there`` unless it is
                known better.
            then: how to call the first schema where both are told.
            now: how to call the second.
        """
        return joined([self.object, self._said(moment, unexpected, then, now)], ": ")

    def _said(self, moment: str, unexpected: str | None, then: str, now: str) -> Phrase:
        if self.change is Change.MISSING:
            return phrase("missing %(moment)s", moment=moment)
        if self.change is Change.UNEXPECTED:
            return self._unexpected(moment, unexpected)
        if self.change is Change.CHANGED:
            return self._change(then, now)
        if self.lasting:
            return phrase("still named %(name)s %(moment)s", name=self.after, moment=moment)
        return phrase("named %(name)s %(moment)s", name=self.after, moment=moment)

    def _unexpected(self, moment: str, unexpected: str | None) -> Phrase:
        if unexpected is None and self.lasting is False:
            return phrase("there %(moment)s, and not before", moment=moment)
        return phrase("%(there)s %(moment)s", there=unexpected or phrase("still there"), moment=moment)

    def _change(self, then: str, now: str) -> Phrase:
        name = term(_NAMES.get(self.attribute or "", self.attribute or ""))
        none = phrase("no %(attribute)s", attribute=name)
        before, after = self._quoted(self.before), self._quoted(self.after)
        if self.before is None:
            before, after = none, self._named(name, _shorten(after))
        elif self.after is None:
            before, after = self._named(name, _shorten(before)), none
        else:
            before, after = _excerpts(before, after)
            before = self._named(name, before)
        return phrase("%(before)s %(then)s, %(after)s %(now)s", before=before, then=then, after=after, now=now)

    def _named(self, attribute: Phrase, value: str) -> str:
        """Put an attribute's name before its value, unless the value says what it is."""
        if self.attribute in _SELF_EXPLAINING:
            return value
        return joined([attribute, value], " ")

    def _quoted(self, text: str | None) -> str:
        """Put what somebody wrote for people into quotes."""
        return repr(text) if self.attribute is not None and "comment" in self.attribute else text or ""


def _excerpts(before: str, after: str) -> tuple[str, str]:
    """Cut two long texts to where they first differ."""
    before, after = _one_line(before), _one_line(after)
    if max(len(before), len(after)) <= _EXCERPT:
        return before, after
    at = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after)))
    start = at - _BEFORE_THE_CHANGE
    if start <= 0:
        return _shorten(before), _shorten(after)
    return f"…{_shorten(before[start:])}", f"…{_shorten(after[start:])}"


def _shorten(text: str) -> str:
    text = _one_line(text)
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}…"


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip() if "\n" in text or "\t" in text else text


def unqualified(text: str, schema: str) -> str:
    """Leave a schema's name out of a text wherever it qualifies another."""
    return re.sub(rf"(?<![\w.\"]){re.escape(schema)}\.(?=[\w\"])", "", text) if schema else text
