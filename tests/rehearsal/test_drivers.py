"""A rehearsal sees the same through every driver."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from gauntlet.case import Case, Rev, sql, table, write
from pytest_stairway.project import Project
from pytest_stairway.rehearsal import Lock
from pytest_stairway.settings import Settings
from pytest_stairway.volume import Volume

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_stairway.databases import Server

ASYNC_ENV = dedent(
    """
    import asyncio
    from alembic import context
    from sqlalchemy.ext.asyncio import create_async_engine

    def migrate(connection):
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()

    async def main():
        engine = create_async_engine("postgresql+asyncpg://app:secret@db.invalid/app")
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
        await engine.dispose()

    asyncio.run(main())
    """
)


@pytest.mark.parametrize("driver", ["psycopg2", "pg8000", "asyncpg"])
def test_a_collision_and_a_lock_upgrade_are_seen(postgresql_server: Server, tmp_path: Path, driver: str) -> None:
    fill = sql("UPDATE author SET code = substr(md5(random()::text), 1, 2)")
    not_null = sql("ALTER TABLE author ALTER COLUMN code SET NOT NULL")
    author = table("a1", "author", "id serial PRIMARY KEY", "code text UNIQUE")
    case = Case(
        "project",
        "a project",
        (author, Rev("b2", f"{fill}\n{not_null}")),
        env=ASYNC_ENV if driver == "asyncpg" else None,
    )
    ini = write(case, tmp_path, url=f"postgresql+{driver}://app:secret@db.invalid/app")
    project = Project(Settings(config=str(ini)), tmp_path, address=postgresql_server.address)
    try:
        answer = Volume(project, 500).check(project.history["b2"])
    finally:
        project.close()
    assert answer.rehearsal is not None, answer.note
    first, second, *_ = answer.rehearsal.runs
    assert first.failure is not None
    assert (first.failure.sqlstate, first.failure.constraint) == ("23505", "author_code_key")
    assert answer.rehearsal.estimates[0].values == 16**2
    assert (second.without, second.failure) == ("author_code_key", None)
    assert [(lock.weaker, lock.lock) for lock in second.locks] == [(Lock.ROW_EXCLUSIVE, Lock.ACCESS_EXCLUSIVE)]
