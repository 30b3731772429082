"""Turns the constants of a condition into values worth trying in a column of some type."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_stairway.rows.expressions import Constants
    from pytest_stairway.rows.shape import ColumnType

__all__ = ["family", "mined"]

_FAMILIES = {
    **dict.fromkeys(("int2", "int4", "int8", "numeric", "float4", "float8", "money"), "number"),
    **dict.fromkeys(("int1", "int3", "uint1", "uint2", "uint3", "uint4", "uint8", "year"), "number"),
    **dict.fromkeys(("unumeric", "ufloat4", "ufloat8"), "number"),
    **dict.fromkeys(("text", "varchar", "bpchar", "name", "citext"), "text"),
    **dict.fromkeys(("date", "timestamp", "timestamptz", "datetime", "utctimestamp"), "moment"),
    **dict.fromkeys(("json", "jsonb"), "json"),
}
_LITERAL_FORMS = {
    "uuid": re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE),
    "interval": re.compile(r"^-?\d+ \w+$|^\d\d:\d\d(:\d\d)?$"),
    "time": re.compile(r"^\d\d:\d\d(:\d\d(\.\d+)?)?$"),
    "inet": re.compile(r"^\d+\.\d+\.\d+\.\d+(/\d+)?$"),
    "cidr": re.compile(r"^\d+\.\d+\.\d+\.\d+/\d+$"),
    "bit": re.compile(r"^[01]+$"),
    "bytea": re.compile(r"^\\x([0-9a-f]{2})*$"),
}
_MOMENT = re.compile(r"^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d(?:\.\d+)?))?([+-]\d\d(?::?\d\d)?|Z)?$")
_INTEGER = re.compile(r"(u?)int(\d)")
_LONGEST = 1000
_MOST = 80


def family(type_: ColumnType) -> str:
    """Name what a type can be compared with: ``number``, ``moment``, ``text``, or itself."""
    return _FAMILIES.get(type_.name, type_.name) if type_.kind == "base" else f"{type_.kind} {type_.name}"


def mined(found: Constants, type_: ColumnType) -> tuple[str, ...]:
    """Give the values of a type that the constants suggest: themselves, their neighbours, what has such a length."""
    if type_.kind == "array":
        values: Iterable[str] = _arrays(found, type_)
    elif type_.kind != "base":
        values = [text for text in found.strings if text in type_.labels]
    elif family(type_) in _BY_FAMILY:
        values = _BY_FAMILY[family(type_)](found, type_)
    else:
        form = _LITERAL_FORMS.get(type_.name)
        values = [text for text in found.strings if form and form.match(text)]
        if type_.name == "bytea":
            values = [*values, *("\\x" + "ab" * length for length in _lengths(found))]
    return tuple(dict.fromkeys(values))[:_MOST]


def _lengths(found: Constants) -> list[int]:
    if not found.lengths:
        return []
    whole = [int(text) for text in (*found.numbers, *found.strings) if text.isdigit()]
    return [n + by for n in whole for by in (0, 1, -1) if 0 <= n + by <= _LONGEST]


def _texts(found: Constants, type_: ColumnType) -> list[str]:
    texts = [*found.matches]
    for text in found.strings:
        if re.fullmatch(r"\{[^{}:]*\}", text):
            texts += [item.strip('"') for item in text[1:-1].split(",")]
        texts.append(text)
    texts += ["abcdefghij"[n % 10] * n for n in _lengths(found)]
    texts += found.numbers
    most = next(iter(type_.modifiers), None)
    return [text for text in texts if most is None or len(text) <= most]


def _numbers(found: Constants, type_: ColumnType) -> list[str]:
    scale = type_.modifiers[1] if type_.name.endswith("numeric") and len(type_.modifiers) > 1 else 0
    step = Decimal(1).scaleb(-scale) if scale > 0 else Decimal(1)
    texts = [item for text in (*found.numbers, *found.strings) for item in text.strip("{}").split(",")]
    values = []
    for text in texts:
        try:
            number = Decimal(text)
        except InvalidOperation:
            continue
        if number.is_finite() and abs(number) <= _largest(type_):
            values += [format(value, "f") for value in (number, number + step, number - step)]
    whole = _INTEGER.match(type_.name)
    return [value for value in values if not whole or "." not in value]


def _largest(type_: ColumnType) -> Decimal:
    integer = _INTEGER.match(type_.name)
    if integer is not None:
        return Decimal(2 ** (8 * int(integer[2]) - (not integer[1])) - 2)
    if type_.name.endswith("numeric") and type_.modifiers:
        precision, scale = (*type_.modifiers, 0)[:2]
        return Decimal(10) ** (precision - scale) - 2
    return Decimal("1e15")


def _moments(found: Constants, type_: ColumnType) -> list[str]:
    values = []
    for text in found.strings:
        match = _MOMENT.match(text)
        if match is None:
            continue
        try:
            moment = datetime.fromisoformat(f"{match[1]} {match[2] or '00:00:00'}")
            neighbours = (moment, moment + timedelta(days=1), moment - timedelta(days=1))
        except (ValueError, OverflowError):
            continue
        zone = match[3] or "+00" if type_.name == "timestamptz" else ""
        form = "%Y-%m-%d" if type_.name == "date" else "%Y-%m-%d %H:%M:%S"
        values += [f"{moment:{form}}{zone}" for moment in neighbours]
    return values


def _documents(found: Constants, _: ColumnType) -> list[str]:
    values: list[str] = []
    keys = [text.removeprefix("$.") for text in found.strings if text and not text.startswith(("{", "["))]
    fillings: tuple[object, ...] = ("a", 1, True, [], ["a"], {}, None) if keys else ()
    values += [json.dumps(dict.fromkeys(keys, filling)) for filling in fillings]
    values += [json.dumps({key: value}) for key in keys[:4] for value in (*keys[:4], "a", 1) if key != value]
    values += [text for text in found.strings if _is_json(text)]
    values += [json.dumps([filling] * n) for n in _lengths(found) for filling in (1, "a")]
    return values


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _arrays(found: Constants, type_: ColumnType) -> list[str]:
    assert type_.element is not None
    items = mined(found, type_.element) or ("1",)
    values = ["{" + ",".join(f'"{item}"' for item in items if '"' not in item and "\\" not in item) + "}"]
    values += [f'{{"{item}"}}' for item in items if '"' not in item and "\\" not in item]
    values += ["{" + ",".join([items[0]] * n) + "}" for n in _lengths(found) if '"' not in items[0]]
    return values


_BY_FAMILY: dict[str, Callable[[Constants, ColumnType], list[str]]] = {
    "text": _texts,
    "number": _numbers,
    "moment": _moments,
    "json": _documents,
}
