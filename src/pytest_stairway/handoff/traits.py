"""Finds in a release what a DBA must be told of: timeouts, shared transactions, indexes that may be left invalid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_stairway.offline.rendering import Part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.handoff.files import Files
    from pytest_stairway.offline.rendering import Script

__all__ = ["builds_concurrently", "ends_transactions", "own_timeouts", "shares_transactions"]

_TIMEOUT = re.compile(
    r"\s*SET\s+(?:SESSION\s+|LOCAL\s+|@@(?:SESSION\.|LOCAL\.)?)?"
    r"(?:(?:lock|statement)_timeout|(?:innodb_)?lock_wait_timeout|max_(?:statement|execution)_time)\b",
    re.IGNORECASE,
)
_ENDS = re.compile(r"(?:^|;)\s*(?:COMMIT|ROLLBACK(?!\s+TO\b)|ABORT)\b", re.IGNORECASE)
_QUOTED = re.compile(r"--[^\n]*|/\*.*?\*/|(\$\w*\$).*?\1|'(?:[^']|'')*'", re.DOTALL)
"""Comments and literals, function bodies among them."""
_CONCURRENTLY = re.compile(r"\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\b", re.IGNORECASE)


def own_timeouts(files: Files) -> Iterator[tuple[str, str]]:
    """Give the migrations' statements that set the timeouts which the guard sets, with their revisions."""
    for file in (files.upgrade, files.downgrade):
        for each in file.script.statements if file is not None else ():
            if file is not None and each.step is not None and each.part is Part.MIGRATION and _TIMEOUT.match(each.text):
                yield file.script.steps[each.step].revision, each.text.rstrip(";")


def shares_transactions(script: Script) -> bool:
    """Tell whether a transaction holds what several revisions do."""
    held: set[int | None] = set()
    for each in script.statements:
        if each.part in {Part.BEGIN, Part.COMMIT}:
            held.clear()
        elif each.part is Part.MIGRATION:
            held.add(each.step)
        if len(held) > 1:
            return True
    return False


def ends_transactions(script: Script) -> bool:
    """Tell whether a migration itself ends the transaction that it is in, as ``op.execute("COMMIT")`` does."""
    texts = (_QUOTED.sub("", each.text) for each in script.statements if each.part is Part.MIGRATION)
    return any(_ENDS.search(text) is not None for text in texts)


def builds_concurrently(script: Script) -> bool:
    """Tell whether an index is built CONCURRENTLY."""
    return any(each.part is Part.MIGRATION and _CONCURRENTLY.match(each.text) for each in script.statements)
