"""Runs `env.py` on two databases, the models' and the migrated, and compares what is there."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from pytest_stairway.environment.environment import Environment
from pytest_stairway.environment.sandbox import Sandbox
from pytest_stairway.exceptions import StairwayError
from pytest_stairway.models.creating import create_tables, drop_tables
from pytest_stairway.models.declarable import judge, kept_by_migrations, restrict
from pytest_stairway.models.metadata import Choices, Declared, metadata_of
from pytest_stairway.models.operations import mending_operations
from pytest_stairway.models.rewriting import without_rewritten
from pytest_stairway.schema import Key, Schema, Verdict, compare_schemas, reader_for

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import Connection

    from pytest_stairway.databases import Server
    from pytest_stairway.environment.environment import Run, Survey
    from pytest_stairway.schema import Difference

__all__ = ["Comparison", "ModelsFailed", "compare_models"]

COPIED = frozenset({"postgresql"})
"""Dialects on which the models are created in a copy of the migrated database."""


class ModelsFailed(StairwayError):
    """The models could not be created, or not be compared.

    Attributes:
        error: what was raised.
        doing: what was being done.
    """

    def __init__(self, error: Exception, doing: str) -> None:
        super().__init__(f"{doing}: {error}")
        self.error = error
        self.doing = doing


@dataclass(frozen=True, slots=True)
class _Models:
    """What came of the models."""

    schema: Schema
    executed: Sequence[str]
    """The statements that made something else than tables and indexes."""
    refused: Mapping[Key, Exception]
    """Indexes that the server would not create."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came of the comparison of one database's models with it."""

    database: str = ""
    """As `env.py` addresses it; empty where there is one."""
    declared: int = 0
    """How many tables the models declare."""
    differences: tuple[Difference, ...] = ()
    """From the migrated database to the models'; those of `Verdict.DIFFERENT` are drift, the others information."""
    operations: Mapping[Key, str] = field(default_factory=dict)
    """What autogenerate would write to mend an object."""
    refused: Mapping[Key, Exception] = field(default_factory=dict)
    """Indexes of the models that the server would not create, which are not compared."""
    failure: ModelsFailed | None = None


def compare_models(migrated: Environment, survey: Survey, server: Server) -> tuple[Comparison, ...]:
    """Create the models in a second database, and compare with that the migrated one.

    Args:
        migrated: the user's `env.py`; its sandbox's databases are at the heads.
        survey: how it configures Alembic.
        server: makes the second database.

    Returns:
        A comparison for each database for which `env.py` gives ``target_metadata``.
    """
    work = _Work(migrated, survey)
    copies = {}
    if server.dialect in COPIED:
        for database in migrated.sandbox.databases:
            address = migrated.sandbox.address_of(database.url) or ""
            copies[address] = server.clone(database, "models")
    sandbox = Sandbox(lambda _contact: server, label="models", given=copies)
    environment = Environment(migrated.history, sandbox=sandbox)
    try:
        work.create(environment)
    finally:
        sandbox.reset()
        for copy in copies.values():
            server.drop(copy)
    work.compare()
    return tuple(work.comparisons)


