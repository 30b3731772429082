"""Describes one of SQLite's tables, with all that hangs on it, from its PRAGMAs' rows and its statements."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from pytest_stairway.schema.constraints import Constraint, in_parentheses, keyed
from pytest_stairway.schema.model import Facts, Key, Part
from pytest_stairway.schema.sqlite_ddl import ColumnText, ConstraintText, TableText, definition_after_name, parse_index
from pytest_stairway.schema.sqlite_tokens import fold, render, render_name, tokenize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["ColumnRow", "ForeignKeyRow", "IndexRow", "Statement", "TableRows", "describe_statement", "describe_table"]


class Statement(NamedTuple):
    """A row of sqlite_schema."""

    table: str
    """The table or view that it creates, or on which it creates something."""
    kind: str
    name: str
    sql: str


class ColumnRow(NamedTuple):
    """A row of PRAGMA table_xinfo; its names are lower case there."""

    name: str
    type: str
    not_null: int
    default: str | None
    primary_key: int
    """From 1, in the order of the primary key; 0 for what is not of it."""


class IndexRow(NamedTuple):
    """A row of PRAGMA index_list with one of index_xinfo: one column of one index."""

    index_name: str
    unique: int
    origin: str
    """``c`` for CREATE INDEX, ``u`` for a unique constraint, ``pk`` for the primary key."""
    column: str | None
    """None for an expression."""
    descending: int
    collation: str


class ForeignKeyRow(NamedTuple):
    """A row of PRAGMA foreign_key_list: one column of one foreign key."""

    id: int
    """Counts from the last one of the statement to the first."""
    parent: str
    column: str
    parent_column: str | None
    """Looked up where the statement does not name it; None where the parent is not there."""
    on_update: str
    on_delete: str


@dataclass(slots=True)
class TableRows:
    """What the PRAGMAs tell of one table."""

    columns: list[ColumnRow] = field(default_factory=list)
    indexes: list[IndexRow] = field(default_factory=list)
    foreign_keys: list[ForeignKeyRow] = field(default_factory=list)


def describe_statement(statement: Statement) -> Part:
    """Describe what its statement alone tells: a view, a trigger, a virtual table."""
    kind = "virtual table" if statement.kind == "table" else statement.kind
    parent = statement.table if kind == "trigger" else ""
    return {Key(kind, statement.name, parent): {"definition": definition_after_name(statement.sql)}}


def describe_table(name: str, text: TableText, rows: TableRows, statements: Iterable[Statement]) -> Part:
    """Describe a table with its columns, constraints and indexes; of its statements, the indexes' are looked at."""
    created = {statement.name: statement.sql for statement in statements if statement.kind == "index"}
    part: Part = {Key("table", name): {"options": ", ".join(text.options)} if text.options else {}}
    rowid = _rowid_alias(rows, text)
    for position, column in enumerate(rows.columns, 1):
        column_text = text.columns.get(column.name.casefold(), ColumnText())
        part[Key("column", column.name, name)] = _column(position, column, column_text, is_rowid=column.name == rowid)
    constraints = [*_keys(rows, text, rowid), *_foreign_keys(rows, text), *_checks(text)]
    part.update(keyed(name, constraints))
    for index, columns in _indexes(rows):
        if index in created:
            part[Key("index", index, name)] = {"definition": _index(columns, created[index], text)}
    return part


def _column(position: int, row: ColumnRow, text: ColumnText, *, is_rowid: bool) -> Facts:
    not_null = row.not_null or is_rowid  # a rowid is never NULL, whatever is declared
    facts = {
        "position": str(position),
        "type": _type(row.type, is_generated=text.generated is not None),
        "nullability": "NOT NULL" if not_null else "nullable",
        "default": _default(row.default),
        "collation": text.collation,
        "generated": text.generated,
        "not-null constraint": text.not_null_name,
        "on conflict": text.not_null_conflict and text.not_null_conflict.removeprefix("ON CONFLICT "),
    }
    return {attribute: value for attribute, value in facts.items() if value is not None}


@lru_cache(maxsize=256)
def _type(declared: str, *, is_generated: bool) -> str | None:
    type_ = render(tokenize(declared)).upper()
    if is_generated:  # SQLite takes these words for the type's, and takes them off only as they are written most
        type_ = type_.removesuffix("ALWAYS").rstrip().removesuffix("GENERATED").rstrip()
    return type_ or None


@lru_cache(maxsize=256)
def _default(default: str | None) -> str | None:
    """Write a default; what stands in double quotes is a text there, as there are no columns to name."""
    if default is None:
        return None
    tokens = tokenize(default)
    if len(tokens) == 1 and tokens[0].kind == "name":
        return "'" + tokens[0].text.replace("'", "''") + "'"
    return render(tokens)


