"""Reads from SQLite what tables take: PRAGMAs, and the CREATE TABLE text for what no PRAGMA tells."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_stairway.rows.backend import quote, run
from pytest_stairway.rows.expressions import Token, balanced, columns_in, tokens
from pytest_stairway.rows.shape import Check, Column, ColumnType, ForeignKey, Sql, TableShape, Unique

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from sqlalchemy import Connection

__all__ = ["among", "plain_tables", "read_shapes", "read_triggers"]

_TABLES = """SELECT m.name, m.sql FROM sqlite_master m
WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND {} ORDER BY m.name"""
_VIRTUAL_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL%'"
_COLUMNS = """SELECT m.name, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden
FROM sqlite_master m JOIN pragma_table_xinfo(m.name) x WHERE m.type = 'table' AND {} ORDER BY m.name, x.cid"""
_FOREIGN_KEYS = """SELECT m.name, x.id, x."table", x."from", x."to"
FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) x
WHERE m.type = 'table' AND {} ORDER BY m.name, x.id, x.seq"""
_INDEXES = """SELECT m.name, l.name, l.partial, x.name, i.sql
FROM sqlite_master m JOIN pragma_index_list(m.name) l JOIN pragma_index_xinfo(l.name) x
LEFT JOIN sqlite_master i ON i.type = 'index' AND i.name = l.name
WHERE m.type = 'table' AND l."unique" AND x.key AND {} ORDER BY m.name, l.seq, x.seqno"""
_TRIGGERS = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = {} ORDER BY name"
_SHADOW = re.compile(r"_(data|idx|content|docsize|config|node|parent|rowid|segments|segdir|stat)$")
_CONSTRAINT_WORDS = frozenset({"CONSTRAINT", "CHECK", "PRIMARY", "UNIQUE", "FOREIGN"})
_VIRTUAL, _STORED = 2, 3
_SQLALCHEMY_UUID = "CHAR(32)"
"""What SQLAlchemy's `Uuid` becomes where there is no such type."""
_EXACT_DIGITS = 15
"""SQLite keeps more digits than these only roughly."""
_DECLARED = (
    (r"BOOL", "bool"),
    (r"TINYINT|SMALLINT|INT2", "int2"),
    (r"BIGINT|INT8", "int8"),
    (r"INT", "int4"),
    (r"UUID|GUID", "uuid"),
    (r"JSON", "jsonb"),
    (r"DATETIME|TIMESTAMP", "timestamp"),
    (r"DATE", "date"),
    (r"TIME", "time"),
    (r"CHAR|CLOB|TEXT|STRING|ENUM", "varchar"),
    (r"BLOB|BINARY|BYTEA", "bytea"),
    (r"REAL|FLOA|DOUB", "float8"),
    (r"NUMERIC|DECIMAL|NUMBER|MONEY", "numeric"),
)
"""Which of PostgreSQL's types a declared type is taken for, the first that fits."""


class _Facts(NamedTuple):
    """All that is known of one table."""

    name: str
    text: str
    columns: list[Any]
    foreign_keys: list[Any]
    indexes: list[Any]
    keys: dict[str, tuple[str, ...]]
    """Every table's primary key."""


class _Definition(NamedTuple):
    """One of the things that CREATE TABLE lists."""

    column: str | None
    checks: tuple[str, ...]
    generated: str | None


def read_shapes(connection: Connection, names: Collection[str] | None) -> dict[str, TableShape]:
    """Read what tables take: see `Backend.shapes`."""
    if names is not None and not names:
        return {}
    condition = among(names)
    texts = plain_tables(connection, names)
    columns = _by_table(run(connection, _COLUMNS.format(condition)))
    foreign_keys = _by_table(run(connection, _FOREIGN_KEYS.format(condition)))
    indexes = _by_table(run(connection, _INDEXES.format(condition)))
    parents = {row[1] for rows in foreign_keys.values() for row in rows if row[3] is None}
    keys = _primary_keys(connection, parents)
    return {
        name: _shape(
            _Facts(name, text, columns[name], foreign_keys[name], indexes[name], keys),
        )
        for name, text in texts.items()
    }


def among(names: Collection[str] | None) -> str:
    """Write a condition on `sqlite_master` m that finds tables; None: all."""
    return "1" if names is None else f"m.name IN ({', '.join(map(_text, sorted(names)))})"


def plain_tables(connection: Connection, names: Collection[str] | None) -> dict[str, str]:
    """Find tables that are neither virtual nor a virtual table's storage, and the text that made each."""
    texts = dict(run(connection, _TABLES.format(among(names))))
    virtual = {name for (name,) in run(connection, _VIRTUAL_TABLES)}
    return {
        n: t
        for n, t in texts.items()
        if n not in virtual and (_SHADOW.sub("", n) == n or _SHADOW.sub("", n) not in virtual)
    }


def _by_table(rows: Iterable[Any]) -> defaultdict[str, list[Any]]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for name, *rest in rows:
        found[name].append(rest)
    return found


