"""Splits SQLite's SQL into tokens, and writes them in one way.

SQLite keeps the text of each CREATE statement as it was written, and its ALTER TABLE and Alembic's batch mode write the
same things in other quotes, cases and spaces.  The rules are those of https://sqlite.org/lang_keywords.html and of
tokenize.c.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Token", "fold", "render", "render_name", "tokenize", "unwrapped"]


class Token(NamedTuple):
    """One word, literal or sign."""

    kind: str
    """``word`` (not quoted), ``name`` (quoted, and held without its quotes), ``literal`` or ``symbol``."""
    text: str
    keyword: str
    """A word in upper case, or a sign; empty for what cannot be a keyword."""


_TOKEN = re.compile(
    r"""
    (?P<space> \s+ | --[^\n]* | /\*.*?(?:\*/|\Z) )
  | (?P<literal> [xX]?'(?:[^']|'')*' | 0[xX][0-9a-fA-F_]+ | (?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)? )
  | (?P<name> "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\] )
  | (?P<word> [A-Za-z_\u0080-\U0010ffff][\w$\u0080-\U0010ffff]* )
  | (?P<symbol> \|\| | ->>? | <> | != | == | <= | >= | << | >> | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_PLAIN_NAME = re.compile(r"[A-Za-z_\u0080-\U0010ffff][\w$\u0080-\U0010ffff]*")
_RESERVED = frozenset(
    """
    ADD ALL ALTER AND AS AUTOINCREMENT BETWEEN CASE CHECK COLLATE COMMIT CONSTRAINT CREATE CURRENT_DATE CURRENT_TIME
    CURRENT_TIMESTAMP DEFAULT DEFERRABLE DELETE DISTINCT DROP ELSE ESCAPE EXCEPT EXISTS FALSE FOREIGN FROM GROUP HAVING
    IN INDEX INSERT INTERSECT INTO IS ISNULL JOIN LIMIT NOT NOTHING NOTNULL NULL ON OR ORDER OVER PRIMARY REFERENCES
    RETURNING SELECT SET TABLE THEN TO TRANSACTION TRUE UNION UNIQUE UPDATE USING VALUES WHEN WHERE WINDOW
    """.split()  # noqa: SIM905 - a column of words to read
)
"""Words that are a name only in quotes (TRUE and the like are a name without them too, but then another one)."""
_NEVER_CALLED = _RESERVED | {"LIKE", "GLOB", "MATCH", "REGEXP", "FILTER"}
_TIGHT_BEFORE = frozenset(",).;")
_TIGHT_AFTER = frozenset("(.")
_SIGNS = frozenset("+-~")
_DEPTH = {"(": 1, ")": -1}
_SAME_SIGNS = {"<>": "!=", "==": "="}


def tokenize(sql: str) -> tuple[Token, ...]:
    """Split `sql`, without spaces and comments."""
    found = _TOKEN.finditer(sql)
    return tuple(_token(match.lastgroup or "", match.group()) for match in found if match.lastgroup != "space")


def _token(kind: str, text: str) -> Token:
    if kind == "word":
        return Token(kind, text, text.upper())
    if kind == "symbol":
        return Token(kind, text, text)
    if kind == "name":
        quote = text[-1]
        text = text[1:-1] if quote == "]" else text[1:-1].replace(quote * 2, quote)
    return Token(kind, text, "")


def render(tokens: Iterable[Token]) -> str:
    """Write tokens with plain spacing, and without quotes that are not needed."""
    pieces: list[str] = []
    before = previous = None
    for token in tokens:
        if previous is not None and _is_spaced(before, previous, token):
            pieces.append(" ")
        pieces.append(render_name(token.text) if token.kind == "name" else token.text)
        before, previous = previous, token
    return "".join(pieces)


def render_name(name: str) -> str:
    """Write a name, in quotes only where it needs them."""
    if _PLAIN_NAME.fullmatch(name) and name.upper() not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def _is_spaced(before: Token | None, previous: Token, token: Token) -> bool:
    if token.keyword in _TIGHT_BEFORE or previous.keyword in _TIGHT_AFTER:
        return False
    if token.keyword == "(":
        return not _can_be_called(previous)
    return not (previous.keyword in _SIGNS and (before is None or _expects_operand(before)))


def _can_be_called(token: Token) -> bool:
    if token.kind == "name":
        return True
    return token.kind == "word" and token.keyword not in _NEVER_CALLED


def _expects_operand(token: Token) -> bool:
    return token.keyword in _RESERVED or (token.kind == "symbol" and token.keyword != ")")


def fold(text: str) -> str:
    """Write `text` so that what differs only in case, quotes, spaces and outer parentheses comes out equal."""
    return render(unwrapped([_folded(token) for token in tokenize(text)]))


def _folded(token: Token) -> Token:
    if token.text.startswith("'") and token.kind == "literal":
        return token
    return token._replace(text=_SAME_SIGNS.get(token.text, token.text.casefold()))


def unwrapped(tokens: Sequence[Token]) -> Sequence[Token]:
    """Take off parentheses around the whole."""
    while len(tokens) > 2 and tokens[0].keyword == "(" and _end_of_group(tokens) == len(tokens) - 1:  # noqa: PLR2004 - ()
        tokens = tokens[1:-1]
    return tokens


def _end_of_group(tokens: Sequence[Token]) -> int:
    depth = 0
    for at, token in enumerate(tokens):
        depth += _DEPTH.get(token.keyword, 0)
        if not depth:
            return at
    return len(tokens)
