"""Turns the rows that PostgreSQL's catalogs yield into the objects of a schema."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pytest_stairway.schema.difference import unqualified
from pytest_stairway.schema.model import Key
from pytest_stairway.schema.postgresql_groups import FACTS
from pytest_stairway.schema.postgresql_privileges import PRIVILEGES, privileges

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_stairway.schema.model import Facts, Part
    from pytest_stairway.schema.postgresql_rows import Relation

__all__ = ["Members", "Names", "render_group", "render_relation"]


@dataclass(frozen=True, slots=True)
class Members:
    """A group as it was read last."""

    names: dict[tuple[str, int], tuple[str, str]]
    """By kind and oid: the schema and the name."""
    part: Part

    def renamed(self, other: Members) -> bool:
        """Tell whether a member that is in both has another name or schema in `other`."""
        return any(other.names.get(member, name) != name for member, name in self.names.items())


@dataclass(frozen=True, slots=True)
class Names:
    """What else one must know to tell of a relation."""

    default_schema: str
    others: Mapping[str, str]
    """The names of access methods and tablespaces, by their oid as a text."""


RELATION_KINDS = {
    "r": "table",
    "p": "table",
    "f": "foreign table",
    "v": "view",
    "m": "materialized view",
    "S": "sequence",
    "c": "composite type",
}

_RELATION_FACTS = (
    "owner",
    "persistence",
    "access method",
    "tablespace",
    "storage parameters",
    "row level security",
    "replica identity",
    "definition",
    "contents",
    "partitioned by",
    "partition bound",
    "of type",
    PRIVILEGES,
)
_COLUMN_FACTS = (
    "type",
    "nullability",
    "collation",
    "storage",
    "compression",
    "statistics target",
    "options",
    "foreign options",
    "inherited",
    PRIVILEGES,
)
_INDEX_FACTS = ("validity", "clustered", "replica identity", "storage parameters", "tablespace")
_TRIGGER_FACTS = ("definition", "firing", "of the partitioned table")
_POLICY_FACTS = ("command", "mode", "roles", "using", "check")
_SEQUENCE_FACTS = ("type", "start", "increment", "minimum", "maximum", "cache", "cycle")
_CONSTRAINT_KINDS = {
    "p": "primary key",
    "u": "unique constraint",
    "c": "check constraint",
    "f": "foreign key",
    "x": "exclusion constraint",
}
_WORDS: dict[str, dict[str, str | None]] = {
    "firing": {"O": "enabled", "D": "disabled", "R": "enabled on replicas", "A": "always enabled"},
    "command": {"*": "all", "r": "select", "a": "insert", "w": "update", "d": "delete"},
    "mode": {"true": "permissive", "false": "restrictive"},
    "storage": {"p": "plain", "e": "external", "m": "main", "x": "extended"},
    "compression": {"p": "pglz", "l": "lz4"},
    "inherited": {"true": "yes, and its own", "false": "yes"},
    "cycle": {"true": "yes", "false": None},
    "cache": {"1": None},
}
"""By fact: what the catalog's letters say; None is what is usual, and not said."""
_BITS = {"smallint": 15, "integer": 31, "bigint": 63}

_STAMP = re.compile(r"(?:^|, )pg_attver=\d+")
"""An option that newer servers (15.20 is one) give to every column by themselves: another number at each change."""

_NAME = r'(?:"(?:[^"]|"")*"|[^\s".]+)'
_INDEX = re.compile(rf"CREATE (UNIQUE )?INDEX {_NAME} ON (?:ONLY )?(?:{_NAME}\.)?{_NAME} USING ", re.DOTALL)
_TRIGGER = re.compile(rf"CREATE (CONSTRAINT )?TRIGGER {_NAME} ", re.DOTALL)
_RULE = re.compile(rf"CREATE RULE {_NAME} AS\s+", re.DOTALL)
_STATISTICS = re.compile(rf"CREATE STATISTICS (?:{_NAME}\.)?{_NAME} ", re.DOTALL)


def render_group(rows: Iterable[Sequence[Any]], default_schema: str) -> Members:
    """Build a group of its rows."""
    names: dict[tuple[str, int], tuple[str, str]] = {}
    part: Part = {}
    for kind, oid, schema, name, parent, texts in rows:
        facts = _facts(FACTS[kind], texts)
        if kind == "statistics":
            facts["definition"] = _STATISTICS.sub("", facts["definition"], count=1)
        names[kind, oid] = (schema, name)
        key = Key(kind, unqualified(name, default_schema), parent, "" if schema == default_schema else schema)
        part[key if key not in part else key._replace(name=name)] = facts
    return Members(names, part)


