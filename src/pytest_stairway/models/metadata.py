"""What `env.py` says of its models: the tables, and what of them it leaves out of a comparison."""

from __future__ import annotations

import contextlib
import warnings
from typing import TYPE_CHECKING, Any

from alembic.autogenerate.api import AutogenContext
from sqlalchemy import MetaData, Table
from sqlalchemy.exc import NoSuchTableError, SAWarning

from pytest_stairway.schema import Change

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from alembic.runtime.migration import MigrationContext
    from sqlalchemy.schema import SchemaItem

    from pytest_stairway.schema import Difference, Key

__all__ = ["Choices", "Declared", "metadata_of"]

FILTERED = {
    "column": "column",
    "index": "index",
    "unique constraint": "unique_constraint",
    "foreign key": "foreign_key_constraint",
}
"""Kinds that Alembic asks ``include_name`` and ``include_object`` about, and its names of them."""


def metadata_of(options: Mapping[str, Any]) -> tuple[MetaData, ...]:
    """List what `env.py` gave to ``context.configure`` as ``target_metadata``."""
    given = options.get("target_metadata")
    if given is None:
        return ()
    return (given,) if isinstance(given, MetaData) else tuple(given)


class Declared:
    """The models' tables, by schema (empty for the default one) and name.

    Args:
        context: as `env.py` configured it.
        metadata: its ``target_metadata``.
        default_schema: what the default schema is called.
    """

    def __init__(self, context: MigrationContext, metadata: tuple[MetaData, ...], *, default_schema: str) -> None:
        assert context.connection is not None  # online mode has one
        self.metadata = metadata
        self._default = default_schema
        connection = context.connection
        self.tables: dict[tuple[str, str], Table] = {}
        for each in metadata:
            for table in each.tables.values():
                self.tables[self._shown(connection.schema_for_object(table)), table.name] = table

    def table_of(self, key: Key) -> Table | None:
        """Find the table that an object is or hangs on."""
        return self.tables.get((key.schema, key.parent or key.name))

    def _shown(self, schema: str | None) -> str:
        return "" if schema is None or schema == self._default else schema


class Choices:
    """What `env.py` leaves out, by the functions and options that it gives to Alembic.

    Args:
        context: as `env.py` configured it, connected to the migrated database.
        declared: the models' tables.
        given: what it gave to ``context.configure``, without Alembic's defaults.
    """

    def __init__(self, context: MigrationContext, declared: Declared, given: Mapping[str, Any]) -> None:
        self._context = context
        self._options = given
        self._declared = declared
        self._autogenerate = AutogenContext(context, metadata=list(declared.metadata))
        self._reflected = MetaData()

    def tables(self) -> Iterator[tuple[tuple[str, str], Table]]:
        """Give the models' tables that are compared."""
        for (schema, name), table in self._declared.tables.items():
            if self._includes_table(schema, name, table):
                yield (schema, name), table

    def include(self, difference: Difference) -> bool:
        """Tell whether a difference is one that `env.py` wants to know of."""
        key = difference.key
        if not self._includes_schema(key):
            return False
        if not key.parent and key.kind != "table":
            return True
        name, table = key.parent or key.name, self._declared.table_of(key)
        if not self._includes_table(key.schema, name, table):
            return False
        if key.parent and key.kind in FILTERED and not self._includes_member(difference, table):
            return False
        return self._is_compared(difference, table)

    def _includes_schema(self, key: Key) -> bool:
        if key.schema and not self._options.get("include_schemas") and self._declared.table_of(key) is None:
            return not key.parent and key.kind != "table"
        if not self._options.get("include_schemas"):
            return True
        return self._autogenerate.run_name_filters(key.schema or None, "schema", {})

    def _includes_table(self, schema: str, name: str, table: Table | None) -> bool:
        found = self._reflect(schema, name)
        if found is not None and not self._autogenerate.run_name_filters(
            name, "table", {"schema_name": schema or None}
        ):
            return False
        return self._includes_object(table, found, name, "table")

    def _includes_member(self, difference: Difference, table: Table | None) -> bool:
        key, type_ = difference.key, FILTERED[difference.key.kind]
        parents = {"schema_name": key.schema or None, "table_name": key.parent}
        if difference.change is not Change.UNEXPECTED and not self._autogenerate.run_name_filters(
            key.name,
            type_,  # type: ignore[arg-type]  # one of its literals
            parents,  # type: ignore[arg-type]
        ):
            return False
        mine = _member(table, key.kind, difference.after if difference.change is Change.RENAMED else key.name)
        theirs = _member(self._reflect(key.schema, key.parent), key.kind, key.name)
        return self._includes_object(mine, theirs, key.name, type_)

    def _includes_object(self, mine: SchemaItem | None, theirs: SchemaItem | None, name: str, type_: str) -> bool:
        """Ask ``include_object`` in the way that autogenerate does."""
        if self._options.get("include_object") is None or (mine is None and theirs is None):
            return True
        item, other = (mine, theirs) if mine is not None else (theirs, None)
        assert item is not None
        return self._autogenerate.run_object_filters(item, name, type_, mine is None, other)  # type: ignore[arg-type]

    def _is_compared(self, difference: Difference, table: Table | None) -> bool:
        """Ask ``compare_type`` and ``compare_server_default``; that the latter is not given is no choice."""
        key = difference.key
        column = _member(table, key.kind, key.name) if key.kind == "column" else None
        option = {"type": "compare_type", "default": "compare_server_default"}.get(difference.attribute or "")
        choice: Any = self._options.get(option) if option and column is not None else None
        if choice is None or choice is True:
            return True
        return bool(choice) and self._judges_different(choice, key, column, of_type=option == "compare_type")

    def _judges_different(self, judge: Any, key: Key, mine: Any, *, of_type: bool) -> bool:
        theirs: Any = _member(self._reflect(key.schema, key.parent), "column", key.name)
        if theirs is None:
            return True
        if of_type:
            return judge(self._context, theirs, mine, theirs.type, mine.type) is not False
        default = theirs.server_default
        found = None if default is None else str(default.arg)
        declared = None if mine.server_default is None else str(getattr(mine.server_default, "arg", ""))
        return judge(self._context, theirs, mine, found, mine.server_default, declared) is not False

    def _reflect(self, schema: str, name: str) -> Table | None:
        """Reflect one table of the migrated database; None where it has no such table, or nobody asks."""
        functions = ("include_object", "include_name", "compare_type", "compare_server_default")
        if not any(callable(self._options.get(each)) for each in functions):
            return None
        with contextlib.suppress(NoSuchTableError), warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # types that SQLAlchemy does not know
            return Table(
                name,
                self._reflected,
                schema=schema or None,
                autoload_with=self._context.connection,
                resolve_fks=False,
            )
        return None


def _member(table: Table | None, kind: str, name: str | None) -> SchemaItem | None:
    """Find a column, an index or a constraint of a table by its name."""
    if table is None or name is None:
        return None
    if kind == "column":
        return next((column for column in table.columns if column.name == name), None)
    members = table.indexes if kind == "index" else table.constraints
    return next((member for member in members if member.name == name), None)
