"""Asks one PostgreSQL database: the statements of its version, run in a session that is left as it was found."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_stairway.schema import postgresql_counters as counters
from pytest_stairway.schema.postgresql_counters import LOCKED, State
from pytest_stairway.schema.postgresql_groups import GROUPS
from pytest_stairway.schema.postgresql_relations import TAGS, VARIANTS, all_relations, some_relations
from pytest_stairway.schema.postgresql_render import Members, Names, render_group
from pytest_stairway.schema.postgresql_rows import Row, relations_of
from pytest_stairway.schema.postgresql_settings import PLANNING, READING, change, restore, set_to
from pytest_stairway.schema.transaction import EndingFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from pytest_stairway.schema.postgresql_counters import Touched
    from pytest_stairway.schema.postgresql_groups import Group
    from pytest_stairway.schema.postgresql_rows import Relation, Rows

__all__ = ["Database", "variant_for"]

_ACQUAINTANCE = """SELECT current_setting('server_version_num')::int8, coalesce(current_schema()::text, 'public'),
 (SELECT oid::int8 FROM pg_catalog.pg_database WHERE datname = current_database())"""
_PREPARED = "SELECT name FROM pg_catalog.pg_prepared_statements"
_OTHERS = """SELECT oid::text, amname::text FROM pg_catalog.pg_am
UNION ALL SELECT oid::text, spcname::text FROM pg_catalog.pg_tablespace"""
_OF_EXTENSIONS = """SELECT objid::int8 FROM pg_catalog.pg_depend WHERE classid = 'pg_catalog.pg_class'::regclass
AND objsubid = 0 AND deptype = 'e'"""
_ROW_TYPES_IN_USE = """SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_type y ON y.oid = c.reltype
JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_type'::regclass AND d.refobjid IN (y.oid, y.typarray)
AND d.classid <> 'pg_catalog.pg_type'::regclass WHERE c.oid = ANY ('{{{}}}') AND c.reltype <> 0)"""
_FIRST_TO_LOCK_FOR_GRANTS = 180000
_TAKE_SEVERAL = frozenset({"psycopg", "psycopg2"})
"""Drivers that send several statements in one go."""


class StepEnd(NamedTuple):
    """What was learned at a step's end."""

    state: State
    locks: Sequence[str]
    rows: Rows | None
    """What the variant that was guessed tells of the relations that are locked; None where it was not at hand."""
    ended: bool
    """Whether the transaction was ended, too."""


