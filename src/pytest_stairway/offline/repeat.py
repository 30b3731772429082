"""Takes revisions down and up once more by their offline SQL, on the walk's own database.

After a round trip the database stands above the revision, and what each of its steps comes to is known, schema and
rows.  Where the steps give the same each time, the SQL must give it too: down as ``alembic downgrade`` did, up as
``alembic upgrade``.  That costs two steps, and no second database.

This can prove that nothing differs, and that only.  Whatever is in doubt (SQL that a client might read otherwise, rows
that are never the same twice, a session with settings of its own, any difference at all) is left to `offline.walk`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from pytest_stairway.offline import mysql_plain
from pytest_stairway.offline.checks import Blame, check_rendering, differing
from pytest_stairway.offline.plain import does_the_same_online, is_plain_script, sets_timeouts
from pytest_stairway.offline.rendering import Part, Step
from pytest_stairway.offline.scripts import without_version_table
from pytest_stairway.revisions.source import read_text
from pytest_stairway.schema import Verdict, compare_schemas
from pytest_stairway.schema.transaction import Ending
from pytest_stairway.walk.session import StepFailed
from pytest_stairway.walk.snapshots import same
from pytest_stairway.walk.stepping import CHAIN, chains, end_transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pytest_stairway.offline.scripts import OfflineScripts
    from pytest_stairway.revisions import History
    from pytest_stairway.rows import Rows
    from pytest_stairway.walk.carried_rows import CarriedRows
    from pytest_stairway.walk.roundtrip import Roundtrip
    from pytest_stairway.walk.session import Session
    from pytest_stairway.walk.snapshots import Snapshot, Snapshots

__all__ = ["REPEATED", "OfflineRepeat"]

REPEATED = frozenset({"postgresql", "mysql", "mariadb"})
"""Where it is known which statements clients send as they are written."""

_OWN_SETTINGS = text("""
    SELECT current_user <> session_user OR pg_my_temp_schema() <> 0 OR EXISTS (
        SELECT FROM pg_settings WHERE source IN ('session', 'client')
        AND name NOT IN ('application_name', 'client_encoding', 'jit', 'lock_timeout', 'statement_timeout'))""")
"""Whether a statement may mean something else in a session than in psql's."""
_TIMEOUTS = ("lock_timeout", "statement_timeout")
"""What SQL may set: brought back after it, as after a migration."""
_LIKE_A_CLIENT = "stairway_like_a_client"
_PATIENCE = 2
"""How often the walk may have to begin anew because of a repeated trip: each time costs it the whole way up."""


class OfflineRepeat:
    """Repeats round trips by their SQL: what the walk calls after each.

    Args:
        scripts: the history's SQL.
        history: the revisions.
        dialect: SQLAlchemy's name of the dialect.
    """

    def __init__(self, scripts: OfflineScripts, history: History, dialect: str) -> None:
        self._scripts = scripts
        self._history = history
        self._dialect = dialect
        self._spoilt = 0
        self.tried: set[str] = set()
        """Revisions that are not tried again."""
        self.proven: set[str] = set()
        """Those whose SQL does what `alembic` does."""

    def __call__(self, trip: Roundtrip, session: Session, snapshots: Snapshots, rows: CarriedRows) -> bool:
        """Repeat a trip, if that can prove anything; tell whether the database is as it was."""
        revision = trip.revision
        if revision in self.tried:
            return True
        self.tried.add(revision)
        steps = (Step(revision, upgrade=False), Step(revision)) if _is_steady(trip) else ()
        blames = [Blame(self._scripts.of(step), self._history, self._dialect) for step in steps]
        if self._spoilt >= _PATIENCE or not blames or not rows.trusted or not self._is_fit(trip, blames):
            return True
        place = _Place(trip, session, snapshots, rows)
        if place.repeat(blames):
            self.proven.add(revision)
            return True
        restored = place.restore()
        self._spoilt += not restored
        return restored

    def _is_fit(self, trip: Roundtrip, blames: list[Blame]) -> bool:
        """Tell whether the SQL is beyond doubt as it is written, and meets the rows that it was written for."""
        is_plain = is_plain_script if self._dialect == "postgresql" else mysql_plain.is_plain_script
        if any(check_rendering(blame) or not is_plain(blame.script) for blame in blames):
            return False
        if not _is_back(trip.before or {}, trip.downgraded or {}):
            return False
        source = read_text(self._history[trip.revision].path)
        return trip.seen[0] == trip.seen[2] or does_the_same_online(source)


