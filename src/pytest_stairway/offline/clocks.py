"""Finds today's date in SQL that is written on another day again: it was not there when the revision was written.

Written twice in a row, ``date.today()`` gives the same.  Nobody's clock is shifted for that; but a date of today in the
SQL, which does not stand in the revision file, can only have come from a clock.
"""

from __future__ import annotations

import ast
import datetime as dt
from typing import TYPE_CHECKING

from pytest_stairway.offline.rendering import Part

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_stairway.offline.rendering import Statement

__all__ = ["dated_today"]


def dated_today(statements: Iterable[Statement], source: str) -> Statement | None:
    """Find a statement with today's date in it, if that does not stand in the file.

    Args:
        statements: of one step.
        source: the revision file's text; what stands in its docstring (``Create Date``) and in comments does not count.
    """
    now = dt.datetime.now().astimezone()
    days = {now.date().isoformat(), now.astimezone(dt.timezone.utc).date().isoformat()}
    dated = [each for each in statements if each.part is Part.MIGRATION and any(day in each.text for day in days)]
    if not dated:
        return None
    code = _without_words(source)
    return next((each for each in dated if any(day in each.text and day not in code for day in days)), None)


def _without_words(source: str) -> str:
    """Leave out a file's docstring and its comments."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # a revision without its source
        return source
    if ast.get_docstring(tree, clean=False) is not None:
        del tree.body[0]
    return ast.unparse(tree)
