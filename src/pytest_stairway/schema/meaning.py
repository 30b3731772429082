"""Weighs two texts for the same fact: do they differ, or say the same in other words?

Each dialect has its own rules; without any, every other text is a difference.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from pytest_stairway.schema.constraints import is_unnamed
from pytest_stairway.schema.difference import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_stairway.schema.model import Facts, Key

__all__ = ["follows", "is_automatic", "weigh"]


_DIALECTS = frozenset({"mysql", "postgresql", "sqlite"})
"""Those with a module of their own for this."""
_FOLLOWS: dict[str, tuple[str, ...]] = {
    "not-null constraint": ("nullability",),
    "comment on the not-null constraint": ("nullability",),
    "storage": ("type",),
    "compression": ("type",),
    "collation": ("type",),
    "identity type": ("identity", "type"),
    "identity minimum": ("identity", "type"),
    "identity maximum": ("identity", "type"),
    "identity start": ("identity",),
    "identity increment": ("identity",),
    "identity cache": ("identity",),
    "identity cycle": ("identity",),
    "minimum": ("type",),
    "maximum": ("type",),
}
"""By attribute: those of whose change its own is a consequence."""


class Rules(Protocol):
    """What a dialect's module knows."""

    def is_automatic(self, key: Key) -> bool:
        """See `is_automatic`."""

    def weigh(self, attribute: str, before: str | None, after: str | None, types: Mapping[str, str]) -> Verdict:
        """See `weigh`."""


def is_automatic(dialect: str, key: Key) -> bool:
    """Tell whether an object's name looks like one that the database made up."""
    rules = _rules(dialect)
    return is_unnamed(key) or (rules is not None and rules.is_automatic(key))


def follows(attribute: str, before: Facts, after: Facts) -> bool:
    """Tell whether a fact changed as a consequence of another fact's change, so that nothing need be said of it."""
    return any(before.get(cause) != after.get(cause) for cause in _FOLLOWS.get(attribute, ()))


def weigh(dialect: str, attribute: str, before: str | None, after: str | None, types: Mapping[str, str]) -> Verdict:
    """Weigh two texts that are not equal.

    Args:
        dialect: whose they are.
        attribute: what they tell.
        before: a text; None stands for no such fact.
        after: likewise.
        types: of the table's columns, those that have the same type before and after.
    """
    if attribute == "position":
        return Verdict.ORDER_ONLY
    rules = _rules(dialect)
    return Verdict.DIFFERENT if rules is None else rules.weigh(attribute, before, after, types)


@cache
def _rules(dialect: str) -> Rules | None:
    """Import what knows a dialect: only where two texts differ is any of it needed."""
    if dialect not in _DIALECTS:
        return None
    return cast("Rules", import_module(f"pytest_stairway.schema.{dialect}_meaning"))
