"""``--stairway-offline``: each revision's offline SQL does what the revision does, or it is told which statement does not."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gauntlet.case import Case, Rev, sql, table, write
from offline.lab import ROOT, env
from pytest_stairway.project import Project
from pytest_stairway.settings import Settings
from pytest_stairway.sqlite_clients import find_sqlite_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_stairway.databases import Server
    from pytest_stairway.findings import Finding
    from pytest_stairway.project import Answer

NOTES = table("a", "notes", "id int PRIMARY KEY", "note text")
AFTER = table("c", "later", "id int")


class Asked:
    """Asks for the offline SQL of revisions, each project once."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.server = folder, server
        self.made: list[Project] = []

    def project(self, *revisions: Rev, **case: Any) -> Project:
        case.setdefault("env", env())
        ini = write(Case("project", "a project", revisions, **case), self.folder)
        return self.keep(Project(Settings(config=str(ini), offline=True), self.folder, address=self.server.address))

    def keep(self, project: Project) -> Project:
        self.made.append(project)
        return project

    def all(self, project: Project) -> dict[str, Answer]:
        project.plan([each.revision for each in project.selected])
        return {each.revision: project.check_offline(each) for each in project.selected}

    def one(self, up: str, down: str = "pass", **case: Any) -> tuple[Finding, ...]:
        """Give what is found in a revision between two sound ones, which must stay so."""
        answers = self.all(self.project(NOTES, Rev("b", up, down), AFTER, **case))
        assert answers["a"].findings == ()
        assert answers["c"].findings == ()
        return answers["b"].findings


@pytest.fixture
def asked(tmp_path: Path, postgresql_server: Server) -> Iterator[Asked]:
    asked = Asked(tmp_path, postgresql_server)
    yield asked
    for project in asked.made:
        project.close()


def told(findings: tuple[Finding, ...]) -> list[tuple[str, str | None]]:
    return [(each.code, each.direction.value if each.direction else None) for each in findings]


def test_the_samples_offline_sql_does_what_its_revisions_do(asked: Asked, postgresql_server: Server) -> None:
    project = Project(Settings(config=str(ROOT / "alembic.ini"), offline=True), ROOT, address=postgresql_server.address)
    answers = asked.all(asked.keep(project))
    assert {name: answer.findings for name, answer in answers.items()} == dict.fromkeys(project.order, ())
    assert not any(answer.blocked_by or answer.note for answer in answers.values())


BOUND = 'op.get_bind().execute(sa.text("UPDATE notes SET note = :note"), {"note": "kept"})'
TAB = "op.execute(\"UPDATE notes SET note = 'a\\tb'\")"
SKIPPED = "if not op.get_context().as_sql:\n    op.execute(\"UPDATE notes SET note = 'filled'\")"
COMMENT = 'op.execute("ALTER TABLE notes ADD extra int -- for later")'
READS = 'op.get_bind().execute(sa.text("SELECT 1")).scalar()'
TODAY = "op.execute(f\"UPDATE notes SET note = '{__import__('datetime').date.today()}'\")"
UUID = "op.execute(f\"UPDATE notes SET note = '{__import__('uuid').uuid4()}'\")"


@pytest.mark.parametrize(
    ("up", "code", "words"),
    [
        (BOUND, "offline-differs", "bound parameters are lost: the migration gives note='kept'"),
        (TAB, "offline-differs", "a tab in a literal as four spaces"),
        (SKIPPED, "offline-differs", "is_offline_mode"),
        (COMMENT, "offline-failed", "swallows its semicolon"),
        (READS, "offline-failed", "needs a connection"),
        (UUID, "offline-unstable", "a clock or a random value is frozen"),
        (TODAY, "offline-unstable", "today's date is written into the SQL"),
    ],
    ids=["bound", "tab", "skipped", "comment", "reads", "uuid", "today"],
)
def test_what_offline_sql_does_otherwise_is_told_with_its_statement(
    asked: Asked, up: str, code: str, words: str
) -> None:
    down = "op.drop_column('notes', 'extra')" if "extra" in up else "pass"
    findings = asked.one(up, down)
    assert code in {each.code for each in findings}
    finding = next(each for each in findings if each.code == code)
    assert words in finding.message
    assert finding.path is not None
    assert finding.path.endswith("b.py")
    assert finding.detail or code == "offline-failed" or up == SKIPPED


