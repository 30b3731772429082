"""Tells privilege lists in words.

A list that was never touched is NULL, and one that was granted and revoked again spells out what is the default: the
two say the same, so only what differs from the default is told.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_stairway.schema.model import Facts

__all__ = ["PRIVILEGES", "privileges"]

PRIVILEGES = "privileges"
"""Stands among the names of facts for a privilege list, which becomes one fact per grantee."""

_WORDS = {
    "a": "INSERT",
    "r": "SELECT",
    "w": "UPDATE",
    "d": "DELETE",
    "D": "TRUNCATE",
    "x": "REFERENCES",
    "t": "TRIGGER",
    "X": "EXECUTE",
    "U": "USAGE",
    "C": "CREATE",
    "c": "CONNECT",
    "T": "TEMPORARY",
    "m": "MAINTAIN",
    "s": "SET",
    "A": "ALTER SYSTEM",
}
_ITEM = re.compile(r'("(?:[^"]|"")*"|[^=]*)=([A-Za-z*]*)/')


def privileges(text: str) -> Facts:
    """Tell in what a privilege list differs from its default, by grantee.

    Args:
        text: the list and its default, as PostgreSQL writes their items, with unit and record separators between.
    """
    own, default = (_by_grantee(items) for items in text.split("\x1e"))
    return {
        f"privileges of {grantee}": own.get(grantee, "none")
        for grantee in {**own, **default}
        if own.get(grantee) != default.get(grantee)
    }


def _by_grantee(items: str) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for item in filter(None, items.split("\x1f")):
        match = _ITEM.match(item)
        if match is not None:
            grantee = match[1].strip('"').replace('""', '"') or "PUBLIC"
            found.setdefault(grantee, []).extend(_spelled_out(match[2]))
    return {grantee: ", ".join(sorted(words)) for grantee, words in found.items()}


def _spelled_out(letters: str) -> list[str]:
    return [
        f"{_WORDS.get(letter, letter)}{' with grant option' if option else ''}"
        for letter, option in re.findall(r"([A-Za-z])(\*?)", letters)
    ]
