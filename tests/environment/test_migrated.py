"""Databases for tests of one migration, on PostgreSQL: by every driver, and the project's own database is never touched."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from pytest_stairway.exceptions import UsageError
from pytest_stairway.plugin.lending import clones_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_stairway.clones import Clones
    from pytest_stairway.databases import Server
    from pytest_stairway.migrated import MigratedDatabase

    from .lab import Lab

pytest.importorskip("asyncpg")

ASYNC = """\
import asyncio
from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine

def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    engine = create_async_engine({url!r}, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()

asyncio.run(main())
"""

AUTHOR = (
    "op.create_table('author', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.Text, nullable=False))",
    "op.drop_table('author')",
)
CODE = (
    "op.add_column('author', sa.Column('code', sa.String(3), unique=True))",
    "op.drop_column('author', 'code')",
)


@pytest.fixture
def clones(lab: Lab, request: pytest.FixtureRequest) -> Clones:
    """A project whose `env.py` uses the driver that a test names."""
    driver = getattr(request, "param", "psycopg")
    lab.write(
        env=ASYNC.format(url=lab.url(driver)) if driver == "asyncpg" else lab.plain(driver=driver), a1=AUTHOR, b2=CODE
    )
    return clones_of(lab.project())


@pytest.fixture
def make(clones: Clones) -> Iterator[Callable[[str], MigratedDatabase]]:
    """Make databases, and drop them."""
    made: list[MigratedDatabase] = []

    def make(revision: str) -> MigratedDatabase:
        made.append(clones.at(revision))
        return made[-1]

    yield make
    for migrated in made:
        clones.drop(migrated)


def step_and_look(migrated: MigratedDatabase) -> None:
    assert migrated.insert("author", {"name": "Ann"}) == [{"id": 1, "name": "Ann"}]
    migrated.upgrade("b2")
    migrated.insert("author", {"name": "Bob", "code": "bob"})
    assert migrated.rows("author") == [{"id": 1, "name": "Ann", "code": None}, {"id": 2, "name": "Bob", "code": "bob"}]
    before = migrated.look()
    migrated.downgrade("-1")
    migrated.upgrade("+1")
    assert [each.partition(":")[0] for each in migrated.compare(before)] == ["author id=2"]
    with pytest.raises(IntegrityError):
        migrated.insert("author", {"id": 2, "name": "Cid"})


@pytest.mark.parametrize("clones", ["psycopg", "psycopg2", "pg8000", "asyncpg"], indirect=True)
def test_every_driver(make: Callable[[str], MigratedDatabase]) -> None:
    step_and_look(make("a1"))


@pytest.mark.parametrize("clones", ["asyncpg"], indirect=True)
def test_an_async_driver_alone(make: Callable[[str], MigratedDatabase], monkeypatch: pytest.MonkeyPatch) -> None:
    migrated = make("a1")
    with monkeypatch.context() as patch:
        for name in ("psycopg", "psycopg2", "pg8000"):
            patch.setitem(sys.modules, name, None)
        step_and_look(migrated)
        with pytest.raises(UsageError, match=r"asyncpg is the only driver .* create_async_engine\(stairway.url\)"):
            _ = migrated.engine


@pytest.mark.parametrize("clones", ["psycopg", "psycopg2", "pg8000"], indirect=True)
def test_alembics_own_commands_while_it_is_guarded(make: Callable[[str], MigratedDatabase], lab: Lab) -> None:
    """`env.py` connects to its own database, somebody else by our engine: both reach the throwaway one."""
    migrated = make("a1")
    with migrated.guarded():
        command.upgrade(Config(str(lab.folder / "alembic.ini")), "b2")
        with migrated.engine.connect() as connection:
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "b2"


@pytest.mark.parametrize("clones", ["asyncpg"], indirect=True)
def test_inside_an_event_loop(make: Callable[[str], MigratedDatabase]) -> None:
    async def main() -> Any:
        from sqlalchemy.ext.asyncio import create_async_engine

        migrated = make("a1")
        step_and_look(migrated)
        engine = create_async_engine(migrated.url)
        async with engine.connect() as connection:
            count = (await connection.execute(text("SELECT count(*) FROM author"))).scalar()
        await engine.dispose()
        return count

    assert asyncio.run(main()) == 2


def test_a_template_is_built_once(clones: Clones, make: Callable[[str], MigratedDatabase], lab: Lab) -> None:
    note = f"with open({str(lab.folder / 'ran')!r}, 'a') as file: file.write('x')"
    lab.file("migrations/env.py", f"{(lab.folder / 'migrations/env.py').read_text()}\n{note}\n")
    make("b2")
    runs = (lab.folder / "ran").read_text()
    other = make("b2")
    assert (lab.folder / "ran").read_text() == runs
    assert other.rows("author") == []
    assert other.heads == ("b2",)


def test_a_template_is_built_on_the_one_below(lab: Lab) -> None:
    ran = lab.folder / "ran"
    noting = f"with open({str(ran)!r}, 'a') as file: file.write('x')\n{AUTHOR[0]}"
    lab.write(env=lab.plain(driver="psycopg"), a1=(noting, AUTHOR[1]), b2=CODE)
    clones = clones_of(lab.project())
    made = [clones.at("a1"), clones.at("b2")]
    try:
        assert made[1].rows("author") == []
        assert made[1].heads == ("b2",)
        assert ran.read_text() == "x"
    finally:
        for each in made:
            clones.drop(each)


def test_a_failed_step_leaves_the_database_where_it_was(make: Callable[[str], MigratedDatabase], lab: Lab) -> None:
    migrated = make("b2")
    migrated.insert("author", {"name": "Ann"}, {"name": "Bob"})
    migrated.execute("CREATE VIEW codes AS SELECT code FROM author")
    with pytest.raises(Exception, match="other objects depend on it"):
        migrated.downgrade()
    assert migrated.heads == ("b2",)
    assert len(migrated.rows("author", code=None)) == 2


def test_a_transaction_that_is_open_would_block_the_step(make: Callable[[str], MigratedDatabase]) -> None:
    migrated = make("a1")
    with migrated.engine.connect() as connection:
        connection.execute(text("SELECT * FROM author"))
        with pytest.raises(UsageError, match="transaction open"):
            migrated.upgrade()
        connection.commit()
        migrated.upgrade()
    assert migrated.heads == ("b2",)


def test_generated_rows(make: Callable[[str], MigratedDatabase]) -> None:
    migrated = make("b2")
    assert migrated.populate(rows=4).populated == ("author",)
    assert len(migrated.rows("author")) >= 4


ON_EITHER = """\
from alembic import context
from sqlalchemy import create_engine, pool

with create_engine("mysql+pymysql://app:x@db.invalid/app", poolclass=pool.NullPool).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


def test_mariadb_and_mysql(lab: Lab, either_server: Server) -> None:
    lab.write(env=ON_EITHER, a1=AUTHOR, b2=CODE)
    lab.server = either_server
    clones = clones_of(lab.project())
    migrated = clones.at("a1")
    step_and_look(migrated)
    assert migrated.populate(rows=4).populated == ("author",)
    assert len(migrated.rows("author")) == 4
    clones.drop(migrated)


def test_tables_in_a_schema(make: Callable[[str], MigratedDatabase]) -> None:
    migrated = make("base")
    assert migrated.heads == ()
    migrated.execute("CREATE SCHEMA app")
    migrated.execute("CREATE TABLE app.note (word text)")
    assert migrated.insert("app.note", {"word": "x"}) == [{"word": "x"}]
    assert migrated.rows("app.note") == [{"word": "x"}]
    with pytest.raises(UsageError, match=r"no table app.other at base \(there are note\)"):
        migrated.rows("app.other")