def test_a_date_that_stands_in_the_file_is_no_clocks(asked: Asked) -> None:
    today = dt.datetime.now(dt.timezone.utc).date()
    assert asked.one(f"op.execute(\"UPDATE notes SET note = 'released on {today}'\")") == ()


def test_the_date_of_creation_in_the_docstring_is_none_of_the_sqls(asked: Asked) -> None:
    text = f'"""b\n\nCreate Date: {dt.datetime.now().astimezone().date()} 12:00:00\n"""\n'
    text += "import sqlalchemy as sa\nfrom alembic import op\nrevision, down_revision = 'b', 'a'\n"
    text += f"def upgrade():\n    {TODAY}\ndef downgrade():\n    pass\n"
    answers = asked.all(asked.project(NOTES, Rev("b", text=text)))
    assert told(answers["b"].findings) == [("offline-unstable", "upgrade")]


def test_a_downgrade_is_not_blamed_for_an_upgrade_that_fails(asked: Asked) -> None:
    up = "op.add_column('notes', sa.Column('more', sa.Text()))\nop.execute('UPDATE notes SET more = note -- all')"
    assert told(asked.one(up, "op.drop_column('notes', 'more')")) == [("offline-failed", "upgrade")]


def test_a_downgrade_is_compared_too(asked: Asked) -> None:
    assert told(asked.one("pass", BOUND)) == [("offline-differs", "downgrade")]


TRIGGER = "CREATE TRIGGER t BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION whoever()"
WHOEVER = """CREATE FUNCTION whoever() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN NEW.note = current_database() || pg_backend_pid(); RETURN NEW; END $$"""
ELSEWHERE = (
    "current_database()",
    "pg_backend_pid()::text",
    "current_setting('application_name')",
    "current_user",
    "now()::timestamp(0)::text",
    "txid_current()::text",
)


def test_what_another_database_or_session_gives_otherwise_is_no_finding(asked: Asked) -> None:
    """A migration that asks for its mode is not repeated on the walk's own database, so that there are two."""
    columns = {f"v{place}": value for place, value in enumerate(ELSEWHERE)}
    made = table("a", "notes", "id int PRIMARY KEY", "note text", *(f"{name} text" for name in columns))
    asks = "op.get_context().as_sql\n"
    up = sql(f"UPDATE notes SET {', '.join(f'{name} = {value}' for name, value in columns.items())}")
    revisions = (
        Rev("b", asks + up, asks + up),
        Rev("c", f"{asks}{sql(WHOEVER)}\n{sql(TRIGGER)}\n{sql('UPDATE notes SET id = id')}"),
        Rev("d", asks + up, "raise NotImplementedError('no way back')"),
    )
    answers = asked.all(asked.project(made, *revisions))
    assert {name: answer.findings for name, answer in answers.items()} == dict.fromkeys("abcd", ())


def test_what_the_database_makes_up_in_a_revision_without_a_way_back_is_no_finding(asked: Asked) -> None:
    """Nothing in its SQL says so; whatever else it does is compared."""
    made = table(
        "a", "notes", "id uuid PRIMARY KEY DEFAULT gen_random_uuid()", "note text", "x timestamptz DEFAULT now()"
    )
    insert = sql("INSERT INTO notes (note) VALUES ('new')")
    index = "if not op.get_context().as_sql:\n    op.create_index('by_note', 'notes', ['note'])"
    revisions = (
        made,
        Rev("b", insert, "raise RuntimeError('not one step back')"),
        Rev("c", f"{insert}\n{index}", "raise NotImplementedError('no way back')"),
    )
    answers = asked.all(asked.project(*revisions, table("d", "later", "id int")))
    assert {name: told(answer.findings) for name, answer in answers.items()} == {
        "a": [],
        "b": [],
        "c": [("offline-differs", "upgrade")],
        "d": [],
    }


def test_a_downgrade_that_changes_values_is_compared(asked: Asked) -> None:
    assert told(asked.one("pass", TAB)) == [("offline-differs", "downgrade")]


@pytest.mark.parametrize(
    "value", ["md5(random()::text)", "gen_random_uuid()::text", "clock_timestamp()::text", "now()::text", "'100%'"]
)
def test_what_gives_the_same_is_left_alone(asked: Asked, value: str) -> None:
    assert asked.one(f'op.execute("UPDATE notes SET note = {value}")') == ()