class _Work:
    """The two runs of `env.py`, and what the first leaves for the second."""

    def __init__(self, migrated: Environment, survey: Survey) -> None:
        self._migrated = migrated
        self._survey = survey
        self._models: dict[str, _Models | ModelsFailed] = {}
        self.comparisons: list[Comparison] = []

    def create(self, environment: Environment) -> None:
        """Create the models, and read what came of them."""

        def create(run: Run, _heads: tuple[str, ...], context: MigrationContext) -> tuple[()]:
            address = environment.sandbox.address_of(_url_of(run)) or ""
            options = _options_of(run)
            if options.get("target_metadata") is not None:
                try:
                    self._models[address] = self._created(context, options)
                except ModelsFailed as failure:
                    self._models[address] = failure
            return ()

        environment.run(create)

    def _created(self, context: MigrationContext, options: Mapping[str, Any]) -> _Models:
        connection, metadata = _connection_of(context), metadata_of(options)
        doing = "the models cannot be read"
        try:
            declared = Declared(context, metadata, default_schema=_default_schema(connection))
            chosen = dict(Choices(context, declared, options).tables())
            doing = "the models cannot be created"
            if connection.dialect.name in COPIED:
                drop_tables(connection, chosen.values())
            created = create_tables(connection, metadata, chosen.values())
        except Exception as error:
            raise ModelsFailed(error, doing) from error
        refused = {
            Key("index", str(index.name), name, schema): error
            for (schema, name), table in chosen.items()
            for index, error in created.refused.items()
            if index.table is table
        }
        return _Models(restrict(self._read(connection), chosen), created.executed, refused)

    def compare(self) -> None:
        """Read the migrated databases, and compare the models' with them."""

        def compare(run: Run, _heads: tuple[str, ...], context: MigrationContext) -> tuple[()]:
            sandbox = self._migrated.sandbox
            models = self._models.get(sandbox.address_of(_url_of(run)) or "")
            if models is not None:
                name = sandbox.name_of(_url_of(run))
                self.comparisons.append(self._compared(context, _options_of(run), models, name))
            return ()

        self._migrated.run(compare)

    def _compared(
        self, context: MigrationContext, options: Mapping[str, Any], models: _Models | ModelsFailed, name: str
    ) -> Comparison:
        if isinstance(models, ModelsFailed):
            return Comparison(database=name, failure=models)
        connection, metadata = _connection_of(context), metadata_of(options)
        migrated = self._read(connection)
        declared = Declared(context, metadata, default_schema=_default_schema(connection))
        different = compare_schemas(migrated, models.schema)
        found = tuple(judge(different, migrated, named=_given_names(declared)))
        if connection.dialect.name in COPIED:
            found += tuple(kept_by_migrations(migrated, models.schema, models.executed))
        found = tuple(each for each in found if each.key not in models.refused)
        operations: dict[Key, str] = {}
        if found:
            try:
                choices = Choices(context, declared, options)
                found = tuple(each for each in found if choices.include(each))
                found = tuple(without_rewritten(connection, found))
                drift = [each for each in found if each.verdict is Verdict.DIFFERENT]
                if drift:
                    operations = mending_operations(context, options, drift, _default_schema(connection))
            except Exception as error:  # noqa: BLE001 - told as a finding
                return Comparison(
                    database=name, failure=ModelsFailed(error, "the models cannot be compared with the database")
                )
        return Comparison(
            database=name,
            declared=len(declared.tables),
            differences=found,
            operations=operations,
            refused=models.refused,
        )

    def _read(self, connection: Connection) -> Schema:
        return reader_for(connection.dialect.name, ignore=self._survey.version_tables).read(connection, thorough=True)


def _url_of(run: Run) -> str:
    assert run.configured is not None  # else Alembic has refused to run migrations
    return run.configured.url


def _options_of(run: Run) -> Mapping[str, Any]:
    assert run.configured is not None  # likewise
    return run.configured.options


def _connection_of(context: MigrationContext) -> Connection:
    assert context.connection is not None  # online mode has one
    return context.connection


def _default_schema(connection: Connection) -> str:
    if connection.dialect.name == "postgresql":  # where env.py may have set a search path since the first connection
        return str(connection.exec_driver_sql("SELECT current_schema()").scalar() or "")
    return connection.dialect.default_schema_name or ""


def _given_names(declared: Declared) -> Collection[str]:
    """Collect the names that models give constraints and indexes, by themselves or by a naming convention."""
    tables = declared.tables.values()
    constraints = (each.name for table in tables for each in table.constraints)
    indexes = (each.name for table in tables for each in table.indexes)
    return {str(name) for name in chain(constraints, indexes) if isinstance(name, str)}
