"""The values of any type: enums, arrays, ranges and composites from those of what they are made of."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_stairway.rows.expressions import balanced, tokens, unquote
from pytest_stairway.rows.mysql_values import encodable, mysql_values
from pytest_stairway.rows.scalars import UUIDS, scalar, uuids
from pytest_stairway.rows.texts import Words, builtin_words, json_values, text
from pytest_stairway.rows.values import Values, cycle

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stairway.rows.shape import ColumnType

__all__ = ["constant_default", "is_known", "values_of"]

_TEXTS = frozenset({"text", "varchar", "bpchar", "name", "citext"})
_JSON = frozenset({"json", "jsonb"})
_NAME_LENGTH = 63


@lru_cache(maxsize=4096)
def values_of(
    type_: ColumnType, column: str = "", *, default: str | None = None, words: Words = builtin_words, salt: str = ""
) -> Values:
    """Give the values of a column's type.

    Args:
        type_: the type.
        column: the column's name, which may say what it holds.
        default: the expression of its default.
        words: gives realistic texts.
        salt: makes the values differ from those of other columns where real ones would: identifiers that are drawn.
    """
    if type_.known:
        return cycle(type_.known)
    if type_.kind == "base":
        made = mysql_values(type_, column) or _base(type_, column, constant_default(default), words, salt)
        return encodable(made, type_.encoding) if type_.encoding else made
    return _COMPOSED[type_.kind](type_, column, words)


def _base(type_: ColumnType, column: str, default: str | None, words: Words, salt: str) -> Values:
    if type_.name in _TEXTS:
        length = _NAME_LENGTH if type_.name == "name" else next(iter(type_.modifiers), None)
        return text(column, length, default=default, words=words)
    if type_.name in _JSON:
        return json_values(default)
    if type_.name in UUIDS:
        return uuids(salt, dashes=type_.name == "uuid")
    return scalar(type_.name, type_.modifiers, column) or cycle(("1",))


def is_known(name: str) -> bool:
    """Tell whether the values of a base type are known here."""
    return name in _TEXTS or name in _JSON or scalar(name) is not None


@lru_cache(maxsize=4096)
def constant_default(default: str | None) -> str | None:
    """Read a default that is a constant: ``'draft'::character varying``, ``0``, ``true``; None for any other."""
    pieces = tokens(default or "")
    while len(pieces) > 2 and pieces[0].text == "(" and balanced(pieces, 0) == len(pieces) - 1:  # noqa: PLR2004
        pieces = pieces[1:-1]
    sign = ""
    if len(pieces) == 2 and pieces[0].text == "-":  # noqa: PLR2004 - a sign and a number
        sign, pieces = "-", pieces[1:]
    if not pieces or (len(pieces) > 1 and pieces[1].text != "::"):
        return None
    first = pieces[0]
    if first.kind == "string":
        return unquote(first.text)
    word = first.text.lower() in {"true", "false"} and len(pieces) == 1
    return sign + first.text.lower() if first.kind == "number" or word else None


def _enum(type_: ColumnType, _: str, __: Words) -> Values:
    return Values(nth=lambda n: type_.labels[n % len(type_.labels)], size=len(type_.labels), complete=True)


def _array(type_: ColumnType, column: str, words: Words) -> Values:
    assert type_.element is not None
    element = values_of(type_.element, column, words=words)

    def write(items: list[str | None]) -> str:
        return "{" + ",".join("NULL" if item is None else _quote(item) for item in items) + "}"

    def nth(n: int) -> str:
        return write([element.nth(n), element.nth(n + 1)])

    edges = [write([]), write([element.nth(0), None, element.nth(1)])]
    if element.edges:
        edges.append(write(list(element.edges)))
    if element.complete and element.size:
        edges.append(write([element.nth(n) for n in range(element.size)]))
    varied = [write([element.nth(n) for n in range(size)]) for size in (1, 3, 4, 5, 10)]
    return Values(nth=nth, size=element.size, edges=tuple(edges), varied=tuple(varied))


def _quote(item: str) -> str:
    """Write an array's or a composite's element."""
    return '"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _range(type_: ColumnType, _: str, __: Words) -> Values:
    assert type_.element is not None
    element = values_of(type_.element)

    def bounds(low: str, high: str) -> str:
        return f"[{_quote(low) if low else ''},{_quote(high) if high else ''})"

    def single(n: int) -> str:
        return bounds(element.nth(n), element.nth(n + 1))

    def several(n: int) -> str:
        return "{" + single(n) + "," + bounds(element.nth(n + 2), element.nth(n + 3)) + "}"

    if type_.kind == "multirange":
        return Values(nth=several, size=element.size, edges=("{}", "{(,)}"), varied=("{" + single(0) + "}",))
    other_bounds = f"({_quote(element.nth(2))},{_quote(element.nth(4))}]"
    edges = ("empty", other_bounds, bounds(element.nth(3), ""), bounds("", element.nth(3)), "(,)")
    return Values(nth=single, size=element.size, edges=edges, varied=(bounds(element.nth(0), element.nth(9)),))


def _composite(type_: ColumnType, _: str, words: Words) -> Values:
    members = [values_of(member, words=words) for member in type_.fields]

    def nth(n: int) -> str:
        return "(" + ",".join(_quote(member.nth(n)) for member in members) + ")"

    sparse = "(" + "," * (len(members) - 1) + ")"
    strict = any(member.not_null or member.checks for member in type_.fields)
    return Values(nth=nth, edges=() if strict else (sparse,))


_COMPOSED: dict[str, Callable[[ColumnType, str, Words], Values]] = {
    "enum": _enum,
    "array": _array,
    "range": _range,
    "multirange": _range,
    "composite": _composite,
}
