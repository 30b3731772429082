"""The rows that the walk carries from step to step: made before a revision, captured around each of its steps.

`CarriedRows` keeps, for each database, a generator, a reader, what was captured last, and which tables have changed
since they were topped up.  It only ever looks at those, so that tables which nobody touches cost nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from pytest_stairway.exceptions import StairwayError
from pytest_stairway.rows import RowGenerator, RowReader, Rows, Unpopulated, builtin_words
from pytest_stairway.walk.stepping import end_transaction
from pytest_stairway.walk.touched_rows import SchemaChange, plan_capture, tables_that_differ

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Connection

    from pytest_stairway.rows import Population, Refusal, Supply, Words
    from pytest_stairway.schema import Schema

__all__ = ["EVERY_TABLE", "CarriedRows", "RowSettings", "Style", "without_partitions"]

DIALECTS = frozenset({"postgresql", "sqlite", "mysql", "mariadb"})
"""In which rows can be made and read."""
EVERY_TABLE = "*"
"""Stands for all of them, where no rows can be made at all."""


class Style(Enum):
    """Which rows a revision is walked with."""

    ADVERSARIAL = "with values at the edges of what is allowed"
    TAME = "without those"
    PLAIN = "with typical values, no two of them alike"
    NONE = "on tables in which only the migrations' own rows are"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSettings:
    """What the user says about rows."""

    rows: int = 5
    """How many each table gets at least; 0 for none at all."""
    seed: int = 0
    supply: Supply = field(default_factory=dict)
    """Rows and values for every revision."""
    supply_for: Mapping[str, Supply] = field(default_factory=dict)
    """The same for single revisions, by their full identifier."""
    words: Words = builtin_words
    path: Path | None = None
    """The file that says so."""

    def generator(
        self, dialect: str, *, ignore: Collection[tuple[str | None, str]], style: Style = Style.TAME
    ) -> RowGenerator:
        """Make a generator by what the user says, of rows in a style."""
        return RowGenerator(
            dialect,
            seed=self.seed,
            rows=self.rows,
            ignore=ignore,
            supply=self.supply,
            words=self.words,
            adversarial=style is Style.ADVERSARIAL,
            plain=style is Style.PLAIN,
        )


class CarriedRows:
    """Carries rows through the steps, in each database of the sandbox.

    Args:
        settings: what the user says.
        ignore: the version tables.
    """

    def __init__(self, settings: RowSettings, *, ignore: Collection[tuple[str | None, str]]) -> None:
        self._settings = settings
        self._ignore = ignore
        self._databases: dict[str, _Database] = {}
        self._style = Style.ADVERSARIAL
        self._left_out: frozenset[str] = frozenset()
        self._told: set[tuple[str, str]] = set()
        self._refused: dict[tuple[str, str], Refusal] = {}
        self._populated_before = False
        self.following = False
        """Whether rows are captured after steps."""
        self.watched = False
        """Whether what migrations write is captured, also where no rows are to be made."""

    @property
    def populated(self) -> bool:
        """Whether any table has rows that were made here."""
        return self._populated_before or any(database.made for database in self._databases.values())

    @property
    def judged(self) -> bool:
        """Whether what happens to rows is to be judged: where none are to be made, they are nobody's concern."""
        return bool(self._settings.rows) and self._style is not Style.NONE

    @property
    def trusted(self) -> bool:
        """Whether what was captured last is all there is."""
        databases = self._databases.values()
        return bool(databases) and not any(each.broken or each.pending is None for each in databases)

    @property
    def latest(self) -> dict[str, Rows]:
        """What was captured last, by the database's name."""
        return {name: database.latest for name, database in self._databases.items()}

    def news(self, schemas: Mapping[str, Schema]) -> tuple[Unpopulated, ...]:
        """Give the tables that could not be given rows, each once; one without partitions is still waited for.

        Args:
            schemas: the databases' schemas at this moment.
        """
        found: list[Unpopulated] = []
        for name, database in self._databases.items() if self.judged else ():
            tables = database.population.unpopulated if database.population is not None else ()
            if database.broken is not None:
                tables = (Unpopulated(table=EVERY_TABLE, reason=database.broken),)
            new = [each for each in tables if (name, each.table) not in self._told]
            waiting = without_partitions(schemas[name]) if new else frozenset()
            found += [each for each in new if each.table not in waiting]
            self._told |= {(name, each.table) for each in new if each.table not in waiting}
        return tuple(found)

    def refusals(self) -> tuple[Refusal, ...]:
        """Give what the user supplies and a database did not take, each once."""
        news = tuple(each for what, each in self._refused.items() if what not in self._told)
        self._told |= self._refused.keys()
        return news

    @property
    def coverage(self) -> tuple[int, int]:
        """How many tables have rows, and how many there are."""
        populations = [each.population for each in self._databases.values() if each.population]
        return sum(len(each.populated) for each in populations), sum(each.tables for each in populations)

    def make(self, style: Style, *, leave_out: Collection[str] = ()) -> None:
        """Make rows in this style from now on, and none in some tables."""
        if (style, frozenset(leave_out)) != (self._style, self._left_out):
            populated = self.populated
            self._style, self._left_out = style, frozenset(leave_out)
            self.forget()
            self._populated_before = populated  # the rows of the other style are still there

    def wants(self, revision: str) -> bool:
        """Tell whether tables may want rows before a revision is walked."""
        if not self.judged:
            return self.watched and not self.trusted
        changed = any(database.pending != set() for database in self._databases.values())
        return changed or not self._databases or revision in self._settings.supply_for

    def top_up(self, name: str, connection: Connection, *, revision: str) -> bool:
        """Give tables that changed as many rows as were asked for, and commit them; tell whether any were written.

        Args:
            name: the database's.
            connection: as `env.py` has it.
            revision: the one that is about to be walked: it may have rows of its own.
        """
        if connection.dialect.name not in DIALECTS:
            return False
        database = self._databases.get(name)
        if database is None:
            database = self._databases[name] = self._new(connection.dialect.name)
            end_transaction(connection)  # in which Alembic may have made the version table
        if not self.judged:
            return database.attempt(lambda: database.look(connection))
        supply = self._settings.supply_for.get(revision)

        def work() -> bool:
            with _transaction(connection) as transaction:
                transaction.written = database.top_up(connection, supply=supply)
            refused = database.population.refused if database.population is not None else ()
            self._refused.update({(each.supplied.name, each.supplied.text): each for each in refused})
            return transaction.written

        return database.attempt(work)

    def follow(
        self, name: str, connection: Connection, before: Schema | None, after: Schema, touched: Collection[str] | None
    ) -> None:
        """Capture what a step can have changed.

        Args:
            name: the database's.
            connection: the one on which the step ran.
            before: the schema before the step.
            after: the schema after it.
            touched: the tables whose rows it wrote; None where that is not known.
        """
        database = self._databases.get(name)
        if database is not None:
            database.attempt(lambda: database.follow(connection, before, after, touched))

    def lose(self) -> None:
        """Take note that steps were taken which nobody followed."""
        for database in self._databases.values():
            database.lose()

    def forget(self) -> None:
        """Drop what is remembered, because the databases were replaced."""
        self._databases.clear()
        self._populated_before = False

    def _new(self, dialect: str) -> _Database:
        ignore = [*self._ignore, *((None, table) for table in self._left_out)]
        generator = self._settings.generator(dialect, ignore=ignore, style=self._style)
        return _Database(generator=generator, reader=RowReader(dialect, ignore=self._ignore))


