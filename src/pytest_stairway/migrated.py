"""A throwaway database at a revision, in the hands of a test that somebody wrote for one migration."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from sqlalchemy import make_url, text

from pytest_stairway.environment.guard import Guard
from pytest_stairway.exceptions import UsageError
from pytest_stairway.frames import strip_tracebacks
from pytest_stairway.lenience import lenient
from pytest_stairway.rows import RowGenerator, RowReader, compare_rows
from pytest_stairway.schema import Verdict, compare_schemas, reader_for
from pytest_stairway.tables import Tables
from pytest_stairway.walk.moves import move

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from sqlalchemy import Connection, Engine, Executable, Table
    from sqlalchemy.engine import URL

    from pytest_stairway.contacts import Contact
    from pytest_stairway.databases import Database
    from pytest_stairway.environment.access import Access
    from pytest_stairway.environment.environment import Environment
    from pytest_stairway.rows import Population, Rows
    from pytest_stairway.schema import Schema
    from pytest_stairway.walk.carried_rows import RowSettings

__all__ = ["MigratedDatabase", "Moment"]

T = TypeVar("T")
P = ParamSpec("P")


def told_at_the_callers_line(method: Callable[P, T]) -> Callable[P, T]:
    """Show an error at the line of the test, and at those of a migration, not deep in libraries or in here."""

    @functools.wraps(method)
    def shown(*args: P.args, **kwargs: P.kwargs) -> T:
        __tracebackhide__ = True
        try:
            return method(*args, **kwargs)
        except UsageError as error:
            raise error.with_traceback(None) from None
        except Exception as error:  # noqa: BLE001 - raised again
            strip_tracebacks(error)
            raise error.with_traceback(error.__traceback__) from error.__cause__  # not what Python 3.10 remembers of it

    return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Everything in a database at one moment: compare two by `MigratedDatabase.compare`."""

    schema: Schema
    rows: Rows


