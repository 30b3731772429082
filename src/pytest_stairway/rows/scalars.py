"""Values of PostgreSQL's own types that are not texts, by the type's name in the catalog."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from pytest_stairway.rows.values import Values, cycle

__all__ = ["UUIDS", "scalar", "uuids"]

UUIDS = frozenset({"uuid", "uuidhex"})
"""The types of drawn identifiers; the second is how they are stored where there is no type for them."""

Make = Callable[[tuple[int, ...], str], Values]
"""Makes a type's values from its modifiers and the column's name."""
_SMALL_INTEGERS = (
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "7",
    "10",
    "12",
    "16",
    "20",
    "42",
    "50",
    "64",
    "99",
    "100",
    "1000",
    "2024",
    "-1",
)
_START = datetime(2024, 1, 15, 9, 30)  # noqa: DTZ001 - the zone is written by whoever uses it
_BY_NAME = (
    (re.compile(r"(^|_)year$"), 1990, 60),
    (re.compile(r"(^|_)month$"), 1, 12),
    (re.compile(r"(^|_)(day|weekday|dow)$"), 1, 7),
    (re.compile(r"(^|_)hour$"), 0, 24),
    (re.compile(r"(^|_)(minute|second)$"), 0, 60),
    (re.compile(r"(^|_)(percent|percentage|pct|progress)$"), 1, 100),
    (re.compile(r"(^|_)(lat|latitude)$"), 40, 40),
    (re.compile(r"(^|_)port$"), 8080, 1000),
)
"""Column names that say which numbers they hold: the first one, and how many there are."""


def scalar(name: str, modifiers: tuple[int, ...] = (), column: str = "") -> Values | None:
    """Give the values of one type; None for a type that is not known here.

    Args:
        name: as in ``pg_type.typname``.
        modifiers: length, or precision and scale.
        column: the column's name, which may say what it holds.
    """
    make = _TYPES.get(name)
    return None if make is None else make(modifiers, column)


def _integer(bits: int, *, unsigned: bool = False) -> Make:
    least, most = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    varied = tuple(text for text in _SMALL_INTEGERS if least <= int(text) <= most)

    def make(_: tuple[int, ...], column: str) -> Values:
        first, size = _named_range(column) or (1, most)
        if first + size - 1 > most:
            first, size = 1, most
        others = ("-1", str(most), str(least)) if least else (str(most),)
        turn = len(column) % len(others)  # few rows hold few of them: each column others
        edges = ("0", *others[turn:], *others[:turn])
        return Values(nth=lambda n: str(first + n % size), size=size, edges=edges, varied=varied)

    return make


def _named_range(column: str) -> tuple[int, int] | None:
    return next(((first, size) for pattern, first, size in _BY_NAME if pattern.search(column.lower())), None)


def _numeric(modifiers: tuple[int, ...], column: str) -> Values:
    precision, scale = (*modifiers, 0)[:2] if modifiers else (30, 2)
    named = _named_range(column) if precision - scale >= 2 else None  # noqa: PLR2004 - two digits before the point
    most = 10**precision - 1
    step = 10 ** max(scale, 0)

    def write(unscaled: int) -> str:
        if scale <= 0:
            return str(unscaled * 10**-scale)
        digits = str(abs(unscaled)).zfill(scale + 1)  # a Decimal would round what is longer than its context
        return f"{'-' if unscaled < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"

    def nth(n: int) -> str:
        if named:
            return str(named[0] + n % named[1])
        unscaled = (n + 1) * step + n % step
        return write(unscaled if unscaled <= most else n % most + 1)

    if not modifiers:
        edges = ("0", "-0.000001", "12345678901234567890.0123456789")
        return Values(nth=nth, edges=edges, varied=(*_SMALL_INTEGERS, "0.5", "0.25"))
    return Values(
        nth=nth,
        size=min(most, named[1] if named else most),
        edges=("0", write(most), write(-most), write(1)),
        varied=tuple(value for value in (*_SMALL_INTEGERS, "0.5") if abs(Decimal(value).scaleb(scale)) <= most),
    )


def _float(_: tuple[int, ...], column: str) -> Values:
    first, size = _named_range(column) or (1, 10**6)
    return Values(
        nth=lambda n: f"{first + n % size}.5",
        size=size,
        edges=("0.1234567890123456", "0", "-0.5", "1000000000000000", "0.0000001"),
        varied=(*_SMALL_INTEGERS, "0.25"),
    )


def _boolean(_: tuple[int, ...], __: str) -> Values:
    return Values(nth=lambda n: ("true", "false")[n % 2], size=2, complete=True)


def _money(_: tuple[int, ...], __: str) -> Values:
    return Values(nth=lambda n: f"{n + 1}.99", edges=("0", "-0.01", "92233720368547758.07"), varied=_SMALL_INTEGERS)


_DATES = ("2000-02-29", "1970-01-01", "1900-01-01", "9999-12-31")
_MORE_DATES = (
    *(f"2024-01-{day:02}" for day in range(1, 8)),
    *("2024-02-01", "2024-06-30", "2024-12-31", "2020-01-01"),
)
_ZONES = ("+00", "+05:30", "-03:30", "+14", "-12")


def _moment(n: int) -> datetime:
    """Give a moment of the day after the one before, so that later columns and rows are later."""
    return _START + timedelta(days=n % 100_000, minutes=n % 60)


def _date(_: tuple[int, ...], __: str) -> Values:
    return Values(nth=lambda n: f"{_moment(n):%Y-%m-%d}", size=100_000, edges=_DATES, varied=_MORE_DATES)


def _timestamp(modifiers: tuple[int, ...], __: str) -> Values:
    fraction = _fraction(modifiers)
    edges = (f"2000-02-29 23:59:59{fraction}", "1970-01-01 00:00:00", "1900-01-01 00:00:00", "9999-12-31 00:00:00")
    return Values(
        nth=lambda n: f"{_moment(n):%Y-%m-%d %H:%M:%S}",
        size=100_000,
        edges=edges,
        varied=tuple(f"{day} 00:00:00" for day in _MORE_DATES),
    )


def _timestamptz(modifiers: tuple[int, ...], __: str) -> Values:
    fraction = _fraction(modifiers)
    edges = (
        f"2000-02-29 23:59:59{fraction}-12",
        "1970-01-01 00:00:00+00",
        "2024-03-31 01:30:00+00",  # where central Europe's clocks skip an hour
        "2024-11-03 01:30:00-04",  # where North America's repeat one
        "9999-12-31 00:00:00+14",
    )
    return Values(
        nth=lambda n: f"{_moment(n):%Y-%m-%d %H:%M:%S}{_ZONES[n // 8 % len(_ZONES)]}",
        size=100_000,
        edges=edges,
        varied=tuple(f"{day} 00:00:00+00" for day in _MORE_DATES),
    )


def _fraction(modifiers: tuple[int, ...]) -> str:
    digits = modifiers[0] if modifiers else 6
    return "." + "9" * digits if digits else ""


def _time(modifiers: tuple[int, ...], __: str) -> Values:
    edges = (f"23:59:59{_fraction(modifiers)}", "00:00:00", "12:00:00")
    return Values(nth=lambda n: f"{_minute(n):%H:%M:%S}", size=1440, edges=edges)


def _timetz(modifiers: tuple[int, ...], __: str) -> Values:
    edges = (f"23:59:59{_fraction(modifiers)}-12", "00:00:00+14", "12:00:00+00")
    return Values(nth=lambda n: f"{_minute(n):%H:%M:%S}{_ZONES[n % 3]}", size=1440, edges=edges)


def _minute(n: int) -> datetime:
    return datetime(2024, 1, 1) + timedelta(minutes=n * 10 % 1440 + n * 10 // 1440)  # noqa: DTZ001 - a time of day


_MONTHS_ONLY = 0b110
"""The bits of YEAR and MONTH in an interval's modifier; the source is ``src/include/utils/datetime.h``."""


