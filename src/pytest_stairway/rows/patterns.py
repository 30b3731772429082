"""Texts that match a pattern: POSIX and Perl-like regular expressions, LIKE and GLOB.

A small generator for what check constraints hold.  What it makes of a construct that it does not know (a look-ahead, a
back-reference) may not match; whoever asked lets the server judge.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["like_samples", "samples"]

_VARIANTS = 6
_MANY = 3
"""How often an unbounded repetition is repeated at most."""
_LONGEST = 300
_PRINTABLE = string.ascii_lowercase + string.digits + string.ascii_uppercase + "-_.@ /:+#"
_CLASSES = {
    "alpha": string.ascii_lowercase + string.ascii_uppercase,
    "digit": string.digits,
    "alnum": string.ascii_lowercase + string.digits + string.ascii_uppercase,
    "upper": string.ascii_uppercase,
    "lower": string.ascii_lowercase,
    "space": " ",
    "blank": " ",
    "punct": "-.,_",
    "xdigit": "0123456789abcdef",
    "word": string.ascii_lowercase + string.digits + "_",
    "print": _PRINTABLE,
    "graph": _PRINTABLE.replace(" ", ""),
    "cntrl": "\t",
}
_ESCAPES = {
    "d": _CLASSES["digit"],
    "w": _CLASSES["word"],
    "s": " ",
    "D": string.ascii_lowercase,
    "W": "-. ",
    "S": _CLASSES["alnum"],
    "n": "\n",
    "t": "\t",
    "r": "\r",
}
_ZERO_WIDTH = frozenset("yYmMAZbB<>")
_INLINE_OPTIONS = re.compile(r"^\(\?[a-z]+\)|^\*\*\*[:=]")
_GROUP_OPENING = re.compile(r"\(\?(?::|P?<\w+>|(?P<look><?[=!]))")
_BOUND = re.compile(r"\{(\d+)(,?)(\d*)\}")


class _Unknown(Exception):
    """Not a pattern that can be read here."""


def samples(pattern: str) -> list[str]:
    """Make texts that match a regular expression, the shortest first; none where it cannot be read."""
    try:
        make = _Parser(_INLINE_OPTIONS.sub("", pattern)).parse()
        found = [make(variant) for variant in range(_VARIANTS)]
    except (_Unknown, IndexError, RecursionError):
        return []
    return list(dict.fromkeys(text[:_LONGEST] for text in found))


def like_samples(pattern: str, *, glob: bool = False) -> list[str]:
    """Make texts that match LIKE (or SQLite's GLOB): wildcards empty, then filled."""
    many, one = ("*", "?") if glob else ("%", "_")
    if glob and "[" in pattern:
        expression = "".join(
            ".*" if c == many else "." if c == one else c if c in "[]-^" else re.escape(c) for c in pattern
        )
        return samples(expression)
    found = []
    for filling in ("", "abc", "1"):
        text = pattern.replace("\\" + many, "\0").replace("\\" + one, "\1").replace(many, filling).replace(one, "a")
        found.append(text.replace("\0", many).replace("\1", one))
    return found


@dataclass(slots=True)
class _Parser:
    """Reads a pattern into functions that make a text for a variant: a higher one is longer and takes later choices."""

    text: str
    at: int = 0
    groups: list[Callable[[int], str]] = field(default_factory=list)

    def parse(self) -> Callable[[int], str]:
        make = self._alternatives()
        if self.at < len(self.text):
            raise _Unknown
        return make

    def _alternatives(self) -> Callable[[int], str]:
        options = [self._sequence()]
        while self._take("|"):
            options.append(self._sequence())
        return lambda variant: options[variant % len(options)](variant)

    def _sequence(self) -> Callable[[int], str]:
        parts: list[Callable[[int], str]] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self._repeated())
        return lambda variant: "".join(part(variant) for part in parts)

    def _repeated(self) -> Callable[[int], str]:
        make = self._atom()
        while (bounds := self._bounds()) is not None:
            make = _repeat(make, *bounds)
            self._take("?")
        return make

    def _bounds(self) -> tuple[int, int] | None:
        for sign, bounds in (("*", (0, _MANY)), ("+", (1, 1 + _MANY)), ("?", (0, 1))):
            if self._take(sign):
                return bounds
        match = _BOUND.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        least = int(match[1])
        return least, int(match[3]) if match[3] else least + _MANY if match[2] else least

    def _atom(self) -> Callable[[int], str]:
        character = self.text[self.at]
        if character == "(":
            return self._group()
        if character == "[":
            return _choose(self._bracket())
        self.at += 1
        if character in "^$":
            return lambda _: ""
        if character == ".":
            return _choose("a1b2c3x-")
        if character == "\\":
            return self._escaped()
        return lambda _: character

    def _group(self) -> Callable[[int], str]:
        match = _GROUP_OPENING.match(self.text, self.at)
        self.at = match.end() if match else self.at + 1
        make = self._alternatives()
        if not self._take(")"):
            raise _Unknown
        if match and match["look"]:
            return lambda _: ""
        self.groups.append(make)
        return make

    def _escaped(self) -> Callable[[int], str]:
        character = self.text[self.at]
        self.at += 1
        if character in _ZERO_WIDTH:
            return lambda _: ""
        if character.isdigit() and 0 < int(character) <= len(self.groups):
            return self.groups[int(character) - 1]
        return _choose(_ESCAPES.get(character, character))

    def _bracket(self) -> str:
        self.at += 1
        negated = self._take("^")
        allowed = ""
        first = True
        while first or self.text[self.at] != "]":
            first = False
            allowed += self._bracket_item()
        self.at += 1
        if not negated:
            return allowed
        left = "".join(character for character in _PRINTABLE if character not in allowed)
        if not left:
            raise _Unknown
        return left

    def _bracket_item(self) -> str:
        named = re.match(r"\[:(\w+):\]", self.text[self.at :])
        if named:
            self.at += named.end()
            return _CLASSES.get(named[1], "a")
        start = self._bracket_character()
        if len(start) == 1 and self.text[self.at] == "-" and self.text[self.at + 1] != "]":
            self.at += 1
            end = self._bracket_character()
            return "".join(map(chr, range(ord(start), min(ord(end), ord(start) + 200) + 1)))
        return start

    def _bracket_character(self) -> str:
        character = self.text[self.at]
        self.at += 1
        if character == "\\":
            character = self.text[self.at]
            self.at += 1
            return _ESCAPES.get(character, character)
        return character

    def _take(self, sign: str) -> bool:
        if self.text[self.at : self.at + 1] != sign:
            return False
        self.at += 1
        return True


def _repeat(make: Callable[[int], str], least: int, most: int) -> Callable[[int], str]:
    def repeated(variant: int) -> str:
        times = least + variant % (min(most, least + _LONGEST) - least + 1) if most > least else least
        return "".join(make(variant + position) for position in range(times))

    return repeated


def _choose(characters: str) -> Callable[[int], str]:
    return lambda variant: characters[variant % len(characters)]
