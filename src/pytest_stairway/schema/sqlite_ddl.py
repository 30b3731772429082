"""Reads from SQLite's CREATE statements what no PRAGMA tells.

That is: constraints' names, CHECK, ON CONFLICT, DEFERRABLE, MATCH, AUTOINCREMENT, a column's collation and generated
expression, WITHOUT ROWID and STRICT, the expressions of an index and its WHERE.  Only statements that SQLite has
accepted come here, so this need not find errors.  Grammar: https://sqlite.org/lang_createtable.html and parse.y.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_stairway.schema.sqlite_tokens import Token, render, tokenize, unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "ColumnText",
    "ConstraintText",
    "IndexText",
    "TableText",
    "definition_after_name",
    "is_virtual",
    "parse_index",
    "parse_table",
]

_DEPTH = {"(": 1, ")": -1}
_OF_TABLE = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})
"""How a table's constraint begins, and no column does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnText:
    """What a CREATE TABLE says of a column besides its constraints; None for what it does not say."""

    collation: str | None = None
    """In upper case."""
    generated: str | None = None
    """``(price * 2) STORED``."""
    not_null_name: str | None = None
    not_null_conflict: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstraintText:
    """One constraint of a table, whether it stood with a column or by itself."""

    kind: str
    name: str | None
    columns: tuple[str, ...] = ()
    """In folded case; a check constraint has none."""
    check: str = ""
    """The expression."""
    conflict: str | None = None
    """``ON CONFLICT IGNORE``; None for ABORT, which is the default."""
    autoincrement: bool = False
    deferred: bool = False
    match: str | None = None


@dataclass(frozen=True, slots=True)
class TableText:
    """A CREATE TABLE statement."""

    columns: dict[str, ColumnText]
    """By name in folded case."""
    constraints: tuple[ConstraintText, ...]
    """In the order of the statement."""
    options: tuple[str, ...]
    """``STRICT``, ``WITHOUT ROWID``, in the order of the alphabet."""


@dataclass(frozen=True, slots=True)
class IndexText:
    """A CREATE INDEX statement."""

    items: tuple[str, ...]
    """Columns and expressions, without collation and direction."""
    where: str | None


def is_virtual(sql: str) -> bool:
    """Tell whether a table's statement is CREATE VIRTUAL TABLE."""
    return sql.startswith("CREATE VIRTUAL ")  # which SQLite writes itself


@lru_cache(maxsize=4096)
def parse_table(sql: str) -> TableText:
    """Read a CREATE TABLE statement."""
    cursor = _Cursor(tokenize(sql))
    while cursor.keyword != "(":
        cursor.take()
    parser = _TableParser()
    for definition in _split(cursor.group()):
        parser.define(_Cursor(definition))
    options = sorted(render(option).upper() for option in _split(cursor.rest()))
    return TableText(parser.columns, tuple(parser.constraints), tuple(options))


@lru_cache(maxsize=4096)
def parse_index(sql: str) -> IndexText:
    """Read a CREATE INDEX statement."""
    cursor = _Cursor(tokenize(sql))
    while not cursor.accept("ON"):
        cursor.take()
    cursor.take()
    items = tuple(render(unwrapped(_without_order(item))) for item in _split(cursor.group()))
    return IndexText(items, render(unwrapped(cursor.rest())) if cursor.accept("WHERE") else None)


def definition_after_name(sql: str) -> str:
    """Write what follows the name in CREATE VIEW, CREATE TRIGGER or CREATE VIRTUAL TABLE."""
    cursor = _Cursor(tokenize(sql))
    while cursor.take().keyword not in {"TABLE", "TRIGGER", "VIEW"}:
        pass
    cursor.take()
    cursor.accept("USING")
    return render(cursor.rest())


def _without_order(item: Sequence[Token]) -> Sequence[Token]:
    """Leave out an index column's direction and collation, of which PRAGMA index_xinfo tells."""
    if item[-1].keyword in {"ASC", "DESC"}:
        item = item[:-1]
    return item[:-2] if len(item) > 2 and item[-2].keyword == "COLLATE" else item  # noqa: PLR2004 - x COLLATE y