def _interval(modifiers: tuple[int, ...], __: str) -> Values:
    fields = modifiers[0] >> 16 if modifiers else 0x7FFF
    if fields & ~_MONTHS_ONLY == 0:
        return Values(nth=lambda n: f"{12 * n + 1} months", edges=("0", "-1 month", "99 years"))
    edges = ("1 year 2 months 3 days 04:05:06.789", "0", "-1 day", "99 years")
    return Values(
        nth=lambda n: f"{n + 1} days 0{n % 10}:30:0{n % 7}",
        edges=edges,
        varied=("1 second", "1 day", "7 days", "1 mon", "1 year"),
    )


def _bytea(_: tuple[int, ...], __: str) -> Values:
    sizes = tuple("\\x" + "ab" * size for size in (1, 4, 8, 12, 16, 20, 24, 28, 32, 48, 64))
    return Values(
        nth=lambda n: "\\x" + f"bytes {n}".encode().hex(), edges=("\\xdeadbeef00ff27", "\\x", "\\x00"), varied=sizes
    )


def uuids(salt: str = "", *, dashes: bool = True) -> Values:
    """Give identifiers as they are drawn: other ones for each column."""

    def write(drawn: uuid.UUID) -> str:
        return str(drawn) if dashes else drawn.hex

    return Values(
        nth=lambda n: write(uuid.UUID(bytes=hashlib.sha256(f"{salt} {n}".encode()).digest()[:16], version=4)),
        edges=(write(uuid.UUID(int=0)), write(uuid.UUID(int=2**128 - 1))),
    )


