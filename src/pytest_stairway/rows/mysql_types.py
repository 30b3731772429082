"""The types of MariaDB and MySQL: what a declared one is taken for, how its values are written, and how read.

Nothing here asks the server.  All that is written is ASCII, and all that is read is converted on the server, so that
the character set of the user's connection does not matter.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_stairway.rows.shape import ColumnType, Sql
from pytest_stairway.schema.mysql_ddl import split_group, unquote

if TYPE_CHECKING:
    from pytest_stairway.rows.shape import Cell

__all__ = ["backquote", "cast", "column_type", "literal", "reading", "text_literal"]

_WORD = re.compile(r"[a-z0-9]+")
_NUMBERS_OF = re.compile(r"\(([\d, ]+)\)")
_TEXTS = {"char": "bpchar", "varchar": "varchar", "tinytext": "varchar", "text": "text"}
_TEXTS.update({"mediumtext": "text", "longtext": "text"})
_LISTS = frozenset({"enum", "set"})
_BYTES = {"binary": "binary", "varbinary": "varbinary", "tinyblob": "varbinary", "blob": "bytea"}
_BYTES.update({"mediumblob": "bytea", "longblob": "bytea", "vector": "floats"})
_OF_BYTES = frozenset(_BYTES.values())
_GEOMETRIES = frozenset(
    {
        *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"),
        *("geometrycollection", "geomcollection"),
    }
)
_NAMES = {
    **{"tinyint": "int1", "smallint": "int2", "mediumint": "int3", "int": "int4", "bigint": "int8"},  # noqa: PIE800
    **{"decimal": "numeric", "float": "float4", "double": "float8", "time": "timespan"},  # noqa: PIE800
    **{name: f"wkt{name}" for name in _GEOMETRIES},
    **_BYTES,
    "timestamp": "utctimestamp",
}
"""What is called otherwise here."""
_MODIFIERS = {"decimal": (10, 0), "tinyblob": (255,), "tinytext": (63,), "date": (0,), "datetime": (0,)}
_MODIFIERS.update({"timestamp": (0,), "time": (0,)})
"""Those of a type that has none; so many characters of four bytes fit into a TINYTEXT."""
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_NUMBERS = re.compile(r"u?(?:int\d|numeric|float\d)|year")
_ENCODINGS = {
    "utf8mb4": "",
    "utf16": "",
    "utf32": "",
    "utf8mb3": "ucs2",
    "utf8": "ucs2",
    "ucs2": "ucs2",
    "latin1": "cp1252",
    "latin2": "iso8859_2",
    "latin5": "iso8859_9",
    "greek": "iso8859_7",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "koi8r": "koi8_r",
    "gbk": "gbk",
    "gb18030": "gb18030",
    "big5": "big5",
    "euckr": "euc_kr",
    "sjis": "shift_jis",
}
"""Character set → Python's name of it; empty for all of them, ``ucs2`` for those of two bytes; else it is ASCII."""


@lru_cache(maxsize=4096)
def column_type(declared: str, character_set: str = "", collation: str = "", *, is_json: bool = False) -> ColumnType:
    """Tell what a declared type is, in the words that all dialects share.

    Args:
        declared: as SHOW CREATE TABLE has it: ``int(10) unsigned``, ``enum('a','b')``.
        character_set: of a text.
        collation: of a text.
        is_json: a check says that a text is a document.
    """
    if is_json:
        return ColumnType(name="json", sql=declared, collation=collation)
    word, numbers, unsigned = _parts(declared)
    if word in _TEXTS or word in _LISTS:
        return _text(word, declared, numbers, _encoding(character_set), collation)
    if word == "tinyint" and numbers == (1,) and not unsigned:
        return ColumnType(name="bool", sql=declared, kind="enum", labels=("1", "0"))
    name = "numeric" if word in {"float", "double"} and numbers else _NAMES.get(word, word)
    modifiers = () if "int" in word else numbers or _MODIFIERS.get(word, ())
    return ColumnType(name=f"u{name}" if unsigned else name, sql=declared, modifiers=modifiers)


def _parts(declared: str) -> tuple[str, tuple[int, ...], bool]:
    """Split ``decimal(10,2) unsigned``."""
    word, numbers = _WORD.match(declared.lower()), _NUMBERS_OF.search(declared)
    found = tuple(map(int, numbers[1].split(","))) if numbers else ()
    return word[0] if word else "", found, " unsigned" in declared.lower()


