"""Reads SQL expressions far enough to know what is worth trying: conjuncts, columns, constants.

Nothing here decides whether a row satisfies a condition; the server does that.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pytest_stairway.rows.patterns import like_samples, samples

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

__all__ = [
    "Constants",
    "Token",
    "balanced",
    "columns_in",
    "conjuncts",
    "constants",
    "functions_in",
    "replace_names",
    "tokens",
    "unquote",
]

_TOKEN = re.compile(
    r"""
    (?P<comment>--[^\n]*|/\*.*?\*/)
  | (?P<string>(?:[EeBbXxNn]|[Uu]&)?'(?:[^']|'')*')
  | (?P<name>"(?:[^"]|"")+"|`[^`]+`)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<operator>::|[~!@#%^&|?<>=*/+\-]+)
  | (?P<other>[(){}\[\],.;:])
    """,
    re.VERBOSE | re.DOTALL,
)
_LENGTHS = frozenset(
    [
        "length",
        "char_length",
        "character_length",
        "octet_length",
        "bit_length",
        "cardinality",
        "array_length",
        "array_upper",
        "json_array_length",
        "jsonb_array_length",
        "array_ndims",
        "num_nonnulls",
    ]
)
_REGEX_WORDS = frozenset(
    ["regexp", "regexp_match", "regexp_matches", "regexp_like", "regexp_replace", "similar_to_escape"]
)
_LIKE_WORDS = frozenset(["like", "ilike", "glob", "similar", "to"])
_NEARBY = 4
"""How many tokens before a string the operator may stand that makes it a pattern: ``~ ('^a'``."""


class Token(NamedTuple):
    """A piece of SQL."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def name(self) -> str:
        """An identifier without its quotes."""
        if self.kind != "name":
            return self.text
        return self.text[1:-1].replace('""', '"')


def tokens(text: str) -> list[Token]:
    """Cut SQL into tokens, without comments and white space."""
    return [
        Token(match.lastgroup or "", match.group(), match.start(), match.end())
        for match in _TOKEN.finditer(text)
        if match.lastgroup != "comment"
    ]


def balanced(pieces: list[Token], start: int) -> int:
    """Find the end of a parenthesis.

    Args:
        pieces: the tokens.
        start: the index of the opening one.

    Returns:
        The index of the closing one (the last token's where it is missing).
    """
    depth = 0
    for index in range(start, len(pieces)):
        depth += {"(": 1, ")": -1}.get(pieces[index].text, 0)
        if depth == 0:
            return index
    return len(pieces) - 1


def conjuncts(text: str) -> list[str]:
    """Split a condition at its outermost ANDs."""
    pieces = tokens(text)
    while pieces and pieces[0].text == "(" and balanced(pieces, 0) == len(pieces) - 1:
        pieces = pieces[1:-1]
    if not pieces:
        return []
    cuts = _outer(pieces, "AND") if not _outer(pieces, "OR") else []
    if not cuts:
        return [text[pieces[0].start : pieces[-1].end]]
    found = []
    for start, end in zip([0, *(cut + 1 for cut in cuts)], [*cuts, len(pieces)], strict=False):
        if start < end:
            found += conjuncts(text[pieces[start].start : pieces[end - 1].end])
    return found


def _outer(pieces: list[Token], sought: str) -> list[int]:
    """Find where AND or OR stands outside all parentheses and CASEs (the AND of a BETWEEN is not one)."""
    found = []
    depth = 0
    between = 0
    for index, piece in enumerate(pieces):
        word = piece.text.upper()
        depth += {"(": 1, "CASE": 1, ")": -1, "END": -1}.get(word, 0)
        if depth or piece.kind != "word":
            continue
        if word == "BETWEEN":
            between += 1
        elif word == "AND" and between:
            between -= 1
        elif word == sought:
            found.append(index)
    return found


def columns_in(text: str, names: Collection[str], *, fold_case: bool = False) -> tuple[str, ...]:
    """Find which columns an expression speaks of, in the order of `names`."""
    known = {name.lower() if fold_case else name: name for name in names}
    pieces = tokens(text)
    found = set()
    for index, piece in enumerate(pieces):
        name = piece.name.lower() if fold_case else piece.name
        if name in known and _is_column(pieces, index):
            found.add(known[name])
    return tuple(name for name in names if name in found)


def _is_column(pieces: list[Token], index: int) -> bool:
    """Tell whether an identifier can be a column's name: it is not a type's or a function's."""
    if pieces[index].kind == "name":
        return True
    following = pieces[index + 1].text if index + 1 < len(pieces) else ""
    preceding = pieces[index - 1].text if index else ""
    return pieces[index].kind == "word" and following != "(" and preceding != "::"


def functions_in(text: str) -> tuple[str, ...]:
    """Find the names of the functions that an expression calls (and of some keywords that look like one)."""
    pieces = tokens(text)
    pairs = itertools.pairwise(pieces)
    return tuple(dict.fromkeys(one.name for one, next_ in pairs if one.kind in {"word", "name"} and next_.text == "("))


def replace_names(text: str, replacements: Mapping[str, str]) -> str:
    """Put expressions in the place of column names, wherever these are not part of a string."""
    parts = []
    last = 0
    pieces = tokens(text)
    for index, piece in enumerate(pieces):
        if _is_column(pieces, index) and piece.name in replacements:
            parts += [text[last : piece.start], replacements[piece.name]]
            last = piece.end
    return "".join([*parts, text[last:]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """What an expression mentions."""

    strings: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()
    """Texts that match the patterns in it."""
    lengths: bool = False
    """Something's length is looked at, so that a number may be a length."""

    def __bool__(self) -> bool:
        return bool(self.strings or self.numbers or self.matches)


def constants(texts: Iterable[str]) -> Constants:
    """Collect the constants of some expressions, in their order and once each."""
    strings: dict[str, None] = {}
    numbers: dict[str, None] = {}
    matches: dict[str, None] = {}
    lengths = False
    for text in texts:
        pieces = tokens(text)
        lengths = lengths or any(piece.text.lower() in _LENGTHS for piece in pieces)
        for index, piece in enumerate(pieces):
            if piece.kind == "number":
                numbers[_signed(pieces, index)] = None
            elif piece.kind == "string":
                literal = unquote(piece.text)
                strings[literal] = None
                matches.update(dict.fromkeys(_matches(literal, pieces[max(0, index - _NEARBY) : index])))
    return Constants(strings=tuple(strings), numbers=tuple(numbers), matches=tuple(matches), lengths=lengths)


def _signed(pieces: list[Token], index: int) -> str:
    minus = index and pieces[index - 1].text == "-"
    operand = index > 1 and pieces[index - 2].kind in {"number", "word", "name"}
    return f"-{pieces[index].text}" if minus and not operand else pieces[index].text


def unquote(literal: str) -> str:
    """Read a string constant."""
    body = literal[literal.index("'") + 1 : -1].replace("''", "'")
    if literal[0] in "Ee":
        body = re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t", "r": "\r"}.get(match[1], match[1]), body)
    return body


def _matches(literal: str, before: list[Token]) -> list[str]:
    found: list[str] = []
    for piece in before:
        word = piece.text.lower()
        if (piece.kind == "operator" and "~~" in word) or word in _LIKE_WORDS:
            found += like_samples(literal, glob=word == "glob")
        if (piece.kind == "operator" and "~" in word and "~~" not in word) or word in _REGEX_WORDS:
            found += samples(literal)
    return found