def _bits(modifiers: tuple[int, ...], __: str) -> Values:
    width = modifiers[0] if modifiers else 1
    size = 2 ** min(width, 30)
    edges = ("0" * width, "1" * width)
    return Values(nth=lambda n: f"{(n + 1) % size:0{width}b}", size=size, edges=edges)


def _varbits(modifiers: tuple[int, ...], __: str) -> Values:
    size = 2 ** min(modifiers[0] if modifiers else 16, 30)
    return Values(nth=lambda n: f"{(n + 1) % size:b}", size=size, edges=("", "0", "1"))


def _numbered(template: str, first: int = 1, size: int = 250, edges: tuple[str, ...] = ()) -> Make:
    """Make values that hold a running number: ``{n}``, or ``{x}`` in hexadecimal."""

    def nth(n: int) -> str:
        number = first + n % size
        return template.format(n=number, x=f"{number:02x}")

    return lambda _, __: Values(nth=nth, size=size, edges=edges)


def _fixed(*values: str) -> Make:
    return lambda _, __: cycle(values)


def _vector(modifiers: tuple[int, ...], __: str) -> Values:
    width = modifiers[0] if modifiers else 3
    return Values(nth=lambda n: "[" + ",".join(str((n + i) % 7 + 1) for i in range(width)) + "]", size=7)


def _geometry(_: tuple[int, ...], __: str) -> Values:
    varied = ("LINESTRING(0 0,1 1)", "POLYGON((0 0,0 1,1 1,0 0))", "MULTIPOLYGON(((0 0,0 1,1 1,0 0)))")
    shapes = ("POINT(1 2)", *varied)
    spatial = tuple(f"SRID={srid};{shape}" for srid in (4326, 3857) for shape in shapes)
    return Values(nth=lambda n: f"POINT({n % 90} {n % 45})", varied=(*varied, *spatial))


