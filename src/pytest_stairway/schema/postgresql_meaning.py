"""When two texts of PostgreSQL mean the same.

A type that is changed and changed back leaves casts behind: ``a > 5`` becomes ``(a)::numeric > (5)::numeric``.  A cast
is taken for harmless where it keeps the value and how it compares: from a narrower number to a wider one, among the
types of text.  What PostgreSQL writes has parentheses around every operation, so that its structure is that of the
parentheses; those that a cast leaves around one thing are dropped.

Names that the server made up tell what a table was once called, and nothing else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Union

from pytest_stairway.schema.difference import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_stairway.schema.model import Key

__all__ = ["is_automatic", "weigh"]

"""Attributes of which nothing is said where one of the others, on which they follow, has changed."""

_AUTOMATIC_NAMES = {
    "primary key": "pkey",
    "unique constraint": "key",
    "foreign key": "fkey",
    "check constraint": "check",
    "exclusion constraint": "excl",
    "index": "idx",
    "statistics": "stat",
}
"""By kind: on what a name ends that PostgreSQL makes up."""
_NAMES = {"not-null constraint": "not_null", "name": "seq"}
"""The same by the attribute that holds a name."""
_EXPRESSIONS = frozenset({"default", "definition", "generated", "using", "check"})
"""Attributes that hold expressions."""

_NUMBERS = {name: rank for rank, name in enumerate(("smallint", "integer", "bigint", "numeric", "double precision"))}
_TEXTS = frozenset({"text", "character varying", "varchar", "bpchar", "character"})
_DOCUMENTS = frozenset({"json", "jsonb"})
_LONG_TYPES = (
    "character varying",
    "double precision",
    "bit varying",
    "timestamp without time zone",
    "timestamp with time zone",
    "time without time zone",
    "time with time zone",
)
_NAME = r'(?:"(?:[^"]|"")*"|[A-Za-z_\u0080-\U0010ffff][\w$]*)'
_TOKEN = re.compile(
    rf"""
    (?P<space> \s+ )
  | (?P<literal> [eE]?'(?:[^']|'')*' | \d[\d.]*(?:[eE][+-]?\d+)? )
  | (?P<cast> :: )
  | (?P<name> (?:{"|".join(name.replace(" ", "[ ]") for name in _LONG_TYPES)})\b | {_NAME}(?:\.{_NAME})* )
  | (?P<sign> [-+*/<>=~!@\#%^&|`?]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_KEYWORDS = frozenset(
    ["CHECK", "AND", "OR", "NOT", "IN", "LIKE", "ILIKE", "IS", "THEN", "ELSE", "WHEN", "WHERE", "USING", "WITH", "FROM"]
)
"""Words after which parentheses hold no arguments."""
_WORD = re.compile(r'["A-Za-z_\u0080-\U0010ffff]')
_NUMBER = re.compile(r"'?(-?)(\d+(?:\.\d+)?)'?")

_Item = Union[str, "list[_Item]"]
_Tree = list[_Item]
"""What parentheses or brackets hold, after the one that opens; a text as a whole has none."""


def is_automatic(key: Key) -> bool:
    """Tell whether an object's name looks like one that PostgreSQL made up."""
    return key.kind in _AUTOMATIC_NAMES and _ends(key.name, _AUTOMATIC_NAMES[key.kind])


def weigh(attribute: str, before: str | None, after: str | None, types: Mapping[str, str] | None = None) -> Verdict:
    """Weigh two texts that are not equal.

    Args:
        attribute: what they tell.
        before: a text; None stands for no such fact.
        after: likewise.
        types: of the table's columns, those that have the same type before and after.
    """
    same = False
    if before is None or after is None:
        return Verdict.DIFFERENT
    if attribute in _NAMES:
        (name, *more), (other, *others) = before.split(" ", 1), after.split(" ", 1)
        same = more == others and all(_ends(each, _NAMES[attribute]) for each in (name, other))
    elif attribute in _EXPRESSIONS:
        same = _mean_the_same(before, after, types or {}, assigned=attribute == "default")
    return Verdict.SAME_MEANING if same else Verdict.DIFFERENT


def _ends(name: str, suffix: str) -> bool:
    return re.search(rf"_{suffix}\d*$", name) is not None


def _mean_the_same(before: str, after: str, types: Mapping[str, str], *, assigned: bool) -> bool:
    if any(found["sign"] in {"/", "%"} for found in _TOKEN.finditer(before)):
        return False  # whole numbers are divided otherwise than others: there a cast says something
    one, other = (_simplified(_parsed(text), types, assigned=assigned) for text in (before, after))
    return one == other


def _parsed(text: str) -> _Tree:
    """Split a text by its parentheses and brackets."""
    stack: list[_Tree] = [[]]
    for found in _TOKEN.finditer(text):
        token = found[0]
        if found.lastgroup == "space":
            continue
        if token in {"(", "["}:
            group: _Tree = [token]
            stack[-1].append(group)
            stack.append(group)
        elif token in {")", "]"} and len(stack) > 1:
            stack.pop()
        else:
            stack[-1].append(token)
    return stack[0]


def _simplified(tree: _Tree, types: Mapping[str, str], *, assigned: bool = False) -> _Tree:
    """Drop harmless casts, and parentheses around one thing."""
    items = [_simplified(item, types) if isinstance(item, list) else item for item in tree]
    result: _Tree = []
    while items:
        item = items.pop(0)
        if item == "::":
            cast = _cast(items)
            if _is_harmless(result[-1] if result else "", cast, types, assigned=assigned):
                result[-1:] = _number(result[-1]) if cast[0] in _NUMBERS else [result[-1]]
            else:
                result += ["::", *cast]
        elif item == ["("] and result[-1:] == ["now"]:
            result[-1] = "CURRENT_TIMESTAMP"
        else:
            result += _unwrapped(item, called=_is_called(result))
    return result


def _cast(items: _Tree) -> _Tree:
    """Take a type's name off the items, with what follows of its modifier and brackets."""
    cast: _Tree = [items.pop(0) if items else ""]
    while items and isinstance(items[0], list):
        cast.append(items.pop(0))
    return cast


def _is_called(before: _Tree) -> bool:
    """Tell whether what follows are a function's arguments."""
    last = before[-1] if before else ""
    return isinstance(last, str) and _WORD.match(last) is not None and last.upper() not in _KEYWORDS


def _unwrapped(item: _Item, *, called: bool) -> _Tree:
    """Drop the parentheses around one thing: a word, a literal, a call, or what has parentheses of its own."""
    if not isinstance(item, list) or item[:1] != ["("]:
        return [item]
    inner = item[1:]
    if len(inner) == 1 and isinstance(inner[0], list) and inner[0][:1] == ["("] and "," not in inner[0]:
        return _unwrapped(inner[0], called=called)
    if called or not inner:
        return [item]
    is_pair = len(inner) == 2 and isinstance(inner[0], str)  # noqa: PLR2004 - a name and a group, a sign and a number
    is_one = is_pair and (inner[0] == "-" or isinstance(inner[1], list))
    return inner if len(inner) == 1 or is_one else [item]


def _is_harmless(operand: _Item, cast: _Tree, types: Mapping[str, str], *, assigned: bool) -> bool:
    """Tell whether a cast keeps the value of what it is applied to, and how that compares."""
    target, *more = cast
    if not isinstance(target, str) or any(group != ["["] for group in more):
        return False  # a modifier may cut something off
    if target in _NUMBERS:
        return _is_narrower(operand, target, types)
    if target in _TEXTS:
        return _is_text(operand, types)
    return assigned and target in _DOCUMENTS and isinstance(operand, str)


def _is_narrower(operand: _Item, target: str, types: Mapping[str, str]) -> bool:
    """Tell whether something is a number, of the target's type or a narrower one."""
    if isinstance(operand, list):
        return _NUMBERS[target] >= _NUMBERS["bigint"]
    number = _NUMBER.fullmatch(operand)
    if number is not None:
        return _NUMBERS[target] >= _NUMBERS["numeric"] or "." not in number[2]
    if operand.startswith("'"):
        return False
    own = _base(types.get(operand.strip('"'), "bigint"))
    return own in _NUMBERS and _NUMBERS[own] <= _NUMBERS[target]


def _is_text(operand: _Item, types: Mapping[str, str]) -> bool:
    """Tell whether something is a text: a literal, an array of them, a column that is."""
    if isinstance(operand, list):
        return operand[:1] == ["["]
    return operand.startswith("'") or _base(types.get(operand.strip('"'), "text")) in _TEXTS


def _base(type_: str) -> str:
    return re.sub(r"\(.*?\)|\[\]", "", type_)


def _number(operand: _Item) -> _Tree:
    """Write a number without quotes."""
    found = _NUMBER.fullmatch(operand) if isinstance(operand, str) else None
    return [operand] if found is None else [part for part in found.groups() if part]
