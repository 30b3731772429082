"""When two texts of MariaDB or MySQL mean the same."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pytest_stairway.schema.difference import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_stairway.schema.model import Key

__all__ = ["NO_DEFAULT", "is_automatic", "weigh"]

NO_DEFAULT = "none, not even NULL"
"""The default of a nullable column of MySQL whose default was dropped: who inserts a row must give a value."""

_AUTOMATIC_NAMES = {
    "foreign key": re.compile(r".+_ibfk_\d+|\d+"),
    "check constraint": re.compile(r"CONSTRAINT_\d+|.+_chk_\d+"),
}
_WIDTH = re.compile(r"^((?:small|medium|big)?int)\(\d+\)(?!.*zerofill)")
"""How wide a number is shown; ``tinyint(1)`` stays, because drivers take it for a boolean."""
_SAME_WHEN_ABSENT = {
    "row format": frozenset({None, "DYNAMIC"}),
    "method": frozenset({None, "BTREE"}),
    "algorithm": frozenset({None, "UNDEFINED"}),
}
_NO_ACTION = re.compile(r" ON (?:DELETE|UPDATE) (?:NO ACTION|RESTRICT)")
_NOW = re.compile(r"^\(?(?:now|current_timestamp|localtime|localtimestamp)(?:\(0?\))?(\([1-6]\))?\)?$", re.IGNORECASE)
"""What a column has by default when it is to have the time; MySQL tells an expression as it was written."""
_MOMENTS = frozenset({"starts", "ends", "execute at"})
_WHILE = timedelta(hours=1)
"""Moments that are that near to each other were told by the clock, once for each upgrade."""


def is_automatic(key: Key) -> bool:
    """Tell whether an object's name looks like one that the server made up."""
    return key.kind in _AUTOMATIC_NAMES and _AUTOMATIC_NAMES[key.kind].fullmatch(key.name) is not None


def weigh(attribute: str, before: str | None, after: str | None, _types: Mapping[str, str] | None = None) -> Verdict:
    """Weigh two texts that are not equal; None stands for no such fact."""
    if {before, after} <= _SAME_WHEN_ABSENT.get(attribute, frozenset()):
        return Verdict.SAME_MEANING
    if before is None or after is None:
        return Verdict.DIFFERENT
    if attribute in _MOMENTS:
        return _verdict(same=_is_near(before, after))
    return _verdict(same=_folded(attribute, before) == _folded(attribute, after))


def _verdict(*, same: bool) -> Verdict:
    return Verdict.SAME_MEANING if same else Verdict.DIFFERENT


def _is_near(before: str, after: str) -> bool:
    try:
        one, other = (datetime.fromisoformat(text) for text in (before, after))
    except ValueError:
        return False
    return abs(one - other) < _WHILE


def _folded(attribute: str, text: str) -> str:
    if attribute == "default":
        return _NOW.sub(r"CURRENT_TIMESTAMP\1", text)
    if attribute == "type":
        return _WIDTH.sub(r"\1", text)
    if attribute in {"character set", "collation"}:
        return re.sub("^utf8(?=_|$)", "utf8mb3", text)
    if attribute == "definition":
        return _NO_ACTION.sub("", text)
    return text
