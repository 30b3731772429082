"""Rows in the walk: where they come from, what is told of them, and what a failure on populated tables becomes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, text

from gauntlet.case import Rev, sql, table
from pytest_stairway.exceptions import UsageError
from pytest_stairway.findings import Severity
from pytest_stairway.report import Outcome, Report
from pytest_stairway.reporters.json import as_json
from pytest_stairway.walk.carried_rows import CarriedRows, RowSettings, Style

if TYPE_CHECKING:
    from conftest import MakeProject
    from pytest_stairway.findings import Finding
    from pytest_stairway.project import Project

AUTHOR = table("a", "author", "id serial PRIMARY KEY", "name text NOT NULL", "ref_code text")
ADD_REF_CODE = Rev(
    "b", sql("ALTER TABLE author ADD code text CONSTRAINT uq UNIQUE"), sql("ALTER TABLE author DROP code")
)
FILL = "UPDATE author SET code = {} WHERE code IS NULL"


def ask_all(project: Project) -> Report:
    report = Report()
    project.plan([revision.revision for revision in project.selected])
    for revision in project.selected:
        report.take(project.check_revision(revision).as_dict())
    return report


def errors(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.severity is not Severity.INFO]


def backfill(expression: str) -> Rev:
    return Rev(
        "c",
        sql(FILL.format(expression)) + "\n" + sql("ALTER TABLE author ALTER code SET NOT NULL"),
        sql("ALTER TABLE author ALTER code DROP NOT NULL"),
    )


def test_coverage_is_told(make_project: MakeProject) -> None:
    report = ask_all(make_project(AUTHOR, table("b", "book", "id int", "author_id int REFERENCES author")))
    assert report.coverage == (2, 2)
    assert as_json(report)["rows"] == {"tables": 2, "populated_tables": 2}


def test_no_rows_are_made_where_none_are_wanted(make_project: MakeProject) -> None:
    report = ask_all(make_project(AUTHOR, Rev("b", sql("DELETE FROM author")), rows=0))
    assert report.findings == []
    assert report.coverage is None
    assert as_json(report)["rows"] is None


def test_what_an_earlier_downgrade_drops_is_filled_with_other_values(make_project: MakeProject) -> None:
    report = ask_all(make_project(AUTHOR, ADD_REF_CODE, backfill("md5(random()::text)")))
    (finding,) = errors(report)
    assert (finding.code, finding.revision) == ("not-repeatable", "c")
    assert finding.message.startswith("going down to a and up again fills other values")
    assert "5 of 5 rows" in finding.message
    assert [(each.code, each.revision) for each in report.findings if each.severity is Severity.INFO] == [
        ("data-dropped", "b")
    ]


def test_of_dropped_values_it_is_told_which_do_not_come_back(make_project: MakeProject) -> None:
    split = Rev(
        "b",
        sql("CREATE TABLE code AS SELECT id, ref_code FROM author WHERE ref_code <> ''")
        + "\n"
        + sql("ALTER TABLE author DROP ref_code"),
        sql("ALTER TABLE author ADD ref_code text")
        + "\n"
        + sql("UPDATE author SET ref_code = code.ref_code FROM code WHERE code.id = author.id")
        + "\n"
        + sql("DROP TABLE code"),
    )
    (finding,) = errors(ask_all(make_project(AUTHOR, split)))
    assert finding.code == "data-dropped"
    assert "the downgrade does not bring all of it back: author id=4: ref_code '' before, NULL after" in finding.message


def test_the_values_that_a_downgrade_drops_with_their_column_are_in_the_reports(make_project: MakeProject) -> None:
    filled = Rev(
        "b",
        sql(
            "ALTER TABLE author ADD code text, ADD seen boolean DEFAULT true, ADD n int GENERATED ALWAYS AS (id) STORED"
        )
        + "\n"
        + sql("UPDATE author SET code = 'c' || id"),
        sql("ALTER TABLE author DROP code, DROP seen, DROP n"),
    )
    (finding,) = ask_all(make_project(AUTHOR, filled)).findings
    assert (finding.code, finding.severity, finding.object) == (
        "data-dropped",
        Severity.INFO,
        "table author, column code",
    )
    assert finding.message == (
        "the downgrade drops column code, which the upgrade filled: author id=1: code 'c1'; 5 of 5 values"
    )


def test_what_an_earlier_downgrade_drops_may_be_filled_the_same_way_again(make_project: MakeProject) -> None:
    assert errors(ask_all(make_project(AUTHOR, ADD_REF_CODE, backfill("'author-' || id")))) == []


def test_what_an_earlier_downgrade_drops_is_found_where_one_revision_is_asked_for(make_project: MakeProject) -> None:
    between = Rev("b2", sql("CREATE TABLE other (n int)"), sql("DROP TABLE other"))
    project = make_project(AUTHOR, ADD_REF_CODE, between, backfill("md5(random()::text)"))
    (finding,) = [each for each in project.check_revision(project.selected[3]).findings if each.hint is not None]
    assert (finding.code, finding.revision) == ("not-repeatable", "c")
    assert finding.message.startswith("going down to a and up again fills other values, because the downgrade of b")


def test_rows_of_before_an_earlier_revision_are_tried_where_one_revision_is_asked_for(
    make_project: MakeProject,
) -> None:
    required = Rev(
        "c", sql("ALTER TABLE author ALTER code SET NOT NULL"), sql("ALTER TABLE author ALTER code DROP NOT NULL")
    )
    project = make_project(AUTHOR, ADD_REF_CODE, required)
    (finding,) = project.check_revision(project.selected[2]).findings
    assert (finding.code, finding.severity) == ("upgrade-failed", Severity.ERROR)
    assert "(only when author has rows from before b, which adds the column)" in finding.message


def test_nobody_goes_far_down_to_find_who_made_a_column(make_project: MakeProject) -> None:
    between = [Rev(f"n{n:02}", sql(f"CREATE TABLE n{n} (n int)"), sql(f"DROP TABLE n{n}")) for n in range(12)]
    after = Rev("d", sql("ALTER TABLE author ADD x int"), sql("ALTER TABLE author DROP x"))
    project = make_project(AUTHOR, ADD_REF_CODE, *between, backfill("md5(random()::text)"), after)
    for revision in project.selected[-2:]:
        assert project.check_revision(revision).findings == ()


def test_the_revision_after_an_excursion_starts_where_it_should(make_project: MakeProject) -> None:
    after = Rev("d", sql("ALTER TABLE author RENAME code TO label"), sql("ALTER TABLE author RENAME label TO code"))
    report = ask_all(make_project(AUTHOR, ADD_REF_CODE, backfill("md5(random()::text)"), after))
    assert [finding.revision for finding in errors(report)] == ["c"]


def test_a_failure_with_rows_only_does_not_keep_later_revisions_from_being_reached(make_project: MakeProject) -> None:
    unique = Rev(
        "b", sql("ALTER TABLE author ADD CONSTRAINT u UNIQUE (name)"), sql("ALTER TABLE author DROP CONSTRAINT u")
    )
    after = Rev("c", sql("UPDATE author SET name = upper(name)"))
    report = ask_all(make_project(AUTHOR, unique, after))
    assert [(finding.code, finding.revision) for finding in errors(report)] == [
        ("upgrade-failed", "b"),
        ("values-not-restored", "c"),
    ]
    assert report.revisions["b"].reupgrade_seconds is not None


class TestFailuresOnMadeUpValues:
    """Rows that were made up say nothing of those that somebody has."""

    @pytest.mark.parametrize(
        ("statement", "said"),
        [
            ("ADD CONSTRAINT u UNIQUE (name)", "only when author has rows that are equal in name: the revision relies"),
            ("ALTER ref_code SET NOT NULL", "only when author has rows with NULL in ref_code: the revision relies"),
            ("ADD CONSTRAINT c CHECK (name LIKE 'A-%')", "only when author has rows that break c: the revision relies"),
            ("ALTER name TYPE mood USING name::mood", "only when author has values such as "),
        ],
    )
    def test_are_warnings(self, make_project: MakeProject, statement: str, said: str) -> None:
        mood = Rev("m", sql("CREATE TYPE mood AS ENUM ('good', 'bad')"), sql("DROP TYPE mood"))
        report = ask_all(make_project(AUTHOR, mood, Rev("b", sql(f"ALTER TABLE author {statement}"))))
        finding = next(finding for finding in report.findings if finding.code == "upgrade-failed")
        assert finding.severity is Severity.WARNING
        assert said in finding.message
        assert "accept upgrade-failed" in (finding.hint or "")

    def test_do_not_fail_the_revision(self, make_project: MakeProject) -> None:
        unique = sql("ALTER TABLE author ADD CONSTRAINT u UNIQUE (name)")
        report = ask_all(make_project(AUTHOR, Rev("b", unique, sql("ALTER TABLE author DROP CONSTRAINT u"))))
        assert report.revisions["b"].outcome is Outcome.PASSED

    def test_are_told_where_the_application_unwraps_the_drivers_errors(self, make_project: MakeProject) -> None:
        unwrapping = """
        try:
            op.execute("ALTER TABLE author ADD CONSTRAINT u UNIQUE (name)")
        except sa.exc.DBAPIError as error:
            raise error.orig from None
        """
        (finding,) = errors(
            ask_all(make_project(AUTHOR, Rev("b", unwrapping, sql("ALTER TABLE author DROP CONSTRAINT u"))))
        )
        assert finding.severity is Severity.WARNING
        assert "only when author has rows that are equal in name" in finding.message

    def test_are_none_where_the_same_revision_made_the_column(self, make_project: MakeProject) -> None:
        (finding,) = errors(
            ask_all(
                make_project(
                    AUTHOR, Rev("b", sql("ALTER TABLE author ADD x int NOT NULL"), sql("ALTER TABLE author DROP x"))
                )
            )
        )
        assert finding.severity is Severity.ERROR
        assert finding.message.endswith("(only when author has rows)")

    def test_are_those_from_which_a_new_column_is_filled(self, make_project: MakeProject) -> None:
        up = """
        op.add_column("author", sa.Column("label", sa.Text()))
        op.execute("UPDATE author SET label = ref_code")
        op.alter_column("author", "label", nullable=False)
        """
        (finding,) = errors(ask_all(make_project(AUTHOR, Rev("b", up, sql("ALTER TABLE author DROP label")))))
        assert finding.severity is Severity.WARNING
        assert "only when author has rows that leave NULL in label: the revision relies" in finding.message

    def test_are_none_where_a_foreign_key_turns_to_another_table(self, make_project: MakeProject) -> None:
        book = table("b", "book", "id serial PRIMARY KEY", "author_id int REFERENCES author")
        other = table("c", "writer", "id int PRIMARY KEY CHECK (id < 0)")
        turn = Rev(
            "d",
            sql(
                "ALTER TABLE book DROP CONSTRAINT book_author_id_fkey, ADD CONSTRAINT f FOREIGN KEY (author_id) REFERENCES writer"
            ),
            sql("ALTER TABLE book DROP CONSTRAINT f, ADD FOREIGN KEY (author_id) REFERENCES author"),
        )
        (finding,) = errors(ask_all(make_project(AUTHOR, book, other, turn)))
        assert (finding.code, finding.severity) == ("upgrade-failed", Severity.ERROR)
        assert finding.message.endswith("(only when book has rows)")

    def test_are_those_of_a_subquery_that_gives_more_than_one(self, make_project: MakeProject) -> None:
        up = "UPDATE author SET ref_code = (SELECT name FROM author AS a WHERE a.name = author.name)"
        findings = ask_all(make_project(AUTHOR, Rev("b", sql(up)))).findings
        (finding,) = [finding for finding in findings if finding.code == "upgrade-failed"]
        assert finding.severity is Severity.WARNING

    def test_are_none_where_the_migration_itself_makes_rows_equal(self, make_project: MakeProject) -> None:
        up = sql("UPDATE author SET name = 'x'") + "\n" + sql("ALTER TABLE author ADD CONSTRAINT u UNIQUE (name)")
        finding = errors(ask_all(make_project(AUTHOR, Rev("b", up, sql("ALTER TABLE author DROP CONSTRAINT u")))))[0]
        assert (finding.code, finding.severity) == ("upgrade-failed", Severity.ERROR)
        assert finding.message.endswith("(only when author has rows)")

    def test_are_none_where_the_checked_column_is_the_revisions_own(self, make_project: MakeProject) -> None:
        up = (
            sql("ALTER TABLE author ADD x int DEFAULT 0")
            + "\n"
            + sql("ALTER TABLE author ADD CONSTRAINT c CHECK (x > 0)")
        )
        finding = errors(ask_all(make_project(AUTHOR, Rev("b", up, sql("ALTER TABLE author DROP x")))))[0]
        assert (finding.code, finding.severity) == ("upgrade-failed", Severity.ERROR)

    def test_are_none_where_rows_are_older_than_the_column_and_nobody_fills_it(self, make_project: MakeProject) -> None:
        add = Rev("b", sql("ALTER TABLE author ADD x int"), sql("ALTER TABLE author DROP x"))
        closed = Rev(
            "c", sql("ALTER TABLE author ALTER x SET NOT NULL"), sql("ALTER TABLE author ALTER x DROP NOT NULL")
        )
        (finding,) = errors(ask_all(make_project(AUTHOR, add, closed)))
        assert (finding.code, finding.revision, finding.severity) == ("upgrade-failed", "c", Severity.ERROR)
        assert finding.message.endswith("(only when author has rows from before b, which adds the column)")

    def test_are_warnings_where_the_revision_that_adds_the_column_fills_it(self, make_project: MakeProject) -> None:
        add = sql("ALTER TABLE author ADD x int") + "\n" + sql("UPDATE author SET x = id")
        closed = Rev(
            "c", sql("ALTER TABLE author ALTER x SET NOT NULL"), sql("ALTER TABLE author ALTER x DROP NOT NULL")
        )
        report = ask_all(make_project(AUTHOR, Rev("b", add, sql("ALTER TABLE author DROP x")), closed))
        (finding,) = [finding for finding in report.findings if finding.code == "upgrade-failed"]
        assert finding.severity is Severity.WARNING


def test_rows_of_another_style_stay_rows() -> None:
    """A revision that fails because of them must be tried without them too."""
    carried = CarriedRows(RowSettings(rows=3), ignore=())
    carried.make(Style.PLAIN)
    with create_engine("sqlite://").connect() as connection:
        connection.execute(text("CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT NOT NULL)"))
        connection.commit()
        carried.top_up("", connection, revision="a")
        carried.make(Style.ADVERSARIAL)
        assert carried.populated
    carried.forget()
    assert not carried.populated


def test_a_failure_on_empty_tables_says_nothing_of_rows(make_project: MakeProject) -> None:
    (finding,) = errors(ask_all(make_project(AUTHOR, Rev("b", sql("ALTER TABLE author ADD CHECK (1/0 > 1)")))))
    assert finding.code == "upgrade-failed"
    assert "rows" not in finding.message


def test_a_table_that_cannot_be_populated_is_told_once(make_project: MakeProject) -> None:
    closed = table("a", "closed", "id int CHECK (id IS NULL)", "other int CHECK (other < 0 AND other > 0) NOT NULL")
    report = ask_all(make_project(closed, table("b", "one", "id int"), table("c", "two", "id int")))
    (finding,) = errors(report)
    assert (finding.code, finding.revision, finding.object) == ("not-populated", "a", "table closed")
    assert finding.hint is not None
    assert "stairway_rows_file" in finding.hint


def test_rows_survive_from_revision_to_revision(make_project: MakeProject) -> None:
    project = make_project(AUTHOR, Rev("b", sql("ALTER TABLE author ADD x int"), sql("ALTER TABLE author DROP x")))
    ask_all(project)
    assert project._walk is not None
    (rows,) = project._walk._rows.latest.values()
    assert rows["author"].count == 5
    assert any(cell is not None for cell in rows["author"].column("x"))


def test_the_way_down_from_the_heads_is_gone_again_on_empty_tables(make_project: MakeProject) -> None:
    kept = Rev(
        "a",
        sql("CREATE TABLE kept (id int)"),
        """
        if not op.get_bind().scalar(sa.text("SELECT count(*) FROM kept")):
            op.drop_table("kept")
        """,
    )
    project = make_project(kept, table("b", "other", "id int"))
    ask_all(project)
    assert project.check_leftovers().findings == ()


def test_what_a_new_tables_defaults_give_is_not_repeated_and_need_not_be(make_project: MakeProject) -> None:
    seeded = Rev(
        "b",
        sql(
            "CREATE TABLE role (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), at timestamptz DEFAULT clock_timestamp(), name text)"
        )
        + "\n"
        + sql("INSERT INTO role (name) SELECT name FROM author"),
        sql("DROP TABLE role"),
    )
    assert errors(ask_all(make_project(AUTHOR, seeded))) == []


def test_a_change_in_some_thousand_rows_is_shown(make_project: MakeProject) -> None:
    many = table("a", "b", "id serial PRIMARY KEY", "doc text")
    fill = sql("INSERT INTO b (doc) SELECT 'x' || n FROM generate_series(1, 2000) n")
    filled = Rev("a", f"{many.up}\n{fill}", many.down)
    report = ask_all(make_project(filled, Rev("b", sql("UPDATE b SET doc = 'y' WHERE id = 1500"))))
    (found,) = errors(report)
    assert "b id=1500: doc 'x1500' before, 'y' after; 1 of 2001 rows" in found.message


def test_only_what_overwrites_is_called_so(make_project: MakeProject) -> None:
    filled = Rev(
        "b",
        sql("UPDATE author SET ref_code = '' WHERE ref_code IS NULL"),
        sql("UPDATE author SET ref_code = NULL"),
    )
    (finding,) = errors(ask_all(make_project(AUTHOR, filled)))
    assert finding.code == "values-not-restored"
    assert "the upgrade overwrites" not in finding.message


def test_rows_on_several_databases(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    env = """\
from alembic import context
from sqlalchemy import create_engine

