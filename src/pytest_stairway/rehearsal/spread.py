"""Expressions that give each of a million rows a value of its own, in the type that a column has.

`N` counts the rows, and ``s`` is one of the rows that are there already, whose values satisfy every rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.rows.backend import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_stairway.rows.shape import Column

__all__ = ["spread", "spreads"]

N = "stairway_n"
_OFFSET = 1000
"""Beyond the values that the few rows have."""
_LARGEST = {"int2": 32_767, "int4": 2_147_483_647, "int8": 2**63 - 1}
_HEX = 16
_MOMENT = f"timestamp '2001-01-01' + {N} * interval '1 minute'"
_DAYS = 2_900_000
"""So many days after 2001 Python's own dates still go."""


def spread(column: Column, rows: int) -> str | None:
    """Give the most natural expression; None for a type whose values can not be told apart so."""
    return next(iter(spreads(column, rows)), None)


def spreads(column: Column, rows: int) -> Sequence[str]:
    """Give every expression that is worth trying.

    Args:
        column: the column.
        rows: how large `N` becomes.
    """
    type_ = column.type
    if type_.kind == "array" and type_.element is not None and type_.element.name in _BY_NAME:
        items = _BY_NAME[type_.element.name](column, rows)
        return [f"ARRAY[{item}]::{type_.sql}" for item in items if item is not None and "s." not in item]
    if type_.kind == "range":
        return [f"{type_.sql}({low}, {high})" for low, high in _RANGES.get(type_.name, ())]
    if type_.kind != "base" or type_.name not in _BY_NAME:
        return ()
    found = _BY_NAME[type_.name](column, rows)
    return [f"({expression})::{type_.sql}" for expression in found if expression is not None]


def _whole(column: Column, rows: int) -> list[str | None]:
    largest = _LARGEST[column.type.name]
    if rows + _OFFSET <= largest:
        return [f"{N} + {_OFFSET}", N, f"-{N}"]
    return [f"{N} % {largest + 1}" if rows > largest else N]


def _numeric(column: Column, rows: int) -> list[str | None]:
    if not column.type.modifiers:
        return [f"{N} + {_OFFSET}"]
    precision, scale = (*column.type.modifiers, 0)[:2]
    digits = len(str(rows + _OFFSET))
    found = [f"{N} + {_OFFSET}"] if precision - scale >= digits else []
    fraction = f"{N}::numeric / 1e{max(0, scale)}"
    return [*found, fraction if precision >= digits else f"{fraction} % 1e{precision - scale}"]


def _float(_column: Column, _rows: int) -> list[str | None]:
    return [f"{N} + {_OFFSET}", N]


def _text(column: Column, rows: int) -> list[str | None]:
    length = next(iter(column.type.modifiers), None) if column.type.name != "name" else 63
    digits = len(str(rows))
    own, padded = f"s.{quote(column.name)}::text", f"lpad({N}::text, {digits}, '0')"
    if length is None:
        return [f"{own} || {padded}", f"{padded} || {own}", f"overlay({own} placing {padded} from 2 for 0)", padded]
    if length >= digits:
        kept = f"left({own}, {length - digits})"
        return [f"{kept} || {padded}", f"{padded} || {kept}", f"overlay({kept} placing {padded} from 2 for 0)", padded]
    hexadecimal = f"lpad(to_hex({N}), {length}, '0')" if _HEX**length > rows else None
    return [hexadecimal, f"left(md5({N}::text), {length})"]


def _identifier(column: Column, _rows: int) -> list[str | None]:
    salt = column.name.replace("'", "").replace("\\", "")
    return [f"md5('{salt}' || {N}::text)"]


def _date(_column: Column, _rows: int) -> list[str | None]:
    return [f"date '2001-01-01' + ({N} % {_DAYS})::int"]


_RANGES = {
    "int4range": [(f"(2 * {N})::int", f"(2 * {N} + 1)::int")],
    "int8range": [(f"2 * {N}", f"2 * {N} + 1")],
    "numrange": [(f"2 * {N}", f"2 * {N} + 1")],
    "daterange": [(f"date '2001-01-01' + (2 * {N} % {_DAYS})::int", f"date '2001-01-02' + (2 * {N} % {_DAYS})::int")],
    "tsrange": [(f"{_MOMENT}", f"{_MOMENT} + interval '1 second'")],
    "tstzrange": [(f"({_MOMENT})::timestamptz", f"({_MOMENT} + interval '1 second')::timestamptz")],
}
_BY_NAME: dict[str, Callable[[Column, int], list[str | None]]] = {
    **dict.fromkeys(("int2", "int4", "int8"), _whole),
    **dict.fromkeys(("float4", "float8", "oid"), _float),
    **dict.fromkeys(("text", "varchar", "bpchar", "citext", "name"), _text),
    "numeric": _numeric,
    "money": lambda _column, _rows: [f"({N} + {_OFFSET})::numeric"],
    "uuid": _identifier,
    "date": _date,
    "timestamp": lambda _column, _rows: [_MOMENT],
    "timestamptz": lambda _column, _rows: [_MOMENT],
    "time": lambda _column, _rows: [f"time '00:00' + {N} * interval '1 second'"],
    "timetz": lambda _column, _rows: [f"time '00:00' + {N} * interval '1 second'"],
    "interval": lambda _column, _rows: [f"{N} * interval '1 second'"],
    "bytea": lambda _column, _rows: [f"decode(md5({N}::text), 'hex')"],
    "inet": lambda _column, _rows: [f"inet '10.0.0.0' + {N}"],
    "jsonb": lambda _column, _rows: [f"jsonb_build_object('n', {N})"],
}
