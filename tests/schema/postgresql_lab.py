"""PostgreSQL databases for these tests, stepped as a walk steps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from pytest_stairway.schema import Verdict, compare_schemas, reader_for
from pytest_stairway.schema.postgresql import Reader
from pytest_stairway.schema.transaction import Ending

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from pytest_stairway.schema import Schema, SchemaReader

EMPTY = """DO 'DECLARE command text; BEGIN
FOR command IN
 SELECT ''DROP EVENT TRIGGER '' || quote_ident(evtname) FROM pg_event_trigger
 UNION ALL SELECT ''DROP PUBLICATION '' || quote_ident(pubname) FROM pg_publication
 UNION ALL SELECT ''DROP CAST ('' || castsource::regtype || '' AS '' || casttarget::regtype || '')''
  FROM pg_cast c WHERE oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = ''i'')
 UNION ALL SELECT ''DROP FOREIGN DATA WRAPPER '' || quote_ident(fdwname) || '' CASCADE'' FROM pg_foreign_data_wrapper
 UNION ALL SELECT ''DROP SCHEMA '' || quote_ident(nspname) || '' CASCADE'' FROM pg_namespace
  WHERE nspname !~ ''^pg_'' AND nspname <> ''information_schema''
LOOP EXECUTE command; END LOOP; END'"""
PUBLIC = (
    "CREATE SCHEMA public AUTHORIZATION pg_database_owner",
    "GRANT USAGE ON SCHEMA public TO PUBLIC",
    "COMMENT ON SCHEMA public IS 'standard public schema'",
)


class Lab:
    """One database, and a reader that is told of every step."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.reader = self._reader()
        self._pristine: Schema | None = None
        self._second: Connection | None = None

    def run(self, *statements: str) -> None:
        """Run statements and commit, as a step of which nobody is told."""
        self._execute(statements)
        self.connection.commit()

    def step(self, *statements: str) -> Schema:
        """Run statements in one transaction, as a step."""
        self.reader.begin_step(self.connection)
        self._execute(statements)
        end_step(self.reader, self.connection)
        return self.read()

    def read(self, *, thorough: bool = False) -> Schema:
        """Read by the reader that knows of the steps."""
        schema = self.reader.read(self.connection, thorough=thorough)
        self.connection.rollback()
        return schema

    def full(self) -> Schema:
        """Read by a reader that remembers nothing, on a connection of its own."""
        if self._second is None:
            self._second = self.connection.engine.connect()
        schema = self._reader().read(self._second)
        self._second.rollback()
        return schema

    def close(self) -> None:
        """Close the second connection."""
        if self._second is not None:
            self._second.close()

    def is_emptied(self) -> bool:
        """Empty the database; False where something is left."""
        self.connection.rollback()
        self.connection.exec_driver_sql("RESET ALL")
        if self._pristine is None:
            self._pristine = self.full()
            return True
        try:
            self.run("CREATE EXTENSION IF NOT EXISTS plpgsql", EMPTY, *PUBLIC)
        except DBAPIError:
            return False
        self.reader = self._reader()
        return self.full() == self._pristine

    def _reader(self) -> Reader:
        reader = reader_for("postgresql", ignore=[(None, "alembic_version")])
        assert isinstance(reader, Reader)
        return reader

    def _execute(self, statements: Iterable[str]) -> None:
        for statement in statements:
            self.connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def told(before: Schema, after: Schema, *, verdict: Verdict = Verdict.DIFFERENT) -> list[str]:
    """Tell the differences of one verdict in words."""
    found = compare_schemas(before, after)
    return [each.words("after the downgrade") for each in found if each.verdict is verdict]


def end_step(reader: SchemaReader, connection: Connection) -> None:
    """End a step and its transaction as a walk does."""
    if reader.end_step(connection, Ending("COMMIT AND CHAIN")):
        connection.rollback()
    else:
        connection.commit()
