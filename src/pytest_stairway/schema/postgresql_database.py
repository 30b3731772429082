"""Asks one PostgreSQL database: the statements of its version, run in a session that is left as it was found."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from pytest_stairway.asking import ask
from pytest_stairway.schema import postgresql_counters as counters
from pytest_stairway.schema.postgresql_counters import LAST, State
from pytest_stairway.schema.postgresql_groups import GROUPS
from pytest_stairway.schema.postgresql_relations import (
    TAGS,
    VARIANTS,
    all_relations,
    relations_at_end,
    some_relations,
)
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
    from pytest_stairway.schema.transaction import Ending

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
_LONGEST = 45
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
        known = "NULL" if last is None else f"'{last}'"
        texts, scans, counts = ask(
            connection, counters.state_statement(self._catalogs, self._oid, self.version, known)
        )[0]
        return State.of(texts, scans, counts, committed=None if texts[4] is None else texts[4] == "true")

    def end_step(
        self, connection: Connection, last: int | None, ignored: Iterable[int], guess: int, ending: Ending | None
    ) -> StepEnd:
        """See where things stand at a step's end, what locks it holds, and what is in the relations that it locked.

        Args:
            connection: where to read.
            last: the last step's transaction.
            ignored: relations that are not to be read.
            guess: the number of the variant that is likely to be needed.
            ending: how the transaction ends, if it is to be ended where that saves a round trip.

        Raises:
            EndingFailed: the ending was run, and raised.
        """
        ignored = sorted(ignored)
        if not takes_several(connection):
            state, locks = self._learn(connection, ask(connection, self._at_end((), ignored)), last)
            return StepEnd(state, locks, None, ended=False)
        name = _end_name(guess, ignored)
        rows = at_once(connection, f"EXECUTE {name}", ending) if name in self._prepared else None
        ended = rows is not None and ending is not None and ends_at_once(connection)
        if rows is None:
            rows = self._prepare_and_run(connection, name, self._at_end(VARIANTS[guess], ignored))
        state, locks = self._learn(connection, rows, last)
        return StepEnd(state, locks, rows, ended)

    def _at_end(self, tags: Iterable[str], ignored: Iterable[int]) -> str:
        """Write the statement for a step's end, which reads what these branches tell of the locked relations."""
        return relations_at_end(
            tags,
            self.version,
            ignored=ignored,
            ending=counters.end_branches(self._catalogs, self._oid, self.version),
            note=set_to(LAST, "pg_catalog.pg_current_xact_id()::text", local=False),
        )

    def _prepare_and_run(self, connection: Connection, name: str, statement: str) -> Rows:
        """Run the statement for a step's end, which is planned once in a session."""
        self._prepared = _prepared(connection)
        if name not in self._prepared:
            self._prepare(connection, name.removeprefix("stairway_"), statement)
        with _changed(connection, PLANNING):
            return ask(connection, f"EXECUTE {name}")

    def _learn(self, connection: Connection, rows: Rows, last: int | None) -> tuple[State, Sequence[str]]:
        """Take from the rows of a step's end where things stand, and the locks."""
        told = {tag: (number, texts) for relation, tag, _, number, texts in rows if not relation}
        scans, texts = told["state"]
        known = last is None or texts[4] == str(last)
        committed = None if last is None else known or self._was_committed(connection, last)
        state = State.of(texts, scans, told["counts"][1], committed=committed)
        self._transaction = state.transaction or 0
        return state, told["locks"][1]

    def _was_committed(self, connection: Connection, transaction: int) -> bool:
        """Tell whether a transaction was committed that was not, as far as is known, on this connection."""
        return bool(ask(connection, f"SELECT pg_xact_status('{transaction}'::xid8) = 'committed'")[0][0])

    @property
    def _xid(self) -> str:
        """The expression for the last step's transaction, which may have ended: its identifier without the epoch."""
        return f"'{self._transaction % 2**32}'::pg_catalog.xid"

    def touched(self, before: State, end: State, locks: Sequence[str]) -> Touched:
        """Tell what was touched since the state that the other follows."""
        return counters.touched(before, end, locks, self._catalogs)

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
        mine = [Row._make(row) for row in rows if row[0] and row[0] not in self._extensions]
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
        return relations_of(map(Row._make, rows), TAGS, {}), groups, names

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


def _end_name(variant: int, ignored: Iterable[int]) -> str:
    """Name the statement for a step's end; names of more than 63 bytes are cut."""
    unread = "_".join(map(str, ignored))
    return f"stairway_end_{variant}_{unread if len(unread) < _LONGEST else crc32(unread.encode())}"


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
    if dialect.driver not in _TAKE_SEVERAL or dialect.is_async or not connection.in_transaction():
        return False
    driver_connection: Any = connection.connection.driver_connection
    return not driver_connection.autocommit


def ends_at_once(connection: Connection) -> bool:
    """Tell whether `at_once` runs an ending, too."""
    return takes_several(connection) and connection.dialect.driver == "psycopg"


def at_once(connection: Connection, execute: str, ending: Ending | None = None) -> Rows | None:
    """Run a prepared statement without asking first whether it is there; None where it is not, and nothing happened.

    Where it may not be there it takes a savepoint, and a driver that sends several statements in one go: asking would
    be another round trip.

    Raises:
        EndingFailed: the ending was run, and raised; the transaction is over.
    """
    if not takes_several(connection):
        return None
    keeps_all = ends_at_once(connection)
    ending = ending if keeps_all else None
    guarded = ending is None or not ending.settled
    error = connection.dialect.loaded_dbapi.Error
    cursor = connection.connection.cursor()
    try:
        return _run_at_once(cursor, execute, ending, guarded=guarded, keeps_all=keeps_all)
    except error as raised:
        if not guarded:
            raise EndingFailed(raised) from None
        _return_to_savepoint(cursor, error, raised if ending is not None else None)
        return None
    finally:
        cursor.close()


def _run_at_once(cursor: Any, execute: str, ending: Ending | None, *, guarded: bool, keeps_all: bool) -> Rows:
    """Run a statement, between two that make and release a savepoint if it is guarded, and the ending.

    Where the driver keeps the last statement's rows only, as psycopg 2 does, what comes after is another round trip.
    """
    after = ["RELEASE SAVEPOINT stairway"] if guarded else []
    statements = ["SAVEPOINT stairway", execute] if guarded else [execute]
    if keeps_all:
        statements += [*after, *([ending.statement] if ending is not None else [])]
    cursor.execute("; ".join(statements))
    if keeps_all and guarded:
        cursor.nextset()
    rows: Rows = cursor.fetchall()
    if not keeps_all:
        cursor.execute(after[0])
    return rows


def _return_to_savepoint(cursor: Any, error: type[Exception], ending: Exception | None) -> None:
    """Undo what raised; where there is no savepoint any more, it was the ending that raised.

    Where each statement commits there is no savepoint either, and no ending.
    """
    try:
        cursor.execute("ROLLBACK TO SAVEPOINT stairway; RELEASE SAVEPOINT stairway")
    except error:
        if ending is not None:
            raise EndingFailed(ending) from None