def _primary_keys(connection: Connection, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Read the primary keys to which a foreign key refers that names no columns."""
    found = {}
    for name in sorted(names):
        rows = run(connection, f"SELECT name FROM pragma_table_info({_text(name)}) WHERE pk ORDER BY pk")
        found[name.lower()] = tuple(column for (column,) in rows)
    return found


def _shape(facts: _Facts) -> TableShape:
    names = [column[0] for column in facts.columns]
    definitions = list(_definitions(facts.text, names))
    generated = {definition.column: definition.generated for definition in definitions if definition.generated}
    without_rowid = re.search(r"\)[^)]*\bWITHOUT\s+ROWID\b[^)]*$", facts.text, re.IGNORECASE) is not None
    key = tuple(name for name, *_ in sorted((c for c in facts.columns if c[4]), key=lambda column: column[4]))
    alias = None if without_rowid or len(key) != 1 else key[0]
    keys = tuple(_foreign_keys(facts, names))
    referring = {name for foreign in keys for name in foreign.columns}
    checks = [check for definition in definitions for check in definition.checks]
    return TableShape(
        name=facts.name,
        table=facts.name,
        sql=quote(facts.name),
        read_from=quote(facts.name),
        columns=tuple(_column(column, alias, generated, referring) for column in facts.columns),
        key=key,
        checks=tuple(Check(text=text, columns=columns_in(text, names, fold_case=True)) for text in checks),
        uniques=tuple(_uniques(facts, key, names)),
        foreign_keys=keys,
    )


def _column(facts: list[Any], alias: str | None, generated: Mapping[str | None, str], referring: set[str]) -> Column:
    name, declared, not_null, default, key, hidden = facts
    rowid = name == alias and declared.upper() == "INTEGER"
    return Column(
        name=name,
        type=_type(declared),
        declared=declared,
        nullable=not not_null and not key,
        default=default,
        given=rowid and name not in referring,
        sequence=Sql(f"max({quote(name)})") if rowid else None,
        generated=generated.get(name, "NULL") if hidden in {_VIRTUAL, _STORED} else None,
    )


def _type(declared: str) -> ColumnType:
    words, _, rest = declared.upper().partition("(")
    name = next((name for pattern, name in _DECLARED if re.search(pattern, words)), "text")
    numbers = tuple(map(int, re.findall(r"\d+", rest)))
    if declared.upper() == _SQLALCHEMY_UUID:
        return ColumnType(name="uuidhex", sql=declared)
    if name == "bool":
        return ColumnType(name=name, sql=declared, kind="enum", labels=("1", "0"))
    if name == "numeric" and numbers:
        numbers = (
            (min(numbers[0], _EXACT_DIGITS), *numbers[1:2]) if len(numbers) > 1 else (min(numbers[0], _EXACT_DIGITS), 0)
        )
    return ColumnType(name=name, sql=declared, modifiers=numbers if name in {"varchar", "numeric"} else ())


def _definitions(text: str, names: Collection[str]) -> Iterator[_Definition]:
    """Cut a CREATE TABLE into what it lists."""
    pieces = tokens(text)
    opening = next((index for index, piece in enumerate(pieces) if piece.text == "("), None)
    if opening is None:
        return
    start = opening + 1
    depth = 0
    closing = balanced(pieces, opening)
    for index in range(start, closing + 1):
        depth += {"(": 1, ")": -1}.get(pieces[index].text, 0)
        if index == closing or (depth == 0 and pieces[index].text == ","):
            yield _definition(text, pieces[start:index], names)
            start = index + 1


def _definition(text: str, pieces: list[Token], names: Collection[str]) -> _Definition:
    first = pieces[0] if pieces else None
    column = None
    if first is not None and not (first.kind == "word" and first.text.upper() in _CONSTRAINT_WORDS):
        named = _unquoted(first)
        column = next((name for name in names if name.lower() == named.lower()), None)
    checks = []
    generated = None
    for index, piece in enumerate(pieces[:-1]):
        word = piece.text.upper() if piece.kind == "word" else ""
        if word in {"CHECK", "AS"} and pieces[index + 1].text == "(":
            inner = text[pieces[index + 1].end : pieces[balanced(pieces, index + 1)].start].strip()
            if word == "CHECK":
                checks.append(inner)
            else:
                generated = inner
    return _Definition(column, tuple(checks), generated)


def _unquoted(piece: Token) -> str:
    return piece.text[1:-1] if piece.text[0] in "'`" else piece.name


def _uniques(facts: _Facts, key: tuple[str, ...], names: Collection[str]) -> Iterator[Unique]:
    if key:
        yield Unique(columns=key)
    by_index: dict[str, list[Any]] = {}
    for index in facts.indexes:
        by_index.setdefault(index[0], []).append(index)
    for rows in by_index.values():
        columns = [row[2] for row in rows if row[2] is not None]
        by_expression = len(columns) < len(rows)
        if by_expression:
            columns += [name for name in columns_in(rows[0][3] or "", names, fold_case=True) if name not in columns]
        yield Unique(
            columns=tuple(columns),
            by_expression=by_expression,
            soft=bool(rows[0][1]) or by_expression,
            nulls_distinct=not by_expression,
        )


def _foreign_keys(facts: _Facts, names: Collection[str]) -> Iterator[ForeignKey]:
    by_id: dict[int, list[Any]] = {}
    for row in facts.foreign_keys:
        by_id.setdefault(row[0], []).append(row)
    exact = {name.lower(): name for name in names}
    for rows in by_id.values():
        parent = rows[0][1]
        columns = tuple(exact[row[2].lower()] for row in rows)
        to = tuple(row[3] for row in rows)
        yield ForeignKey(
            columns=columns,
            parent=parent,
            parent_from=quote(parent),
            parent_columns=facts.keys.get(parent.lower(), ()) if None in to else to,
        )


def read_triggers(connection: Connection, table: str) -> tuple[str, ...]:
    """Read the text of a table's triggers, which may judge a row."""
    return tuple(text for (text,) in run(connection, _TRIGGERS.format(_text(table))))


def _text(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
