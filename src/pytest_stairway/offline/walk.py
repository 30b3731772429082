"""Checks each revision's offline SQL: two databases go through the history side by side.

One is migrated by `env.py`, as ever; the other by the SQL that Alembic writes offline.  Both start each revision with
the same rows, and after each step they must be the same.  They go on from there, so that nothing is copied as long as
nothing differs; where something does, the second one becomes a copy of the first again.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import text

from pytest_stairway.environment.access import Access
from pytest_stairway.environment.environment import Environment
from pytest_stairway.environment.sandbox import Sandbox
from pytest_stairway.offline.checks import Blame, check_rendering, differing, failed_to_run
from pytest_stairway.offline.rendering import Step
from pytest_stairway.offline.runners import SEED, script_runner
from pytest_stairway.offline.scripts import without_version_table
from pytest_stairway.rows import RowReader, Rows, compare_rows
from pytest_stairway.schema import compare_schemas, reader_for
from pytest_stairway.walk.session import Session, StepFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from pytest_stairway.databases import Database, Server
    from pytest_stairway.environment.environment import Survey
    from pytest_stairway.findings import Finding
    from pytest_stairway.offline.runners import ScriptRunner
    from pytest_stairway.offline.scripts import OfflineScripts
    from pytest_stairway.revisions import History
    from pytest_stairway.rows import RowGenerator, Supply
    from pytest_stairway.schema import Schema, SchemaReader
    from pytest_stairway.schema.transaction import Ending
    from pytest_stairway.walk.carried_rows import RowSettings

__all__ = ["COMPARED", "OfflineTrip", "OfflineWalk"]

COMPARED = frozenset({"postgresql", "sqlite"})
"""Dialects of which rows can be read, so that two results can be compared."""

_AGAIN = 2
"""The second upgrade, after upgrade and downgrade."""

_CHANGING = re.compile(r"\b(?:now|clock_timestamp|gen_random_uuid|uuid_generate_\w+|current_\w+)\b", re.IGNORECASE)
"""What gives another value each time, whatever the seed."""


@dataclass(slots=True, kw_only=True)
class OfflineTrip:
    """What was found about one revision."""

    findings: list[Finding] = field(default_factory=list)
    blocked_by: str | None = None
    """A revision that cannot go up online, which the walk tells of."""
    different: set[str | None] = field(default_factory=set)
    """What is not the same on both sides any more."""


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two databases, as it is read and filled."""

    database: Database
    access: Access
    rows: RowReader
    generator: RowGenerator


class _Lookout:
    """Seeds the online side before each step, and reads its schema after it: a session's observer."""

    def __init__(self, reader: SchemaReader) -> None:
        self._reader = reader
        self.schema: Schema | None = None

    def forget(self) -> None:
        """Remember nothing of the schema, because steps were taken which nobody watched."""
        self._reader.forget()

    def begin_step(self, _url: str, connection: Connection) -> None:
        """See `Observer`."""
        if connection.dialect.name == "postgresql":
            connection.execute(text(SEED.rstrip(";")))
        self._reader.begin_step(connection)

    def end_step(self, _url: str, connection: Connection, ending: Ending | None = None) -> bool:  # noqa: ARG002
        """See `Observer`."""
        self._reader.end_step(connection)
        return False

    def read(self, _url: str, connection: Connection) -> None:
        """See `Observer`."""
        self.schema = self._reader.read(connection)


