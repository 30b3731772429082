"""Creates the models' tables.

On PostgreSQL that happens in a copy of the migrated database, where the schemas, extensions and functions are that
models take for granted; so what the models declare is dropped there first.  Elsewhere an empty database does.
"""

from __future__ import annotations

import itertools
import re
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, create_mock_engine, event, inspect
from sqlalchemy import Sequence as DatabaseSequence
from sqlalchemy.dialects.postgresql import DOMAIN, ENUM
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateSchema, CreateSequence
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Index, MetaData, Table
    from sqlalchemy.engine import Dialect
    from sqlalchemy.types import TypeEngine

__all__ = ["Created", "create_tables", "drop_tables"]

AT_ONCE = 50
"""Tables that one statement drops, and statements between two commits."""
MANY = 150
"""Tables that fit into one transaction, whose locks the server keeps in a table of fixed size."""

_CONCURRENTLY = re.compile(r"^(\s*CREATE (?:UNIQUE )?INDEX) CONCURRENTLY\b", re.IGNORECASE)
_REPLACEABLE = re.compile(r"^(\s*CREATE)\s+(FUNCTION|PROCEDURE|VIEW|TRIGGER|AGGREGATE|RULE)\b", re.IGNORECASE)
_ONCE = re.compile(
    r"^(\s*CREATE\s+(?:EXTENSION|SCHEMA|MATERIALIZED\s+VIEW|SEQUENCE))\s+(?!IF\s+NOT\s+EXISTS\b)", re.IGNORECASE
)
_OF_TABLES = re.compile(r"\s*(?:CREATE\s+(?:TABLE|(?:UNIQUE\s+)?INDEX)|ALTER\s+TABLE|COMMENT|SELECT)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Created:
    """What came of creating models."""

    executed: list[str]
    """The statements that made something else than tables and indexes."""
    refused: Mapping[Index, DBAPIError]
    """What was left out."""


def drop_tables(connection: Connection, tables: Iterable[Table]) -> None:
    """Drop from a copy of the migrated database what the models will create, and whatever depends on it."""
    tables = list(tables)
    names = [_qualified(connection, table) for table in _present(connection, tables)]
    for start in range(0, len(names), AT_ONCE):
        connection.exec_driver_sql(f"DROP TABLE {', '.join(names[start : start + AT_ONCE])} CASCADE")
        if len(names) > MANY:
            _commit(connection)
    sequences = chain(chain.from_iterable(map(_sequences, tables)), _sequences_alone(connection, tables))
    for name in sorted({_qualified(connection, each) for each in sequences}):
        connection.exec_driver_sql(f"DROP SEQUENCE IF EXISTS {name} CASCADE")
    for name, kind in sorted(_named_types(connection, tables).items()):
        connection.exec_driver_sql(f"DROP {kind} IF EXISTS {name} CASCADE")


def create_tables(connection: Connection, metadata: Iterable[MetaData], tables: Iterable[Table]) -> Created:
    """Create the models' tables, with the types, sequences and events that belong to them.

    An index that PostgreSQL refuses is left out, so that the rest can be compared; but not where there are so many
    tables that they take several transactions.

    Raises:
        SQLAlchemyError: something else cannot be created.
    """
    metadata, tables = list(metadata), list(tables)
    refused: dict[Index, DBAPIError] = {}
    at_once = connection.dialect.name == "postgresql" and len(tables) <= MANY
    try:
        while True:
            try:
                with connection.begin_nested() if at_once else nullcontext():
                    return Created(_create(connection, metadata, tables), refused)
            except DBAPIError as error:
                index = _index_of(error, connection, tables)
                if index is None or not at_once:
                    raise
                refused[index] = error
                _table_of(index).indexes.discard(index)
    finally:
        for index in refused:
            _table_of(index).indexes.add(index)


def _create(connection: Connection, metadata: Iterable[MetaData], tables: Sequence[Table]) -> list[str]:
    """Create all, and give the statements that made something else than tables and indexes."""
    numbers = itertools.count(1)
    executed: list[str] = []

    def relieve(_connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not _OF_TABLES.match(statement):
            executed.append(statement)
        if next(numbers) % AT_ONCE == 0 and len(tables) > MANY:
            _commit(connection)

    _create_schemas(connection, tables)
    event.listen(connection, "before_cursor_execute", _repeatable, retval=True)
    event.listen(connection, "after_cursor_execute", relieve)
    try:
        for each in metadata:
            each.create_all(connection, tables=[table for table in tables if table.metadata is each])
    finally:
        event.remove(connection, "before_cursor_execute", _repeatable)
        event.remove(connection, "after_cursor_execute", relieve)
    return executed


def _index_of(error: DBAPIError, connection: Connection, tables: Iterable[Table]) -> Index | None:
    """Find the index that could not be created; None where it was something else."""
    for index in chain.from_iterable(table.indexes for table in tables):
        statement = str(CreateIndex(index).compile(dialect=connection.dialect)).strip()
        if _CONCURRENTLY.sub(r"\1", statement, count=1) == (error.statement or "").strip():
            return index
    return None


def _table_of(index: Index) -> Table:
    assert index.table is not None  # it was found by way of that
    return index.table


def _commit(connection: Connection) -> None:
    """Let the server forget its locks; it has room for some thousand, and each table takes several.

    The DBAPI's own commit ends one transaction and lets the next statement begin another (PEP 249).
    """
    connection.connection.commit()


def _create_schemas(connection: Connection, tables: Iterable[Table]) -> None:
    """Create the schemas that no migration makes: their tables are missing there, which is what is to be told."""
    wanted = {schema for table in tables if (schema := connection.schema_for_object(table)) is not None}
    if wanted and connection.dialect.name == "postgresql":
        for schema in sorted(wanted - set(inspect(connection).get_schema_names())):
            connection.execute(CreateSchema(schema))


def _repeatable(
    _connection: Connection,
    _cursor: Any,
    statement: str,
    parameters: Any,
    _context: Any,
    _many: bool,  # noqa: FBT001
) -> tuple[str, Any]:
    """Let the statements of models' events pass where a migration has made the same object, all in a transaction."""
    statement = _CONCURRENTLY.sub(r"\1", statement, count=1)
    if _connection.dialect.name == "postgresql":
        statement = _REPLACEABLE.sub(r"\1 OR REPLACE \2", statement, count=1)
        statement = _ONCE.sub(r"\1 IF NOT EXISTS ", statement, count=1)
    return statement, parameters


def _present(connection: Connection, tables: Iterable[Table]) -> Iterator[Table]:
    """Give the tables that the database has, rather than a view of that name or nothing."""
    inspector = inspect(connection)
    names: dict[str | None, set[str]] = {}
    for table in tables:
        schema = connection.schema_for_object(table)
        if schema not in names:
            names[schema] = set(inspector.get_table_names(schema))
        if table.name in names[schema]:
            yield table


def _qualified(connection: Connection, item: Any) -> str:
    """Write the name of a table, a sequence or a type as the connection knows it."""
    quote = connection.dialect.identifier_preparer
    schema = connection.schema_for_object(item)
    name = quote.quote(item.name)
    return f"{quote.quote_schema(schema)}.{name}" if schema is not None else name


def _sequences(table: Table) -> Iterator[DatabaseSequence]:
    """Find the sequences that a model declares by itself."""
    for column in table.columns:
        declared = getattr(getattr(column.server_default, "arg", None), "sequence", None)
        for each in (column.default, declared):
            if isinstance(each, DatabaseSequence):
                yield each


def _sequences_alone(connection: Connection, tables: Iterable[Table]) -> list[DatabaseSequence]:
    """Find the sequences that the models declare without a column, by what would be created along with no table."""
    found: list[DatabaseSequence] = []

    def take(element: Any, *_arguments: Any, **_options: Any) -> None:
        if isinstance(element, CreateSequence):
            found.append(element.element)

    mock = create_mock_engine(f"{connection.dialect.name}://", take)
    for metadata in {table.metadata for table in tables}:
        metadata.create_all(mock, tables=[], checkfirst=False)
    return found


def _named_types(connection: Connection, tables: Iterable[Table]) -> dict[str, str]:
    """Find the enum types and domains that the models create: name to kind."""
    columns = chain.from_iterable(table.columns for table in tables)
    found = chain.from_iterable(_named(column.type, connection.dialect) for column in columns)
    return {_qualified(connection, each): "DOMAIN" if isinstance(each, DOMAIN) else "TYPE" for each in found}


def _named(type_: TypeEngine[Any], dialect: Dialect) -> Iterator[Any]:
    implementation = type_.dialect_impl(dialect)
    if isinstance(implementation, TypeDecorator):
        yield from _named(implementation.impl_instance, dialect)
    elif isinstance(implementation, ARRAY):
        yield from _named(implementation.item_type, dialect)
    elif isinstance(implementation, (DOMAIN, ENUM)):
        if isinstance(implementation, DOMAIN):
            yield from _named(implementation.data_type, dialect)
        if implementation.create_type:
            yield implementation
