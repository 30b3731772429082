"""What models can declare, and what only migrations can make: the rest of a database is no model's business."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_stairway.schema import Change, Difference, Key, Schema, Verdict
from pytest_stairway.schema.meaning import is_automatic

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

__all__ = ["judge", "kept_by_migrations", "restrict"]

KINDS = frozenset(
    {
        "table",
        "column",
        "primary key",
        "unique constraint",
        "foreign key",
        "check constraint",
        "exclusion constraint",
        "index",
        "sequence",
        "enum type",
        "domain",
    }
)
"""What a model declares."""
BY_EVENTS = frozenset({"view", "materialized view", "function", "procedure", "trigger", "policy", "extension"})
"""What a model's events may make."""
BY_MIGRATIONS = BY_EVENTS | {
    *("aggregate", "collation", "composite type", "domain", "enum type", "event trigger", "foreign table"),
    *("publication", "range type", "schema", "sequence", "server", "type"),
}
"""What a migration makes that stands by itself, with no table around it."""
ALWAYS_THERE = frozenset({("schema", "public"), ("extension", "plpgsql")})
ATTRIBUTES = frozenset(
    {
        "owner",
        "row level security",
        "replica identity",
        "clustered",
        "statistics target",
        "statistics targets",
        "storage",
        "compression",
        "not-null constraint",
        "comment on the not-null constraint",
        "comment on the index",
        "index",
        "attached to",
        "inherited",
        "contents",
        "firing",
        "name",
        "schema",
        "partition bound",
    }
)
"""What no model can say of what it declares."""
NAMELESS = frozenset({"mysql", "mariadb"})
"""Dialects on which names that the server makes up look like any other: those of columns."""


def restrict(schema: Schema, tables: Collection[tuple[str, str]]) -> Schema:
    """Leave out of a schema the tables that no model declares: those that a copy of the migrated database kept.

    Args:
        schema: what the models' database holds.
        tables: the declared ones, as schema and name.
    """
    kept = {(key.schema, key.name) for key in schema if key.kind == "table"} - set(tables)
    parts = {
        name: {key: facts for key, facts in part.items() if (key.schema, key.parent or key.name) not in kept}
        for name, part in schema.parts.items()
    }
    return Schema(schema.dialect, parts, schema.default_schema)


def kept_by_migrations(migrated: Schema, models: Schema, executed: Iterable[str]) -> Iterator[Difference]:
    """Give what only the migrations have made, and the models' database has because it began as a copy: information.

    Args:
        migrated: the migrated database.
        models: the models' one.
        executed: the statements by which the models made something else than tables.
    """
    said = " ".join(executed)
    used = {("schema", key.schema or models.default_schema) for key in models if key.kind == "table"}
    for key in migrated:
        known = (key.kind, key.name) in ALWAYS_THERE | used
        if key.parent or key.kind not in BY_MIGRATIONS or key not in models or known:
            continue
        if not re.search(rf"\b{re.escape(key.name.partition('(')[0])}\b", said):
            yield Difference(key=key, change=Change.MISSING, verdict=Verdict.SAME_MEANING)


def judge(differences: Iterable[Difference], migrated: Schema, *, named: Collection[str] = ()) -> Iterator[Difference]:
    """Give the differences that are worth telling; what the models cannot help has another verdict.

    Args:
        differences: what the models' database has otherwise than the migrated one.
        migrated: the migrated one.
        named: the names of constraints and indexes that the models give themselves.
    """
    differences = list(differences)
    explained = {each.key for each in differences if each.attribute in {"default", "identity"}}
    for difference in differences:
        if difference.verdict is not Verdict.DIFFERENT or _follows(difference.key, explained):
            continue
        if _is_made_up(difference, migrated.dialect, named):
            continue
        if _is_declarable(difference, migrated):
            yield difference
        elif difference.change is Change.MISSING:
            yield replace(difference, verdict=Verdict.SAME_MEANING)


def _follows(key: Key, explained: Collection[Key]) -> bool:
    """Tell whether a sequence came or went with the default of its column."""
    return key.kind == "sequence" and bool(key.parent) and key._replace(kind="column") in explained


def _is_made_up(difference: Difference, dialect: str, named: Collection[str]) -> bool:
    """Tell whether a constraint has another name only because the models give it none."""
    if difference.change is not Change.RENAMED or difference.after is None or difference.after in named:
        return False
    return dialect in NAMELESS or is_automatic(dialect, difference.key._replace(name=difference.after))


def _is_declarable(difference: Difference, migrated: Schema) -> bool:
    key, attribute = difference.key, difference.attribute or ""
    if key.kind in BY_EVENTS:
        return difference.change is Change.UNEXPECTED or attribute == "definition"
    if key.kind not in KINDS or attribute in ATTRIBUTES or attribute.startswith("privileges"):
        return False
    if difference.change is not Change.MISSING:
        return True
    is_partition = key.kind == "table" and "partition bound" in migrated[key]
    return not is_partition and key.kind not in {"enum type", "domain", "sequence"}
