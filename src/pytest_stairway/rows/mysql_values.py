"""Values of types that only MariaDB and MySQL have, and what of a text their character sets can hold."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_stairway.rows.scalars import scalar
from pytest_stairway.rows.values import Values, cycle

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stairway.rows.shape import ColumnType

__all__ = ["encodable", "mysql_values"]

_HIGHEST_OF_TWO_BYTES = 0xFFFF


def mysql_values(type_: ColumnType, column: str) -> Values | None:
    """Give the values of a type; None for one that other servers have as well.

    Args:
        type_: the type.
        column: the column's name, which may say what it holds.
    """
    if type_.name in _SIGNED:
        return _not_negative(scalar(_SIGNED[type_.name], type_.modifiers, column))
    if type_.name.startswith("wkt"):
        return _SHAPES[type_.name]
    make = _TYPES.get(type_.name)
    return None if make is None else make(type_)


_SIGNED = {f"u{name}": name for name in ("numeric", "float4", "float8")}


def _not_negative(values: Values | None) -> Values:
    assert values is not None
    edges, varied = (tuple(v for v in found if not v.startswith("-")) for found in (values.edges, values.varied))
    return replace(values, edges=edges, varied=varied)


def _datetimes(type_: ColumnType) -> Values:
    """Give moments, with fractions of a second where these are kept."""
    made = scalar("timestamp", type_.modifiers)
    assert made is not None
    digits = type_.modifiers[0]
    if not digits:
        return made
    return replace(made, nth=lambda n: f"{made.nth(n)}.{str(n % 9 + 1) * digits}")


def _timestamps(type_: ColumnType) -> Values:
    """Give moments that a TIMESTAMP can hold: four bytes of seconds."""
    made = _datetimes(type_)
    edges = ("1970-01-01 00:00:01", "2038-01-19 03:14:07", *(each for each in made.edges if each.startswith("2000")))
    return replace(made, edges=edges)


def _timespans(type_: ColumnType) -> Values:
    made = scalar("time", type_.modifiers)
    assert made is not None
    return replace(made, edges=(*made.edges, "838:59:59", "-00:00:01"))


def _years(_: ColumnType) -> Values:
    return Values(nth=lambda n: str(1990 + n % 60), size=60, edges=("1901", "2155"))


def _sets(type_: ColumnType) -> Values:
    labels = type_.labels
    edges = ("", ",".join(labels)) if len(labels) > 1 else ("",)
    return Values(nth=lambda n: labels[n % len(labels)], size=len(labels), edges=edges)


def _fixed_bytes(type_: ColumnType) -> Values:
    width = type_.modifiers[0] if type_.modifiers else 1

    def nth(n: int) -> str:
        drawn = hashlib.sha256(str(n).encode()).digest()
        return "\\x" + (drawn * (width // len(drawn) + 1))[:width].hex()

    return Values(nth=nth, size=min(256**width, 10**6) // 4, edges=("\\x" + "00" * width, "\\x" + "ff" * width))


def _some_bytes(type_: ColumnType) -> Values:
    most = type_.modifiers[0]
    made = scalar("bytea")
    assert made is not None
    if most < len(b"bytes 9999999"):
        return replace(_fixed_bytes(type_), edges=("\\x", "\\x" + "ff" * most))
    edges, varied = (tuple(v for v in found if len(v) <= 2 + 2 * most) for found in (made.edges, made.varied))
    return replace(made, edges=edges, varied=varied)


def _vectors(type_: ColumnType) -> Values:
    width = type_.modifiers[0] if type_.modifiers else 3
    return Values(nth=lambda n: "\\x" + b"".join(struct.pack("<f", n % 7 + i) for i in range(width)).hex(), size=7)


_ADDRESSES = {
    "inet4": Values(nth=lambda n: f"192.0.2.{n % 250 + 1}", size=250, edges=("0.0.0.0", "255.255.255.255")),  # noqa: S104
    "inet6": Values(nth=lambda n: f"2001:db8::{n % 9999 + 1:x}", size=9999, edges=("::", "::1", "::ffff:192.0.2.1")),
}
_TYPES: dict[str, Callable[[ColumnType], Values]] = {
    "datetime": _datetimes,
    "utctimestamp": _timestamps,
    "timespan": _timespans,
    "year": _years,
    "set": _sets,
    "binary": _fixed_bytes,
    "varbinary": _some_bytes,
    "floats": _vectors,
    **{name: lambda type_: _ADDRESSES[type_.name] for name in _ADDRESSES},
}
_SHAPES = {
    "wktpoint": Values(nth=lambda n: f"POINT({n % 80 + 1} {n % 7 + 2})", size=80, edges=("POINT(0 0)",)),
    "wktlinestring": cycle(("LINESTRING(0 0,1 1)", "LINESTRING(0 0,1 1,2 0)")),
    "wktpolygon": cycle(("POLYGON((0 0,0 1,1 1,0 0))", "POLYGON((0 0,0 2,2 2,0 0))")),
    "wktmultipoint": cycle(("MULTIPOINT(1 2)", "MULTIPOINT(1 2,3 4)")),
    "wktmultilinestring": cycle(("MULTILINESTRING((0 0,1 1))", "MULTILINESTRING((0 0,2 2))")),
    "wktmultipolygon": cycle(("MULTIPOLYGON(((0 0,0 1,1 1,0 0)))", "MULTIPOLYGON(((0 0,0 2,2 2,0 0)))")),
    "wktgeometry": cycle(("POINT(1 2)", "LINESTRING(0 0,1 1)", "POLYGON((0 0,0 1,1 1,0 0))")),
    **dict.fromkeys(("wktgeometrycollection", "wktgeomcollection"), cycle(("GEOMETRYCOLLECTION(POINT(1 2))",))),
}


def encodable(values: Values, encoding: str) -> Values:
    """Leave out what cannot be said in a character set.

    Args:
        values: texts.
        encoding: see `ColumnType.encoding`.
    """

    def holds(text: str) -> bool:
        if encoding == "ucs2":
            return all(ord(each) <= _HIGHEST_OF_TWO_BYTES for each in text)
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            return False
        return True

    def nth(n: int) -> str:
        made = values.nth(n)
        return made if holds(made) else "".join(each if holds(each) else "x" for each in made)

    edges, varied = (tuple(filter(holds, found)) for found in (values.edges, values.varied))
    return replace(values, nth=nth, edges=edges, varied=varied)
