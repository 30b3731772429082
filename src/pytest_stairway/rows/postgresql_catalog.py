"""Reads from PostgreSQL's catalogs what tables take.

There are several plain statements, each asked only where something depends on it: columns first, rules for tables that
get rows, functions for those that refuse them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_stairway.asking import ask
from pytest_stairway.rows.backend import display_name, quote, run
from pytest_stairway.rows.expressions import columns_in, functions_in
from pytest_stairway.rows.postgresql_relations import default_schema, read_relations, text_literal
from pytest_stairway.rows.shape import Check, Column, ForeignKey, Sql, TableShape, Unique

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import Connection

    from pytest_stairway.rows.postgresql_relations import Attribute, Relation
    from pytest_stairway.rows.postgresql_types import TypeCatalog

__all__ = ["outlines", "read_hints", "with_rules"]

_RULES = """
SELECT 'constraint', conrelid::int8, ARRAY[conname::text, contype::text, array_to_string(conkey, ' '),
 condeferrable::text, condeferred::text, pg_get_expr(conbin, conrelid), confmatchtype::text, confrelid::text,
 array_to_string(confkey, ' ')]
FROM pg_constraint WHERE conrelid = ANY ('{{{oids}}}'::oid[]) AND contype IN ('c', 'f', 'p', 'u', 'x', 't')
UNION ALL
SELECT 'index', indrelid::int8, ARRAY[indisprimary::text, indisexclusion::text, indkey::text, indnkeyatts::text,
 pg_get_expr(indpred, indrelid), pg_get_expr(indexprs, indrelid), {nulls_not_distinct}::text]
FROM pg_index WHERE indrelid = ANY ('{{{oids}}}'::oid[]) AND (indisunique OR indisexclusion) AND indislive"""
_PARENTS = """
SELECT c.oid::int8, n.nspname, c.relname, c.relkind::text, a.attnum::int4, a.attname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.oid = ANY ('{{{}}}'::oid[]) AND a.attnum = ANY ('{{{}}}'::int2[])"""
_NULLS_NOT_DISTINCT_SINCE = (15,)
_POLICIES = """
SELECT polrelid::int8, polpermissive,
 coalesce(pg_get_expr(polwithcheck, polrelid), pg_get_expr(polqual, polrelid))
FROM pg_policy WHERE polrelid = ANY ('{{{}}}'::oid[]) AND polcmd IN ('*', 'a') AND row_security_active(polrelid)
ORDER BY polname"""
_LEAVES = """
SELECT r.oid::int8, pg_get_partition_constraintdef(l.relid), pg_get_expr(k.conbin, k.conrelid), l.relid::oid::int8
FROM unnest('{{{}}}'::oid[]) r(oid) CROSS JOIN pg_partition_tree(r.oid) l
LEFT JOIN pg_constraint k ON k.conrelid = l.relid AND k.contype = 'c' AND k.coninhcount = 0
WHERE l.isleaf AND l.relid <> r.oid ORDER BY l.relid, k.conname"""
_TRIGGERS = """
SELECT p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE t.tgrelid = {}::regclass AND NOT t.tgisinternal ORDER BY t.tgname"""
_FUNCTIONS = "SELECT prosrc FROM pg_proc WHERE proname IN ({}) AND oid >= 16384 ORDER BY oid"


class _Constraint(NamedTuple):
    """One constraint."""

    name: str
    kind: str
    columns: tuple[int, ...]
    deferrable: bool
    deferred: bool
    expression: str | None
    match: str
    parent: int
    parent_columns: tuple[int, ...]


class _Index(NamedTuple):
    """One unique index, or that of an exclusion constraint."""

    primary: bool
    exclusion: bool
    columns: tuple[int, ...]
    """0 stands for an expression."""
    predicate: str | None
    expressions: str | None
    nulls_not_distinct: bool


@dataclass(slots=True, kw_only=True)
class _Rules:
    """What is known of one table besides its columns."""

    constraints: list[_Constraint] = field(default_factory=list)
    indexes: list[_Index] = field(default_factory=list)
    policies: list[tuple[bool, str | None]] = field(default_factory=list)
    leaves: dict[int, list[str]] = field(default_factory=dict)


def outlines(connection: Connection, names: Collection[str] | None, types: TypeCatalog) -> dict[str, TableShape]:
    """Read tables' columns: see `Backend.outlines`."""
    relations = read_relations(connection, names, defaults=True)
    types.learn(connection, {column.type_oid for relation in relations for column in relation.columns})
    default = default_schema(connection)
    shapes = [_outline(relation, types, default) for relation in relations]
    return {shape.name: shape for shape in shapes}