LITERAL_FIRST = "op.execute(\"UPDATE notes SET note = '{}' WHERE id = (SELECT min(id) FROM notes)\")"
BESIDE = {
    "in the same value": "op.execute(\"UPDATE notes SET note = '{}' || gen_random_uuid()\")",
    "in another row": f'op.execute("UPDATE notes SET note = gen_random_uuid()")\n{LITERAL_FIRST}',
    "in another row, with a seed": f'op.execute("UPDATE notes SET note = random()")\n{LITERAL_FIRST}',
}


@pytest.mark.parametrize("place", BESIDE)
def test_a_changed_literal_is_seen_beside_a_random_value(asked: Asked, place: str) -> None:
    (finding,) = asked.one(BESIDE[place].format("a\\tb"))
    assert finding.code == "offline-differs"
    assert "a tab in a literal as four spaces" in finding.message


@pytest.mark.parametrize("place", BESIDE)
def test_a_literal_that_stays_is_left_alone_beside_a_random_value(asked: Asked, place: str) -> None:
    assert asked.one(BESIDE[place].format("a    b, 100%")) == ()


def test_a_table_whose_rows_are_never_the_same_twice_is_left_alone(asked: Asked) -> None:
    random = table("a", "notes", "id uuid PRIMARY KEY DEFAULT gen_random_uuid()", "made timestamptz DEFAULT now()")
    answers = asked.all(
        asked.project(random, Rev("b", sql("ALTER TABLE notes ADD x int"), sql("ALTER TABLE notes DROP x")))
    )
    assert [answer.findings for answer in answers.values()] == [(), ()]


def test_a_downgrade_that_says_it_cannot_is_left_to_the_walk(asked: Asked) -> None:
    assert asked.one("pass", 'raise NotImplementedError("no way back")') == ()


def test_a_revision_that_fails_online_is_left_to_the_walk(asked: Asked) -> None:
    answers = asked.all(asked.project(NOTES, Rev("b", sql("SELECT 1/0")), AFTER))
    assert [answer.blocked_by for answer in answers.values()] == [None, "b", "b"]
    assert all(answer.findings == () for answer in answers.values())


def test_one_revision_alone_is_checked_where_it_stands(asked: Asked) -> None:
    project = asked.project(NOTES, Rev("b", BOUND), AFTER)
    assert told(project.check_offline(project.history["b"]).findings) == [("offline-differs", "upgrade")]
    assert project.check_offline(project.history["a"]).findings == ()


def test_an_env_py_without_an_offline_branch_is_told_as_such(asked: Asked) -> None:
    project = asked.project(NOTES, env=None)
    (finding,) = project.check_offline(project.history["a"]).findings
    assert finding.code == "environment-failed"
    assert "offline mode" in finding.message


def test_a_finding_is_accepted_by_the_revision_and_an_acceptance_in_vain_is_told(asked: Asked) -> None:
    accepted = Rev("b", f"# stairway: accept offline-differs: the DBA fills it in\n{BOUND}")
    in_vain = replace(AFTER, up=f"# stairway: accept offline-failed: it never does\n{AFTER.up}")
    answers = asked.all(asked.project(NOTES, accepted, in_vain))
    assert [each.accepted for each in answers["b"].findings] == [True]
    assert [each.code for each in answers["c"].findings] == ["unused-acceptance"]


def test_the_walk_and_the_offline_walk_take_turns(asked: Asked) -> None:
    project = asked.project(NOTES, Rev("b", BOUND), AFTER)
    for revision in project.selected:
        codes = {each.code for each in project.check_revision(revision).findings}
        assert not codes & {"upgrade-failed", "downgrade-failed", "reupgrade-failed", "environment-failed"}
        project.check_offline(revision)
    assert told(project.check_offline(project.history["b"]).findings) == [("offline-differs", "upgrade")]


FAILS_OFFLINE = "if op.get_context().as_sql:\n    op.execute('SELEC 1')"


def test_on_sqlite_the_shell_runs_the_sql_where_there_is_one(tmp_path: Path) -> None:
    ini = write(
        Case("project", "a project", (NOTES, Rev("b", TAB), Rev("c", FAILS_OFFLINE)), dialect="sqlite", env=env()),
        tmp_path,
    )
    project = Project(Settings(config=str(ini), offline=True), tmp_path)
    try:
        answers = [project.check_offline(each).findings for each in project.selected]
    finally:
        project.close()
    assert [told(findings) for findings in answers] == [
        [],
        [("offline-differs", "upgrade")],
        [("offline-failed", "upgrade")],
    ]
    shell = find_sqlite_client()
    assert f"when {shell or 'SQLite'} runs it" in answers[2][0].message
