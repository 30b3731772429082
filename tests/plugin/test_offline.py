"""``--stairway-offline`` in pytest, and in the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.conftest import order, outcomes

if TYPE_CHECKING:
    from plugin.conftest import Project

ENV = """\
from alembic import context
from sqlalchemy import create_engine, pool

url = context.config.get_main_option("sqlalchemy.url")
if context.is_offline_mode():
    context.configure(url=url, literal_binds=True)
    context.run_migrations()
else:
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""

BOUND = 'import sqlalchemy as sa; op.get_bind().execute(sa.text("INSERT INTO t_a VALUES (:id)"), {"id": 7})'


def test_the_offline_items_come_last_and_fail_alone(project: Project) -> None:
    project.write("migrations/env.py", ENV)
    project.chain("a").add("b", BOUND, 'op.execute("DELETE FROM t_a WHERE id = 7")')
    result = project.run("--stairway", "--stairway-offline", "-v")
    names = [name.partition("::")[2] for name in order(result)]
    assert names[:3] == ["history", "roundtrip", "roundtrip"]
    assert names[-2:] == ["offline", "offline"]
    assert names.count("offline") == 2
    failed = [name for name, word in outcomes(result).items() if word == "FAILED"]
    assert failed == ["migrations/versions/b_make.py::offline"]
    result.stdout.fnmatch_lines(["*offline-differs: bound parameters are lost: the migration gives id=7*"])


def test_without_the_option_there_are_none(project: Project) -> None:
    project.chain("a")
    assert not any("offline" in name for name in order(project.run("--stairway", "-v")))


def test_the_command_checks_offline_sql(project: Project) -> None:
    project.write("migrations/env.py", ENV)
    project.chain("a").add("b", BOUND, 'op.execute("DELETE FROM t_a WHERE id = 7")')
    done = project.command("check", "--offline")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "ok          a offline" in done.stdout
    assert "FAILED      b offline" in done.stdout
