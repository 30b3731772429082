"""Reads from MariaDB and MySQL what tables take: SHOW CREATE TABLE says it all, and always in the same form."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_stairway.rows.backend import run
from pytest_stairway.rows.expressions import columns_in
from pytest_stairway.rows.mysql_types import backquote, column_type, reading, text_literal
from pytest_stairway.rows.shape import Check, Column, ForeignKey, Sql, TableShape, Unique
from pytest_stairway.schema.mysql_ddl import clauses, parse_table, split_group, unquote
from pytest_stairway.schema.mysql_part import CHECK, COLUMN_KEYWORDS, FOREIGN_KEY, KEY, encoding_of, listed
from pytest_stairway.schema.mysql_queries import Session

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from pytest_stairway.schema.mysql_ddl import TableText

__all__ = ["base_tables", "read_shapes", "read_triggers"]

_KINDS = frozenset({"BASE TABLE", "SYSTEM VERSIONED"})
"""What holds rows of its own, in the words of SHOW FULL TABLES."""
_TRIGGERS = """SELECT HEX(CONVERT(action_statement USING utf8mb4)) FROM information_schema.triggers
WHERE event_object_schema = DATABASE() AND event_object_table = {} ORDER BY trigger_name"""
_STRING = re.compile(r"(?P<introducer>_utf8mb4)?(?P<text>'(?:[^'\\]|''|\\.)*')|`(?:[^`]|``)*`", re.DOTALL)
_OF_ROW = re.compile(r"ROW (?:START|END)")
_REFERENCES = re.compile(r"\s*REFERENCES (?:`(?P<database>(?:[^`]|``)*)`\.)?`(?P<table>(?:[^`]|``)*)` (?=\()")
_INDEXED = re.compile(r"`(?P<column>(?:[^`]|``)*)`(?:\((?P<length>\d+)\))?(?: (?:ASC|DESC))?")
_JSON = "longtext"
"""What MariaDB makes of JSON, with a check that says what it is."""


def base_tables(session: Session, database: str) -> list[str]:
    """Name the tables that hold rows of their own."""
    return [name for name, kind in session.tables(database) if kind in _KINDS]


def read_shapes(connection: Connection, names: Collection[str] | None) -> dict[str, TableShape]:
    """Read what tables take: see `Backend.outlines`."""
    if names is not None and not names:
        return {}
    session = Session(connection)
    database = session.database()
    wanted = [name for name in base_tables(session, database) if names is None or name in names]
    with session.plain():
        texts = {name: session.created(database, name, "BASE TABLE") for name in wanted}
    return {name: _shape(name, text) for name, text in texts.items()}


@lru_cache(maxsize=4096)
def _shape(name: str, sql: str) -> TableShape:
    text = parse_table(sql)
    columns = tuple(_columns(text))
    by_name = {column.name: column for column in columns}
    keys = list(_keys(text))
    key = [column for kind, parts in keys if kind == "PRIMARY" for column, _ in _indexed(parts)]
    read = ", ".join(f"{reading(column.name, column.declared)} AS {backquote(column.name)}" for column in columns)
    source = f"(SELECT {read} FROM {backquote(name)}) AS {backquote(name)}"
    return TableShape(
        name=name,
        table=name,
        sql=backquote(name),
        read_from=source,
        columns=columns,
        key=tuple(column for column in key if column in by_name),
        checks=tuple(_checks(text, by_name)),
        uniques=tuple(_unique(parts, list(by_name)) for kind, parts in keys if kind in {"PRIMARY", "UNIQUE"}),
        foreign_keys=tuple(_foreign_keys(text, by_name)),
        engine=text.options.get("ENGINE", ""),
    )


def _columns(text: TableText) -> Iterator[Column]:
    for name, definition in text.columns.items():
        found = clauses(definition, COLUMN_KEYWORDS)
        if not _OF_ROW.match(found.get("AS", "")):
            yield _column(name, found, text)


def _column(name: str, found: dict[str, str], text: TableText) -> Column:
    declared = found[""]
    default = standard_strings(found["DEFAULT"]) if "DEFAULT" in found else None
    drawn = default is not None and default.lower().startswith("nextval(")
    is_json = declared == _JSON and "json_" in found.get("CHECK", "")
    told = f"{declared} SRID {found['SRID']}" if "SRID" in found else declared
    type_ = column_type(told, *encoding_of(declared, found, text), is_json=is_json)
    sequence = Sql(f"MAX({backquote(name)})") if "AUTO_INCREMENT" in found else Sql(default) if drawn else None
    return Column(
        name=name,
        type=type_,
        declared=declared,
        nullable="NOT" not in found,
        default=default if default != "NULL" else None,
        given=sequence is not None,
        sequence=sequence,
        generated=standard_strings(split_group(found["AS"])[0]) if "AS" in found else None,
        stamped="ON" in found,
    )


def _checks(text: TableText, columns: dict[str, Column]) -> Iterator[Check]:
    """Give the table's checks and those that MariaDB keeps with a column; not what a JSON document is anyway."""
    found = [match["definition"] for match in map(CHECK.match, text.others) if match is not None]
    for name, definition in text.columns.items():
        check = clauses(definition, COLUMN_KEYWORDS).get("CHECK")
        if check is not None and check != f"(json_valid({backquote(name)}))":
            found.append(check)
    for each in found:
        if not each.endswith(" NOT ENFORCED"):
            condition = standard_strings(split_group(each)[0])
            yield Check(text=condition, columns=columns_in(condition, list(columns), fold_case=True))


