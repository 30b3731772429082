"""Walks on MariaDB and MySQL: by every driver, and with an `env.py` that knows nothing of us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gauntlet.case import Case, Rev, table, write
from pytest_stairway.project import Project
from pytest_stairway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_stairway.databases import Server
    from pytest_stairway.project import Answer

ASYNC_ENV = """
import asyncio
from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine

def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    engine = create_async_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()

asyncio.run(main())
"""
MODULES = {
    "pymysql": "pymysql",
    "mysqldb": "MySQLdb",
    "mysqlconnector": "mysql.connector",
    "mariadbconnector": "mariadb",
    "aiomysql": "aiomysql",
    "asyncmy": "asyncmy",
}
REVISIONS = (
    table("a1", "author", "id int PRIMARY KEY", "name varchar(60) COMMENT '100% who'"),
    Rev("b2", "op.add_column('author', sa.Column('x', sa.Integer()))\nop.drop_column('author', 'nowhere')"),
    table("c3", "book", "id int PRIMARY KEY", down_revision="a1"),
)


@pytest.fixture
def walked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., dict[str, Answer]]]:
    """Walk a history, two of whose revisions are sound, as a project with this URL does."""
    made: list[Project] = []

    def walk(url: str, server: str = "mariadb") -> dict[str, Answer]:
        address = request.getfixturevalue(f"{server}_server").address
        driver = url.partition(":")[0].partition("+")[2]
        env = ASYNC_ENV if driver in {"aiomysql", "asyncmy"} else None
        ini = write(Case("project", "a project", REVISIONS, dialect="mysql", env=env), tmp_path, url=url)
        project = Project(Settings(config=str(ini), max_heads=2), tmp_path, address=address)
        made.append(project)
        assert not project.check_history().findings
        return {each.revision: project.check_revision(each) for each in project.selected}

    yield walk
    for project in made:
        project.close()


def test_rows_are_carried_and_counted(either_server: Server, tmp_path: Path) -> None:
    ini = write(Case("project", "a project", REVISIONS, dialect="mysql"), tmp_path)
    for rows, coverage in ((5, (2, 2)), (0, None)):
        project = Project(Settings(config=str(ini), max_heads=2, rows=rows), tmp_path, address=either_server.address)
        for revision in project.selected:
            answer = project.check_revision(revision)
        project.close()
        assert project.notes == ()
        assert answer.coverage == coverage


def told(answer: Answer) -> list[Any]:
    return [(finding.code, finding.message) for finding in answer.findings]


@pytest.mark.parametrize("driver", MODULES)
@pytest.mark.parametrize(
    ("dialect", "server"),
    [("mysql", "mariadb"), ("mariadb", "mariadb"), ("mysql", "mysql")],
    ids=["mysql-mariadb", "mariadb-mariadb", "mysql-mysql"],
)
def test_every_driver_walks(walked: Callable[..., dict[str, Answer]], dialect: str, server: str, driver: str) -> None:
    pytest.importorskip(MODULES[driver])
    answers = walked(f"{dialect}+{driver}://app:secret@db.invalid/app", server)
    assert not told(answers["a1"])
    ((code, message),) = told(answers["b2"])
    assert code == "upgrade-failed"
    assert message.endswith("; these objects were already changed: column author.x (added)")
    assert "stairway_" not in message
    assert not told(answers["c3"])


def test_the_frames_of_compiled_drivers_are_not_told(walked: Callable[..., dict[str, Answer]]) -> None:
    (finding,) = walked("mysql+asyncmy://app:secret@db.invalid/app")["b2"].findings
    assert "op.drop_column" in (finding.detail or "")
    assert "pyx" not in (finding.detail or "")
