"""Alembic's own five templates, as `alembic init` writes them, with nothing but URLs and a small history filled in."""

from __future__ import annotations

import importlib.resources
import re
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.config import Config

from environment.lab import AUTHOR, BOOK, WALKED
from pytest_stairway.findings import Severity

if TYPE_CHECKING:
    from environment.lab import Lab

TEMPLATES = ("generic", "async", "pyproject", "pyproject_async", "multidb")
THERE = {path.name for path in (importlib.resources.files("alembic") / "templates").iterdir() if path.is_dir()}

MULTI = """\
import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {down!r}


def upgrade(engine_name):
    globals()["upgrade_%s" % engine_name]()


def downgrade(engine_name):
    globals()["downgrade_%s" % engine_name]()


def upgrade_engine1():
    {one}


def downgrade_engine1():
    {one_down}


def upgrade_engine2():
    {two}


def downgrade_engine2():
    {two_down}
"""


def initialise(lab: Lab, template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what `alembic init -t TEMPLATE migrations` does, and put in the URLs."""
    if template not in THERE:
        pytest.skip(f"this version of Alembic has no template {template}")
    monkeypatch.chdir(lab.folder)
    config = Config("alembic.ini", **({"toml_file": "pyproject.toml"} if template.startswith("pyproject") else {}))
    command.init(config, "migrations", template=template)
    ini = lab.folder / "alembic.ini"
    url = lab.url("asyncpg" if template.endswith("async") else "psycopg").replace("%", "%%")
    second = url.replace(lab.own.name, "warehouse")
    text = re.sub(r"driver://user:pass@localhost/dbname2", lambda _match: second, ini.read_text())
    ini.write_text(re.sub(r"driver://user:pass@localhost/dbname", lambda _match: url, text))


def write_revisions(lab: Lab, template: str, *, broken: bool = False) -> None:
    if template != "multidb":
        lab.revisions(a1=AUTHOR, b2=("op.execute('SELECT nothing')", "pass") if broken else BOOK)
        return
    second = "op.execute('SELECT nothing')" if broken else "op.create_table('stock', sa.Column('id', sa.Integer))"
    parts = {
        "a1": {"one": AUTHOR[0], "one_down": AUTHOR[1], "two": "pass", "two_down": "pass"},
        "b2": {"one": BOOK[0], "one_down": BOOK[1], "two": second, "two_down": "op.drop_table('stock')"},
    }
    for (revision, part), down in zip(parts.items(), (None, "a1"), strict=True):
        lab.file(f"migrations/versions/{revision}.py", MULTI.format(revision=revision, down=down, **part))


def test_these_are_all_templates() -> None:
    assert THERE - {"__pycache__"} <= set(TEMPLATES)


@pytest.mark.parametrize("template", [name for name in TEMPLATES if name != "multidb"])
def test_a_template(lab: Lab, template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    initialise(lab, template, monkeypatch)
    write_revisions(lab, template)
    assert lab.walk() == WALKED


def test_multidb_has_a_throwaway_database_for_each(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    initialise(lab, "multidb", monkeypatch)
    write_revisions(lab, "multidb")
    environment = lab.environment()
    lab.walk(environment)
    by_database: dict[str, list[set[str]]] = {}
    for url, names in lab.watcher.seen:
        by_database.setdefault(environment.sandbox.name_of(url), []).append(names - {"alembic_version"})
    first, second = sorted(by_database, key=lambda name: "warehouse" in name)
    assert by_database[first] == WALKED
    assert by_database[second] == [set()] * 3 + [{"stock"}, set(), {"stock"}]
    assert "warehouse" in second
    assert "warehouse" not in first


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_whole_project(lab: Lab, template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that a run asks: history, every revision, what is left, the release."""
    initialise(lab, template, monkeypatch)
    write_revisions(lab, template)
    project = lab.project()
    answers = [project.check_history(), *map(project.check_revision, project.selected), project.check_leftovers()]
    answers += map(project.check_release, project.releases)
    assert [finding for answer in answers for finding in answer.findings if finding.severity is not Severity.INFO] == []
    assert [answer.note for answer in answers] == [None] * len(answers)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_broken_revision(lab: Lab, template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    initialise(lab, template, monkeypatch)
    write_revisions(lab, template, broken=True)
    project = lab.project()
    assert project.check_revision(project.history["a1"]).findings == ()
    (finding,) = project.check_revision(project.history["b2"]).findings
    assert finding.code == "upgrade-failed"
    if template == "multidb":
        assert finding.detail.splitlines()[0].startswith("on ")
        assert finding.detail.splitlines()[0].endswith("/warehouse")


def test_multidb_where_one_after_the_other_is_connected(lab: Lab) -> None:
    """Not like the template, which connects to all of them first."""
    env = f"""
    from alembic import context
    from sqlalchemy import create_engine, pool
    for url in ({lab.url()!r}, {lab.url().replace(lab.own.name, "warehouse")!r}):
        with create_engine(url, poolclass=pool.NullPool).connect() as connection:
            context.configure(connection=connection)
            with context.begin_transaction():
                context.run_migrations()
    """
    lab.write(env)
    environment = lab.environment()
    walked = lab.walk(environment)
    assert walked == [names for names in WALKED for _ in range(2)]
    assert len({environment.sandbox.name_of(url) for url, _names in lab.watcher.seen}) == 2


def test_one_database_with_a_version_table_for_each_tenant(lab: Lab) -> None:
    env = f"""
    from alembic import context
    from sqlalchemy import create_engine, pool, text
    with create_engine({lab.url()!r}, poolclass=pool.NullPool).connect() as connection:
        for tenant in ("one", "two"):
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {{tenant}}"))
            connection.execute(text(f"SET search_path TO {{tenant}}"))
            connection.commit()
            connection.dialect.default_schema_name = tenant
            context.configure(connection=connection, version_table_schema=tenant)
            with context.begin_transaction():
                context.run_migrations()
    """
    lab.write(env)
    environment = lab.environment()
    assert lab.walk(environment)[-1] == {"author", "book"}
    assert environment.survey().version_tables == {("one", "alembic_version"), ("two", "alembic_version")}
    assert len(environment.sandbox.databases) == 1
