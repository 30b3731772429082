"""Describes what one of MariaDB's or MySQL's tables is, with all that hangs on it, from SHOW CREATE TABLE."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_stairway.schema.model import Facts, Key, Part
from pytest_stairway.schema.mysql_ddl import clauses, parse_table, plain, split_group, unquote
from pytest_stairway.schema.mysql_meaning import NO_DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_stairway.schema.mysql_ddl import TableText

__all__ = [
    "CHECK",
    "COLUMN_KEYWORDS",
    "FOREIGN_KEY",
    "KEY",
    "describe_sequence",
    "describe_table",
    "describe_view",
    "encoding_of",
    "listed",
]

COLUMN_KEYWORDS = frozenset(
    {
        *("CHARACTER", "COLLATE", "GENERATED", "AS", "NOT", "NULL", "INVISIBLE", "DEFAULT", "ON", "AUTO_INCREMENT"),
        *("COMMENT", "CHECK", "WITHOUT", "SRID", "COLUMN_FORMAT", "STORAGE", "ENGINE_ATTRIBUTE"),
    }
)
_INDEX_KEYWORDS = frozenset({"USING", "COMMENT", "KEY_BLOCK_SIZE", "WITH", "IGNORED", "INVISIBLE", "CLUSTERING"})
_TEXT_TYPES = re.compile(r"(?:var)?char\b|(?:tiny|medium|long)?text\b|enum\b|set\b")
_WITHOUT_DEFAULT = re.compile(
    r"(?:tiny|medium|long)?(?:text|blob)\b|json\b|geometry|point|(?:multi)?(?:point|polygon|linestring)"
)
"""Types of which MySQL never says that NULL is the default."""
_NAME = r"`(?P<name>(?:[^`]|``)*)`"
KEY = re.compile(rf"(?P<kind>PRIMARY|UNIQUE|FULLTEXT|SPATIAL|VECTOR|)\s?KEY\s?(?:{_NAME})?\s*(?=\()")
FOREIGN_KEY = re.compile(rf"CONSTRAINT {_NAME} FOREIGN KEY (?P<definition>.*)", re.DOTALL)
CHECK = re.compile(rf"CONSTRAINT {_NAME} CHECK (?P<definition>.*)", re.DOTALL)
_PERIOD = re.compile(rf"PERIOD FOR (?:{_NAME}|(?P<system>\w+)) (?P<definition>.*)", re.DOTALL)
_VIEW = re.compile(
    r"CREATE (?:ALGORITHM=(?P<algorithm>\w+) )?(?:DEFINER=(?P<definer>\S+) )?(?:SQL SECURITY (?P<security>\w+) )?"
    r"VIEW (?:`(?:[^`]|``)*`\.)?`(?:[^`]|``)*`(?: \(.*?\))? AS (?P<definition>.*?)"
    r"(?: WITH (?P<check>\w+) CHECK OPTION)?$",
    re.DOTALL,
)
_OPTIONS = {
    "ENGINE": "engine",
    "DEFAULT CHARSET": "character set",
    "COLLATE": "collation",
    "ROW_FORMAT": "row format",
    "COMMENT": "comment",
}
_PARTITIONS_ENGINE = re.compile(r" ENGINE = \w+")
"""Each partition has the table's."""
_OF_NO_MATTER = frozenset({"AUTO_INCREMENT"})
"""Options that count what happens to rows."""


def describe_table(name: str, sql: str) -> Part:
    """Describe a table with its columns, indexes and constraints."""
    text = parse_table(sql)
    part: Part = {Key("table", name): _table(text)}
    for position, (column, definition) in enumerate(text.columns.items(), 1):
        part[Key("column", column, name)] = _column(position, definition, text)
    for other in text.others:
        part.update(_other(name, other))
    return part


def _table(text: TableText) -> Facts:
    known = {fact: unquote(text.options[option]) for option, fact in _OPTIONS.items() if option in text.options}
    rest = [
        *(f"{option}={value}" for option, value in sorted(text.options.items()) if _is_other(option)),
        text.words,
    ]
    return _without_nothing(
        {
            **known,
            "options": ", ".join(filter(None, rest)),
            "partitioning": _PARTITIONS_ENGINE.sub("", plain(text.partitioning)),
        }
    )


def _is_other(option: str) -> bool:
    return option not in _OPTIONS and option not in _OF_NO_MATTER


def _column(position: int, definition: str, table: TableText) -> Facts:
    found = clauses(definition, COLUMN_KEYWORDS)
    type_ = found[""]
    character_set, collation = encoding_of(type_, found, table)
    facts = {
        "position": str(position),
        "type": type_,
        "character set": character_set,
        "collation": collation,
        "generated": _generated(found),
        "nullability": "NOT NULL" if "NOT" in found else "nullable",
        "default": _default(type_, found),
        "on update": found.get("ON", "").removeprefix("UPDATE "),
        "auto increment": "yes" if "AUTO_INCREMENT" in found else "",
        "visibility": "INVISIBLE" if "INVISIBLE" in found else "",
        "check": plain(found.get("CHECK", "")),
        "comment": unquote(found.get("COMMENT", "")),
        "versioning": "WITHOUT SYSTEM VERSIONING" if "WITHOUT" in found else "",
        "storage": " ".join(f"{word} {found[word]}" for word in _STORAGE if word in found),
    }
    return _without_nothing(facts)


