"""When two texts of SQLite mean the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_stairway.schema.difference import Verdict
from pytest_stairway.schema.sqlite_tokens import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_stairway.schema.model import Key

__all__ = ["is_automatic", "weigh"]

_SAME_TYPES = {
    "INT": "INTEGER",
    "BOOL": "BOOLEAN",
    "DEC": "DECIMAL",
    "CHARACTER": "CHAR",
    "CHARACTER VARYING": "VARCHAR",
}
"""Other names of the same type in the standard or in SQLAlchemy, of the same affinity in SQLite."""
_SAME_DEFAULTS = {"true": "1", "false": "0"}
_WHOLE_NUMBER = re.compile(r"'(0|-?[1-9]\d*)'")


def is_automatic(_key: Key) -> bool:
    """Tell whether an object's name looks like one that SQLite made up: the reader shows none of those."""
    return False


def weigh(attribute: str, before: str | None, after: str | None, _types: Mapping[str, str] | None = None) -> Verdict:
    """Weigh two texts that are not equal; None stands for no such fact."""
    if attribute == "not-null constraint":  # nothing can be done with its name
        return Verdict.SAME_MEANING
    if attribute == "default":
        return _verdict(same=_default(before) == _default(after))
    if before is None or after is None:
        return Verdict.DIFFERENT
    if attribute == "type":
        return _verdict(same=_type(before) == _type(after))
    return _verdict(same=fold(before) == fold(after))


def _verdict(*, same: bool) -> Verdict:
    return Verdict.SAME_MEANING if same else Verdict.DIFFERENT


def _type(text: str) -> str:
    name, parenthesis, arguments = fold(text).upper().partition("(")
    return _SAME_TYPES.get(name.strip(), name.strip()) + parenthesis + arguments


def _default(text: str | None) -> str:
    """Write a default as what it is to a column of any affinity but none: ``'0'`` is 0, and no default is NULL."""
    folded = fold("NULL" if text is None else text)
    number = _WHOLE_NUMBER.fullmatch(folded)
    return number.group(1) if number else _SAME_DEFAULTS.get(folded, folded)
