"""Revisions as people write them: ``head``, ``base:head``, ``a:b``, ``+2``, ``-1``, ``label@head``, partial ids.

Alembic resolves identifiers, symbols and labels.  Counting steps and ranges stand here, because Alembic does both only
in relation to what a database holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, NoReturn

from alembic.script.revision import MultipleHeads, RevisionError

from pytest_stairway.exceptions import UsageError
from pytest_stairway.revisions.graph import reach

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alembic.script import ScriptDirectory

__all__ = ["Resolver"]

_COUNTED = re.compile(r"(?:(?P<label>[^@:]+)@)?(?P<symbol>\w*)(?P<steps>[+-]\d+)")

_REVISION_FORMS = "an id or its first characters, a branch label, head, head-2, a+2, label@head"
_RANGE_FORMS = f"{_REVISION_FORMS}, a:b (after a, up to and including b), base:heads, a:, :b, a:+2, -2:b, +2, -2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """Tells which revisions of one history something written stands for.

    Every method raises `UsageError` where it stands for none, or for several and one was asked for.
    """

    script: ScriptDirectory
    down: Mapping[str, Sequence[str]]
    """Each revision's ``down_revision``, by full ids, in the history's order."""
    needs: Mapping[str, Sequence[str]]
    """The same with ``depends_on`` added."""
    labels: frozenset[str]

    def one(self, written: str) -> str:
        """Resolve what stands for exactly one revision."""
        return _Reading(self, f"{written!r} is no revision of this history", _REVISION_FORMS).one(written.strip())

    def select(self, written: str) -> frozenset[str]:
        """Resolve a range, or what stands for one revision: that revision alone."""
        reading = _Reading(self, f"{written!r} is no range of this history", _RANGE_FORMS)
        text = written.strip()
        if ":" in text:
            lower, _, upper = text.partition(":")
            return reading.between(lower.strip() or "base", upper.strip() or "heads")
        counted = reading.counted(text)
        if counted is None or counted.symbol:
            return frozenset(reading.end(text) if text == "heads" else [reading.one(text)])
        head = f"{counted.label}@head" if counted.label else "head"
        return reading.between("base", text) if counted.steps > 0 else reading.between(text, head)


@dataclass(frozen=True, slots=True)
class _Counted:
    """``label@symbol+steps``, of which only the steps must be there."""

    label: str | None
    symbol: str
    steps: int


@dataclass(frozen=True, slots=True)
class _Reading:
    """One thing that somebody wrote, on its way to revisions."""

    history: Resolver
    complaint: str
    allowed: str

    def one(self, text: str) -> str:
        found = self.end(text)
        if not found:
            self._fail("it stands for the empty database")
        if len(found) > 1:
            self._fail(f"it stands for several: {', '.join(found)}")
        return found[0]

    def between(self, lower: str, upper: str) -> frozenset[str]:
        """Select what lies after `lower`, up to and including `upper`, with all that it needs."""
        counted = self.counted(lower)
        if counted is not None and not counted.symbol and counted.steps < 0:
            highest = self.end(upper)
            lowest = self._walk(counted, self._on_branch(counted.label, highest))
        else:
            lowest = self.end(lower)
            highest = self.end(upper, up_from=lowest)
        if "@" in lower:
            highest = self._on_branch(lower.partition("@")[0], highest)
        if not highest and self.history.needs:
            self._fail(f"its upper end, {upper}, stands for the empty database")
        needed = reach(highest, self.history.needs)
        for each in lowest:
            if each not in needed:
                self._fail(f"{each} does not lie below {', '.join(highest)}")
        return needed - reach(lowest, self.history.needs)

    def end(self, text: str, *, up_from: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Resolve one end of a range to full ids; none for the empty database.

        Args:
            text: an identifier, a symbol, or steps counted from one.
            up_from: what steps up are counted from where no symbol says so; steps down are counted from the head.
        """
        if not text:
            self._fail("nothing is written there")
        counted = self.counted(text)
        if counted is None:
            return self._look_up(text)
        if counted.symbol:
            return self._walk(counted, self._look_up(counted.symbol))
        if counted.steps > 0:
            return self._walk(counted, up_from)
        return self._walk(counted, self._look_up(f"{counted.label}@head" if counted.label else "head"))

    def counted(self, text: str) -> _Counted | None:
        """Read ``label@symbol+2``; None where it is something else, such as a label that looks like one."""
        match = _COUNTED.fullmatch(text)
        if match is None or text in self.history.labels:
            return None
        return _Counted(match["label"], match["symbol"], int(match["steps"]))

    def _look_up(self, text: str) -> tuple[str, ...]:
        """Ask Alembic what an identifier or symbol stands for."""
        if text == "heads":  # for Alembic those alone that no depends_on names
            return tuple(self.history.script.get_heads())
        try:
            found = self.history.script.revision_map.get_revisions(text)
        except MultipleHeads as error:
            self._fail(f"there are several heads, {', '.join(error.heads)}; write heads, or label@head for one of them")
        except RevisionError as error:
            self._not_found(error, text)
        return tuple(revision.revision for revision in found if revision is not None and revision != "base")

    def _walk(self, counted: _Counted, starts: Sequence[str]) -> tuple[str, ...]:
        """Go so many steps up or down from the one revision in `starts`, or up from base where there is none."""
        if len(starts) > 1:
            self._fail(f"{counted.steps:+} counts from one revision, not from {', '.join(starts)}")
        position = starts[0] if starts else None
        for done in range(abs(counted.steps)):
            choices = self._on_branch(counted.label, self._neighbours(position, up=counted.steps > 0))
            if len(choices) > 1:
                self._fail(f"there are several ways on from {position or 'base'}, to {', '.join(choices)}; name one")
            if not choices and (counted.steps > 0 or position is None):
                self._fail(f"the history ends after {done} of these {abs(counted.steps)} steps")
            position = choices[0] if choices else None
        return () if position is None else (position,)

    def _neighbours(self, revision: str | None, *, up: bool) -> Sequence[str]:
        """List the revisions one step away; None is the empty database."""
        down = self.history.down
        if up:
            return [each for each in down if (revision in down[each] if revision else not down[each])]
        return down[revision] if revision else ()

    def _on_branch(self, label: str | None, revisions: Sequence[str]) -> tuple[str, ...]:
        """Keep what shares a line with the revision that `label` names."""
        if label is None:
            return tuple(revisions)
        try:
            return self.history.script.revision_map.filter_for_lineage(revisions, label)
        except RevisionError as error:
            self._not_found(error, label)

    def _not_found(self, error: RevisionError, text: str) -> NoReturn:
        why = str(error).partition("; please ensure")[0]  # what follows is not so
        if text == "current":
            why = "only a database has a current revision"
        elif close := [
            match
            for part in text.split("@")
            for match in get_close_matches(part, {*self.history.needs, *self.history.labels} - {part}, n=1)
        ]:
            why += f"; did you mean {close[0]}?"
        self._fail(why[0].lower() + why[1:])

    def _fail(self, why: str) -> NoReturn:
        raise UsageError(f"{self.complaint}: {why} (allowed: {self.allowed})")
