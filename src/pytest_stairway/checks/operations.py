"""Writes the operations that somebody would put into a migration: Alembic's own where there is one, else SQL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_stairway.schema import Key

__all__ = ["CONSTRAINTS", "alter_column", "create", "drop", "execute", "identifier", "qualified", "rename", "target"]

CONSTRAINTS = {
    "primary key": ", type_='primary'",
    "unique constraint": ", type_='unique'",
    "check constraint": ", type_='check'",
    "foreign key": ", type_='foreignkey'",
    "exclusion constraint": "",
}
"""By kind: the argument by which op.drop_constraint() is told of it."""
CREATORS = {
    "primary key": "create_primary_key",
    "unique constraint": "create_unique_constraint",
    "check constraint": "create_check_constraint",
    "foreign key": "create_foreign_key",
    "exclusion constraint": "create_exclude_constraint",
    "index": "create_index",
}
ON_A_TABLE = ("trigger", "policy", "rule")
BY_THEMSELVES = {
    "aggregate": "AGGREGATE",
    "collation": "COLLATION",
    "composite type": "TYPE",
    "domain": "DOMAIN",
    "enum type": "TYPE",
    "event trigger": "EVENT TRIGGER",
    "extension": "EXTENSION",
    "foreign table": "FOREIGN TABLE",
    "function": "FUNCTION",
    "materialized view": "MATERIALIZED VIEW",
    "procedure": "PROCEDURE",
    "publication": "PUBLICATION",
    "range type": "TYPE",
    "schema": "SCHEMA",
    "sequence": "SEQUENCE",
    "server": "SERVER",
    "statistics": "STATISTICS",
    "type": "TYPE",
    "view": "VIEW",
}
"""What SQL calls the kinds that DROP takes by their name alone."""
DROPS = {
    "table": "op.drop_table({name!r}{schema})",
    "column": "op.drop_column({parent!r}, {name!r}{schema})",
    "index": "op.drop_index({name!r}, table_name={parent!r}{schema})",
    "enum type": "sa.Enum(name={name!r}{schema}).drop(op.get_bind())",
    **{kind: f"op.drop_constraint({{name!r}}, {{parent!r}}{type_}{{schema}})" for kind, type_ in CONSTRAINTS.items()},
}
CREATES = {
    "table": "op.create_table({name!r}, …{schema})",
    "column": "op.add_column({parent!r}, sa.Column({name!r}, …){schema})",
    **{kind: f"op.{creator}({{name!r}}, {{parent!r}}, …{{schema}})" for kind, creator in CREATORS.items()},
}
RENAMES = {
    "table": "op.rename_table({called!r}, {name!r}{schema})",
    "column": "op.alter_column({parent!r}, {called!r}, new_column_name={name!r}{schema})",
}
"""By kind: operations of Alembic; what is in braces is filled in by `_filled`."""

SQL_DROPS = {
    **{kind: f"DROP {word} {{own}}" for kind, word in BY_THEMSELVES.items()},
    **{kind: f"DROP {kind.upper()} {{sql}} ON {{table}}" for kind in ON_A_TABLE},
}
SQL_RENAMES = {
    **{kind: f"ALTER {word} {{sql_called}} RENAME TO {{sql}}" for kind, word in BY_THEMSELVES.items()},
    **{kind: f"ALTER {kind.upper()} {{sql_called}} ON {{table}} RENAME TO {{sql}}" for kind in ON_A_TABLE},
    **dict.fromkeys(CONSTRAINTS, "ALTER TABLE {table} RENAME CONSTRAINT {sql_called} TO {sql}"),
    "index": "ALTER INDEX {sql_called} RENAME TO {sql}",
}
"""By kind: what SQL says, where Alembic has no operation."""

PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
FUNCTION = re.compile(r"(?P<name>.*?)(?P<arguments>\(.*\))", re.DOTALL)


def identifier(name: str) -> str:
    """Write a name in SQL, in quotes where it needs them; a function's arguments stay as they are."""
    if found := FUNCTION.fullmatch(name):
        return identifier(found["name"]) + found["arguments"]
    return name if PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def qualified(name: str, schema: str) -> str:
    """Write a name in SQL, with its schema where that is not the default one."""
    return f"{identifier(schema)}.{identifier(name)}" if schema else identifier(name)


def target(key: Key) -> str:
    """Write what GRANT and REVOKE call an object: ``SCHEMA billing``; a table needs no word."""
    word = BY_THEMSELVES.get(key.kind, "")
    return f"{'' if 'VIEW' in word or 'TABLE' in word else word} {qualified(key.name, key.schema)}".lstrip()


def execute(statement: str) -> str:
    """Write the operation that runs a statement."""
    return f"op.execute({statement!r})"


def alter_column(key: Key, argument: str) -> str:
    """Write the operation that changes a column."""
    return f"op.alter_column({key.parent!r}, {key.name!r}, {argument}{_schema(key)})"


def drop(key: Key) -> str | None:
    """Write the operation that drops an object; None where its kind has none that is simple."""
    return _written(key, DROPS, SQL_DROPS)


def create(key: Key) -> str | None:
    """Write the beginning of the operation that creates an object; None where that is SQL."""
    return _written(key, CREATES, {})


def rename(key: Key, called: str) -> str | None:
    """Write the operation that gives an object, which is called otherwise now, the name that `key` has."""
    return _written(key, RENAMES, SQL_RENAMES, called=called)


def _written(key: Key, operations: dict[str, str], statements: dict[str, str], called: str = "") -> str | None:
    if key.name.startswith("("):
        return None  # a constraint without a name
    if key.kind in operations:
        return _filled(operations[key.kind], key, called)
    if key.kind in statements:
        return execute(_filled(statements[key.kind], key, called))
    return None


def _filled(template: str, key: Key, called: str) -> str:
    by_itself = not key.parent and key.schema
    return template.format(
        name=key.name,
        parent=key.parent,
        called=called,
        schema=_schema(key),
        sql=identifier(key.name),
        own=qualified(key.name, key.schema),
        sql_called=qualified(called, key.schema) if by_itself or key.kind == "index" else identifier(called),
        table=qualified(key.parent, key.schema),
    )


def _schema(key: Key) -> str:
    return f", schema={key.schema!r}" if key.schema else ""
