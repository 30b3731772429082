"""Finds today's date in SQL that is written on another day again: it was not there when the revision was written.

Written twice in a row, ``date.today()`` gives the same.  Nobody's clock is shifted for that; but a date of today in the
SQL, which does not stand in the revision file, can only have come from a clock.
"""

from __future__ import annotations

import ast
import datetime as dt
import re
from typing import TYPE_CHECKING

from pytest_stairway.offline.rendering import Part

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_stairway.offline.rendering import Statement

__all__ = ["dated_today"]

_FORMS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y%m%d")
_DAY = 24 * 3600
_DIGITS = 10
"""Of the seconds since 1970, until 2286."""
_SECONDS = re.compile(r"(?<![\d.])\d{10}(?:\d{3}|\d{6})?(?!\d)")
"""Those, or milliseconds, or microseconds."""


def dated_today(statements: Iterable[Statement], source: str) -> Statement | None:
    """Find a statement with today's date in it, if that does not stand in the file.

    Args:
        statements: of one step.
        source: the revision file's text; what stands in its docstring (``Create Date``) and in comments does not count.
    """
    dated = [(each, found) for each in statements if each.part is Part.MIGRATION and (found := _of_now(each.text))]
    if not dated:
        return None
    code = _without_words(source)
    return next((each for each, found in dated if any(moment not in code for moment in found)), None)


def _of_now(text: str) -> set[str]:
    """Find today's date as it is often written, and a moment of today in seconds, or less, since 1970."""
    now = dt.datetime.now().astimezone()
    days = {moment.strftime(form) for moment in (now, now.astimezone(dt.timezone.utc)) for form in _FORMS}
    found = {day for day in days if day in text}
    return found | {number for number in _SECONDS.findall(text) if abs(int(number[:_DIGITS]) - now.timestamp()) < _DAY}


def _without_words(source: str) -> str:
    """Leave out a file's docstring and its comments."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # a revision without its source
        return source
    if ast.get_docstring(tree, clean=False) is not None:
        del tree.body[0]
    return ast.unparse(tree)