def _rowid_alias(rows: TableRows, text: TableText) -> str | None:
    """Find the column that is another name of the rowid: the primary key that needs no index."""
    key = [column.name for column in rows.columns if column.primary_key]
    if len(key) != 1 or "WITHOUT ROWID" in text.options or any(row.origin == "pk" for row in rows.indexes):
        return None
    return key[0]


def _indexes(rows: TableRows) -> Iterator[tuple[str, list[IndexRow]]]:
    for index, columns in groupby(rows.indexes, key=lambda row: row.index_name):
        yield index, list(columns)


def _index(rows: Sequence[IndexRow], sql: str, table: TableText) -> str:
    text = parse_index(sql)
    unique = "UNIQUE " if rows[0].unique else ""
    where = f" WHERE {text.where}" if text.where is not None else ""
    return f"{unique}{_index_columns(rows, table, text.items)}{where}"


def _index_columns(rows: Sequence[IndexRow], table: TableText, items: Sequence[str] = ()) -> str:
    """Write an index's columns, each with its collation only where that is not the column's own."""
    columns = []
    for at, row in enumerate(rows):
        own = table.columns.get((row.column or "").casefold(), ColumnText()).collation or "BINARY"
        collation = row.collation.upper()
        text = items[at] if row.column is None else render_name(row.column)
        if collation != own:
            text += f" COLLATE {render_name(collation)}"
        columns.append(f"{text} DESC" if row.descending else text)
    return in_parentheses(*columns)


def _keys(rows: TableRows, text: TableText, rowid: str | None) -> Iterator[Constraint]:
    """Describe the primary key and the unique constraints.

    SQLite makes one index for constraints that say the same, so of these only one is told: one that has a name.
    """
    left = [constraint for constraint in text.constraints if constraint.kind in {"primary key", "unique constraint"}]
    if rowid is not None:
        key = _take(left, "primary key", [rowid])
        facts = {"definition": _key_definition(in_parentheses(render_name(rowid)), key), "storage": "rowid"}
        yield Constraint("primary key", key.name or in_parentheses(rowid), facts)
    for _, columns in sorted(_indexes(rows)):
        if columns[0].origin != "c":
            kind = "primary key" if columns[0].origin == "pk" else "unique constraint"
            names = [row.column or "" for row in columns]
            constraint = _take(left, kind, names)
            definition = _key_definition(_index_columns(columns, text), constraint)
            yield Constraint(kind, constraint.name or in_parentheses(*names), {"definition": definition})


def _take(left: list[ConstraintText], kind: str, columns: Iterable[str]) -> ConstraintText:
    """Find the constraint that made an index, in what is left of them."""
    folded = tuple(column.casefold() for column in columns)
    found = [each for each in left if each.kind == kind and each.columns == folded]
    if not found:
        return ConstraintText(kind=kind, name=None)
    chosen = next((each for each in found if each.name is not None), found[0])
    left.remove(chosen)
    return chosen


def _key_definition(columns: str, text: ConstraintText) -> str:
    autoincrement = "AUTOINCREMENT" if text.autoincrement else None
    return " ".join(filter(None, [columns, text.conflict, autoincrement]))


def _foreign_keys(rows: TableRows, text: TableText) -> Iterator[Constraint]:
    """Describe the foreign keys; the PRAGMA counts them from the last of the statement."""
    texts = [constraint for constraint in text.constraints if constraint.kind == "foreign key"]
    for number, group in groupby(rows.foreign_keys, key=lambda row: row.id):
        columns = list(group)
        constraint = texts[-1 - number]
        name = constraint.name or in_parentheses(*(row.column for row in columns))
        yield Constraint("foreign key", name, {"definition": _foreign_key(columns, constraint)})


def _foreign_key(rows: Sequence[ForeignKeyRow], text: ConstraintText) -> str:
    columns = in_parentheses(*(render_name(row.column) for row in rows))
    parents = [render_name(row.parent_column) for row in rows if row.parent_column is not None]
    pieces = [f"{columns} REFERENCES {render_name(rows[0].parent)}"]
    if parents:
        pieces.append(in_parentheses(*parents))
    if text.match:
        pieces.append(f"MATCH {text.match}")
    for event, action in (("UPDATE", rows[0].on_update), ("DELETE", rows[0].on_delete)):
        if action != "NO ACTION":
            pieces.append(f"ON {event} {action}")
    if text.deferred:
        pieces.append("DEFERRABLE INITIALLY DEFERRED")
    return " ".join(pieces)


def _checks(text: TableText) -> Iterator[Constraint]:
    for constraint in text.constraints:
        if constraint.kind == "check constraint":
            name = constraint.name or in_parentheses(fold(constraint.check))
            yield Constraint(constraint.kind, name, {"definition": in_parentheses(constraint.check)})