_TYPES: dict[str, Make] = {
    "int2": _integer(16),
    "int4": _integer(32),
    "int8": _integer(64),
    "int1": _integer(8),
    "int3": _integer(24),
    **{f"uint{size}": _integer(8 * size, unsigned=True) for size in (1, 2, 3, 4, 8)},
    "numeric": _numeric,
    "float4": _float,
    "float8": _float,
    "money": _money,
    "bool": _boolean,
    "date": _date,
    "timestamp": _timestamp,
    "timestamptz": _timestamptz,
    "time": _time,
    "timetz": _timetz,
    "interval": _interval,
    "bytea": _bytea,
    "uuid": lambda _, __: uuids(),
    "bit": _bits,
    "varbit": _varbits,
    "inet": _numbered("192.0.2.{n}", edges=("10.1.2.3/8", "2001:db8::ff00:42:8329/64", "255.255.255.255", "::1")),
    "cidr": _numbered("10.{n}.0.0/16", edges=("192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0")),
    "macaddr": _numbered("08:00:2b:01:02:{x}", edges=("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff")),
    "macaddr8": _numbered("08:00:2b:01:02:03:04:{x}", edges=("ff:ff:ff:ff:ff:ff:ff:ff",)),
    "point": _numbered("({n},2)", size=9999, edges=("(0,0)", "(-1.5,1e10)")),
    "line": _numbered("{{{n},2,3}}", size=9999),
    "lseg": _numbered("[(0,0),({n},1)]", size=9999),
    "box": _numbered("({n},1),(0,0)", size=9999),
    "path": _numbered("[(0,0),({n},1),(2,0)]", size=9999, edges=("((0,0),(1,1))",)),
    "polygon": _numbered("((0,0),({n},1),(2,0))", size=9999),
    "circle": _numbered("<({n},2),3>", size=9999),
    "tsvector": _numbered("'fat':2 'rat{n}':3", size=9999, edges=("", "'plain'")),
    "tsquery": _numbered("fat & rat{n}", size=9999, edges=("'O''Brien'",)),
    "xml": _numbered('<entry n="{n}">text</entry>', size=9999, edges=("<empty/>", "<e>Ünï&amp;</e>")),
    "jsonpath": _numbered("$.a[{n}]", size=9999),
    "oid": _numbered("{n}", first=20001, size=9999),
    "xid": _numbered("{n}", size=9999),
    "xid8": _numbered("{n}", size=9999),
    "cid": _numbered("{n}", size=9999),
    "tid": _numbered("(0,{n})", size=9999),
    "pg_lsn": _numbered("16/{x}", size=9999),
    "txid_snapshot": _numbered("10:20{n}:10,14", size=9999),
    "pg_snapshot": _numbered("10:20{n}:10,14", size=9999),
    "char": _fixed(*"abcdefghijklmnopqrstuvwxyz"),
    "int2vector": _numbered("1 {n}", size=9999),
    "oidvector": _numbered("1 {n}", size=9999),
    "regclass": _fixed("pg_class", "pg_type", "pg_proc"),
    "regtype": _fixed("integer", "text", "date"),
    "regproc": _fixed("now", "version"),
    "regprocedure": _fixed("lower(text)", "upper(text)"),
    "regrole": _fixed("pg_monitor", "pg_read_all_stats"),
    "regnamespace": _fixed("pg_catalog", "information_schema"),
    "regconfig": _fixed("simple", "english"),
    "regdictionary": _fixed("simple", "english_stem"),
    "hstore": _numbered('"key"=>"{n}", "none"=>NULL', size=9999, edges=("",)),
    "ltree": _numbered("Top.Science.n{n}", size=9999, edges=("",)),
    "lquery": _numbered("Top.*.n{n}", size=9999),
    "cube": _numbered("({n},2)", size=9999),
    "seg": _numbered("{n} .. 10000", size=9999),
    "isbn": _fixed("978-0-393-04002-9", "978-3-16-148410-0"),
    "isbn13": _fixed("978-0-393-04002-9", "978-3-16-148410-0"),
    "ean13": _fixed("978-0-393-04002-9", "400-638133393-1"),
    "issn": _fixed("1436-4522", "0317-8471"),
    "issn13": _fixed("1436-4522", "0317-8471"),
    "ismn": _fixed("979-0-060-11561-5"),
    "upc": _fixed("220356483481", "012000007897"),
    "lo": _numbered("{n}", first=20001, size=9999),
    "vector": _vector,
    "halfvec": _vector,
    "geometry": _geometry,
    "geography": _geometry,
}
