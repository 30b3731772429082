"""Reads the schema of a database of MariaDB or MySQL.

These servers have no catalog that says cheaply what changed, but they count the statements of each kind that anybody
has run, those in procedures and in prepared statements too.  Where only kinds were run that change no schema, nothing
is read.  Where the step's own statements explain the counts, the tables are read that these name.  Else what SHOW
CREATE TABLE says of each table is compared with what it said last time.  Only what is different is taken apart.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

from pytest_stairway.schema.model import Part, Schema
from pytest_stairway.schema.mysql_part import describe_sequence, describe_table, describe_view
from pytest_stairway.schema.mysql_privileges import GRANTING, read_privileges
from pytest_stairway.schema.mysql_programs import describe_events, describe_routines, describe_triggers
from pytest_stairway.schema.mysql_queries import DEFAULTS, EVENTS, ROUTINES, TRIGGERS, Session, default_part
from pytest_stairway.schema.mysql_statements import Statements, changed_tables, statements_on
from pytest_stairway.schema.transaction import undisturbed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from pytest_stairway.schema.transaction import Ending

__all__ = ["Reader"]

_HARMLESS = frozenset(
    {
        *("select", "do", "begin", "commit", "rollback", "savepoint", "release_savepoint", "rollback_to_savepoint"),
        *("insert", "insert_select", "replace", "replace_select", "update", "update_multi", "delete", "delete_multi"),
        *("set_option", "change_db", "lock_tables", "unlock_tables", "admin_commands", "empty_query", "kill"),
        "checksum",
    }
)
"""Kinds of statements that change no schema; besides, ``show_…`` and the calls by which statements are prepared."""
_WRITING = frozenset(
    {
        *("insert", "insert_select", "replace", "replace_select", "update", "update_multi", "delete", "delete_multi"),
        *("load", "call_procedure", "execute_sql", "execute_immediate"),
    }
)
"""Kinds of statements that write rows, or may."""
_HARMLESS_PREFIXES = ("show_", "stmt_")

Counts = dict[str, str]


class Reader:
    """Reads one database, and remembers what the server said of each table with what came of it.

    It need not be told of steps, but knows by their statements which tables to read.

    Args:
        dialect_name: SQLAlchemy's name of the dialect; ``mysql`` and ``mariadb`` are one.
        ignore: tables to leave out, as (schema, table).
    """

    touched_tables: frozenset[str] | None
    """Those that the last step changed, where nobody wrote rows; None where somebody did: these servers do not count
    what happens to the rows of one table."""
    _rows_written: int | None

    def __init__(self, dialect_name: str, *, ignore: frozenset[tuple[str | None, str]]) -> None:
        del dialect_name
        self._ignore = ignore
        self._database: str | None = None
        self._statements: Statements | None = None
        self._version_tables = frozenset(table for _, table in ignore)
        self.forget()

    def turn_to_next(self) -> None:
        """See `SchemaReader`."""

    def begin_step(self, connection: Connection) -> None:
        """Note the statements of the step: they may tell which tables it changes."""
        self._stop_noting()
        self._statements = Statements(connection)

    def end_step(self, connection: Connection, ending: Ending | None = None) -> bool:  # noqa: ARG002 - it never is
        """Note no more."""
        self._stop_noting()
        return False

    def _stop_noting(self) -> None:
        if self._statements is not None:
            self._statements.close()
            self._seen += self._statements.seen
            self._statements = None

    def resume(self, connection: Connection) -> None:
        """Note how much was written, so that the rows that were made are nobody's."""
        with undisturbed(connection):
            self._rows_written = _written(_all_counts(Session(connection)))

    def forget(self) -> None:
        """Drop what is remembered: the database was replaced."""
        self.touched_tables = None
        self._rows_written = None
        self._counts: Counts | None = None
        self._new_counts: Counts = {}
        self._granted: tuple[object, ...] | None = None
        self._schema = Schema("mysql", {})
        self._texts: dict[str, str] = {}
        self._seen: list[str] = []

    def read(self, connection: Connection, *, thorough: bool = False) -> Schema:
        """Read the schema; the very same one where nothing changed.

        Args:
            connection: the one on which the step ran.
            thorough: read everything, whatever is remembered.
        """
        with undisturbed(connection):
            session = Session(connection)
            if thorough:
                self.forget()
            everything = _all_counts(session)
            counts = _of_schema(everything)
            changed = changed_tables(self._seen, self._counts, counts)
            wrote = self._wrote_rows(everything)
            names = set(self._texts)
            if counts != self._counts:
                self._database = self._database or session.database()
                self._new_counts = counts
                self._schema = Schema("mysql", dict(self._parts(session, changed)))
                self._counts = counts
            self.touched_tables = None
            if changed is not None and not wrote:
                self.touched_tables = frozenset(name for name in {*names, *self._texts} if name.lower() in changed)
        return self._schema

    def _wrote_rows(self, counts: Counts) -> bool:
        """Tell whether anybody may have written rows since it was last asked, other than Alembic its own."""
        before, self._rows_written = self._rows_written, _written(counts)
        own = statements_on(self._seen, self._version_tables)
        self._seen = []
        return before is None or before + own != self._rows_written

    def _parts(self, session: Session, changed: frozenset[str] | None) -> Iterator[tuple[str, Part]]:
        """Read all that may have changed, and hand out again what is as it was."""
        assert self._database is not None  # `read` has asked for it
        kinds = {name: kind for name, kind in session.tables(self._database) if self._is_wanted(name)}
        with session.plain():
            texts = {
                name: _text(session, self._database, name, kind)
                if self._may_have_changed(name, kind, changed)
                else self._texts[name]
                for name, kind in kinds.items()
            }
            routines = session.routines(self._database, session.rows(ROUTINES, self._database))
        for name, text in texts.items():
            part_name = f"table {name}"
            known = self._schema.parts.get(part_name)
            same = known is not None and self._texts.get(name) == text
            yield part_name, known if same and known is not None else _described(name, kinds[name], text)
        self._texts = texts
        yield from self._remembered("triggers", describe_triggers(session.rows(TRIGGERS, self._database), kinds))
        yield from self._remembered("routines", describe_routines(routines))
        yield from self._remembered("events", describe_events(session.rows(EVENTS, self._database)))
        yield from self._privileges(session, routines, kinds)
        yield from self._remembered("defaults", default_part(session.rows(DEFAULTS, self._database)))

    def _privileges(
        self, session: Session, routines: Iterable[Sequence[Any]], tables: Collection[str]
    ) -> Iterator[tuple[str, Part]]:
        """Read what is granted, where a statement was run that may have changed it, or an object came or went."""
        granting = {kind: value for kind, value in self._new_counts.items() if any(word in kind for word in GRANTING)}
        granted = (granting, frozenset(tables), tuple((name, kind) for name, kind, *_ in routines))
        known = self._schema.parts.get("privileges")
        if known is None or granted != self._granted:
            known = read_privileges(session, self._database or "", routines, tables)
        self._granted = granted
        yield from self._remembered("privileges", known)

    def _may_have_changed(self, name: str, kind: str, changed: frozenset[str] | None) -> bool:
        """Tell whether a table must be read again: views must, and what refers to a table that changed."""
        known = self._texts.get(name)
        if changed is None or known is None or name.lower() in changed or kind != "BASE TABLE":
            return True
        return any(f"references `{table}`" in known.lower() for table in changed)

    def _remembered(self, name: str, part: Part) -> Iterator[tuple[str, Part]]:
        """Give a part, the very same as last time where it is equal."""
        known = self._schema.parts.get(name)
        yield name, known if known is not None and known == part else part

    def _is_wanted(self, table: str) -> bool:
        return (None, table) not in self._ignore and (self._database, table) not in self._ignore