def _text(word: str, declared: str, numbers: tuple[int, ...], encoding: str, collation: str) -> ColumnType:
    if word in _LISTS:
        labels = _labels(declared)
        kind = "enum" if word == "enum" else "base"
        return ColumnType(name=word, sql=declared, kind=kind, labels=labels, collation=collation)  # type: ignore[arg-type]
    length = numbers or _MODIFIERS.get(word, ())
    return ColumnType(name=_TEXTS[word], sql=declared, modifiers=length, encoding=encoding, collation=collation)


def _labels(declared: str) -> tuple[str, ...]:
    inner, _ = split_group(declared[declared.index("(") :])
    return tuple(unquote(text) for text in re.findall(r"'(?:[^'\\]|''|\\.)*'", inner, re.DOTALL))


def _encoding(character_set: str) -> str:
    return _ENCODINGS.get(character_set, "ascii") if character_set else ""


def backquote(name: str) -> str:
    """Quote an identifier."""
    return "`" + name.replace("`", "``") + "`"


def text_literal(text: str) -> str:
    """Write a text in ASCII, for a session that knows no escapes with backslashes."""
    if text.isascii() and "\0" not in text:
        return "'" + text.replace("'", "''") + "'"
    return f"CONVERT(X'{text.encode().hex()}' USING utf8mb4)"


def literal(cell: Cell, type_: ColumnType) -> str:
    """Write a value into a statement."""
    if cell is None or isinstance(cell, Sql):
        return cell or "NULL"
    if cell.startswith("\\x") and type_.name in _OF_BYTES:
        return f"X'{cell[2:]}'"
    if type_.name == "bit" and re.fullmatch("[01]+", cell):
        return f"b'{cell}'"
    if type_.name.startswith("wkt"):
        return f"ST_GeomFromText({text_literal(cell)}{_srid(type_)})"
    is_number = _NUMBERS.fullmatch(type_.name) and _NUMBER.fullmatch(cell)
    return cell if is_number else text_literal(cell)


def _srid(type_: ColumnType) -> str:
    found = re.search(r"SRID (\d+)", type_.sql)
    return f", {found[1]}" if found else ""


def cast(cell: Cell, type_: ColumnType) -> str:
    """Write a value that stands by itself, and is of the column's type and collation all the same."""
    written = literal(cell, type_)
    if type_.name in {"numeric", "unumeric"}:
        precision, scale = (*type_.modifiers, 0)[:2]
        return f"CAST({written} AS DECIMAL({precision},{scale}))"
    target = "JSON" if type_.sql == "json" else _CASTS.get(type_.name)
    if target is not None:
        return f"CAST({written} AS {target})"
    if type_.name.startswith(("float4", "float8", "ufloat")):
        return f"({written} + 0e0)"
    if type_.collation:
        return f"CONVERT({written} USING {type_.collation.partition('_')[0]}) COLLATE {type_.collation}"
    return written


_CASTS = {
    **dict.fromkeys(("bool", "int1", "int2", "int3", "int4", "int8"), "SIGNED"),
    **dict.fromkeys(("uint1", "uint2", "uint3", "uint4", "uint8", "year", "bit"), "UNSIGNED"),
    **dict.fromkeys(("datetime", "utctimestamp"), "DATETIME(6)"),
    "date": "DATE",
    "timespan": "TIME(6)",
    **{name: name.upper() for name in ("uuid", "inet6", "inet4")},
}
"""What a value is cast to where it stands by itself."""


@lru_cache(maxsize=4096)
def reading(name: str, declared: str) -> str:
    """Write an expression that gives a column's values as texts, bytes as PostgreSQL writes them.

    Args:
        name: the column's.
        declared: its type.
    """
    column = backquote(name)
    word, numbers, _ = _parts(declared)
    if word in _BYTES:
        return f"CONVERT(CONCAT(X'5C78', LOWER(HEX({column}))) USING utf8mb4)"
    if word == "bit":
        return f"CONVERT(LPAD(BIN({column}), {numbers[0] if numbers else 1}, '0') USING utf8mb4)"
    if word == "float":  # it is written with six digits, and has more
        return f"CONVERT({column} + 0e0 USING utf8mb4)"
    if word == "timestamp":  # whatever the session's time zone is
        moment = f"'1970-01-01 00:00:00' + INTERVAL UNIX_TIMESTAMP({column}) SECOND"
        return f"CONVERT(CAST({moment} AS DATETIME({numbers[0] if numbers else 0})) USING utf8mb4)"
    if word in _GEOMETRIES:
        return f"CONVERT(ST_AsText({column}) USING utf8mb4)"
    return f"CONVERT({column} USING utf8mb4)"
