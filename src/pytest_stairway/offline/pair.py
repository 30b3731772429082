"""The two databases that go through a history side by side: how each is made, filled, read and taken through steps.

One is migrated by `env.py`, the other by SQL.  They start each revision with the same rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from pytest_stairway.databases.base import new_database
from pytest_stairway.environment.access import Access
from pytest_stairway.environment.environment import Environment
from pytest_stairway.environment.sandbox import Sandbox
from pytest_stairway.offline.runners import script_runner
from pytest_stairway.offline.seeds import seed_of
from pytest_stairway.rows import RowReader, Rows
from pytest_stairway.walk.session import Session

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pytest_stairway.databases import Database
    from pytest_stairway.offline.runners import ScriptRunner
    from pytest_stairway.offline.site import Site
    from pytest_stairway.rows import RowGenerator, Supply
    from pytest_stairway.schema import Schema, SchemaReader
    from pytest_stairway.schema.transaction import Ending

__all__ = ["Migrated", "Pair"]


class Side:
    """One of the databases, as it is read and filled.

    Args:
        site: what it shares with the others.
        database: which one.
    """

    def __init__(self, site: Site, database: Database) -> None:
        dialect, ignore = site.server.dialect, site.version_tables
        self.database = database
        self._site = site
        self._access = Access(database, driver=site.driver)
        self._rows = RowReader(dialect, ignore=ignore)
        self._generator: RowGenerator = site.rows.generator(dialect, ignore=ignore)

    def top_up(self, supply: Supply | None) -> None:
        """Give the tables rows."""

        def fill(connection: Connection) -> None:
            self._generator.top_up(connection, supply=supply)

        self._access.run(fill)

    def rows(self) -> Rows:
        """Read all rows."""
        return self._access.run(self._rows.capture)

    def schema(self) -> Schema:
        """Read the schema."""
        reader = self._site.reader()
        return self._access.run(lambda connection: reader.read(connection, thorough=True))

    def close(self) -> None:
        """Disconnect, and drop it."""
        self._access.close()
        self._site.server.drop(self.database)


class _Lookout:
    """Seeds a database before each step, and reads its schema after it: a session's observer."""

    def __init__(self, reader: SchemaReader, before: str | None) -> None:
        self._reader = reader
        self._before = before
        self.seed: str | None = None
        self.schema: Schema | None = None

    def forget(self) -> None:
        """Remember nothing of the schema, because steps were taken which nobody watched."""
        self._reader.forget()

    def begin_step(self, _url: str, connection: Connection) -> None:
        """See `Observer`."""
        for statement in filter(None, (self._before, self.seed)):
            connection.execute(text(statement))
        self._reader.begin_step(connection)

    def end_step(self, _url: str, connection: Connection, ending: Ending | None = None) -> bool:  # noqa: ARG002
        """See `Observer`."""
        self._reader.end_step(connection)
        return False

    def read(self, _url: str, connection: Connection) -> None:
        """See `Observer`."""
        self.schema = self._reader.read(connection)


class Migrated(Side):
    """One that is migrated by `env.py`.

    Args:
        site: what it shares with the others.
        database: which one.
        before: a statement that is run before each step.
    """

    def __init__(self, site: Site, database: Database, *, before: str | None = None) -> None:
        super().__init__(site, database)
        sandbox = Sandbox(lambda _contact: site.server, given={site.address: database})
        self._lookout = _Lookout(site.reader(), before)
        self._session = Session(Environment(site.history, sandbox=sandbox), site.survey, self._lookout)

    @property
    def latest(self) -> Schema | None:
        """The schema after the last step that was watched."""
        return self._lookout.schema

    def make_version_table(self) -> None:
        """Let Alembic make it."""
        self._session.look(lambda _url, _connection: None)

    def step(self, revision: str, *, upgrade: bool, seed: str | None = None) -> None:
        """Take a step.

        Raises:
            StepFailed: see `Session.step`.
        """
        self._lookout.seed = seed
        self._session.step(revision, upgrade=upgrade)

    def pass_by(self, revision: str) -> None:
        """Upgrade without looking at what comes of it.

        Raises:
            StepFailed: see `Session.step`.
        """
        self._lookout.forget()
        self._session.step(revision, upgrade=True, observed=False)

    def state(self) -> tuple[Schema, Rows]:
        """Give the schema after the last step, and the rows."""
        assert self._lookout.schema is not None
        return self._lookout.schema, self.rows()

    def pause(self) -> None:
        """End the run of `env.py`: nobody is connected any more."""
        self._session.close()

    def close(self) -> None:
        """Disconnect, and drop it."""
        self.pause()
        super().close()


class Pair:
    """The two databases; either may not be there for now.

    Args:
        site: what they have in common.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.online: Migrated | None = None
        self.offline: Side | None = None
        self.runner: ScriptRunner | None = None
        self.filled = False
        """Whether rows were made in them."""

    def begin(self) -> None:
        """Make the first one, and leave it empty."""
        self.drop()
        self.filled = False
        self.online = Migrated(self.site, new_database(self.site.server, "online"))
        self.online.make_version_table()

    def copy(self) -> None:
        """Make the second one, as a copy of the first."""
        assert self.online is not None
        self.drop_offline()
        self.online.pause()  # nobody may be connected to what is copied
        database = self.site.server.clone(self.online.database, "offline")
        self.offline = Side(self.site, database)
        self.runner = script_runner(self.site.server, database)

    def populate(self, revision: str) -> None:
        """Give both the same rows: each makes its own, and where they are not the same one is copied."""
        assert self.online is not None
        assert self.offline is not None
        rows = self.site.rows
        self.filled = self.filled or bool(rows.rows)
        captured = []
        for side in (self.online, self.offline):
            if rows.rows:
                side.top_up(rows.supply_for.get(revision))
            captured.append(side.rows())
        if captured[0] != captured[1]:
            self.copy()

    def seed(self) -> str | None:
        """Give what both are told before a step, so that random values and the clock are the same."""
        return seed_of(self.site.server.dialect)

    def pause(self) -> None:
        """End the run of `env.py`; the databases stay."""
        if self.online is not None:
            self.online.pause()

    def drop_offline(self) -> None:
        """Drop the second one."""
        side, self.offline = self.offline, None
        runner, self.runner = self.runner, None
        if runner is not None:
            runner.close()
        if side is not None:
            side.close()

    def drop(self) -> None:
        """Drop both."""
        self.pause()
        self.drop_offline()
        side, self.online = self.online, None
        if side is not None:
            side.close()