class Database:
    """One database, over whatever connection is at hand."""

    def __init__(self) -> None:
        self.version = 0
        self.default_schema = ""
        self._oid = 0
        self._transaction = 0
        self._catalogs: dict[int, str] = {}
        self._driver_connection: object = None
        self._prepared: frozenset[str] = frozenset()
        self._extensions: frozenset[int] = frozenset()

    @property
    def locks_for_grants(self) -> bool:
        """GRANT and REVOKE on the columns of a table lock that table; DROP OWNED does not."""
        return self.version >= _FIRST_TO_LOCK_FOR_GRANTS

    def meet(self, connection: Connection) -> None:
        """Learn about the server, the first time; keep psycopg from dropping what is prepared on this connection."""
        if not self._catalogs:
            ((self.version, self.default_schema, self._oid),) = ask(connection, _ACQUAINTANCE)
            self._catalogs = {oid: name for oid, name in ask(connection, counters.CATALOGS)}  # noqa: C416 - rows are no pairs to mypy
        driver_connection: Any = connection.connection.driver_connection
        if driver_connection is not self._driver_connection:
            self._driver_connection, self._prepared = driver_connection, frozenset()
            if hasattr(driver_connection, "prepare_threshold"):
                # What psycopg prepares it drops with DEALLOCATE ALL after every DROP and ALTER: ours would go too.
                driver_connection.prepare_threshold = None

    def state(self, connection: Connection, last: int | None) -> State:
        """See where things stand; `last` is the last step's transaction."""
        return State.of(*ask(connection, self._state("NULL" if last is None else f"'{last}'"))[0])

    def end_step(
        self, connection: Connection, last: int | None, ignored: Iterable[int], guess: int | None, ending: str | None
    ) -> StepEnd:
        """See where things stand at a step's end, what locks it holds, and what is in the relations that it locked.

        Args:
            connection: where to read.
            last: the last step's transaction.
            ignored: relations that are not to be read.
            guess: the number of the variant that is likely to be needed; None where nothing is to be read.
            ending: the statement that ends the transaction, if it is to be run where that saves a round trip.

        Raises:
            EndingFailed: the ending was run, and raised.
        """
        known = "NULL" if last is None else f"'{last}'"
        unread = "'{" + ",".join(map(str, ignored)) + "}'"
        statements = [f"EXECUTE stairway_end({known}, {unread})"]
        if guess is not None and f"stairway_some_{guess}" in self._prepared:
            locked = f"pg_catalog.current_setting('{LOCKED}')::pg_catalog.oid[]"
            statements.append(_execute_some(guess, locked, "pg_catalog.pg_current_xact_id()::pg_catalog.xid"))
        results = at_once(connection, statements, ending) if "stairway_end" in self._prepared else None
        ended = results is not None and ending is not None and ends_at_once(connection)
        if results is None:
            results = [ask(connection, counters.end_statement(self._state(known), unread))]
            self._prepared = _prepared(connection)
            if "stairway_end" not in self._prepared and takes_several(connection):
                self._prepare(connection, "end(text, text)", counters.end_statement(self._state("$1"), "$2"))
        texts, scans, counts, locks, _ = results[0][0]
        state = State.of(texts, scans, counts)
        self._transaction = state.transaction or 0
        return StepEnd(state, locks, results[1] if len(results) > 1 else None, ended)

    @property
    def _xid(self) -> str:
        """The expression for the last step's transaction, which may have ended: its identifier without the epoch."""
        return f"'{self._transaction % 2**32}'::pg_catalog.xid"

    def touched(self, before: State, end: State, locks: Sequence[str]) -> Touched:
        """Tell what was touched since the state that the other follows."""
        return counters.touched(before, end, locks, self._catalogs)

    def _state(self, last: str) -> str:
        return counters.state_statement(self._catalogs, self._oid, self.version, last)

    def _prepare(self, connection: Connection, signature: str, statement: str) -> None:
        ask(connection, f"PREPARE stairway_{signature} AS {statement}", rows=False)
        self._prepared |= {_name_in(signature)}

    def others(self, connection: Connection, beginning: State) -> bool:
        """Tell whether another session may have been at work in this database since the beginning."""
        ask(connection, counters.CLEAR_STATISTICS)
        statement = counters.others_statement(self._oid, self.version, beginning)
        return bool(ask(connection, statement)[0][0])

    def new_types(self, connection: Connection) -> bool:
        """Tell whether types came or changed that stand by themselves."""
        rows = self._run(connection, "new_types(xid)", counters.new_types_statement(), f"({self._xid})")
        return bool(rows[0][0])

    def new_rows(self, connection: Connection, catalogs: Iterable[str]) -> frozenset[int]:
        """Find the relations of which these catalogs have new rows."""
        catalogs = sorted(catalogs)
        signature = "_".join(("new", *catalogs)) + "(xid)"
        rows = self._run(connection, signature, counters.new_rows_statement(catalogs), f"({self._xid})")
        return frozenset(oid for (oid,) in rows)

    def row_types_in_use(self, connection: Connection, relations: Iterable[int]) -> bool:
        """Tell whether something else uses the row type of one of these."""
        return bool(ask(connection, _ROW_TYPES_IN_USE.format(",".join(map(str, relations))))[0][0])

    def read_some(
        self, connection: Connection, oids: Iterable[int], tags: Collection[str], before: Mapping[int, Relation]
    ) -> dict[int, Relation]:
        """Read of some relations what some branches tell, within a step's transaction.

        Those that belong to extensions are left out, as long as `read_all` has seen them.

        Args:
            connection: where to read.
            oids: the relations.
            tags: of the branches that are needed.
            before: the relations as they were before.
        """
        number = variant_for(tags)
        variant = VARIANTS[number]
        own = ",".join(map(str, oids))
        execute = _execute_some(number, f"'{{{own}}}'", self._xid)
        if f"stairway_some_{number}" in self._prepared:
            rows = ask(connection, execute)
        else:
            statement = some_relations(variant, self.version)
            self._prepare(connection, f"some_{number}(oid[], xid, text, text)", statement)
            with _changed(connection, PLANNING):
                rows = ask(connection, execute)
        return self.relations(rows, number, before)

    def relations(self, rows: Rows, variant: int, before: Mapping[int, Relation]) -> dict[int, Relation]:
        """Sort what a variant has read by relation."""
        mine = [Row(*row) for row in rows if row[0] and row[0] not in self._extensions]
        return relations_of(mine, VARIANTS[variant], before)

    def read_groups(self, connection: Connection, groups: Iterable[Group]) -> dict[str, Members]:
        """Read some groups."""
        with _changed(connection, READING | PLANNING):
            return {group.name: self._group(connection, group) for group in groups}

    def read_all(self, connection: Connection) -> tuple[dict[int, Relation], dict[str, Members], Names]:
        """Read everything."""
        self._prepared = _prepared(connection)
        with _changed(connection, READING | PLANNING):
            rows = self._run(connection, "all", all_relations(self.version))
            conditions = ", ".join(group.presence for group in GROUPS)
            present = ask(connection, f"SELECT {conditions}")[0]
            groups = {
                group.name: self._group(connection, group) if there else Members({}, {})
                for group, there in zip(GROUPS, present, strict=True)
            }
            self._extensions = frozenset(oid for (oid,) in ask(connection, _OF_EXTENSIONS))
            names = Names(self.default_schema, {oid: name for oid, name in ask(connection, _OTHERS)})  # noqa: C416
        return relations_of([Row(*row) for row in rows], TAGS, {}), groups, names

    def _group(self, connection: Connection, group: Group) -> Members:
        return render_group(self._run(connection, group.name, group.statement(self.version)), self.default_schema)

    def _run(self, connection: Connection, signature: str, statement: str, values: str = "") -> Rows:
        """Run a statement that takes longer to plan than to run; once it is prepared, it is not planned again."""
        name = _name_in(signature)
        if name not in self._prepared:
            self._prepare(connection, signature, statement)
        return ask(connection, f"EXECUTE {name}{values}")