def _all_counts(session: Session) -> Counts:
    """Return how many statements of each kind were run, by whomever."""
    found = session.run(r"SHOW GLOBAL STATUS LIKE 'Com\_%'")
    return {name.lower().removeprefix("com_"): value for name, value in found if value != "0"}


def _of_schema(counts: Counts) -> Counts:
    """Leave out the kinds of statements that change no schema."""
    return {
        name: value
        for name, value in counts.items()
        if name not in _HARMLESS and not name.startswith(_HARMLESS_PREFIXES)
    }


def _written(counts: Counts) -> int:
    """Return how many statements wrote rows; those in procedures, functions and triggers are among them."""
    return sum(int(value) for name, value in counts.items() if name in _WRITING)


def _text(session: Session, database: str, name: str, kind: str) -> str:
    """Return the statement that creates a table, a view or a sequence; of a view over what is gone, what is wrong."""
    try:
        return session.created(database, name, kind)
    except DBAPIError as error:
        if kind != "VIEW":
            raise
        return f"cannot be read: {error.orig}"


@lru_cache(maxsize=4096)
def _described(name: str, kind: str, text: str) -> Part:
    if kind == "VIEW":
        return describe_view(name, text)
    if kind == "SEQUENCE":
        return describe_sequence(name, text)
    return describe_table(name, text)
