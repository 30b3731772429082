"""What was read of a PostgreSQL database last, and what of it a step can have changed."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_stairway.schema.model import Schema
from pytest_stairway.schema.postgresql_groups import GROUPS
from pytest_stairway.schema.postgresql_relations import TAGS, WITH_COMMENTS
from pytest_stairway.schema.postgresql_render import render_relation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pytest_stairway.schema.model import Part
    from pytest_stairway.schema.postgresql_counters import Touched
    from pytest_stairway.schema.postgresql_render import Members, Names
    from pytest_stairway.schema.postgresql_rows import Relation

__all__ = ["OF_RELATIONS", "Memory", "moves_everything"]

OF_RELATIONS = frozenset().union(*TAGS.values(), {"pg_type"})
"""Catalogs of which relations show something, or that move with them."""
_OF_GROUPS = frozenset().union(*(group.feeds for group in GROUPS))
_OF_NAMES = frozenset({"pg_authid", "pg_tablespace", "pg_am"})
"""Catalogs of which relations show the names only."""
_OF_NOTHING = frozenset({"pg_shdepend"})
"""Catalogs that are watched, but of which a schema shows nothing."""
_UPDATES_RENAME = _OF_NAMES | {"pg_enum"}

_SQL_BODY = re.compile(r"^ ?(?:BEGIN ATOMIC|RETURN )", re.MULTILINE)
_TABLES = frozenset({"r", "p", "f"})
_NOTHING: Part = {}


def moves_everything(touched: Touched) -> bool:
    """Tell whether a step did what can show in any object.

    Beside renames, which only reading again can tell from other updates, these are what happens to extensions (their
    members are left out), and whatever is not known to be harmless.
    """
    renames = any(touched.moved[name].updated for name in _UPDATES_RENAME & touched.moved.keys())
    extensions = touched.extends or not touched.moved.keys().isdisjoint({"pg_extension", "pg_am"})
    unknown = touched.moved.keys() - OF_RELATIONS - _OF_GROUPS - _OF_NAMES - _OF_NOTHING
    return renames or extensions or touched.by_hand or bool(unknown)


class Memory:
    """Everything that was read last."""

    def __init__(
        self,
        relations: dict[int, Relation],
        groups: dict[str, Members],
        names: Names,
        *,
        ignore: Collection[tuple[str, str]],
        old: Memory | None = None,
    ) -> None:
        """Remember what was read as everything; what is as it was in `old` stays the very same object."""
        self.relations: dict[int, Relation] = {}
        self.schema: Schema = old.schema if old is not None else Schema("postgresql", {}, names.default_schema)
        self.stored_anew = _stored_anew(old.relations, relations) if old is not None else set()
        self._groups: dict[str, Members] = {}
        self._names = names
        self._ignore = ignore
        self._owned: dict[int, set[int]] = {}
        self._tables_of_indexes: dict[int, int] = {}
        self._uses: dict[int, frozenset[int]] = {}
        self.ignored = frozenset(oid for oid, each in relations.items() if (each.schema, each.name) in ignore)
        self._replace(relations, groups, gone=self.schema.parts.keys())

    def update(self, found: dict[int, Relation], gone: Collection[int], groups: dict[str, Members]) -> None:
        """Remember what a step changed; what did not change stays the very same object."""
        old = [self.relations[oid] for oid in {*found, *gone} if oid in self.relations]
        self.stored_anew = _stored_anew({relation.oid: relation for relation in old}, found)
        again = _tables_of_sequences((*found.values(), *old))
        for relation in old:
            self._forget(self.relations.pop(relation.oid))
        neighbours = {oid: self.relations[oid] for oid in again if oid in self.relations}
        self._replace({**neighbours, **found}, groups, gone=[relation.part_name for relation in old])

    def _replace(self, relations: dict[int, Relation], groups: dict[str, Members], gone: Iterable[str]) -> None:
        """Take over relations and groups, all of whose parts are made anew, and drop parts."""
        self.relations.update(relations)
        for relation in relations.values():
            self._note(relation)
        changes: dict[str, Part] = dict.fromkeys(gone, _NOTHING)
        for oid, relation in relations.items():
            relation.part = render_relation(relation, self.relations, self._owned.get(oid, ()), self._names)
            ignored = (relation.schema, relation.name) in self._ignore
            changes[relation.part_name] = _NOTHING if ignored else relation.part
        changes.update({f"group {name}": members.part for name, members in groups.items()})
        self._change(changes)
        self._take_over(groups)

    def _change(self, changes: dict[str, Part]) -> None:
        """Put parts into the schema; without one that differs it stays the very same."""
        before = self.schema.parts
        different = {name: part for name, part in changes.items() if part != before.get(name, _NOTHING)}
        if different:
            parts = {**before, **different}
            for name in [name for name, part in different.items() if not part]:
                del parts[name]
            self.schema = Schema(self.schema.dialect, parts, self.schema.default_schema)

    def _take_over(self, groups: dict[str, Members]) -> None:
        self._groups.update(groups)
        if groups:
            self._groups_of_members = {oid: name for name, group in self._groups.items() for _, oid in group.names}
        if "functions" in groups:
            bodies = (facts.get("definition", "") for facts in groups["functions"].part.values())
            self._has_sql_bodies = any(map(_SQL_BODY.search, bodies))
        if "types" in groups:
            self._has_domains = any(kind == "domain" for kind, _ in groups["types"].names)

    def renamed(self, found: Mapping[int, Relation], groups: Mapping[str, Members]) -> bool:
        """Tell whether something that was there before has another name now."""
        return any(oid in self.relations and self.relations[oid].renamed(new) for oid, new in found.items()) or any(
            self._groups[name].renamed(new) for name, new in groups.items()
        )

    @property
    def has_uses(self) -> bool:
        """Tell whether any view, rule or policy uses another relation."""
        return bool(self._uses)

    def targets(self, touched: Touched, *, all_users: bool) -> tuple[frozenset[int], set[str]]:
        """Choose what to read after a step: relations, and the tags of branches.

        Views, rules and policies follow the relations that they use, for what columns those have can show in their
        text; with `all_users` they all follow.
        """
        locked = frozenset(touched.relations)
        users = {oid for oid, used in self._uses.items() if all_users or used & locked}
        tags = {"relation", *_tags_of(frozenset(touched.moved))}
        if users:
            tags |= {"rule", "policy"}
        if "comment" in tags and any(catalog in WITH_COMMENTS for catalog, _ in touched.objects):
            tags.add("member comment")
        indexes = touched.changeable & self._tables_of_indexes.keys()
        tables = {self._tables_of_indexes[oid] for oid in indexes} - self.ignored
        if tables - locked or (tables and touched.updates("pg_class")):
            tags.add("index")
        if tables and touched.updates("pg_attribute"):
            tags.add("targets")
        return (locked | users | tables) - self.ignored, tags

    def unexplained(self, touched: Touched, found: Mapping[int, Relation]) -> frozenset[str]:
        """Tell of which catalogs more rows were updated than are seen to be of the relations that were found.

        Each relation and column that was there before and has a new row, or is gone, explains one update; if those are
        all, there was no other.
        """
        before = [(self.relations[oid], new) for oid, new in found.items() if oid in self.relations]
        relations = sum(new.is_new for _, new in before)
        columns = sum(
            len(old.columns.keys() & new.new_columns | old.columns.keys() - new.columns) for old, new in before
        )
        seen = {"pg_class": relations, "pg_attribute": columns}
        return frozenset(catalog for catalog, count in seen.items() if touched.updates(catalog) > count)

    def may_move_types(self, touched: Touched, found: Mapping[int, Relation], gone: Iterable[int]) -> bool:
        """Tell whether types came that are not the two of each new relation, or changed.

        A table that is written anew has a successor meanwhile, whose types come and go.  A type of its own that goes
        leaves a lock, which `dirty_groups` sees.
        """
        new = sum(relation.kind != "S" for oid, relation in found.items() if oid not in self.relations)
        lost = sum(self.relations[oid].kind != "S" for oid in gone)
        moved = touched.moved.get("pg_type")
        return moved is not None and (moved.updated > 0 or moved.inserted - moved.deleted != 2 * (new - lost))

    def dirty_groups(self, touched: Touched) -> frozenset[str]:
        """Choose the groups of which something may have changed; of types that came see `may_move_types`."""
        catalogs = touched.moved.keys() - {"pg_type"}
        if "pg_constraint" in catalogs and self._has_domains:
            catalogs.add("pg_type")
        if self._has_sql_bodies and catalogs & OF_RELATIONS:
            catalogs.add("pg_proc")
        # A comment leaves a lock on the object, and so does dropping a type.
        members = {self._groups_of_members[oid] for _, oid in touched.objects if oid in self._groups_of_members}
        return _groups_of(frozenset(catalogs)) | members

    def tables(self, oids: Iterable[int]) -> frozenset[str]:
        """Name those of the relations that are tables."""
        found = (self.relations[oid] for oid in oids if oid in self.relations)
        return frozenset(self._shown(relation) for relation in found if self._counts(relation))

    def _counts(self, relation: Relation) -> bool:
        return relation.kind in _TABLES and (relation.schema, relation.name) not in self._ignore

    def _shown(self, relation: Relation) -> str:
        default = relation.schema == self._names.default_schema
        return relation.name if default else f"{relation.schema}.{relation.name}"

    def _note(self, relation: Relation) -> None:
        """Note what leads to a relation."""
        for index in relation.indexes:
            self._tables_of_indexes[index] = relation.oid
        if relation.uses:
            self._uses[relation.oid] = relation.uses
        if relation.owner is not None:
            self._owned.setdefault(relation.owner.table, set()).add(relation.oid)

    def _forget(self, relation: Relation) -> None:
        """Undo `_note`."""
        for index in relation.indexes:
            self._tables_of_indexes.pop(index, None)
        self._uses.pop(relation.oid, None)
        if relation.owner is not None:
            self._owned[relation.owner.table].discard(relation.oid)


@lru_cache(maxsize=1 << 8)  # most steps move the same few catalogs
def _tags_of(catalogs: frozenset[str]) -> frozenset[str]:
    return frozenset(tag for tag, feeds in TAGS.items() if feeds & catalogs)


@lru_cache(maxsize=1 << 8)
def _groups_of(catalogs: frozenset[str]) -> frozenset[str]:
    return frozenset(group.name for group in GROUPS if group.feeds & catalogs)


def _tables_of_sequences(relations: Iterable[Relation]) -> set[int]:
    """Find the tables whose columns own one of these: they tell of it."""
    return {relation.owner.table for relation in relations if relation.owner is not None}


def _stored_anew(before: Mapping[int, Relation], after: Mapping[int, Relation]) -> set[int]:
    """Find the relations that hold other rows under their name than before, though nobody wrote rows to them.

    All rows were written anew or came when the table was made; or the table has another name, or had another parent.

    Args:
        before: relations before the step, those that are gone or changed among them.
        after: those that it made or changed.
    """
    names = {(relation.schema, relation.name): oid for oid, relation in before.items()}
    return {
        oid
        for oid, new in after.items()
        if names.get((new.schema, new.name), oid) != oid
        or (_is_elsewhere(before[oid], new) if oid in before else new.is_filled)
    }


def _is_elsewhere(before: Relation, after: Relation) -> bool:
    old = (before.schema, before.name, before.storage, before.bound)
    numbers = {name: number for number, name in before.columns.items()}
    another = any(numbers.get(name, number) != number for number, name in after.columns.items())
    return another or old != (after.schema, after.name, after.storage, after.bound)