def _keys(text: TableText) -> Iterator[tuple[str, str]]:
    """Give the kind of each index, and what it is on."""
    for other in text.others:
        if match := KEY.match(other):
            yield match["kind"], split_group(other[match.end() :])[0]


def _indexed(parts: str) -> Iterator[tuple[str, int | None]]:
    """Give an index's columns, and how much of each; an expression has no column."""
    for part in listed(parts):
        match = _INDEXED.fullmatch(part.strip())
        length = int(match["length"]) if match is not None and match["length"] else None
        yield (unquote(f"`{match['column']}`") if match is not None else ""), length


def _unique(parts: str, names: Sequence[str]) -> Unique:
    indexed = [(column, length) for column, length in _indexed(parts) if not column or column in names]
    columns = [column for column, _ in indexed if column]
    by_expression = len(columns) < len(indexed)
    if by_expression:
        columns += [name for name in columns_in(parts, names, fold_case=True) if name not in columns]
    lengths = tuple(length for _, length in indexed)
    return Unique(
        columns=tuple(columns),
        by_expression=by_expression,
        soft=by_expression,
        prefixes=lengths if any(lengths) and not by_expression else (),
    )


def _foreign_keys(text: TableText, columns: dict[str, Column]) -> Iterator[ForeignKey]:
    for other in text.others:
        match = FOREIGN_KEY.match(other)
        if match is None:
            continue
        mine, rest = split_group(match["definition"])
        to = _REFERENCES.match(rest)
        if to is None:
            continue
        theirs = _names(split_group(rest[to.end() :])[0])
        names = _names(mine)
        table = unquote(f"`{to['table']}`")
        place = f"{backquote(to['database'])}.{backquote(table)}" if to["database"] else backquote(table)
        read = ", ".join(
            f"{reading(there, columns[here].declared)} AS {backquote(there)}"
            for here, there in zip(names, theirs, strict=True)
        )
        yield ForeignKey(
            columns=names,
            parent=f"{to['database']}.{table}" if to["database"] else table,
            parent_from=f"(SELECT {read} FROM {place}) AS parent",
            parent_columns=theirs,
        )


def _names(text: str) -> tuple[str, ...]:
    return tuple(unquote(name) for name in re.findall(r"`(?:[^`]|``)*`", text))


def standard_strings(text: str) -> str:
    """Write the constants of an expression as a session reads them that knows no escapes with backslashes."""
    return _STRING.sub(_standard, text)


def _standard(match: re.Match[str]) -> str:
    text = match["text"]
    if text is None:
        return match[0]
    introducer = "" if text.isascii() else match["introducer"] or ""
    return f"{introducer}'" + unquote(text).replace("'", "''") + "'"


def read_triggers(connection: Connection, table: str) -> tuple[str, ...]:
    """Read the text of a table's triggers, which may judge a row."""
    return _decoded(run(connection, _TRIGGERS.format(text_literal(table))))


def _decoded(rows: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(standard_strings(bytes.fromhex(text).decode()) for (text,) in rows)
