"""Takes apart what SHOW CREATE TABLE says: the server's own words, always in the same form, one clause after the other.

Nothing here knows what a clause means; see `mysql_part`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["TableText", "clauses", "parse_table", "plain", "split_group", "unquote"]

_TOKEN = re.compile(
    r"""
    `(?:[^`]|``)*`  |  '(?:[^'\\]|''|\\.)*'  |  "(?:[^"\\]|""|\\.)*"
    | /\*M?!\d*\ ?  |  \*/  |  [\w.$]+  |  \s+  |  .
    """,
    re.VERBOSE | re.DOTALL,
)
"""Names and texts in quotes, the marks of comments that are executed (by some versions), words, spaces, anything."""
_NAME = re.compile(r"`((?:[^`]|``)*)`")
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*")
_OPTION = re.compile(
    r"""
    ((?:DEFAULT\ |DATA\ |INDEX\ )?[\w`]+) \s*=\s* ('(?:[^'\\]|''|\\.)*' | \([^)]*\) | `[^`]*` | [\w.-]+)
    """,
    re.VERBOSE,
)
_PARTITION = re.compile(r"\s*\bPARTITION BY\b")


@dataclass(slots=True)
class TableText:
    """A statement that creates a table, in pieces."""

    columns: dict[str, str] = field(default_factory=dict)
    """What follows each column's name."""
    others: list[str] = field(default_factory=list)
    """Keys, constraints, periods."""
    options: dict[str, str] = field(default_factory=dict)
    """Such as have a value: ``ENGINE``, ``DEFAULT CHARSET``."""
    words: str = ""
    """Options without a value: ``WITH SYSTEM VERSIONING``."""
    partitioning: str = ""


def parse_table(sql: str) -> TableText:
    """Take a CREATE TABLE statement of the server's own apart."""
    tokens = list(_tokens(sql))
    start = tokens.index("(")
    end = _closing(tokens, start)
    text = TableText()
    for item in _items(tokens[start + 1 : end]):
        name = _NAME.match(item)
        if name is None:
            text.others.append(item)
        else:
            text.columns[unquote(name[0])] = item[name.end() :].strip()
    _read_options("".join(tokens[end + 1 :]), text)
    return text


def _tokens(sql: str) -> Iterator[str]:
    """Split a text, without the marks around what only some versions execute."""
    return (piece for piece in _TOKEN.findall(sql) if not piece.startswith("/*") and not piece.startswith("*/"))


def _closing(tokens: list[str], start: int) -> int:
    """Find the parenthesis that closes the one at `start`."""
    depth = 0
    for at in range(start, len(tokens)):
        depth += (tokens[at] == "(") - (tokens[at] == ")")
        if depth == 0:
            return at
    return len(tokens)


def _items(tokens: Iterable[str]) -> Iterator[str]:
    """Join what stands between commas that are in no parentheses."""
    depth, item = 0, ""
    for piece in tokens:
        depth += (piece == "(") - (piece == ")")
        if piece == "," and depth == 0:
            yield item.strip()
            item = ""
        else:
            item += piece
    if item.strip():
        yield item.strip()


def _read_options(tail: str, text: TableText) -> None:
    partition = _PARTITION.search(tail)
    if partition is not None:
        text.partitioning = " ".join(tail[partition.start() :].split())
        tail = tail[: partition.start()]
    text.options = {name.replace("`", ""): value for name, value in _OPTION.findall(tail)}
    text.words = " ".join(_OPTION.sub("", tail).split())


def clauses(text: str, keywords: frozenset[str]) -> dict[str, str]:
    """Split a definition at the keywords that begin its clauses.

    A keyword counts outside of parentheses and quotes, and not where it is what another keyword is followed by.

    Returns:
        The clauses by their keyword; what stands before the first is under the empty one.
    """
    found: dict[str, str] = {}
    keyword, depth, waiting = "", 0, False
    for piece in _tokens(text):
        depth += (piece == "(") - (piece == ")")
        if depth == 0 and piece in keywords and not waiting:
            keyword = piece
            waiting = keyword in _FOLLOWED
            found[keyword] = ""
            continue
        waiting = waiting and piece.isspace()
        found[keyword] = found.get(keyword, "") + piece
    return {keyword: clause.strip() for keyword, clause in found.items()}


_FOLLOWED = frozenset({"DEFAULT", "NOT", "COMMENT", "ON", "WITHOUT", "WITH"})
"""Keywords whose next word is never a keyword itself."""


def split_group(text: str) -> tuple[str, str]:
    """Return what stands in the parentheses that a text begins with, and what follows them."""
    tokens = list(_tokens(text))
    end = _closing(tokens, 0)
    return "".join(tokens[1:end]).strip(), "".join(tokens[end + 1 :]).strip()


def plain(text: str) -> str:
    """Take the quotes from names that need none, so that people can read them."""
    return "".join(
        token[1:-1] if token[0] == "`" and _PLAIN_NAME.fullmatch(token[1:-1]) else token
        for token in _TOKEN.findall(text)
    )


def unquote(text: str) -> str:
    """Return what is in quotes, whichever."""
    quote, inner = text[:1], text[1:-1]
    if quote not in {"`", "'", '"'}:
        return text
    inner = inner.replace(quote * 2, quote)
    return inner if quote == "`" else re.sub(r"\\(.)", _escaped, inner, flags=re.DOTALL)


def _escaped(match: re.Match[str]) -> str:
    return {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}.get(match[1], match[1])