def _outline(relation: Relation, types: TypeCatalog, default: str) -> TableShape:
    return TableShape(
        name=relation.display_name(default),
        schema="" if relation.schema == default else relation.schema,
        table=relation.name,
        sql=relation.sql,
        read_from=relation.source,
        oid=relation.oid,
        partitioned=relation.kind == "p",
        row_security=relation.row_security,
        numbers={column.number: column.name for column in relation.columns},
        columns=tuple(_column(column, relation, types) for column in relation.columns),
        skips_conflicts=not relation.has_rules,
        returns=not relation.has_rules,
        fires=relation.fires,
        complete=False,
    )


def _column(facts: Attribute, relation: Relation, types: TypeCatalog) -> Column:
    expression = relation.defaults.get(facts.number)
    default = None if facts.generated else expression
    drawn = bool(facts.identity) or (default or "").startswith("nextval(")
    type_ = types.column_type(facts.type_oid, facts.modifier)
    sequence = None
    if facts.identity:
        arguments = f"{text_literal(relation.sql)}, {text_literal(facts.name)}"
        sequence = Sql(f"nextval(pg_get_serial_sequence({arguments}))")
    elif drawn and default:
        sequence = Sql(default)
    return Column(
        name=facts.name,
        type=type_,
        declared=facts.type,
        nullable=not facts.not_null and not type_.not_null,
        default=default,
        given=drawn,
        sequence=sequence,
        always=facts.identity == "a",
        generated=expression if facts.generated else None,
    )


def with_rules(connection: Connection, shapes: Sequence[TableShape]) -> list[TableShape]:
    """Read what else tables take: see `Backend.complete`."""
    if not shapes:
        return []
    rules = {shape.oid: _Rules() for shape in shapes}
    since = (connection.dialect.server_version_info or ()) >= _NULLS_NOT_DISTINCT_SINCE
    oids = ",".join(str(shape.oid) for shape in shapes)
    statement = _RULES.format(oids=oids, nulls_not_distinct="indnullsnotdistinct" if since else "false")
    for kind, oid, facts in ask(connection, statement):
        if kind == "constraint":
            rules[oid].constraints.append(_constraint(facts))
        else:
            rules[oid].indexes.append(_index(facts))
    _add_policies(connection, rules, [shape.oid for shape in shapes if shape.row_security])
    _add_leaves(connection, rules, [shape.oid for shape in shapes if shape.partitioned])
    parents = _parents(connection, rules.values())
    return [_complete(shape, rules[shape.oid], parents, default_schema(connection)) for shape in shapes]


def _constraint(facts: Sequence[str]) -> _Constraint:
    name, kind, columns, deferrable, deferred, expression, match, parent, parent_columns = facts
    return _Constraint(
        name,
        kind,
        tuple(map(int, (columns or "").split())),
        deferrable == "true",
        deferred == "true",
        expression,
        match,
        int(parent),
        tuple(map(int, (parent_columns or "").split())),
    )


def _index(facts: Sequence[str]) -> _Index:
    primary, exclusion, columns, width, predicate, expressions, nulls_not_distinct = facts
    numbers = tuple(map(int, columns.split()))[: int(width)]
    return _Index(primary == "true", exclusion == "true", numbers, predicate, expressions, nulls_not_distinct == "true")


def _add_policies(connection: Connection, rules: dict[int, _Rules], oids: list[int]) -> None:
    if oids:
        for oid, permissive, text in run(connection, _POLICIES.format(",".join(map(str, oids)))):
            rules[oid].policies.append((permissive, text))


def _add_leaves(connection: Connection, rules: dict[int, _Rules], oids: list[int]) -> None:
    if oids:
        for oid, bounds, check, leaf in run(connection, _LEAVES.format(",".join(map(str, oids)))):
            texts = rules[oid].leaves.setdefault(leaf, [bounds] if bounds else [])
            texts += [check] if check else []


def _parents(connection: Connection, rules: Iterable[_Rules]) -> dict[int, list[Any]]:
    """Read the names of tables and columns that foreign keys refer to."""
    keys = [constraint for rule in rules for constraint in rule.constraints if constraint.kind == "f"]
    found: dict[int, list[Any]] = {}
    if keys:
        oids = ",".join(sorted({str(key.parent) for key in keys}))
        numbers = ",".join(sorted({str(number) for key in keys for number in key.parent_columns}))
        for oid, *rest in run(connection, _PARENTS.format(oids, numbers)):
            found.setdefault(oid, []).append(rest)
    return found


