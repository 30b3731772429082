"""Reads tables and their columns from PostgreSQL's catalogs, in one statement.

Planning costs more than running here, and joins cost most of it: so each catalog is read by itself, by the tables'
oids, and what belongs together is put together on this side.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_stairway.asking import ask
from pytest_stairway.rows.backend import display_name, quote, run, split_name
from pytest_stairway.schema.postgresql_settings import AT_ONCE, change, restore

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

__all__ = ["Attribute", "Relation", "default_schema", "read_relations", "text_literal"]

_TABLES = """
SELECT 'table', oid::int8, ARRAY[relnamespace::regnamespace::text, relname::text, relkind::text, relpersistence::text,
 relispartition::text, relhassubclass::text, relhasrules::text, relrowsecurity::text,
 (relhasrules OR relhastriggers
  AND EXISTS (SELECT FROM pg_trigger WHERE tgrelid = pg_class.oid AND NOT tgisinternal))::text]
FROM pg_class WHERE oid = ANY ({oids})"""
_COLUMNS = """
SELECT 'column', attrelid::int8, ARRAY[attname::text, attnum::text, format_type(atttypid, atttypmod), attnotnull::text,
 attidentity::text, attgenerated::text, atttypid::text, atttypmod::text]
FROM pg_attribute WHERE attrelid = ANY ({oids}) AND attnum > 0 AND NOT attisdropped"""
_KEYS = """
SELECT 'key', indrelid::int8, ARRAY[indkey::text, indnkeyatts::text]
FROM pg_index WHERE indrelid = ANY ({oids}) AND indisprimary"""
_DEFAULTS = """
SELECT 'default', adrelid::int8, ARRAY[adnum::text, pg_get_expr(adbin, adrelid)]
FROM pg_attrdef WHERE adrelid = ANY ({oids})"""
_BEGIN = f"""
SELECT 'settings', 0::int8, ARRAY[concat({change(AT_ONCE)})]"""
_END = f"""
SELECT 'settings', 0::int8, ARRAY[concat({restore(AT_ONCE)})]"""
_ALL = """
SELECT c.oid::int8 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND NOT c.relispartition
 AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
 AND NOT EXISTS (SELECT 1 FROM pg_depend x
  WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')"""
_ROOTS = "SELECT DISTINCT pg_partition_root(p)::oid::int8 FROM unnest('{{{}}}'::regclass[]) p"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One column, as the catalog has it."""

    name: str
    number: int
    type: str
    """In the words of the database, with modifiers."""
    not_null: bool
    identity: str
    """``a``, ``d`` or empty."""
    generated: str
    type_oid: int
    modifier: int


@dataclass(slots=True, kw_only=True)
class Relation:
    """One table, as the catalog has it."""

    oid: int
    schema: str
    name: str
    kind: str
    """``r`` or ``p``: partitioned."""
    is_partition: bool
    has_children: bool
    has_rules: bool
    row_security: bool
    fires: bool
    """It has rules or triggers, which may write elsewhere."""
    columns: list[Attribute] = field(default_factory=list)
    key: tuple[int, ...] = ()
    """The numbers of the primary key's columns."""
    defaults: dict[int, str] = field(default_factory=dict)

    @property
    def sql(self) -> str:
        """The quoted, qualified name."""
        return f"{quote(self.schema)}.{quote(self.name)}"

    @property
    def source(self) -> str:
        """What stands after FROM to read its own rows."""
        return f"ONLY {self.sql}" if self.has_children and self.kind == "r" else self.sql

    def display_name(self, default: str) -> str:
        """Name it as schemas do."""
        return display_name(self.schema, self.name, default)


def default_schema(connection: Connection) -> str:
    """Name the schema in which tables are named without it."""
    return connection.dialect.default_schema_name or "public"


def text_literal(text: str) -> str:
    """Write a text into a statement, whatever `standard_conforming_strings` is."""
    quoted = text.replace("'", "''")
    return "E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in text else f"'{quoted}'"


def read_relations(
    connection: Connection, names: Collection[str] | None, *, keys: bool = False, defaults: bool = False
) -> list[Relation]:
    """Read tables and their columns, types named as a schema snapshot names them, whatever the search path is.

    Args:
        connection: where.
        names: these, as far as they exist; a partition stands for its table.  None: all that hold rows of their own and
            belong to the user.
        keys: read primary keys, too.
        defaults: read defaults, too.
    """
    parts = [_BEGIN, _TABLES, _COLUMNS, *([_KEYS] if keys else ()), *([_DEFAULTS] if defaults else ()), _END]
    if names is None:
        return _read(connection, parts, _literal([oid for (oid,) in run(connection, _ALL)]))
    if not names:
        return []
    pairs = [pair for name in sorted(names) for pair in split_name(name, default_schema(connection))]
    oids = ", ".join(f"to_regclass({text_literal(f'{quote(schema)}.{quote(table)}')})" for schema, table in pairs)
    found = _read(connection, parts, f"ARRAY[{oids}]::oid[]")
    partitions = [relation.oid for relation in found if relation.is_partition]
    if not partitions:
        return found
    known = {relation.oid for relation in found}
    roots = {oid for (oid,) in run(connection, _ROOTS.format(",".join(map(str, partitions))))} - known - {None}
    own = [relation for relation in found if not relation.is_partition]
    return own + (_read(connection, parts, _literal(roots)) if roots else [])


def _literal(oids: Collection[int]) -> str:
    return "'{" + ",".join(map(str, sorted(oids))) + "}'::oid[]"


def _read(connection: Connection, parts: list[str], oids: str) -> list[Relation]:
    relations: dict[int, Relation] = {}
    rows = ask(connection, " UNION ALL ".join(parts).format(oids=oids))
    for _, oid, facts in (row for row in rows if row[0] == "table"):
        if facts[2] in {"r", "p"} and facts[3] != "t":
            relations[oid] = _relation(oid, facts)
    for kind, oid, facts in rows:
        if oid in relations:
            _add(relations[oid], kind, facts)
    for relation in relations.values():
        relation.columns.sort(key=lambda column: column.number)
    return sorted(relations.values(), key=lambda relation: (relation.schema, relation.name))


def _relation(oid: int, facts: list[str]) -> Relation:
    schema, name, kind, _, is_partition, has_children, has_rules, row_security, fires = facts
    return Relation(
        oid=oid,
        schema=schema[1:-1].replace('""', '"') if schema.startswith('"') else schema,
        name=name,
        kind=kind,
        is_partition=is_partition == "true",
        has_children=has_children == "true",
        has_rules=has_rules == "true",
        row_security=row_security == "true",
        fires=fires == "true",
    )


def _add(relation: Relation, kind: str, facts: list[str]) -> None:
    if kind == "column":
        name, number, type_, not_null, identity, generated, type_oid, modifier = facts
        attribute = Attribute(
            name=name,
            number=int(number),
            type=type_.replace("character varying", "varchar"),
            not_null=not_null == "true",
            identity=identity,
            generated=generated,
            type_oid=int(type_oid),
            modifier=int(modifier),
        )
        relation.columns.append(attribute)
    elif kind == "key":
        relation.key = tuple(map(int, facts[0].split()))[: int(facts[1])]
    elif kind == "default":
        relation.defaults[int(facts[0])] = facts[1]
