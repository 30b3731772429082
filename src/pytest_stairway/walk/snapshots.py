"""The snapshots around each step, of the schema and of the rows: what a session's observer sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import inspect

from pytest_stairway.schema import compare_schemas, reader_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Connection

    from pytest_stairway.environment.environment import Environment, Survey
    from pytest_stairway.schema import Key, Schema, SchemaReader
    from pytest_stairway.schema.transaction import Ending
    from pytest_stairway.walk.carried_rows import CarriedRows

__all__ = ["Snapshot", "Snapshots", "column_lengths", "new_objects", "same"]

Snapshot = dict[str, "Schema"]
"""The schema of each database of the sandbox, by its name there (empty where there is one database)."""


class Snapshots:
    """Takes the snapshots around each step: a session's observer.

    Args:
        environment: whose sandbox names the databases.
        ignore: the version tables.
        rows: the rows that the walk carries; None where it carries none.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        ignore: Collection[tuple[str | None, str]],
        rows: CarriedRows | None = None,
    ) -> None:
        self._sandbox = environment.sandbox
        self._ignore = ignore
        self._rows = rows
        self._readers: dict[str, SchemaReader] = {}
        self._latest: Snapshot = {}

    @property
    def latest(self) -> Snapshot:
        """The newest snapshot."""
        return dict(self._latest)

    def turn_to_next(self) -> None:
        """Take note that the next step is of another revision than the last."""
        for reader in self._readers.values():
            reader.turn_to_next()

    def begin_step(self, url: str, connection: Connection) -> None:
        """See `Observer`."""
        self._reader(url, connection).begin_step(connection)

    def end_step(self, url: str, connection: Connection, ending: Ending | None = None) -> bool:
        """See `Observer`."""
        return self._reader(url, connection).end_step(connection, ending)

    def read(self, url: str, connection: Connection) -> None:
        """See `Observer`."""
        name, reader = self._sandbox.name_of(url), self._reader(url, connection)
        before = self._latest.get(name)
        schema = self._latest[name] = reader.read(connection)
        if self._rows is not None and self._rows.following:
            self._rows.follow(name, connection, before, schema, reader.touched_tables)

    def read_thoroughly(self, url: str, connection: Connection) -> None:
        """Read all of one database, whatever is remembered of it."""
        reader = self._reader(url, connection)
        self._latest[self._sandbox.name_of(url)] = reader.read(connection, thorough=True)

    def top_up(self, url: str, connection: Connection, *, revision: str) -> None:
        """Give tables rows before a revision is walked, between two steps."""
        if self._rows is not None and self._rows.top_up(self._sandbox.name_of(url), connection, revision=revision):
            self._reader(url, connection).resume(connection)

    def forget(self) -> None:
        """Drop what is remembered, because the databases were replaced."""
        self._readers.clear()
        self._latest.clear()

    def _reader(self, url: str, connection: Connection) -> SchemaReader:
        if url not in self._readers:
            self._readers[url] = reader_for(connection.dialect.name, ignore=self._ignore)
        return self._readers[url]


def column_lengths(connection: Connection, survey: Survey) -> Iterator[int]:
    """Give how long an id may be in the version tables, where there is a limit."""
    for schema, table in survey.version_tables:
        (column,) = inspect(connection).get_columns(table, schema=schema)
        length = getattr(column["type"], "length", None)
        if length:
            yield length


def new_objects(before: Snapshot, after: Snapshot) -> Iterator[Key]:
    """Give the objects that were not there before; those that moved to another part are among them."""
    for name, schema in after.items():
        known = before[name].parts if name in before else {}
        for part_name, part in schema.parts.items():
            if known.get(part_name) is not part:
                yield from part.keys() - known.get(part_name, {}).keys()


def same(one: Snapshot, other: Snapshot) -> bool:
    """Tell whether two snapshots show the same schemas, down to every text."""
    return one.keys() == other.keys() and not any(compare_schemas(one[name], other[name]) for name in one)