@dataclass(slots=True, kw_only=True)
class _Database:
    """What is known of the rows of one database."""

    generator: RowGenerator
    reader: RowReader
    latest: Rows = field(default_factory=Rows)
    pending: set[str] | None = None
    """Tables that changed since they were topped up; None: all of them may have."""
    population: Population | None = None
    made: bool = False
    broken: str | None = None
    """Why no rows are carried any more."""

    def attempt(self, work: Callable[[], bool]) -> bool:
        """Do something that gives rows up where they cannot be made or read at all: the walk goes on without them."""
        if self.broken is not None:
            return False
        try:
            return work()
        except StairwayError:
            raise
        except Exception as error:  # noqa: BLE001 - told as a finding
            self.broken = f"{type(error).__name__}: {error}".partition("\n")[0]
            self.pending = set()
            return False

    def lose(self) -> None:
        """Everything may be different now."""
        self.pending = None if self.broken is None else set()

    def look(self, connection: Connection) -> bool:
        """Capture everything; nothing is written."""
        self.latest = self.reader.capture(connection)
        self.pending = set()
        return False

    def top_up(self, connection: Connection, *, supply: Supply | None) -> bool:
        """Top up what is pending, and capture what that wrote."""
        lost = self.pending is None
        tables = self.pending if supply is None else None
        captured = None if lost else self.latest
        population = self.generator.top_up(connection, tables=tables, supply=supply, captured=captured)
        also = self.reader.written(connection) if population.fires else frozenset()
        wanted = None if lost or also is None else population.written | also
        self.latest = self.reader.capture(connection, wanted, previous=captured, known=population.known)
        self.population = population
        self.pending = set()
        self.made = self.made or bool(population.written)
        return bool(population.written)

    def follow(
        self, connection: Connection, before: Schema | None, after: Schema, touched: Collection[str] | None
    ) -> bool:
        """Capture what a step can have changed; tell whether anything did."""
        previous = self.latest
        change = SchemaChange.between(before, after)
        if touched is None and (changed := self.reader.changed(connection)) is not None:
            touched = changed | change.tables.keys()
        if touched is None or before is None:
            self.latest = self.reader.capture(connection, None)
        else:
            plan = plan_capture(change, previous, touched)
            self.latest = Rows({**previous, **plan.derived}) if plan.derived else previous
            if plan.names:
                self.latest = self.reader.capture(connection, plan.names, previous=self.latest, known=plan.known)
        differing = tables_that_differ(previous, self.latest)
        if self.pending is not None:
            self.pending |= differing | change.wanting
        return bool(differing)


def without_partitions(schema: Schema) -> frozenset[str]:
    """Name the partitioned tables that have no partition yet: they can hold no row, and miss none."""
    tables: set[str] = set()
    parents: set[str] = set()
    for part in schema.parts.values():
        for key, facts in part.items():
            if key.kind == "table" and "partitioned by" in facts:
                tables.add(f"{key.schema}.{key.name}" if key.schema else key.name)
            if key.kind == "table" and "partition bound" in facts:
                parents.add(facts.get("inherits", "").replace('"', "").removeprefix(f"{schema.default_schema}."))
    return frozenset(tables - parents)


@dataclass(slots=True)
class _Transaction:
    """What is done in one transaction."""

    written: bool = False


@contextmanager
def _transaction(connection: Connection) -> Iterator[_Transaction]:
    """Commit by the driver what is written within: SQLAlchemy's own transaction is that of `env.py`."""
    transaction = _Transaction()
    driver = connection.connection
    if getattr(driver.dbapi_connection, "autocommit", False) is True:  # SQLite's is a number unless somebody set it
        with _explicit_transaction(connection):
            yield transaction
        return
    try:
        yield transaction
    except BaseException:
        driver.rollback()
        raise
    if transaction.written:
        end_transaction(connection)


@contextmanager
def _explicit_transaction(connection: Connection) -> Iterator[None]:
    connection.exec_driver_sql("BEGIN")
    try:
        yield
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")