def render_relation(relation: Relation, relations: Mapping[int, Relation], owned: Iterable[int], names: Names) -> Part:
    """Build a relation's part.

    Args:
        relation: the relation.
        relations: all relations, by their oid.
        owned: the sequences that its columns own.
        names: what else one must know.
    """
    rendering = _Rendering(relation, names)
    if relation.kind == "S":
        rendering.add_sequence(relations)
    else:
        rendering.add_relation([relations[oid] for oid in owned])
    return rendering.part


def _facts(names: tuple[str, ...], texts: Iterable[str | None]) -> Facts:
    """Name the texts, in words; what is missing, empty or usual has no fact."""
    return dict(_named(names, tuple(texts)))


@lru_cache(maxsize=1 << 13)  # most columns of a schema look like another one, or like themselves before the step
def _named(names: tuple[str, ...], texts: tuple[str | None, ...]) -> Facts:
    facts: Facts = {}
    for name, text in zip(names, texts, strict=True):
        if not text:
            continue
        if name == PRIVILEGES:
            facts.update(privileges(text))
            continue
        word = _WORDS[name].get(text, text) if name in _WORDS else text
        if name == "options":
            word = _STAMP.sub("", text).lstrip(", ") or None
        if word is not None:
            facts[name] = _short_type(word) if name == "type" else word
    return facts


def _sequence_facts(texts: Iterable[str | None]) -> Facts:
    """Tell a sequence's options; its bounds only where they are not those of its type and direction."""
    facts = _facts(_SEQUENCE_FACTS, texts)
    largest = 2 ** _BITS.get(facts["type"], 63) - 1
    usual = ("1", str(largest)) if int(facts["increment"]) > 0 else (str(-largest - 1), "-1")
    for name, bound in zip(("minimum", "maximum"), usual, strict=True):
        if facts[name] == bound:
            del facts[name]
    return facts


