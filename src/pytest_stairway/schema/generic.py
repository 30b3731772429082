"""Reads the schema of any database through SQLAlchemy's Inspector, for dialects that have no reader of their own.

It sees what SQLAlchemy reflects, and nothing is remembered from one reading to the next.  A dialect need not be able to
reflect every kind of object; what it cannot is left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect
from sqlalchemy.engine.reflection import ObjectKind
from sqlalchemy.exc import CompileError

from pytest_stairway.schema.constraints import Constraint, in_parentheses, keyed
from pytest_stairway.schema.model import Facts, Key, Part, Schema
from pytest_stairway.schema.transaction import undisturbed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sqlalchemy import Connection, Inspector

    from pytest_stairway.schema.transaction import Ending

__all__ = ["Reader"]

_SYSTEM_SCHEMAS = {
    "cockroachdb": r"information_schema|crdb_internal|pg_.*",
    "mssql": r"information_schema|sys|guest|db_.*",
    "postgresql": r"information_schema|pg_.*",
    "redshift": r"information_schema|catalog_history|pg_.*",
}
"""Dialects whose schemas are parts of one database, and which of these are not the user's.

Elsewhere a schema may be another database or another user's, so that only the default one is read.
"""

_STORAGE = {True: "STORED", False: "VIRTUAL", None: ""}
"""Of a generated column, by what SQLAlchemy says of `persisted`."""


class Reader:
    """Reads one database, in full each time.

    Args:
        dialect_name: SQLAlchemy's name of the dialect.
        ignore: tables to leave out, as (schema, table); None is the default schema.
    """

    touched_tables: frozenset[str] | None = None
    """SQLAlchemy knows of nothing that counts them."""

    def __init__(self, dialect_name: str, *, ignore: frozenset[tuple[str | None, str]]) -> None:
        self._dialect = dialect_name
        self._ignore = ignore

    def turn_to_next(self) -> None:
        """See `SchemaReader`."""

    def begin_step(self, connection: Connection) -> None:
        """Nothing needs to be noted."""

    def end_step(self, connection: Connection, ending: Ending | None = None) -> bool:  # noqa: ARG002 - it never is
        """Nothing needs to be noted."""
        return False

    def resume(self, connection: Connection) -> None:
        """Nothing needs to be noted."""

    def forget(self) -> None:
        """Nothing is remembered."""

    def read(self, connection: Connection, *, thorough: bool = False) -> Schema:  # noqa: ARG002 - it always is
        """Read the schema; an Inspector caches, so each reading has its own."""
        with undisturbed(connection):
            inspector = inspect(connection)
            parts: dict[str, Part] = {}
            for schema in self._schemas(inspector):
                tables = _Tables(inspector, schema)
                for table in set(_ask(inspector.get_table_names, schema)) - self._ignored(inspector, schema):
                    parts[f"{schema or ''}.{table}"] = tables.describe(table)
                for key, facts in _describe_others(inspector, schema):
                    parts[f"{key.schema}.{key.name}"] = {key: facts}
            default_schema = inspector.default_schema_name or ""
        return Schema(self._dialect, parts, default_schema)

    def _schemas(self, inspector: Inspector) -> Iterator[str | None]:
        """Name the schemas to read; None is the default one."""
        yield None
        system = _SYSTEM_SCHEMAS.get(self._dialect)
        if system is not None:
            for schema in inspector.get_schema_names():
                if schema != inspector.default_schema_name and not re.fullmatch(system, schema, re.IGNORECASE):
                    yield schema

    def _ignored(self, inspector: Inspector, schema: str | None) -> set[str]:
        spellings = {schema} if schema is not None else {None, inspector.default_schema_name}
        return {table for ignored, table in self._ignore if ignored in spellings}


def _ask(get: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Ask for one kind of object; empty where the dialect cannot reflect it."""
    try:
        return get(*arguments, **options) or {}
    except NotImplementedError:
        return {}