def _complete(shape: TableShape, rules: _Rules, parents: dict[int, list[Any]], default: str) -> TableShape:
    numbers = shape.numbers
    schema = shape.sql[: shape.sql.index('".') + 1]
    rules.constraints.sort()
    keys = tuple(_foreign_key(c, numbers, parents, default) for c in rules.constraints if c.kind == "f")
    referring = {name for key in keys for name in key.columns}
    return replace(
        shape,
        columns=tuple(replace(c, given=False) if c.given and c.name in referring else c for c in shape.columns),
        key=next((tuple(numbers[n] for n in index.columns) for index in rules.indexes if index.primary), ()),
        checks=(*_checks(rules, numbers), *_policies(rules, numbers)),
        any_of=tuple(_leaf(texts, numbers) for texts in rules.leaves.values()),
        uniques=tuple(_unique(index, numbers) for index in rules.indexes if not index.exclusion),
        foreign_keys=keys,
        exclusive=tuple(name for index in rules.indexes if index.exclusion for name in _indexed(index, numbers)),
        deferred=tuple(f"{schema}.{quote(c.name)}" for c in rules.constraints if c.deferred),
        skips_conflicts=shape.skips_conflicts and not any(c.deferrable for c in rules.constraints),
        complete=True,
    )


def _checks(rules: _Rules, numbers: dict[int, str]) -> list[Check]:
    return [
        Check(text=constraint.expression, columns=_checked(constraint, numbers))
        for constraint in rules.constraints
        if constraint.kind == "c" and constraint.expression
    ]


def _checked(constraint: _Constraint, numbers: dict[int, str]) -> tuple[str, ...]:
    """Give the columns that a check is about; 0 stands for the whole row, what is negative for system columns."""
    if 0 in constraint.columns:
        return tuple(numbers.values())
    return tuple(numbers[n] for n in constraint.columns if n in numbers)


def _policies(rules: _Rules, numbers: dict[int, str]) -> list[Check]:
    """Give the conditions of row level security: one of the permissive ones, and each restrictive one."""
    permissive = [text for allows, text in rules.policies if allows and text]
    texts = [text for allows, text in rules.policies if not allows and text]
    if permissive:
        texts.append(" OR ".join(f"({text})" for text in permissive))
    return [Check(text=text, columns=columns_in(text, tuple(numbers.values()))) for text in texts]


def _leaf(texts: list[str], numbers: dict[int, str]) -> Check:
    whole = " AND ".join(f"({text})" for text in texts) or "true"
    return Check(text=whole, columns=columns_in(whole, tuple(numbers.values())))


def _unique(index: _Index, numbers: dict[int, str]) -> Unique:
    return Unique(
        columns=_indexed(index, numbers),
        by_expression=bool(index.expressions),
        soft=bool(index.predicate or index.expressions) and not index.primary,
        nulls_distinct=not index.nulls_not_distinct and not index.expressions,
    )


def _indexed(index: _Index, numbers: dict[int, str]) -> tuple[str, ...]:
    """Give the columns that decide an index's entries."""
    names = [numbers[n] for n in index.columns if n in numbers]
    if index.expressions:
        names += [name for name in columns_in(index.expressions, tuple(numbers.values())) if name not in names]
    return tuple(names)


def _foreign_key(
    constraint: _Constraint, numbers: dict[int, str], parents: dict[int, list[Any]], default: str
) -> ForeignKey:
    schema, name, kind = parents[constraint.parent][0][:3]
    columns = {number: column for *_, number, column in parents[constraint.parent]}
    return ForeignKey(
        columns=tuple(numbers[n] for n in constraint.columns),
        parent=display_name(schema, name, default),
        parent_from=("" if kind == "p" else "ONLY ") + f"{quote(schema)}.{quote(name)}",
        parent_columns=tuple(columns[n] for n in constraint.parent_columns),
        full=constraint.match == "f",
    )


def read_hints(connection: Connection, shape: TableShape) -> tuple[str, ...]:
    """Read the functions that may judge a row: see `Backend.hints`."""
    sources = [text for (text,) in run(connection, _TRIGGERS.format(text_literal(shape.sql)))]
    texts = [check.text for check in (*shape.checks, *shape.any_of)]
    names = {name for text in texts for name in functions_in(text)}
    if names:
        listed = ", ".join(map(text_literal, sorted(names)))
        sources += [text for (text,) in run(connection, _FUNCTIONS.format(listed))]
    return tuple(sources)