class _Place:
    """The walk's database after a round trip."""

    def __init__(self, trip: Roundtrip, session: Session, snapshots: Snapshots, rows: CarriedRows) -> None:
        self._trip = trip
        self._session = session
        self._snapshots = snapshots
        self._rows = rows
        self._below = False

    def repeat(self, blames: list[Blame]) -> bool:
        """Take steps by their SQL, in one turn of `env.py`; tell whether each came to what Alembic's step came to."""
        done: list[bool] = []

        def work(url: str, connection: Connection) -> None:
            done.append(_is_like_a_client(connection) and all(self._take(blame, url, connection) for blame in blames))

        self._rows.following = True
        try:
            self._session.look(work)
        finally:
            self._rows.following = False
        return done == [True]

    def _take(self, blame: Blame, url: str, connection: Connection) -> bool:
        wanted = {Part.MIGRATION, Part.VERSION}
        statements = [each.text for each in without_version_table(blame.script) if each.part in wanted]
        if not self._run(statements, url, connection):
            return False
        self._below = not blame.script.steps[0].upgrade
        snapshot = self._trip.downgraded if self._below else self._trip.reupgraded
        return self._came_to(blame, snapshot or {}, self._trip.seen[2 if self._below else 3])

    def _run(self, statements: list[str], url: str, connection: Connection) -> bool:
        """Run statements in a transaction of their own, and look at what came of them as after any step."""
        if not connection.in_transaction():  # the readers go by what SQLAlchemy knows
            connection.begin()
        is_postgresql = connection.dialect.name == "postgresql"
        timeouts = _timeouts(connection) if is_postgresql and sets_timeouts(statements) else []
        self._snapshots.begin_step(url, connection)
        ending = Ending(CHAIN, settled=True) if chains(connection) and not timeouts else None
        try:
            _execute(connection, statements)
            if not self._snapshots.end_step(url, connection, ending):
                end_transaction(connection)
            if timeouts:
                _execute(connection, timeouts)
                connection.connection.commit()
        except Exception:  # noqa: BLE001 - drivers raise what they like; `offline_walk` finds out what it is
            connection.connection.rollback()
            return False
        self._snapshots.read(url, connection)
        return True

    def _came_to(self, blame: Blame, snapshot: Snapshot, rows: dict[str, Rows]) -> bool:
        now, rows_now = self._snapshots.latest, self._rows.latest
        if not self._rows.trusted or now.keys() != snapshot.keys() or rows_now.keys() != rows.keys():
            return False
        return not any(
            differing(blame, (schema, rows[name]), (now[name], rows_now[name])) for name, schema in snapshot.items()
        )

    def restore(self) -> bool:
        """Bring the database to where the trip left it, by Alembic's own steps; tell whether that is so."""
        self._session.close()  # the next run of env.py sees what the version table holds now
        again = (False, True)
        return any(self._is_restored_by(steps) for steps in (((True,), again) if self._below else ((), again)))

    def _is_restored_by(self, steps: tuple[bool, ...]) -> bool:
        self._rows.following = True
        try:
            for upgrade in steps:
                self._session.step(self._trip.revision, upgrade=upgrade)
        except StepFailed:
            return False
        finally:
            self._rows.following = False
        self._session.look(self._snapshots.read_thoroughly)
        return same(self._snapshots.latest, self._trip.reupgraded or {}) and self._rows.latest == self._trip.seen[3]


def _is_steady(trip: Roundtrip) -> bool:
    """Tell whether a trip went well, and the second upgrade came to what the first one came to."""
    if trip.failures or trip.row_failures or trip.upgraded is None or trip.reupgraded is None:
        return False
    return trip.seen[1] == trip.seen[3] and same(trip.upgraded, trip.reupgraded)


def _is_back(before: Snapshot, after: Snapshot) -> bool:
    """Tell whether a downgrade came back to the schema before, the order of columns and other texts aside."""
    found = (each for name, schema in before.items() for each in compare_schemas(schema, after[name]))
    return not any(each.verdict is Verdict.DIFFERENT for each in found)


def _is_like_a_client(connection: Connection) -> bool:
    """Tell whether SQL means on this connection what it means on a client's; asked once of each."""
    if _LIKE_A_CLIENT not in connection.info:
        is_like = _is_like_psql if connection.dialect.name == "postgresql" else mysql_plain.is_like_a_client
        connection.info[_LIKE_A_CLIENT] = is_like(connection)
    like: bool = connection.info[_LIKE_A_CLIENT]
    return like


def _is_like_psql(connection: Connection) -> bool:
    autocommits = getattr(connection.connection.dbapi_connection, "autocommit", False)
    return not connection.execute(_OWN_SETTINGS).scalar_one() and not autocommits


def _timeouts(connection: Connection) -> list[str]:
    """Give the statements that bring the session's timeouts back to what they are now."""
    values = connection.exec_driver_sql(f"SELECT {', '.join(f'current_setting({each!r})' for each in _TIMEOUTS)}").one()
    return [f"SET SESSION {name} = '{value}'" for name, value in zip(_TIMEOUTS, values, strict=True)]


def _execute(connection: Connection, statements: list[str]) -> None:
    """Run statements by the driver, which sends them as they are."""
    cursor = connection.connection.cursor()
    try:
        for statement in statements:
            cursor.execute(statement)
    finally:
        cursor.close()