for name in ("one", "two"):
    with create_engine(f"postgresql+psycopg://app@db.invalid/{name}").connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""
    report = ask_all(make_project(AUTHOR, Rev("b", sql("DELETE FROM author WHERE id > 3")), case={"env": env}))
    assert [(finding.code, finding.revision) for finding in errors(report)] == [("rows-lost", "b")] * 2 or [
        finding.code for finding in errors(report)
    ] == ["rows-lost"]
    assert report.coverage == (2, 2)


def test_rows_where_every_statement_commits(make_project: MakeProject) -> None:
    env = """\
from alembic import context
from sqlalchemy import create_engine

engine = create_engine("postgresql+psycopg://app@db.invalid/app", isolation_level="AUTOCOMMIT")
with engine.connect() as connection:
    context.configure(connection=connection, transactional_ddl=False)
    with context.begin_transaction():
        context.run_migrations()
"""
    report = ask_all(make_project(AUTHOR, Rev("b", sql("DELETE FROM author WHERE id > 3")), case={"env": env}))
    assert [(finding.code, finding.revision) for finding in errors(report)] == [("rows-lost", "b")]


def test_the_walk_goes_on_where_no_rows_can_be_read(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_more: object) -> None:
        raise ValueError("what is this type?")

    monkeypatch.setattr("pytest_stairway.rows.capture.RowReader.capture", fail)
    report = ask_all(
        make_project(AUTHOR, Rev("b", sql("DELETE FROM author")), Rev("c", sql("CREATE TABLE two (id int)")))
    )
    assert [(finding.code, finding.revision) for finding in errors(report)] == [
        ("not-populated", "a"),
        ("reupgrade-failed", "c"),
        ("schema-not-restored", "c"),
    ]
    assert "ValueError: what is this type?" in report.findings[0].message


