"""A history that is younger than its database begins with that database's schema."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_stairway.databases import Server

    from .conftest import Project

OLD = "CREATE TABLE old (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL);\n"
DUMPED = """\
\\restrict abc
SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.old (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL);
ALTER TABLE public.old OWNER TO somebody_of_theirs;
\\unrestrict abc
"""


@pytest.fixture
def young(project: Project) -> Project:
    """A first revision that changes a table which it finds, and a second one that refers to it."""
    project.add(
        "a1", 'op.execute("ALTER TABLE old ADD COLUMN age INTEGER")', 'op.execute("ALTER TABLE old DROP COLUMN age")'
    )
    project.add(
        "b2", 'op.execute("CREATE TABLE new (old INTEGER REFERENCES old (id))")', 'op.execute("DROP TABLE new")'
    )
    return project


def on(project: Project, server: Server) -> list[str]:
    """Let `env.py` speak a server's dialect, and name that server; give the options."""
    ini = project.root / "alembic.ini"
    driver = "postgresql+psycopg" if server.dialect == "postgresql" else "mysql+pymysql"
    ini.write_text(re.sub("sqlite:.*", f"{driver}://localhost/app", ini.read_text()))
    return ["--stairway-database", json.loads(server.address)["url"]]


def test_without_it_the_finding_says_what_to_give(young: Project) -> None:
    report = young.report()
    (finding,) = [each for each in report["findings"] if each["code"] == "upgrade-failed"]
    assert "old" in finding["message"]
    assert "--stairway-base-schema" in finding["hint"]


def test_sqlite(young: Project) -> None:
    result = young.run("--stairway", "--stairway-base-schema", young.write("base.sql", OLD))
    result.assert_outcomes(passed=5, skipped=1)
    result.stdout.fnmatch_lines(["rows: in 2 of 2 tables"])


def test_a_dump_of_postgresql(young: Project, postgresql_server: Server) -> None:
    arguments = on(young, postgresql_server)
    result = young.run("--stairway", "--stairway-base-schema", young.write("base.sql", DUMPED), *arguments)
    result.assert_outcomes(passed=5, skipped=1)
    result.stdout.fnmatch_lines(["rows: in 2 of 2 tables"])


def test_mariadb(young: Project, mariadb_server: Server) -> None:
    arguments = on(young, mariadb_server)
    result = young.run("--stairway", "--stairway-base-schema", young.write("base.sql", OLD), *arguments)
    result.assert_outcomes(passed=5, skipped=1)


def test_what_it_made_and_a_downgrade_drops_is_missed(young: Project) -> None:
    young.add(
        "c3",
        'op.execute("CREATE TABLE more (id INTEGER)")',
        'op.execute("DROP TABLE more"); op.execute("DROP TABLE new"); op.execute("DROP TABLE old")',
    )
    report = young.report("--stairway-base-schema", young.write("base.sql", OLD))
    codes = {each["code"] for each in report["findings"] if each["revision"] == "c3"}
    assert codes & {"schema-not-restored", "rows-lost"}


def test_workers_share_it(young: Project) -> None:
    file = young.write("base.sql", OLD)
    result = young.spawn("--stairway", "--stairway-base-schema", file, "-n", "2")
    result.assert_outcomes(passed=5, skipped=1)


def test_the_command(young: Project) -> None:
    young.write("base.sql", OLD)
    done = young.command("check", "--base-schema", "base.sql")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_template_of_another_schema_is_not_used(
    young: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STAIRWAY_CACHE_DIR", str(tmp_path / "cache"))
    newest = young.versions / "b2_make.py"
    for schema, passed in ((OLD, 1), ("CREATE TABLE older (id INTEGER);", 0), (OLD, 1)):
        result = young.run(newest, "--stairway-base-schema", young.write("base.sql", schema))
        assert result.parseoutcomes().get("passed", 0) == passed


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (None, "*--stairway-base-schema names *base.sql, which cannot be read: No such file*"),
        (
            "CREATE TABLE alembic_version (version_num TEXT);",
            "*creates Alembic's version table: give the schema as it*",
        ),
    ],
)
def test_a_file_that_cannot_be_used_ends_the_run_before_it_starts(
    young: Project, schema: str | None, message: str
) -> None:
    file = young.root / "base.sql" if schema is None else young.write("base.sql", schema)
    result = young.run("--stairway", "--stairway-base-schema", file)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_what_the_database_does_not_take_is_told_in_its_words(young: Project) -> None:
    result = young.run(
        "--stairway", "--stairway-base-schema", young.write("base.sql", "CREATE TABEL old (id INTEGER);")
    )
    result.assert_outcomes(passed=1, errors=5)
    result.stdout.fnmatch_lines(['*--stairway-base-schema: *base.sql cannot be loaded: near "TABEL": syntax error*'])
