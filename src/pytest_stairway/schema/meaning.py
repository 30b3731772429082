"""Weighs two texts for the same fact: do they differ, or say the same in other words?

Each dialect has its own rules; without any, every other text is a difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.schema import mysql_meaning, postgresql_meaning, sqlite_meaning
from pytest_stairway.schema.constraints import is_unnamed
from pytest_stairway.schema.difference import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_stairway.schema.model import Facts, Key

__all__ = ["follows", "is_automatic", "weigh"]


def is_automatic(dialect: str, key: Key) -> bool:
    """Tell whether an object's name looks like one that the database made up."""
    if dialect == "mysql":
        return mysql_meaning.is_automatic(key)
    return is_unnamed(key) or (dialect == "postgresql" and postgresql_meaning.is_automatic(key))


def follows(attribute: str, before: Facts, after: Facts) -> bool:
    """Tell whether a fact changed as a consequence of another fact's change, so that nothing need be said of it."""
    causes = postgresql_meaning.FOLLOWS.get(attribute, ())
    return any(before.get(cause) != after.get(cause) for cause in causes)


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
    if dialect == "sqlite":
        return sqlite_meaning.weigh(attribute, before, after)
    if dialect == "mysql":
        return mysql_meaning.weigh(attribute, before, after)
    if dialect == "postgresql":
        return postgresql_meaning.weigh(attribute, before, after, types)
    return Verdict.DIFFERENT