def rows_file(text: str) -> dict[str, Any]:
    return {"case": {"files": {"rows.py": text}}, "rows_file": "rows.py"}


class TestRowsFile:
    def test_values_for_a_column(self, make_project: MakeProject) -> None:
        unique = Rev(
            "b", sql("ALTER TABLE author ADD CONSTRAINT u UNIQUE (name)"), sql("ALTER TABLE author DROP CONSTRAINT u")
        )
        project = make_project(
            AUTHOR, unique, **rows_file("ROWS = {'author.name': lambda number: f'author {number}'}\n")
        )
        assert errors(ask_all(project)) == []

    def test_rows_before_one_revision(self, make_project: MakeProject) -> None:
        only = Rev("b", sql("DELETE FROM author WHERE name = 'Ada'"))
        project = make_project(AUTHOR, only, **rows_file("ROWS_BEFORE = {'b': {'author': [{'name': 'Ada'}]}}\n"))
        (finding,) = errors(ask_all(project))
        assert (finding.code, finding.revision) == ("rows-lost", "b")
        assert "'Ada'" in finding.message

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("1/0", "ZeroDivisionError"),
            ("other = 1", "defines none of ROWS"),
            ("ROWS = []", "ROWS must be a mapping"),
            ("ROWS = {'author.name': 'Ada'}", "write a list of rows or values"),
            ("ROWS = {'author': ['Ada']}", "rows must be mappings"),
            ("ROWS_BEFORE = {'nowhere': {}}", r"rows.py: ROWS_BEFORE\['nowhere'\]: 'nowhere' is no revision"),
            ("ROWS_BEFORE = {'b': 1}", r"ROWS_BEFORE\['b'\] must be a mapping"),
            ("ROWS = {}\nSEED = 'x'", "SEED"),
            ("ROWS = {}\nWORDS = 1", "WORDS"),
        ],
    )
    def test_a_file_that_cannot_be_used_is_told(self, make_project: MakeProject, text: str, said: str) -> None:
        project = make_project(AUTHOR, ADD_REF_CODE, **rows_file(text))
        with pytest.raises(UsageError, match=said):
            project.verify()

    def test_what_the_database_does_not_take_is_told_once_with_its_line(self, make_project: MakeProject) -> None:
        text = "ROWS = {\n 'author': [\n  {'name': 'Ada'},\n  {'name': None},\n ],\n 'author.id': [1]}\n"
        project = make_project(AUTHOR, ADD_REF_CODE, **rows_file(text))
        (finding,) = errors(ask_all(project))
        assert (finding.code, finding.severity, finding.line) == ("refused-rows", Severity.WARNING, 4)
        assert (finding.revision, finding.object) == ("a", "table author")
        assert finding.message.startswith(
            "ROWS['author']: the database does not take {'name': None}: null value in column"
        )
        assert (finding.path or "").endswith("rows.py")

    def test_a_value_that_the_database_does_not_take_is_told_where_the_revision_is_judged_by_other_rows(
        self, make_project: MakeProject
    ) -> None:
        unique = Rev(
            "b", sql("ALTER TABLE author ADD UNIQUE (name)"), sql("ALTER TABLE author DROP CONSTRAINT author_name_key")
        )
        text = "ROWS_BEFORE = {'b': {'author.name': ['x', None]}}"
        found = errors(ask_all(make_project(AUTHOR, unique, **rows_file(text))))
        assert [each.code for each in found] == ["upgrade-failed", "refused-rows"]
        assert found[1].message.startswith("ROWS_BEFORE['b']['author.name']: the database does not take None")
        assert found[1].object == "table author, column name"

    def test_values_for_a_column_that_comes_later_are_there_when_a_backfill_runs(
        self, make_project: MakeProject
    ) -> None:
        text = "ROWS_BEFORE = {'c': {'author.code': [None, 'c0ffee']}}"
        overwrites = Rev("c", sql("UPDATE author SET code = id"), sql("UPDATE author SET code = NULL"))
        (finding,) = errors(ask_all(make_project(AUTHOR, ADD_REF_CODE, overwrites, **rows_file(text))))
        assert (finding.code, finding.revision) == ("values-not-restored", "c")
        assert "code 'c0ffee' before, NULL after" in finding.message

    def test_a_file_that_is_not_there(self, make_project: MakeProject) -> None:
        with pytest.raises(UsageError, match=r"names .*nowhere\.py, which is not a file"):
            make_project(AUTHOR, rows_file="nowhere.py").verify()

    @pytest.mark.parametrize(
        ("text", "said", "hint"),
        [
            ("ROWS = {'autor': [{}]}", "no revision has a table autor", "Did you mean author?"),
            ("ROWS = {'autor.name': ['x']}", "no revision has a table autor", "Did you mean author?"),
            ("ROWS = {'author.nme': ['x']}", "the table author has no column nme", "Did you mean name?"),
            ("ROWS = {'author': [{'nme': 'x'}]}", "the table author has no column nme", "Did you mean name?"),
            ("ROWS_BEFORE = {'b': {'author.zzz': ['x']}}", "the table author has no column zzz", "Correct the name"),
        ],
    )
    def test_a_name_that_no_revision_has_is_told_at_the_end(
        self, make_project: MakeProject, text: str, said: str, hint: str
    ) -> None:
        project = make_project(AUTHOR, ADD_REF_CODE, **rows_file(f"# ours\n{text}\n"))
        ask_all(project)
        (finding,) = project.check_leftovers().findings
        assert (finding.code, finding.severity, finding.line) == ("unused-rows", Severity.WARNING, 2)
        assert said in finding.message
        assert hint in (finding.hint or "")
        assert (finding.path or "").endswith("rows.py")

    @pytest.mark.parametrize(
        "text",
        [
            "ROWS = {'author': [{'name': 'x', 'code': None}], 'author.name': ['x'], 'gone': [{}], 'gone.x': [1]}",
            "ROWS = {'app.role': [{'n': 1}], 'app.role.n': [1]}",
            "ROWS = {'author': lambda number: {'nme': 'x'}}",
        ],
    )
    def test_a_name_that_some_revision_has_is_not(self, make_project: MakeProject, text: str) -> None:
        passing = table("c", "gone", "x int")
        dropped = Rev("d", sql("DROP TABLE gone"), sql("CREATE TABLE gone (x int)"))
        up = sql("CREATE SCHEMA app") + "\n" + sql("CREATE TABLE app.role (n int)")
        other = Rev("e", up, sql("DROP SCHEMA app CASCADE"))
        project = make_project(AUTHOR, ADD_REF_CODE, passing, dropped, other, **rows_file(text))
        ask_all(project)
        assert project.check_leftovers().findings == ()

    def test_nothing_is_said_of_names_where_not_every_revision_was_walked(self, make_project: MakeProject) -> None:
        project = make_project(AUTHOR, ADD_REF_CODE, **rows_file("ROWS = {'author.cod': ['x']}"))
        project.check_revision(project.selected[0])
        assert project.check_leftovers().findings == ()

    def test_a_function_that_fails_is_told(self, make_project: MakeProject) -> None:
        project = make_project(AUTHOR, ADD_REF_CODE, **rows_file("ROWS = {'author.name': lambda number: 1 / 0}\n"))
        with pytest.raises(UsageError, match=r"author\.name.*ZeroDivisionError"):
            ask_all(project)


def test_a_report_can_be_written(make_project: MakeProject) -> None:
    report = ask_all(make_project(AUTHOR, Rev("b", sql("DELETE FROM author"))))
    assert json.loads(json.dumps(as_json(report)))["findings"]
