"""Schema snapshots: one reader per dialect, plain data, a pure comparison."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from pytest_stairway.schema.compare import compare_schemas
from pytest_stairway.schema.difference import Change, Difference, Verdict
from pytest_stairway.schema.model import Facts, Key, Schema, SchemaReader

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = [
    "Change",
    "Difference",
    "Facts",
    "Key",
    "Schema",
    "SchemaReader",
    "Verdict",
    "compare_schemas",
    "reader_for",
]

_MODULES = {"postgresql": "postgresql", "sqlite": "sqlite", "mysql": "mysql", "mariadb": "mysql"}


def reader_for(dialect_name: str, *, ignore: Collection[tuple[str | None, str]] = ()) -> SchemaReader:
    """Make the reader for one database.

    Args:
        dialect_name: SQLAlchemy's name of the dialect; one without a reader of its own gets the generic one.
        ignore: tables to leave out, as (schema, table); None is the default schema.  The version tables go here.
    """
    module = import_module(f"{__name__}.{_MODULES.get(dialect_name, 'generic')}")
    reader: SchemaReader = module.Reader(dialect_name, ignore=frozenset(ignore))
    return reader
