"""Reads a PostgreSQL schema from the catalogs, and after a step only what that step can have changed.

What an object's text depends on outside of itself is what other objects are called, and for views, rules, policies and
functions written in SQL also which columns the relations have that they use.  So where something that was there before
has another name, everything is read again; where not, what the step touched, and what uses that.  What a step touched
is told by `postgresql_counters`; where that knows nothing (a step that commits in between), everything is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.schema.postgresql_database import Database, variant_for
from pytest_stairway.schema.postgresql_groups import GROUPS
from pytest_stairway.schema.postgresql_memory import OF_RELATIONS, Memory, moves_everything
from pytest_stairway.schema.postgresql_relations import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from pytest_stairway.schema.model import Schema
    from pytest_stairway.schema.postgresql_counters import State, Touched
    from pytest_stairway.schema.postgresql_rows import Relation, Rows
    from pytest_stairway.schema.transaction import Ending

__all__ = ["Reader"]

_FIRST_GUESS = 3
"""The variant that has what most steps need."""
_PATIENCE = 2
"""How often the next transaction may be another than was expected, before each step is watched from its beginning."""


class Reader:
    """Reads one PostgreSQL database; see `SchemaReader`."""

    def __init__(self, _dialect_name: str, *, ignore: Collection[tuple[str | None, str]] = ()) -> None:
        self._ignored = frozenset(ignore)
        self.forget()

    def forget(self) -> None:
        """Drop what is remembered: the database was replaced."""
        self.touched_tables: frozenset[str] | None = None
        self._database = Database()
        self._memory: Memory | None = None
        self._seen: State | None = None  # where things stood when we looked last
        self._last: int | None = None  # the last step's transaction
        self._in_step = self._watched = False  # in a step; and looked at its beginning
        self._surprises = 0
        self._written: frozenset[int] | None = None
        self._guess = _FIRST_GUESS  # the variant that the next step is likely to need: that of the last
        self._after_step = False
        self._fresh = False  # the memory is what the database holds, if nobody else was at work

    def resume(self, connection: Connection) -> None:
        """See where things stand, so that the end of the next step tells what it touched."""
        if self._seen is not None:
            self._seen = self._database.state(connection, self._last)

    def turn_to_next(self) -> None:
        """See `SchemaReader`."""
        self._guess = _FIRST_GUESS

    def begin_step(self, connection: Connection) -> None:
        """See where things stand, where the end alone will not tell what the step touched."""
        if self._in_step:
            self._memory = None  # a step has failed
        self._database.meet(connection)
        self._watched = self._seen is None or self._seen.next is None or self._surprises > _PATIENCE
        if self._watched:
            self._seen = self._database.state(connection, self._last)
            if self._seen.committed is False:
                self._memory = None
        self._in_step = True
        self._after_step = self._fresh = False
        self.touched_tables = self._written = None

    def end_step(self, connection: Connection, ending: Ending | None = None) -> bool:
        """See what the step touched, and read that."""
        before = self._seen
        ignored = () if self._memory is None else self._memory.ignored
        ending = None if self._watched else ending  # what is asked of other sessions goes by the time of the beginning
        end = self._database.end_step(connection, self._last, ignored, self._guess, ending)
        state = end.state
        known = before is not None and self._is_known(connection, before, state)
        self._seen, self._last = state, state.transaction
        self._in_step, self._after_step = False, True
        if known and before is not None and self._memory is not None:
            touched = self._database.touched(before, state, end.locks)
            self._written = touched.written
            self._fresh = self._follow(connection, touched, self._memory, end.rows)
            if self._fresh:
                self._tell_touched(self._memory)
        return end.ended

    def _is_known(self, connection: Connection, before: State, state: State) -> bool:
        """Tell whether what the step did can be known: by the way that its beginning chose."""
        if not self._watched:
            alone = before.next is not None and state.alone(before.next)
            self._surprises += not alone
            return alone and state.trusted and state.committed is not False and state.follows(before)
        if not (before.trusted and before.moment == state.moment and state.follows(before)):
            return False
        return before.ended == state.ended or not self._database.others(connection, before)

    def read(self, connection: Connection, *, thorough: bool = False) -> Schema:
        """Give what `end_step` has read, or read everything."""
        if self._memory is None or thorough or not self._is_fresh(connection):
            self._database.meet(connection)
            self._seen = self._database.state(connection, None)
            relations, groups, names = self._database.read_all(connection)
            self._memory = Memory(relations, groups, names, ignore=self._ignore, old=self._memory)
            if self._after_step and not self._fresh:
                self._tell_touched(self._memory)
            self._in_step, self._fresh = False, True
        self._after_step = False
        return self._memory.schema

    def _is_fresh(self, connection: Connection) -> bool:
        """Tell whether nothing can have happened since the memory was brought up to date."""
        if not self._fresh or self._after_step:
            return self._fresh
        before, self._seen = self._seen, self._database.state(connection, None)
        return before is not None and before.next is not None and self._seen.alone(before.next)

    @property
    def _ignore(self) -> frozenset[tuple[str, str]]:
        return frozenset((schema or self._database.default_schema, table) for schema, table in self._ignored)

    def _follow(self, connection: Connection, touched: Touched, memory: Memory, rows: Rows | None) -> bool:
        """Bring the memory up to date; False where that takes reading everything."""
        if moves_everything(touched):
            return False
        found: dict[int, Relation] = {}
        gone: list[int] = []
        dirty = memory.dirty_groups(touched)
        if touched.moved.keys() & OF_RELATIONS:
            found = self._read_relations(connection, touched, memory, rows)
            expected = memory.relations.keys() & set(touched.relations) - memory.ignored
            gone = [oid for oid in expected if oid not in found]
            if memory.may_move_types(touched, found, gone) and self._database.new_types(connection):
                dirty |= {"types"}
        members = [group for group in GROUPS if group.name in dirty]
        groups = self._database.read_groups(connection, members) if members else {}
        if memory.renamed(found, groups):
            return False
        if found or gone or groups:
            memory.update(found, gone, groups)
        return True

    def _read_relations(
        self, connection: Connection, touched: Touched, memory: Memory, rows: Rows | None
    ) -> dict[int, Relation]:
        """Read the relations on which the step can have had an effect, and those that use them.

        Args:
            connection: where to read.
            touched: what the step touched.
            memory: what was there before.
            rows: what was read of the locked relations at once; None where nothing was.
        """
        indirect = memory.has_uses and self._database.row_types_in_use(connection, touched.relations)
        oids, tags = memory.targets(touched, all_users=indirect)
        found: dict[int, Relation] = {}
        wanted, guess, self._guess = oids, self._guess, variant_for(tags)
        if rows is not None and tags <= set(VARIANTS[guess]):
            found = self._database.relations(rows, guess, memory.relations)
            wanted = oids - frozenset(touched.relations)
        if wanted:
            found.update(self._database.read_some(connection, wanted, tags, memory.relations))
        unexplained = memory.unexplained(touched, found)
        if self._database.locks_for_grants and "pg_shdepend" not in touched.moved:
            unexplained -= {"pg_attribute"}
        if unexplained:
            others = self._database.new_rows(connection, unexplained) - oids
            if not others:
                return found
            found.update(self._database.read_some(connection, others, {"relation", "column"}, memory.relations))
        return found

    def _tell_touched(self, memory: Memory) -> None:
        """Name the tables of which rows were written, and those that were stored anew."""
        if self._written is not None:
            self.touched_tables = memory.tables({*self._written, *memory.stored_anew})
