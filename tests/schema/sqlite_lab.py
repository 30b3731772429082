"""SQLite databases in memory for these tests, and what is told of them."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from pytest_stairway.schema import Schema, Verdict, compare_schemas, reader_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


@contextmanager
def connected(script: str = "") -> Iterator[Connection]:
    """Connect to a database of its own in memory, in which `script` has run."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    with engine.connect() as connection:
        run(connection, script)
        yield connection
    engine.dispose()


def run(connection: Connection, script: str) -> None:
    """Run statements, and commit."""
    connection.connection.driver_connection.executescript(script)
    connection.commit()


def schema_of(connection: Connection) -> Schema:
    """Read a schema by a reader that remembers nothing."""
    return reader_for("sqlite").read(connection)


def schema_after(script: str) -> Schema:
    """Read what a script makes of an empty database."""
    with connected(script) as connection:
        return schema_of(connection)


def told(before: Schema, after: Schema, *, verdict: Verdict = Verdict.DIFFERENT) -> list[str]:
    """Tell the differences of one verdict in words."""
    found = compare_schemas(before, after)
    return [each.words("after the downgrade") for each in found if each.verdict is verdict]


def operations(connection: Connection) -> Operations:
    """Make Alembic's `op`."""
    return Operations(MigrationContext.configure(connection))


@contextmanager
def batch(connection: Connection, table: str, **options: object) -> Iterator[object]:
    """Recreate a table as Alembic's batch mode does, whatever it warns about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with operations(connection).batch_alter_table(table, recreate="always", **options) as batch_op:
            yield batch_op
    connection.commit()
