"""Round trips repeated by their SQL on the walk's own database: cheap where all is well, and never in the walk's way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gauntlet.case import Case, Rev, sql, table, write
from offline.lab import env
from offline.test_plain import PLAIN
from pytest_stairway.environment.access import Access
from pytest_stairway.offline.pair import Pair
from pytest_stairway.offline.runners import _Driver, script_runner
from pytest_stairway.project import Project
from pytest_stairway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from pytest_stairway.databases import Server
    from pytest_stairway.findings import Finding

    Make = Callable[..., Project]

NOTES = table("a", "notes", "id int PRIMARY KEY", "note text")
DROPS = """\
import sqlalchemy as sa
from alembic import op

revision = "d"
down_revision = "c"

def upgrade():
    op.drop_column("notes", "note")

def downgrade():
    op.add_column("notes", sa.Column("note", sa.Text))
"""
SOUND = (
    NOTES,
    Rev("b", sql("ALTER TABLE notes ADD made int DEFAULT 1"), sql("ALTER TABLE notes DROP made")),
    Rev("c", sql("UPDATE notes SET note = note || '.'"), sql("UPDATE notes SET note = left(note, -1)")),
    Rev("d", text=DROPS),
    Rev("e", sql("INSERT INTO notes (id) VALUES (-7)"), sql("DELETE FROM notes WHERE id = -7")),
)
TIMEOUTS = (
    NOTES,
    Rev(
        "b",
        sql("SET lock_timeout = '5s'") + "\n" + sql("ALTER TABLE notes ADD made int"),
        sql("ALTER TABLE notes DROP made"),
    ),
    Rev("c", sql("SET SESSION statement_timeout = '30s'"), sql("SET LOCAL statement_timeout = 1000")),
)
LOSSY = (
    NOTES,
    Rev("b", sql("DELETE FROM notes"), "pass"),
    Rev("c", sql("ALTER TABLE notes DROP note"), sql("ALTER TABLE notes ADD note text")),
)
SKIPPED = Rev("b", "if not op.get_context().as_sql:\n    op.execute(\"INSERT INTO notes VALUES (-7, 'filled')\")")
AFTER = table("c", "later", "id int")


@pytest.fixture
def make(tmp_path: Path, postgresql_server: Server) -> Iterator[Make]:
    made: list[Project] = []

    def project(*revisions: Rev, offline: bool = True, rows: int = 5, **case: Any) -> Project:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        ini = write(Case("project", "a project", revisions, **{"env": env(), **case}), folder)
        settings = Settings(config=str(ini), offline=offline, rows=rows)
        made.append(Project(settings, folder, address=postgresql_server.address))
        return made[-1]

    yield project
    for each in made:
        each.close()


def answers(project: Project) -> dict[str, tuple[Finding, ...]]:
    """Walk all, then ask for all SQL, as a run of pytest does."""
    project.plan([each.revision for each in project.selected])
    for each in project.selected:
        project.check_revision(each)
    return {each.revision: project.check_offline(each).findings for each in project.selected}


@pytest.fixture
def no_second_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise AssertionError("a second database was made")

    monkeypatch.setattr(Pair, "begin", fail)


@pytest.mark.usefixtures("no_second_database")
@pytest.mark.parametrize("rows", [5, 0])
@pytest.mark.parametrize("both", ["", "transaction_per_migration=True"])
def test_sound_revisions_need_no_second_database(make: Make, rows: int, both: str) -> None:
    found = answers(make(*SOUND, rows=rows, env=env(both)))
    assert found == dict.fromkeys("abcde", ())


@pytest.mark.usefixtures("no_second_database")
@pytest.mark.parametrize("revisions", [TIMEOUTS, LOSSY], ids=["timeouts", "rows that do not come back"])
def test_what_is_sent_as_it_is_written_needs_no_second_database(make: Make, revisions: tuple[Rev, ...]) -> None:
    found = answers(make(*revisions))
    assert found == dict.fromkeys("abc", ())


def test_a_timeout_of_one_revisions_sql_does_not_reach_the_next(make: Make) -> None:
    slow = sql("SELECT pg_sleep(0.2)")
    hasty = Rev("b", sql("SET statement_timeout = '100ms'"), sql("SET statement_timeout = '100ms'"))
    project = make(NOTES, hasty, Rev("c", slow, slow))
    project.plan("abc")
    assert [project.check_revision(each).findings for each in project.selected] == [(), (), ()]


def test_a_delete_that_the_sql_lacks_is_found_where_rows_do_not_come_back(make: Make) -> None:
    found = answers(make(NOTES, Rev("b", "if not op.get_context().as_sql:\n    op.execute('DELETE FROM notes')")))
    assert [each.code for each in found["b"]] == ["offline-differs"]


@pytest.mark.parametrize("rows", [5, 0])
def test_what_migrations_write_is_compared_also_where_no_rows_are_made(make: Make, rows: int) -> None:
    found = answers(make(NOTES, SKIPPED, AFTER, rows=rows))
    assert [each.code for each in found["b"]] == ["offline-differs"]
    assert found["a"] == found["c"] == ()


@pytest.mark.parametrize(
    "odd",
    [
        SKIPPED,
        replace(SKIPPED, down=SKIPPED.up.replace("INSERT INTO notes VALUES (-7, 'filled')", "DELETE FROM notes")),
        Rev("b", sql("ALTER TABLE notes ADD x int /* ; */ DEFAULT 1"), sql("ALTER TABLE notes DROP x")),
        Rev("b", "if op.get_context().as_sql:\n    op.execute('SELECT 1/0')"),
        Rev("b", "pass", "if op.get_context().as_sql:\n    op.execute('SELECT 1/0')"),
        Rev("b", "if op.get_context().as_sql:\n    op.execute('DROP TABLE notes')"),
    ],
    ids=["skips", "skips down", "comment", "fails up", "fails down", "drops"],
)
def test_the_walk_finds_the_same_with_it_and_without(make: Make, odd: Rev) -> None:
    told = []
    for offline in (True, False):
        project = make(NOTES, odd, AFTER, offline=offline)
        project.plan("abc")
        found = [project.check_revision(each) for each in project.selected]
        told.append([(each.coverage, [finding.message for finding in each.findings]) for each in found])
        project.close()
    assert told[0] == told[1]


def test_what_is_compared_at_length_knows_what_was_proven_in_between(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_stairway.schema.postgresql._PATIENCE", -1)  # as beside other sessions at work
    revisions: list[Rev] = []
    for number in range(3):
        odd = sql(f"ALTER TABLE t{number} ADD x int /* ; */"), sql(f"ALTER TABLE t{number} DROP x")
        made = [
            table(f"{letter}{number}", f"{name}{number}", "id int") for letter, name in (("a", "t"), ("n", "other"))
        ]
        revisions += [*made, Rev(f"z{number}", *odd)]
    found = answers(make(*revisions))
    assert found == dict.fromkeys(found, ())


def test_a_revision_that_fails_on_rows_only_keeps_nobody_from_being_compared(make: Make) -> None:
    must = Rev("b", sql("ALTER TABLE notes ADD must int NOT NULL"), sql("ALTER TABLE notes DROP must"))
    later = replace(SKIPPED, revision="c", up=SKIPPED.up.replace("(-7, 'filled')", "(-7, 'filled', 1)"))
    project = make(NOTES, must, later)
    found = answers(project)
    assert found["b"] == ()
    assert [each.code for each in found["c"]] == ["offline-differs"]
    assert not any(project.check_offline(each).blocked_by for each in project.selected)


def test_a_search_path_of_the_env_pys_own_is_not_taken_for_psqls(make: Make) -> None:
    line = "    with engine.connect() as connection:\n"
    own = f"""{line}        connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS own")
        connection.exec_driver_sql("SET search_path TO own")
        connection.commit()
"""
    found = answers(make(table("a", "notes", "id int"), env=env().replace(line, own)))
    assert {each.code for each in found["a"]} & {"offline-failed", "offline-differs"}


def test_plain_statements_give_the_same_by_psql_and_by_a_driver(postgresql_server: Server) -> None:
    before = [
        'CREATE TABLE a (b text); CREATE TABLE b (x int); CREATE TABLE "a:b" ("c\\d" int);',
        "INSERT INTO a VALUES (1);",
    ]

    def look(connection: Connection) -> list[Any]:
        found = "SELECT b FROM a UNION ALL SELECT col_description('\"a:b\"'::regclass, 1)"
        return list(connection.exec_driver_sql(found).scalars())

    told = []
    for make_runner in (script_runner, lambda _server, database: _Driver(database, "postgresql")):
        database = postgresql_server.create()
        runner = make_runner(postgresql_server, database)
        assert [runner.run([text]).said for text in (*before, *PLAIN.values())] == [None] * (len(before) + len(PLAIN))
        runner.close()
        told.append(Access(database, driver="psycopg").run(look))
        postgresql_server.drop(database)
    assert told[0] == told[1] == ["it's :here and -- there", "e"]
