"""pytest-alembic's users keep its API: its runner works on a throwaway database of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Project

pytest.importorskip("pytest_alembic")

CONFTEST = "from pytest_stairway.alembic_fixtures import alembic_config, alembic_engine\n"

HANDED = """
from alembic import context
from sqlalchemy import create_engine

engine = context.config.attributes.get("connection") or create_engine("sqlite:///app.db")
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

OWN = """
import pytest
from sqlalchemy import text

@pytest.mark.stairway(at="b2")
def test_at_a_revision(alembic_runner, alembic_engine):
    assert alembic_runner.current == "b2"
    alembic_runner.insert_into("t_b2", {"id": 7})
    alembic_runner.migrate_up_one()
    assert alembic_runner.current == "c3"
    with alembic_engine.connect() as connection:
        assert connection.execute(text("SELECT id FROM t_b2")).scalar() == 7
    alembic_runner.migrate_down_to("base")

def test_from_base(alembic_runner):
    assert alembic_runner.current == "base"
    alembic_runner.migrate_up_to("c3")
"""


INI = "[pytest]\npytest_alembic_tests_path = none\n"
"""Its plugin collects tests of its own at tests/conftest.py, by a private attribute that pytest 9.2 has not got."""


@pytest.fixture
def history(project: Project) -> Project:
    """Three revisions, and the line that pytest-alembic's users write."""
    project.write("tests/conftest.py", CONFTEST)
    return project.chain("a1", "b2", "c3")


def run(project: Project, *arguments: str) -> pytest.RunResult:
    """Run pytest with pytest-alembic."""
    without = [word for name in ("randomly", "asyncio", "hypothesispytest", "django") for word in ("-p", f"no:{name}")]
    project.write("pytest.ini", INI)
    return project.pytester.runpytest_subprocess(*without, "tests", *arguments)


@pytest.mark.parametrize("env", [None, HANDED], ids=["ignores its connection", "takes its connection"])
def test_its_own_tests_and_those_of_a_project(history: Project, env: str | None) -> None:
    if env is not None:
        history.write("migrations/env.py", env)
    history.write(
        "tests/test_all.py",
        "from pytest_alembic.tests import test_single_head_revision, test_up_down_consistency, test_upgrade\n",
    )
    history.write("tests/test_own.py", OWN)
    run(history).assert_outcomes(passed=5)
    assert not (history.root / "app.db").exists(), "the project's own database was reached"


METADATA = """
from sqlalchemy import Column, Integer, MetaData, Table

metadata = MetaData()
Table("book", metadata, Column("id", Integer, primary_key=True))
"""


def test_all_of_its_tests_and_one_that_fails(project: Project) -> None:
    project.add(
        "a1", up='op.execute("CREATE TABLE book (id INTEGER NOT NULL PRIMARY KEY)")', down='op.drop_table("book")'
    )
    env = HANDED.replace("connection=connection", "connection=connection, target_metadata=metadata")
    project.write("migrations/env.py", METADATA + env)
    project.write("migrations/script.py.mako", "")
    project.write("tests/conftest.py", CONFTEST)
    project.write("tests/test_all.py", "from pytest_alembic.tests import *\n")
    project.write("tests/test_own.py", "def test_it(alembic_runner):\n    alembic_runner.migrate_up_to('nope')\n")
    result = run(project)
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["*- stairway -*", "stairway_*_test_it: base", "sqlite3 *"])
    assert not (project.root / "app.db").exists()
