"""Finds in a release what a DBA must be told of: timeouts, shared transactions, indexes that may be left invalid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_stairway.offline.rendering import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_stairway.offline.rendering import Script

__all__ = [
    "builds_concurrently",
    "built_concurrently",
    "ends_transaction",
    "ends_transactions",
    "own_timeouts",
    "shares_transactions",
]

_TIMEOUT = re.compile(
    r"\s*SET\s+(?:SESSION\s+|LOCAL\s+|@@(?:SESSION\.|LOCAL\.)?)?"
    r"(?:(?:lock|statement)_timeout|(?:innodb_)?lock_wait_timeout|max_(?:statement|execution)_time)\b",
    re.IGNORECASE,
)
_ENDS = re.compile(r"(?:^|;)\s*(?:COMMIT|ROLLBACK(?!\s+TO\b)|ABORT)\b", re.IGNORECASE)
_QUOTED = re.compile(r"--[^\n]*|/\*.*?\*/|(\$\w*\$).*?\1|'(?:[^']|'')*'", re.DOTALL)
"""Comments and literals, function bodies among them."""
_CONCURRENTLY = re.compile(r"\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\b", re.IGNORECASE)
_NAME = r'(?:"(?:[^"]|"")+"|\w[\w$]*)'
_NAMED = re.compile(
    rf"{_CONCURRENTLY.pattern}\s*(?:IF\s+NOT\s+EXISTS\s+)?(?P<index>{_NAME})\s+ON\s+(?:ONLY\s+)?"
    rf"(?P<table>{_NAME}(?:\.{_NAME})?)",
    re.IGNORECASE,
)


def own_timeouts(scripts: Iterable[Script]) -> Iterator[tuple[str, str]]:
    """Give the migrations' statements that set the timeouts which the guard sets, with their revisions."""
    for script in scripts:
        for each in script.statements:
            if each.step is not None and each.part is Part.MIGRATION and _TIMEOUT.match(each.text):
                yield script.steps[each.step].revision, each.text.rstrip(";")


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
    return any(each.part is Part.MIGRATION and ends_transaction(each.text) for each in script.statements)


def ends_transaction(statement: str) -> bool:
    """Tell whether a statement of a migration's ends the transaction that it is in."""
    return _ENDS.search(_QUOTED.sub("", statement)) is not None


def builds_concurrently(script: Script) -> bool:
    """Tell whether an index is built CONCURRENTLY."""
    return any(each.part is Part.MIGRATION and _CONCURRENTLY.match(each.text) for each in script.statements)


def built_concurrently(statement: str) -> tuple[str, str] | None:
    """Give the index that a statement builds CONCURRENTLY, and its table, as SQL writes them; None for no name."""
    match = _NAMED.match(statement)
    return (match["index"], match["table"]) if match else None
