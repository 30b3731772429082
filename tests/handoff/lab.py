"""Files written for a DBA, run on real databases by a real psql."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import NullPool, create_engine, text

from offline.lab import both
from pytest_stairway.clients import Client, Ran, find_client
from pytest_stairway.handoff.guarded import guarded, guarded_steps
from pytest_stairway.handoff.pieces import Piece, as_text
from pytest_stairway.handoff.postgresql import PostgresqlGuarding

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_stairway.databases import Database
    from pytest_stairway.environment.environment import Environment

STATE = """
SELECT string_agg(line, E'\\n' ORDER BY line) FROM (
    SELECT concat_ws(' ', 'column', table_name, column_name, data_type, is_nullable, column_default) AS line
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT 'constraint ' || conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
) AS lines"""


def psql() -> Client:
    client = find_client("psql")
    assert client is not None
    return client


@dataclass
class Target:
    """A database on which files are run."""

    database: Database

    def run(self, path: Path, *arguments: str) -> Ran:
        return psql().run(self.database.url, ["-X", "-q", *arguments, "-f", str(path)])

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        url = self.database.url.replace("postgresql://", "postgresql+psycopg://")
        with create_engine(url, poolclass=NullPool).connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def execute(self, statement: str) -> None:
        ran = psql().run(self.database.url, ["-X", "-v", "ON_ERROR_STOP=1", "-c", statement])
        assert ran.ok, ran.said

    def state(self, *tables: str) -> tuple[Any, ...]:
        """The schema, the version table, and the rows of some tables."""
        contents = [self.rows(f"SELECT t::text FROM {name} AS t ORDER BY 1") for name in ("alembic_version", *tables)]
        return (self.rows(STATE), *contents)


@dataclass
class Files:
    """What is written for one range."""

    upgrade: Path
    downgrade: Path
    up: tuple[Piece, ...]
    down: tuple[Piece, ...]


def files(
    environment: Environment, written: str, folder: Path, *, per_migration: bool | None = None, **options: str
) -> Files:
    guarding = PostgresqlGuarding(version_table="alembic_version", **options)
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, script in zip(
        ("upgrade", "downgrade"), both(environment, written, per_migration=per_migration), strict=True
    ):
        assert not script.failures
        pieces = guarded(script, guarding, title=[f"{name} {written}"])
        path = folder / f"{name}.sql"
        path.write_text(as_text(pieces), encoding="utf-8")
        made.append((path, pieces))
    (upgrade, up), (downgrade, down) = made
    return Files(upgrade, downgrade, up, down)


def step_files(environment: Environment, written: str, folder: Path) -> list[Path]:
    guarding = PostgresqlGuarding(version_table="alembic_version")
    up, _ = both(environment, written, per_migration=True)
    paths = []
    for number, pieces in enumerate(guarded_steps(up, guarding, titles=[["a step"]] * len(up.steps))):
        paths.append(folder / f"{number}.sql")
        paths[-1].write_text(as_text(pieces), encoding="utf-8")
    return paths