def _split(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Split at the commas outside parentheses."""
    depth = start = 0
    for at, token in enumerate(tokens):
        depth += _DEPTH.get(token.keyword, 0)
        if token.keyword == "," and not depth:
            yield tokens[start:at]
            start = at + 1
    if start < len(tokens):
        yield tokens[start:]


class _Cursor:
    """A place among tokens."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at >= len(self._tokens)

    @property
    def keyword(self) -> str:
        """The keyword that comes next; empty where none does."""
        return "" if self.done else self._tokens[self._at].keyword

    def accept(self, *words: str) -> bool:
        """Go past these words if they come next."""
        coming = self._tokens[self._at : self._at + len(words)]
        if tuple(token.keyword for token in coming) != words:
            return False
        self._at += len(words)
        return True

    def take(self) -> Token:
        """Go past one token."""
        self._at += 1
        return self._tokens[self._at - 1]

    def take_name(self) -> str:
        """Go past a name, which SQLite also takes in single quotes."""
        return _name(self.take())

    def group(self) -> Sequence[Token]:
        """Go past a group in parentheses, if one comes next, and give what is inside."""
        if not self.accept("("):
            return ()
        start, depth = self._at, 1
        while depth:
            token = self.take()
            depth += _DEPTH.get(token.keyword, 0)
        return self._tokens[start : self._at - 1]

    def rest(self) -> Sequence[Token]:
        """Give what is left."""
        return self._tokens[self._at :]


def _name(token: Token) -> str:
    if token.kind == "literal" and token.text.startswith("'"):
        return token.text[1:-1].replace("''", "'")
    return token.text


class _TableParser:
    """Collects columns and constraints from the definitions between a CREATE TABLE's parentheses.

    SQLite wants no comma between two table constraints, so that one definition may hold several.
    """

    def __init__(self) -> None:
        self.columns: dict[str, ColumnText] = {}
        self.constraints: list[ConstraintText] = []
        self._column: str | None = None
        self._pending_name: str | None = None
        self._clauses: dict[str, Callable[[_Cursor], None]] = {
            "PRIMARY": self._primary_key,
            "UNIQUE": self._unique,
            "CHECK": self._check,
            "FOREIGN": self._foreign_key,
            "REFERENCES": self._references,
            "NOT": self._not,
            "DEFERRABLE": self._deferrable,
            "DEFAULT": self._default,
            "COLLATE": self._collate,
            "GENERATED": self._generated,
            "AS": self._generated,
        }

    def define(self, cursor: _Cursor) -> None:
        """Read one definition."""
        self._column = None
        if cursor.keyword not in _OF_TABLE:
            self._column = cursor.take_name().casefold()
            self.columns[self._column] = ColumnText()
        while not cursor.done:
            self._clause(cursor)

    def _clause(self, cursor: _Cursor) -> None:
        keyword = cursor.take().keyword
        if keyword == "CONSTRAINT":
            self._pending_name = cursor.take_name()
        elif keyword in self._clauses:
            self._clauses[keyword](cursor)
            self._pending_name = None  # whatever else comes is of the type, or NULL

    def _add(self, kind: str, **values: object) -> None:
        constraint = ConstraintText(kind=kind, name=self._pending_name)
        self.constraints.append(replace(constraint, **values))  # type: ignore[arg-type]

    def _columns_of(self, items: Sequence[Token]) -> tuple[str, ...]:
        if not items and self._column is not None:
            return (self._column,)
        return tuple(_name(item[0]).casefold() for item in _split(items))

    def _primary_key(self, cursor: _Cursor) -> None:
        cursor.accept("KEY")
        items = cursor.group()
        cursor.accept("ASC")
        cursor.accept("DESC")
        conflict = _conflict(cursor)
        autoincrement = cursor.accept("AUTOINCREMENT") or any(token.keyword == "AUTOINCREMENT" for token in items)
        columns = self._columns_of(items)
        self._add("primary key", columns=columns, conflict=conflict, autoincrement=autoincrement)

    def _unique(self, cursor: _Cursor) -> None:
        columns = self._columns_of(cursor.group())
        self._add("unique constraint", columns=columns, conflict=_conflict(cursor))

    def _check(self, cursor: _Cursor) -> None:
        self._add("check constraint", check=render(unwrapped(cursor.group())))
        _conflict(cursor)  # parsed and ignored by SQLite

    def _foreign_key(self, cursor: _Cursor) -> None:
        cursor.accept("KEY")
        columns = self._columns_of(cursor.group())
        cursor.accept("REFERENCES")
        self._references(cursor, columns)

    def _references(self, cursor: _Cursor, columns: tuple[str, ...] | None = None) -> None:
        cursor.take()
        cursor.group()
        match = None
        while cursor.keyword in {"ON", "MATCH"}:
            if cursor.accept("MATCH"):
                match = cursor.take_name().upper()
                continue
            cursor.take()  # ON
            cursor.take()  # DELETE or UPDATE
            if cursor.take().keyword in {"SET", "NO"}:
                cursor.take()
        self._add("foreign key", columns=columns or self._columns_of(()), match=None if match == "SIMPLE" else match)

    def _deferrable(self, cursor: _Cursor) -> None:
        """Only DEFERRABLE INITIALLY DEFERRED makes SQLite wait: https://sqlite.org/foreignkeys.html."""
        keys = [at for at, constraint in enumerate(self.constraints) if constraint.kind == "foreign key"]
        if cursor.accept("INITIALLY", "DEFERRED") and keys:
            self.constraints[keys[-1]] = replace(self.constraints[keys[-1]], deferred=True)
        cursor.accept("INITIALLY", "IMMEDIATE")

    def _not(self, cursor: _Cursor) -> None:
        if cursor.accept("NULL"):
            self._of_column(not_null_name=self._pending_name, not_null_conflict=_conflict(cursor))
        elif cursor.accept("DEFERRABLE", "INITIALLY"):
            cursor.take()

    def _default(self, cursor: _Cursor) -> None:
        if not cursor.group():
            signed = cursor.take()
            if signed.keyword in {"-", "+"}:
                cursor.take()

    def _collate(self, cursor: _Cursor) -> None:
        collation = cursor.take_name().upper()
        self._of_column(collation=None if collation == "BINARY" else collation)

    def _generated(self, cursor: _Cursor) -> None:
        cursor.accept("ALWAYS", "AS")
        expression = render(unwrapped(cursor.group()))
        stored = "STORED" if cursor.accept("STORED") else "VIRTUAL"
        self._of_column(generated=f"({expression}) {stored}")

    def _of_column(self, **values: str | None) -> None:
        if self._column is not None:
            self.columns[self._column] = replace(self.columns[self._column], **values)


def _conflict(cursor: _Cursor) -> str | None:
    if not cursor.accept("ON", "CONFLICT"):
        return None
    action = cursor.take().text.upper()
    return None if action == "ABORT" else f"ON CONFLICT {action}"