class _Rendering:
    """One relation's rows on their way to its part."""

    def __init__(self, relation: Relation, names: Names) -> None:
        self.part: Part = {}
        self._relation = relation
        self._names = names
        self._schema = self._shown(relation.schema)
        self._comments = {
            (row.name, row.number, row.texts[1] != "0"): row.texts[0] or ""
            for tag in ("comment", "member comment")
            for row in relation.of(tag)
        }

    def add_relation(self, owned: Sequence[Relation]) -> None:
        """Add the relation itself, and all that hangs on it."""
        kind = self._relation.kind
        self.part[Key(RELATION_KINDS[kind], self._relation.name, "", self._schema)] = self._own_facts()
        self._add_columns("attribute" if kind == "c" else "column", owned)
        self._add_constraints()
        self._add_indexes()
        self._add_triggers()
        self._add_rules()
        self._add_policies()

    def add_sequence(self, relations: Mapping[int, Relation]) -> None:
        """Add a sequence, under its column where one owns it; that of an identity column is a fact of the column."""
        facts = self._own_facts()
        facts.update(_sequence_facts(self._relation.of("sequence")[0].texts))
        owner = self._relation.owner
        if owner is None:
            self.part[Key("sequence", self._relation.name, "", self._schema)] = facts
        elif not owner.identity:
            table = relations[owner.table]
            schema = self._shown(table.schema)
            facts["name"] = self._relation.name
            if schema != self._schema:
                facts["schema"] = self._relation.schema
            self.part[Key("sequence", table.columns[owner.column], table.name, schema)] = facts

    def _own_facts(self) -> Facts:
        facts = _facts(_RELATION_FACTS, self._relation.of("relation")[0].texts[2:-1])
        self._name_others(facts)
        self._add_comment(facts, "pg_class", self._relation.oid)
        parents = sorted(self._relation.of("inherits"), key=lambda row: row.number)
        if parents:
            facts["inherits"] = ", ".join(row.name for row in parents)
        for row in self._relation.of("foreign"):
            facts.update({"server": row.name, **_facts(("options",), row.texts)})
        return facts

    def _name_others(self, facts: Facts) -> None:
        for name in ("access method", "tablespace"):
            if name in facts:
                facts[name] = self._names.others.get(facts[name], facts[name])

    def _shown(self, schema: str) -> str:
        return "" if schema == self._names.default_schema else schema

    def _key(self, kind: str, name: str) -> Key:
        return Key(kind, name, self._relation.name, self._schema)

    def _add_comment(self, facts: Facts, catalog: str, oid: int, fact: str = "comment") -> None:
        if (catalog, oid, False) in self._comments:
            facts[fact] = self._comments[catalog, oid, False]

    def _add_columns(self, kind: str, owned: Sequence[Relation]) -> None:
        defaults = {row.number: row.texts[0] or "" for row in self._relation.of("default")}
        sequences: dict[tuple[int, bool], list[Relation]] = {}
        for sequence in owned:
            if sequence.owner is not None:
                sequences.setdefault((sequence.owner.column, sequence.owner.identity), []).append(sequence)
        rows = sorted(self._relation.of("column"), key=lambda row: row.number)
        for rank, row in enumerate(rows, 1):
            type_, nullability, identity, generated, *texts, _new = row.texts
            facts = _facts(_COLUMN_FACTS, (type_, nullability, *texts))
            facts["position"] = str(rank)
            if row.number in defaults:
                facts.update(_default(generated, defaults[row.number], sequences.get((row.number, False), ())))
            if identity:
                facts.update(_identity(identity, sequences.get((row.number, True), ())))
            if ("pg_class", row.number, True) in self._comments:
                facts["comment"] = self._comments["pg_class", row.number, True]
            self.part[self._key(kind, row.name)] = facts

    def _add_constraints(self) -> None:
        """Add the constraints; one that says NOT NULL is told of its column."""
        for row in self._relation.of("constraint"):
            kind, definition, column, _index, no_inherit, not_valid, is_local = row.texts
            if kind == "n":
                facts = self.part[self._key("column", self._relation.columns[int(column or 0)])]
                facts["not-null constraint"] = " ".join(filter(None, (row.name, no_inherit, not_valid)))
                self._add_comment(facts, "pg_constraint", row.number, "comment on the not-null constraint")
                continue
            facts = _facts(("definition", "inherited"), (definition, is_local))
            self._add_comment(facts, "pg_constraint", row.number)
            self.part[self._key(_CONSTRAINT_KINDS[str(kind)], row.name)] = facts

    def _add_indexes(self) -> None:
        """Add the indexes; what is to be said of a constraint's index is said of the constraint."""
        constraints = {row.texts[3]: row for row in self._relation.of("constraint") if row.texts[3] not in {None, "0"}}
        for row in self._relation.of("index"):
            definition, *texts = row.texts
            facts = self._index_facts(row.number, texts)
            constraint = constraints.get(str(row.number))
            if constraint is None:
                facts["definition"] = _without_names(definition or "")
                facts.pop("storage parameters", None)  # the definition has them
                self.part[self._key("index", row.name)] = facts
                continue
            if "comment" in facts:
                facts["comment on the index"] = facts.pop("comment")
            if row.name != constraint.name:
                facts["index"] = row.name
            self.part[self._key(_CONSTRAINT_KINDS[str(constraint.texts[0])], constraint.name)].update(facts)

    def _index_facts(self, oid: int, texts: Sequence[str | None]) -> Facts:
        facts = _facts(_INDEX_FACTS, texts)
        self._name_others(facts)
        self._add_comment(facts, "pg_class", oid)
        facts.update(("attached to", row.name) for row in self._relation.of("attached") if row.number == oid)
        targets = sorted(row.name for row in self._relation.of("targets") if row.number == oid)
        if targets:
            facts["statistics targets"] = ", ".join(targets)
        return facts

    def _add_triggers(self) -> None:
        for row in self._relation.of("trigger"):
            facts = _facts(_TRIGGER_FACTS, row.texts)
            facts["definition"] = _TRIGGER.sub(lambda found: found[1] or "", facts["definition"], count=1)
            self._add_comment(facts, "pg_trigger", row.number)
            self.part[self._key("trigger", row.name)] = facts

    def _add_rules(self) -> None:
        for row in self._relation.of("rule"):
            if row.texts:
                facts = _facts(_TRIGGER_FACTS[:2], row.texts)
                facts["definition"] = _RULE.sub("", facts["definition"], count=1)
                self._add_comment(facts, "pg_rewrite", row.number)
                self.part[self._key("rule", row.name)] = facts

    def _add_policies(self) -> None:
        for row in self._relation.of("policy"):
            facts = _facts(_POLICY_FACTS, row.texts)
            self._add_comment(facts, "pg_policy", row.number)
            self.part[self._key("policy", row.name)] = facts


@lru_cache(maxsize=1 << 12)
def _without_names(definition: str) -> str:
    """Leave the names of index and table out of an index's definition."""
    return _INDEX.sub(lambda found: found[1] or "", definition, count=1)


def _default(generated: str | None, expression: str, own: Iterable[Relation]) -> Facts:
    if generated:
        return {"generated": f"({expression}) {'STORED' if generated == 's' else 'VIRTUAL'}"}
    if any(expression == f"nextval({_literal(sequence.of('sequence')[0].name)}::regclass)" for sequence in own):
        return {"default": "nextval(its own sequence)"}
    return {"default": expression}


def _identity(identity: str, own: Iterable[Relation]) -> Facts:
    facts: Facts = {"identity": "ALWAYS" if identity == "a" else "BY DEFAULT"}
    for sequence in own:
        options = _sequence_facts(sequence.of("sequence")[0].texts)
        facts.update({f"identity {name}": text for name, text in options.items()})
    return facts


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _short_type(name: str) -> str:
    return re.sub(r"^character varying", "varchar", name)
