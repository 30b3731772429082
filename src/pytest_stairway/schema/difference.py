"""One difference between two schemas, and how it is told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

    @property
    def object(self) -> str:
        """The object in words: ``index ix_user_email on user``."""
        return str(self.key)

    def words(self, moment: str = "after", *, unexpected: str = "still there") -> str:
        """Tell the difference in one line.

        Args:
            moment: when the second schema was read: ``after the downgrade``.
            unexpected: how to say that something is there that was not, before `moment`.
        """
        if self.change is Change.MISSING:
            return f"{self.object}: missing {moment}"
        if self.change is Change.UNEXPECTED:
            return f"{self.object}: {unexpected} {moment}"
        if self.change is Change.RENAMED:
            return f"{self.object}: named {self.after} {moment}"
        return f"{self.object}: {self._change()}"

    def _change(self) -> str:
        name = "" if self.attribute in _SELF_EXPLAINING else f"{self.attribute} "
        if self.before is None:
            return f"no {self.attribute} before, {name}{_shorten(self.after or '')} after"
        if self.after is None:
            return f"{name}{_shorten(self.before)} before, no {self.attribute} after"
        before, after = _excerpts(self.before, self.after)
        return f"{name}{before} before, {after} after"


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
