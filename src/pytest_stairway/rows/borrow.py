"""Columns that refer to another table though no foreign key says so: ``flow_run_id`` where there is a ``flow_run``.

Real rows hold keys of that table there, and a later migration may well add the foreign key.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_stairway.rows.shape import TableShape

__all__ = ["borrowed_tables"]

_REFERENCE = re.compile(r"^(.+?)_(?:id|uuid|fk)$")
_KEY_TYPES = frozenset({"int2", "int4", "int8", "uuid", "text", "varchar", "bpchar"})


def borrowed_tables(shape: TableShape, tables: Collection[str]) -> dict[str, str]:
    """Find the tables that columns seem to refer to.

    Args:
        shape: the table whose columns are looked at; those of foreign keys are left out.
        tables: all tables.
    """
    taken = {name for key in shape.foreign_keys for name in key.columns}
    found = {}
    for column in shape.writable:
        match = _REFERENCE.match(column.name.lower())
        if match is None or column.name in taken or column.type.name not in _KEY_TYPES or column.type.checks:
            continue
        table = _table_named(match[1], shape.schema, tables)
        if table is not None and table != shape.name:
            found[column.name] = table
    return found


def _table_named(stem: str, schema: str, tables: Collection[str]) -> str | None:
    """Find the table for a singular name: exactly so, in the plural, or the only one that ends with it."""
    prefix = f"{schema}." if schema else ""
    forms = (stem, f"{stem}s", f"{stem}es", f"{stem[:-1]}ies")
    exact = next((prefix + form for form in forms if prefix + form in tables), None)
    if exact is not None:
        return exact
    endings = tuple(f"_{form}" for form in forms)
    similar = [name for name in tables if name.startswith(prefix) and name.lower().endswith(endings)]
    return similar[0] if len(similar) == 1 else None