def _name_in(signature: str) -> str:
    """Give the name of the prepared statement that has this signature."""
    return f"stairway_{signature.split('(', maxsplit=1)[0]}"


def variant_for(tags: Collection[str]) -> int:
    """Choose the smallest variant that has these branches."""
    return next(number for number, variant in enumerate(VARIANTS) if set(tags) <= set(variant))


def _execute_some(variant: int, oids: str, transaction: str) -> str:
    """Write the call of a prepared variant, for the expressions of the relations' oids and of the step's transaction."""
    return f"""EXECUTE stairway_some_{variant}({oids}, {transaction}, pg_catalog.current_setting('plan_cache_mode'),
 {set_to("plan_cache_mode", "'force_generic_plan'")})"""


@contextmanager
def _changed(connection: Connection, settings: dict[str, str]) -> Iterator[None]:
    """Change settings meanwhile: for the transaction, or where each statement commits for the session."""
    name, value = next(iter(settings.items()))
    ask(connection, f"SELECT {change(settings)}")
    local = ask(connection, f"SELECT current_setting('{name}') = '{value}'")[0][0]
    if not local:
        ask(connection, f"SELECT {change(settings, local=False)}")
    yield
    ask(connection, f"SELECT {restore(settings, local=local)}")


def _prepared(connection: Connection) -> frozenset[str]:
    """Name the statements that are prepared in the session."""
    return frozenset(name for (name,) in ask(connection, _PREPARED))


def takes_several(connection: Connection) -> bool:
    """Tell whether the driver sends several statements in one go, in a transaction that we are in."""
    dialect = connection.dialect
    return dialect.driver in _TAKE_SEVERAL and not dialect.is_async and connection.in_transaction()


def ends_at_once(connection: Connection) -> bool:
    """Tell whether `at_once` runs an ending, too."""
    return takes_several(connection) and connection.dialect.driver == "psycopg"


def at_once(connection: Connection, executes: Sequence[str], ending: str | None = None) -> list[Rows] | None:
    """Run prepared statements without asking first whether they are there; None where one is not, and nothing happened.

    It takes a savepoint, and a driver that sends several statements in one go: asking would be another round trip.
    Psycopg 2 keeps the last statement's rows only, so it runs just the first.

    Raises:
        EndingFailed: the ending was run, and raised; the transaction is over.
    """
    if not takes_several(connection):
        return None
    error = connection.dialect.loaded_dbapi.Error
    cursor = connection.connection.cursor()
    try:
        if ends_at_once(connection):
            statements = ["SAVEPOINT stairway", *executes, "RELEASE SAVEPOINT stairway", *filter(None, [ending])]
            cursor.execute("; ".join(statements))
            return [cursor.fetchall() for _ in executes if cursor.nextset()]
        cursor.execute(f"SAVEPOINT stairway; {executes[0]}")
        rows: Rows = cursor.fetchall()
        cursor.execute("RELEASE SAVEPOINT stairway")
    except error as raised:
        _return_to_savepoint(cursor, error, raised if ending is not None else None)
        return None
    else:
        return [rows]
    finally:
        cursor.close()


def _return_to_savepoint(cursor: Any, error: type[Exception], ending: Exception | None) -> None:
    """Undo what raised; where there is no savepoint any more, it was the ending that raised.

    Where each statement commits there is no savepoint either, and no ending.
    """
    try:
        cursor.execute("ROLLBACK TO SAVEPOINT stairway; RELEASE SAVEPOINT stairway")
    except error:
        if ending is not None:
            raise EndingFailed(ending) from None


def ask(connection: Connection, statement: str, *, rows: bool = True) -> Rows:
    """Run a statement without parameters.

    Inside a transaction the driver is asked directly: on a statement that takes the server a tenth of a millisecond,
    half as much again would go to SQLAlchemy's events and results.
    """
    if not connection.in_transaction():
        result = connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        return result.fetchall() if rows else ()
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement)
        return cursor.fetchall() if rows else ()
    finally:
        cursor.close()