class _Tables:
    """The tables of one schema, reflected kind by kind."""

    def __init__(self, inspector: Inspector, schema: str | None) -> None:
        def all_of(get: Callable[..., Any]) -> Any:
            return _ask(get, schema=schema, kind=ObjectKind.TABLE)

        self._schema = schema
        self._dialect = inspector.dialect
        self._columns = all_of(inspector.get_multi_columns)
        self._primary_keys = all_of(inspector.get_multi_pk_constraint)
        self._foreign_keys = all_of(inspector.get_multi_foreign_keys)
        self._uniques = all_of(inspector.get_multi_unique_constraints)
        self._checks = all_of(inspector.get_multi_check_constraints)
        self._indexes = all_of(inspector.get_multi_indexes)
        self._comments = all_of(inspector.get_multi_table_comment)
        self._options = all_of(inspector.get_multi_table_options)

    def describe(self, table: str) -> Part:
        """Describe a table with all that hangs on it."""
        at, schema = (self._schema, table), self._schema or ""
        comment = self._comments.get(at, {}).get("text")
        facts = {"options": _options(self._options.get(at, {})), "comment": comment}
        part: Part = {Key("table", table, "", schema): _known(facts)}
        for position, column in enumerate(self._columns.get(at, ()), 1):
            part[Key("column", column["name"], table, schema)] = self._column(position, column)
        part.update(keyed(table, self._constraints(at), schema=schema))
        for index in self._indexes.get(at, ()):
            if not (index.get("duplicates_constraint") and self._uniques):
                part[Key("index", str(index["name"]), table, schema)] = {"definition": _index(index)}
        return part

    def _column(self, position: int, column: Mapping[str, Any]) -> Facts:
        computed = column.get("computed") or {}
        identity = column.get("identity")
        return _known(
            {
                "position": str(position),
                "type": self._type(column["type"]),
                "nullability": "nullable" if column["nullable"] else "NOT NULL",
                "default": column.get("default"),
                "identity": _options(identity) or "with defaults" if identity is not None else None,
                "generated": f"({computed['sqltext']}) {_STORAGE[computed.get('persisted')]}".rstrip()
                if computed
                else None,
                "autoincrement": "yes" if column.get("autoincrement") is True else None,
                "comment": column.get("comment"),
            }
        )

    def _type(self, type_: Any) -> str:
        try:
            return str(type_.compile(dialect=self._dialect))
        except CompileError:  # a type that SQLAlchemy does not know, which it has warned about
            return str(type_)

    def _constraints(self, at: tuple[str | None, str]) -> Iterator[Constraint]:
        key = self._primary_keys.get(at)
        if key and key["constrained_columns"]:
            yield _constraint("primary key", key, key["constrained_columns"])
        for key in self._foreign_keys.get(at, ()):
            yield _constraint("foreign key", key, key["constrained_columns"], _reference(key))
        for key in self._uniques.get(at, ()):
            if not key.get("duplicates_index"):
                yield _constraint("unique constraint", key, key["column_names"])
        for check in self._checks.get(at, ()):
            yield _constraint("check constraint", check, [check["sqltext"]])


def _constraint(kind: str, reflected: Mapping[str, Any], says: Iterable[str], more: str = "") -> Constraint:
    content = in_parentheses(*says)
    pieces = [content, more, _options(reflected.get("dialect_options") or {})]
    facts = {"definition": " ".join(filter(None, pieces)), "comment": reflected.get("comment")}
    return Constraint(kind, str(reflected["name"] or content), _known(facts))


def _reference(key: Mapping[str, Any]) -> str:
    schema = f"{key['referred_schema']}." if key["referred_schema"] else ""
    options = _options(key.get("options") or {})
    return f"REFERENCES {schema}{key['referred_table']} {in_parentheses(*key['referred_columns'])} {options}".rstrip()


def _index(index: Mapping[str, Any]) -> str:
    columns = index.get("expressions") or [column or "an expression" for column in index["column_names"]]
    sorting = index.get("column_sorting") or {}
    items = [" ".join([column, *map(str.upper, sorting.get(column, ()))]) for column in columns]
    unique = "UNIQUE " if index["unique"] else ""
    return f"{unique}{in_parentheses(*items)} {_options(index.get('dialect_options') or {})}".rstrip()


def _describe_others(inspector: Inspector, schema: str | None) -> Iterator[tuple[Key, Facts]]:
    """Describe views and sequences."""
    of_schema = schema or ""
    views = {"view": inspector.get_view_names, "materialized view": inspector.get_materialized_view_names}
    for kind, get_names in views.items():
        for name in _ask(get_names, schema):
            definition = _ask(inspector.get_view_definition, name, schema)
            yield Key(kind, name, "", of_schema), {"definition": definition} if definition else {}
    for name in _ask(inspector.get_sequence_names, schema):
        yield Key("sequence", name, "", of_schema), {}


def _options(options: Mapping[str, Any]) -> str:
    """Write options that are set: ``deferrable=True, ondelete=CASCADE``."""
    written = {name: str(value) for name, value in sorted(options.items()) if value is not None and value is not False}
    return ", ".join(f"{name}={value}" for name, value in written.items() if value not in {"", "[]", "{}"})


def _known(facts: Mapping[str, str | None]) -> Facts:
    return {attribute: value for attribute, value in facts.items() if value}