_STORAGE = ("SRID", "COLUMN_FORMAT", "STORAGE", "ENGINE_ATTRIBUTE")


def _default(type_: str, found: dict[str, str]) -> str:
    """Return a column's default; NULL is what a nullable column has anyway, but MySQL can take even that away."""
    if "DEFAULT" in found:
        default = plain(found["DEFAULT"])
        return default if default != "NULL" else ""
    is_free = not found.keys() & {"NOT", "GENERATED", "AUTO_INCREMENT"} and not _WITHOUT_DEFAULT.match(type_)
    return NO_DEFAULT if is_free else ""


def _generated(found: dict[str, str]) -> str:
    """Return the expression of a generated column and how it is kept."""
    return plain(found.get("AS", "")).removeprefix("ALWAYS AS").strip() if "GENERATED" in found else ""


def encoding_of(type_: str, found: Mapping[str, str], table: TableText) -> tuple[str, str]:
    """Return a column's character set and collation, the table's where the column has none of its own."""
    character_set = found.get("CHARACTER", "").removeprefix("SET ")
    collation = found.get("COLLATE", "")
    if collation and not character_set:
        return collation.partition("_")[0], collation
    if character_set or not _TEXT_TYPES.match(type_):
        return character_set, collation
    return table.options.get("DEFAULT CHARSET", ""), table.options.get("COLLATE", "")


def _other(table: str, text: str) -> Iterator[tuple[Key, Facts]]:
    """Describe what is no column."""
    if match := KEY.match(text):
        yield _index(table, match, text[match.end() :])
    elif match := FOREIGN_KEY.match(text):
        yield _named("foreign key", table, match), {"definition": plain(match["definition"])}
    elif match := CHECK.match(text):
        definition = plain(match["definition"])
        enforced = definition.removesuffix(" NOT ENFORCED")
        facts = {"definition": enforced, "enforcement": "NOT ENFORCED" if enforced != definition else ""}
        yield _named("check constraint", table, match), _without_nothing(facts)
    elif match := _PERIOD.match(text):
        name = match["name"] or match["system"]
        yield Key("period", name, table), {"definition": plain(match["definition"])}
    else:
        yield Key("clause", plain(text), table), {}


def _named(kind: str, table: str, match: re.Match[str]) -> Key:
    return Key(kind, unquote(f"`{match['name']}`"), table)


def _index(table: str, match: re.Match[str], text: str) -> tuple[Key, Facts]:
    columns, rest = split_group(text)
    found = clauses(rest, _INDEX_KEYWORDS)
    kind = match["kind"]
    hidden = next((word for word in ("IGNORED", "INVISIBLE") if word in found), "")
    sort = f"{kind} " if kind and kind != "PRIMARY" else ""
    facts = {
        "definition": f"{sort}({', '.join(plain(column) for column in listed(columns))})",
        "method": found.get("USING", ""),
        "visibility": hidden,
        "comment": unquote(found.get("COMMENT", "")),
        "options": " ".join(
            f"{word} {found[word]}" for word in ("KEY_BLOCK_SIZE", "WITH", "CLUSTERING") if word in found
        ),
    }
    key = Key("primary key", "PRIMARY", table) if kind == "PRIMARY" else _named("index", table, match)
    return key, _without_nothing(facts)


def listed(columns: str) -> list[str]:
    """Split a list of columns where a comma is in no parentheses: MySQL has indexes on expressions."""
    return re.split(r",(?![^()]*\))", columns)


def describe_view(name: str, sql: str) -> Part:
    """Describe a view."""
    match = _VIEW.match(sql)
    if match is None:
        return {Key("view", name): {"definition": plain(sql)}}
    facts = {
        "definition": plain(match["definition"]),
        "security": match["security"],
        "definer": plain(match["definer"] or ""),
        "algorithm": match["algorithm"],
        "check option": match["check"],
    }
    return {Key("view", name): _without_nothing(facts)}


def describe_sequence(name: str, sql: str) -> Part:
    """Describe one of MariaDB's sequences; where it stands is no part of the schema."""
    definition = re.sub(r"^CREATE SEQUENCE (?:`(?:[^`]|``)*`\.)?`(?:[^`]|``)*` ", "", sql)
    return {Key("sequence", name): {"definition": definition}}


def _without_nothing(facts: Mapping[str, str | None]) -> Facts:
    return {attribute: value for attribute, value in facts.items() if value}