class MigratedDatabase:
    """A throwaway database that steps up and down between revisions.

    Args:
        database: the database.
        environment: the project's `env.py`, whose connections lead to this database.
        access: how Python code reaches it.
        heads: where it is.
        version_tables: Alembic's own tables, as schema and name.
        row_settings: what the project says about generated rows.
        reserve: gives the address under which it is kept, by a label; None where it never is.
    """

    def __init__(
        self,
        database: Database,
        *,
        environment: Environment,
        access: Access,
        heads: tuple[str, ...],
        version_tables: Collection[tuple[str | None, str]],
        row_settings: RowSettings,
        reserve: Callable[[str], Database] | None = None,
    ) -> None:
        self._database = database
        self._environment = environment
        self._access = access
        self._heads = heads
        self._version_tables = version_tables
        self._row_settings = row_settings
        self._tables = Tables(self._moment)
        self._way: list[str] = [", ".join(heads) or "base"]
        self._reserve = reserve
        self.reserved: Database | None = None
        """Under which name and address it is kept when its test is over; None where it is not."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._database.name} {self._moment}>"

    # -- where it is ------------------------------------------------------------------------------------------------

    @property
    def database(self) -> Database:
        """The database's name, address and client command."""
        return self._database

    @property
    def environment(self) -> Environment:
        """The project's `env.py`, whose connections lead to this database."""
        return self._environment

    @property
    def version_tables(self) -> Collection[tuple[str | None, str]]:
        """Alembic's own tables, as schema and name."""
        return self._version_tables

    @property
    def row_settings(self) -> RowSettings:
        """What the project says about generated rows."""
        return self._row_settings

    @property
    def url(self) -> URL:
        """Its address, with the driver that `env.py` uses; `URL.render_as_string(hide_password=False)` makes a text."""
        return self._access.url

    @property
    def engine(self) -> Engine:
        """A synchronous engine; end its transactions before a step."""
        return self._access.engine

    @property
    def heads(self) -> tuple[str, ...]:
        """The revisions that its version table holds; none for base."""
        return self._heads

    @property
    def story(self) -> str:
        """The database, how to open it, and the way it took, for a failed test's report."""
        way = " -> ".join(self._way)
        if self.reserved is None:
            return f"{self._database.name}: {way}\n{self._database.client_command}"
        url = make_url(self.reserved.url).render_as_string()
        return (
            f"{self.reserved.name}: {way}\nkept: {self.reserved.client_command}\n      {url} (until `stairway clean`)"
        )

    def reserve(self, label: str) -> None:
        """Let the database be kept when its test is over, where that is wanted: the test has failed."""
        if self._reserve is not None and self.reserved is None:
            self.reserved = self._reserve(label)

    # -- steps ------------------------------------------------------------------------------------------------------

    @told_at_the_callers_line
    def upgrade(self, revision: str = "+1") -> None:
        """Do what ``alembic upgrade`` does.

        Args:
            revision: an id or its first characters, ``head``, ``+1``, ``label@head`` …

        Raises:
            UsageError: there is no way up to it from where the database is.
            Exception: whatever the migration raised.
        """
        self._move(revision, upgrade=True)

    @told_at_the_callers_line
    def downgrade(self, revision: str = "-1") -> None:
        """Do what ``alembic downgrade`` does.

        Args:
            revision: an id or its first characters, ``base``, ``-1``, ``label@base`` …

        Raises:
            UsageError: there is no way down to it from where the database is.
            Exception: whatever the migration raised.
        """
        self._move(revision, upgrade=False)

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Let everything that somebody else's run of `env.py` connects to be this database."""
        own = self._access.contact.address
        sandbox = self._environment.sandbox

        def locate(contact: Contact) -> str:
            return self._database.url if contact.address == own else sandbox.locate(contact)

        self._access.require_idle()
        with Guard(locate).armed():
            yield

    def _move(self, revision: str, *, upgrade: bool) -> None:
        self._access.require_idle()
        self._way.append(f"{'upgrade' if upgrade else 'downgrade'} {revision}")
        with lenient():
            moved = move(self._environment, revision, upgrade=upgrade)
        if moved.failure is not None:
            self._heads = self._heads_now()
            self._way.append(f"failed at {moved.failed_at or 'env.py'}")
            self._tables = Tables(self._moment)
            raise moved.failure.error
        self._heads = moved.heads
        self._tables = Tables(self._moment)

    # -- rows -------------------------------------------------------------------------------------------------------

    @told_at_the_callers_line
    def insert(self, table: str, /, *rows: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Insert rows and commit them.

        Args:
            table: its name; outside the default schema with its schema, ``app.author``.
            rows: values by column; columns that are left out get what the database gives.

        Returns:
            The rows as they are there now, with all their values.

        Raises:
            UsageError: there is no such table or column at this revision.
        """
        return self.run(lambda connection: self._tables.insert(connection, table, rows))

    @told_at_the_callers_line
    def rows(self, table: str, /, *columns: str, **having: Any) -> list[dict[str, Any]]:
        """Read rows, in the order of their primary key.

        Args:
            table: its name; outside the default schema with its schema.
            columns: these only; all where none is named.
            having: values that the rows must have: ``name="Ann"``, ``ref_code=None``.

        Raises:
            UsageError: there is no such table or column at this revision.
        """
        return self.run(lambda connection: self._tables.read(connection, table, columns, having))

    @told_at_the_callers_line
    def populate(self, *tables: str, rows: int = 5) -> Population:
        """Give tables generated rows that satisfy all their constraints, at the edges of what is allowed, too.

        What the project's ``stairway_rows_file`` says is used here as well.

        Args:
            tables: their names; all where none is named.
            rows: how many each gets at least.

        Returns:
            Which tables have rows now, why others have none, and what of the user's own the database did not take.
        """
        settings = self._row_settings

        def top_up(connection: Connection) -> Population:
            generator = RowGenerator(
                connection.dialect.name,
                rows=rows,
                seed=settings.seed,
                supply=settings.supply,
                words=settings.words,
                ignore=self._version_tables,
            )
            return generator.top_up(connection, tables=tables or None)

        return self.run(top_up)

    @told_at_the_callers_line
    def execute(self, statement: str | Executable, /, **parameters: Any) -> list[dict[str, Any]]:
        """Execute SQL, where ``:name`` stands for a parameter, and commit it.

        Returns:
            Its rows, where it has any.
        """
        executable = text(statement) if isinstance(statement, str) else statement

        def work(connection: Connection) -> list[dict[str, Any]]:
            result = connection.execute(executable, parameters)
            return [dict(row) for row in result.mappings()] if result.returns_rows else []

        return self.run(work)

    @told_at_the_callers_line
    def table(self, name: str) -> Table:
        """Give a table as it is at this revision, for statements of SQLAlchemy's.

        Raises:
            UsageError: there is none.
        """
        return self.run(lambda connection: self._tables.reflect(connection, name))

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do work with a connection, in a transaction that is committed; this works with an async driver, too."""
        return self._access.run(work)

    def close(self) -> None:
        """Disconnect whoever is connected by the engine."""
        self._access.close()

    # -- comparing --------------------------------------------------------------------------------------------------

    @told_at_the_callers_line
    def look(self) -> Moment:
        """Read everything: the whole schema and all rows."""

        def read(connection: Connection) -> Moment:
            dialect = connection.dialect.name
            schema = reader_for(dialect, ignore=self._version_tables).read(connection, thorough=True)
            return Moment(schema=schema, rows=self._rows(connection))

        return self.run(read)

    def _rows(self, connection: Connection) -> Rows:
        try:
            reader = RowReader(connection.dialect.name, ignore=self._version_tables)
        except UsageError:
            return self._tables.capture(connection, ignore=self._version_tables)
        return reader.capture(connection)

    def compare(self, before: Moment, after: Moment | None = None) -> list[str]:
        """Tell in words what is not as it was; nothing where everything is.

        Args:
            before: what `look` gave.
            after: the same, later; what is there now where it is left out.
        """
        after = after or self.look()
        different = (each for each in compare_schemas(before.schema, after.schema) if each.verdict is Verdict.DIFFERENT)
        schema = [each.words(unexpected="not there before, there") for each in different]
        return [*schema, *(each.words() for each in compare_rows(before.rows, after.rows))]

    @property
    def _moment(self) -> str:
        return f"at {', '.join(self._heads) or 'base'}"

    def _heads_now(self) -> tuple[str, ...]:
        """Read the version table, because a step failed somewhere."""
        (schema, name), *_others = self._version_tables
        tables, full = Tables(""), f"{schema}.{name}" if schema else name
        try:
            found = self.run(lambda connection: tables.read(connection, full, ["version_num"], {}))
        except UsageError:
            return ()
        return tuple(row["version_num"] for row in found)