class OfflineWalk:
    """Walks revisions on two databases side by side.

    Args:
        history: the revisions.
        server: where the databases are.
        survey: how `env.py` configures Alembic.
        address: where `env.py` connects to, as the sandbox knows it.
        driver: the one that `env.py` uses.
        rows: what the user says about rows.
        scripts: the history's SQL.
        planned: revisions that will be asked for.
    """

    def __init__(
        self,
        history: History,
        server: Server,
        survey: Survey,
        *,
        address: str,
        driver: str,
        rows: RowSettings,
        scripts: OfflineScripts,
        planned: Iterable[str] = (),
    ) -> None:
        self._scripts = scripts
        self._history = history
        self._server = server
        self._survey = survey
        self._address = address
        self._driver = driver
        self._rows = rows
        self._order = [revision.revision for revision in history.revisions]
        self._irreversible = scripts.irreversible
        wanted = frozenset(planned)
        self._planned = [revision for revision in self._order if revision in wanted]
        self._trips: dict[str, OfflineTrip] = {}
        self._blocked: dict[str, StepFailed] = {}
        self._applied: list[str] = []
        self._online: _Side | None = None
        self._offline: _Side | None = None
        self._session: Session | None = None
        self._lookout: _Lookout | None = None
        self._runner: ScriptRunner | None = None
        self._filled = False

    def check(self, revision: str) -> OfflineTrip:
        """Check one revision's SQL.

        Raises:
            StairwayError: `env.py` cannot be run in offline mode.
        """
        if revision not in self._trips:
            earlier = self._planned[: self._planned.index(revision)] if revision in self._planned else []
            self._scripts.render()
            for name in [*(each for each in earlier if each not in self._trips), revision]:
                self._trips[name] = self._check(name)
        return self._trips[revision]

    def spare(self, revisions: Iterable[str]) -> None:
        """Take it that nothing is to be found in some revisions."""
        for revision in revisions:
            self._trips.setdefault(revision, OfflineTrip())

    def pause(self) -> None:
        """End the run of `env.py`; the databases stay."""
        if self._session is not None:
            self._session.close()

    def close(self) -> None:
        """Drop the databases."""
        self.pause()
        self._drop_offline()
        self._drop_online()

    # -- one revision -------------------------------------------------------------------------------------------------

    def _check(self, revision: str, *, populated: bool = True) -> OfflineTrip:
        trip = OfflineTrip()
        self._reach(self._order[: self._order.index(revision)])
        trip.blocked_by = self._blocker(revision)
        if trip.blocked_by is None:
            if populated:
                self._populate(revision)
            up = self._step(trip, Step(revision), 0)
            if up is None and self._filled:  # it may be the rows: the walk tells of that
                self._blocked.pop(revision, None)
                self._drop_online()
                return self._check(revision, populated=False)
            if up is None:
                trip.blocked_by = revision
            elif revision not in self._irreversible and self._back_and_forth(trip, revision, up):
                self._same_again(trip)
        return trip

    def _back_and_forth(self, trip: OfflineTrip, revision: str, up: Rows) -> bool:
        """Go down and up once more; tell whether both sides came so far."""
        if self._step(trip, Step(revision, upgrade=False), 1) is None:
            return False
        again = self._step(trip, Step(revision), _AGAIN, silent=True)
        if again is None:
            return False
        changing = {each.object for each in compare_rows(up, again)} if trip.findings else set()
        trip.findings[:] = [each for each in trip.findings if each.object is None or each.object not in changing]
        return True

    def _step(self, trip: OfflineTrip, step: Step, offset: int, *, silent: bool = False) -> Rows | None:
        """Take one step on both sides and compare; give the rows online, None where that side did not get there."""
        assert self._session is not None
        try:
            self._session.step(step.revision, upgrade=step.upgrade)
        except StepFailed as failure:
            self._fail_online(step, offset, failure)
            return None
        self._note(step)
        blame = self._blame(step)
        if not silent:
            trip.findings += check_rendering(blame)
        ran = self._run(blame, trip, silent=silent)
        rows = self._compare(blame, trip, silent=silent or not ran)
        if not ran:  # the next step is not to blame for this one
            self._drop_offline()
            self._copy()
        return rows

    def _blame(self, step: Step) -> Blame:
        return Blame(self._scripts.of(step), self._history, self._server.dialect)

    def _run(self, blame: Blame, trip: OfflineTrip, *, silent: bool) -> bool:
        """Run the SQL of a step; tell whether it came to its end."""
        if blame.script.failures:
            return False
        assert self._runner is not None
        statements = without_version_table(blame.script)
        ran = self._runner.run([each.text for each in statements])
        if ran.said is None:
            return True
        if not silent:
            statement = None if ran.place is None else statements[ran.place]
            trip.findings.append(failed_to_run(blame, ran.said, statement, how=self._runner.name))
        return False

    def _compare(self, blame: Blame, trip: OfflineTrip, *, silent: bool) -> Rows:
        online, offline = self._online, self._offline
        assert online is not None
        assert offline is not None
        assert self._lookout is not None
        assert self._lookout.schema is not None
        if silent and not trip.findings:
            return Rows()  # nobody looks at them
        rows = online.access.run(online.rows.capture)
        if silent:
            return rows
        reader = reader_for(self._server.dialect, ignore=self._survey.version_tables)
        schema = offline.access.run(lambda connection: reader.read(connection, thorough=True))
        found = differing(blame, (self._lookout.schema, rows), (schema, offline.access.run(offline.rows.capture)))
        lost = {(each.code, each.detail) for each in trip.findings if each.detail}
        changing = any(_CHANGING.search(each.text) for each in blame.script.statements)
        if changing and blame.script.steps[0].revision in self._irreversible:
            found = [each for each in found if "column" not in (each.object or "")]
        new = [each for each in found if each.object not in trip.different]
        trip.findings += [each for each in new if (each.code, each.detail) not in lost]
        trip.different.update(each.object for each in found)
        return rows

    def _note(self, step: Step) -> None:
        if step.upgrade:
            self._applied.append(step.revision)
        else:
            self._applied.remove(step.revision)

    def _fail_online(self, step: Step, offset: int, failure: StepFailed) -> None:
        """Leave the failure to the walk, which tells of it, and keep the database where the step left nothing."""
        if offset == 0:
            self._blocked[step.revision] = failure
        self._drop_offline()
        if offset == _AGAIN or not self._is_as_before():
            self._drop_online()

    def _is_as_before(self) -> bool:
        """See whether a step that failed was rolled back."""
        if self._online is None or self._lookout is None or self._lookout.schema is None:
            return False
        reader = reader_for(self._server.dialect, ignore=self._survey.version_tables)
        now = self._online.access.run(lambda connection: reader.read(connection, thorough=True))
        return not compare_schemas(self._lookout.schema, now)

    def _same_again(self, trip: OfflineTrip) -> None:
        """Make the second database a copy of the first again, where they may differ."""
        if trip.findings:
            self._drop_offline()

    # -- the two databases --------------------------------------------------------------------------------------------

    def _blocker(self, revision: str) -> str | None:
        if revision in self._blocked:
            return revision
        return next((name for name in self._blocked if name in self._history.ancestors(revision)), None)

    def _reach(self, before: list[str]) -> None:
        """Bring both databases to where these revisions, and no others, are applied."""
        if self._online is None or set(self._applied) - set(before):
            self._drop_offline()
            self._drop_online()
            self._make_online()
        for name in before:
            if name not in self._applied and self._blocker(name) is None:
                self._drop_offline()
                if not self._upgrade(name):
                    self._reach(before)
                    return
        if self._offline is None:
            self._copy()

    def _upgrade(self, revision: str) -> bool:
        assert self._session is not None
        assert self._lookout is not None
        self._lookout.forget()
        try:
            self._session.step(revision, upgrade=True, observed=False)
        except StepFailed as failure:
            if not self._filled:  # or it is tried again on empty tables
                self._blocked[revision] = failure
            self._drop_online()
            return False
        self._applied.append(revision)
        return True

    def _make_online(self) -> None:
        self._filled = False
        database = self._server.create("online")
        self._online = self._side(database)
        sandbox = Sandbox(lambda _contact: self._server, given={self._address: database})
        self._lookout = _Lookout(reader_for(self._server.dialect, ignore=self._survey.version_tables))
        self._session = Session(Environment(self._history, sandbox=sandbox), self._survey, self._lookout)
        if not self._applied:
            self._session.look(lambda _url, _connection: None)  # makes the version table

    def _copy(self) -> None:
        """Make the second database, as a copy of the first."""
        assert self._online is not None
        self.pause()  # nobody may be connected to what is copied
        self._offline = self._side(self._server.clone(self._online.database, "offline"))
        self._runner = script_runner(self._server.dialect, self._offline.database)

    def _side(self, database: Database) -> _Side:
        dialect, ignore = self._server.dialect, self._survey.version_tables
        return _Side(
            database,
            Access(database, driver=self._driver),
            RowReader(dialect, ignore=ignore),
            self._rows.generator(dialect, ignore=ignore),
        )

    def _populate(self, revision: str) -> None:
        """Give both the same rows: each makes its own, and where they are not the same one is copied."""
        assert self._online is not None
        assert self._offline is not None
        captured = []
        fill = functools.partial(_top_up, supply=self._rows.supply_for.get(revision))
        self._filled = self._filled or bool(self._rows.rows)
        for side in (self._online, self._offline):
            if self._rows.rows:
                side.access.run(functools.partial(fill, side.generator))
            captured.append(side.access.run(side.rows.capture))
        if captured[0] != captured[1]:
            self._drop_offline()
            self._copy()

    def _drop_offline(self) -> None:
        side, self._offline = self._offline, None
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()
        if side is not None:
            side.access.close()
            self._server.drop(side.database)

    def _drop_online(self) -> None:
        side, self._online = self._online, None
        session, self._session = self._session, None
        self._applied.clear()
        if session is not None:
            session.close()
        if side is not None:
            side.access.close()
            self._server.drop(side.database)


def _top_up(generator: RowGenerator, connection: Connection, *, supply: Supply | None) -> None:
    generator.top_up(connection, supply=supply)
