"""A throwaway database of the proof: migrated by the user's own `env.py`, or by files, and read as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, column, select, table, text

from pytest_stairway.environment.access import Access
from pytest_stairway.environment.environment import Environment
from pytest_stairway.environment.sandbox import Sandbox
from pytest_stairway.offline.seeds import MYSQL_SEED, SEED
from pytest_stairway.rows import RowReader, Rows
from pytest_stairway.schema import reader_for
from pytest_stairway.walk.moves import take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from pytest_stairway.databases import Database
    from pytest_stairway.offline.rendering import Step
    from pytest_stairway.offline.site import Site
    from pytest_stairway.rows import Population
    from pytest_stairway.schema import Schema
    from pytest_stairway.walk.moves import Move

__all__ = ["Place", "State"]

_SEEDS = {"postgresql": SEED, "mysql": MYSQL_SEED, "mariadb": MYSQL_SEED}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a database holds at one moment."""

    schema: Schema
    rows: Rows
    versions: tuple[str, ...]


class Place:
    """One database of a proof.

    Args:
        site: what it shares with the others.
        database: which one.
    """

    def __init__(self, site: Site, database: Database) -> None:
        self.database = database
        self._site = site
        self._access = Access(database, driver=site.driver)
        self._sandbox = Sandbox(lambda _contact: site.server, given={site.address: database})
        self.environment = Environment(site.history, sandbox=self._sandbox)
        self._ignore = site.version_tables

    def take(self, steps: Sequence[Step]) -> Move:
        """Take steps in one run of `env.py`, as ``alembic upgrade`` and ``alembic downgrade`` do."""
        return take(self.environment, [(step.revision, step.upgrade) for step in steps], begin=self._seed)

    def populate(self) -> Population | None:
        """Give all tables rows, unless the user wants none or none can be made."""
        if not self._site.rows.rows or not self._site.compares_rows:
            return None
        generator = self._site.rows.generator(self._site.server.dialect, ignore=self._ignore)
        return self._access.run(generator.top_up)

    def state(self) -> State:
        """Read everything."""
        return self._access.run(self._read)

    def versions(self) -> tuple[str, ...]:
        """Read the version table."""
        return self._access.run(self._read_versions)

    def stamp(self, revisions: frozenset[str]) -> None:
        """Write the version table, and do nothing else."""
        schema, name = self._site.circumstances.version_table
        rows = [{"version_num": revision} for revision in sorted(revisions)]
        insert = table(name, column("version_num"), schema=schema).insert()
        self._access.run(lambda connection: connection.execute(insert, rows))

    def clone(self, label: str) -> Place:
        """Copy it; nobody may be connected."""
        return Place(self._site, self._site.server.clone(self.database, label))

    def drop(self) -> None:
        """Drop it, and what `env.py` has connected to beside it."""
        self._access.close()
        self._sandbox.reset()
        self._site.server.drop(self.database)

    def _read(self, connection: Connection) -> State:
        dialect = connection.dialect.name
        return State(
            schema=reader_for(dialect, ignore=self._ignore).read(connection, thorough=True),
            rows=self._read_rows(connection),
            versions=self._read_versions(connection),
        )

    def _read_rows(self, connection: Connection) -> Rows:
        if not self._site.compares_rows:
            return Rows()
        return RowReader(connection.dialect.name, ignore=self._ignore).capture(connection)

    def _read_versions(self, connection: Connection) -> tuple[str, ...]:
        schema, name = self._site.circumstances.version_table
        versions: Any = select(column("version_num", String)).select_from(table(name, schema=schema))
        return tuple(sorted(connection.scalars(versions)))

    def _seed(self, connection: Connection) -> None:
        seed = _SEEDS.get(connection.dialect.name)
        if seed is not None:
            connection.execute(text(seed))
            if not self._site.circumstances.single_transaction:
                connection.commit()
