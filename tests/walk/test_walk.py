"""The walk itself: what it leaves behind for the next revision, whatever happened to the last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from gauntlet.case import Rev, sql, table
from pytest_stairway.report import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import MakeProject
    from pytest_stairway.project import Answer, Project


def ask_all(project: Project, *, backwards: bool = False) -> dict[str, Answer]:
    """Ask for every revision, in the history's order or the other way round."""
    order = list(project.selected)
    project.plan([revision.revision for revision in order])
    return {each.revision: project.check_revision(each) for each in (reversed(order) if backwards else order)}


def told(answer: Answer) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.object) for finding in answer.findings]


LEFT_ENUM = Rev(
    "b",
    sql("CREATE TYPE mood AS ENUM ('good', 'bad')") + "\n" + sql("CREATE TABLE day (mood mood)"),
    sql("DROP TABLE day"),
)


def test_sound_revisions_pass_with_their_seconds(make_project: MakeProject) -> None:
    answers = ask_all(make_project(table("a", "one", "id int"), table("b", "two", "id int")))
    for answer in answers.values():
        assert answer.findings == ()
        assert answer.revision is not None
        assert answer.revision.outcome is Outcome.PASSED
        assert None not in (answer.revision.upgrade_seconds, answer.revision.reupgrade_seconds)


def test_a_revision_after_a_broken_round_trip_starts_from_a_clean_database(make_project: MakeProject) -> None:
    after = Rev("c", sql("ALTER TABLE day ADD note text"), sql("ALTER TABLE day DROP note"))
    answers = ask_all(make_project(table("a", "one", "id int"), LEFT_ENUM, after))
    assert told(answers["b"]) == [("reupgrade-failed", None), ("schema-not-restored", "enum type mood")]
    assert answers["c"].findings == ()


def test_a_downgrade_that_does_nothing_costs_no_new_database(make_project: MakeProject) -> None:
    project = make_project(
        table("a", "one", "id int"), Rev("b", sql("CREATE TABLE two (id int)")), table("c", "three", "id int")
    )
    names = []
    for revision in project.selected:
        project.check_revision(revision)
        names.append(project._environment.sandbox.databases[0].name)
    assert len(set(names)) == 1


def test_what_depends_on_a_revision_that_cannot_go_up_is_not_reached(make_project: MakeProject) -> None:
    project = make_project(
        table("a", "one", "id int"),
        Rev("b", sql("SELECT 1/0")),
        table("c", "three", "id int"),
        table("d", "four", "id int", down_revision="a"),
        max_heads=2,
    )
    answers = ask_all(project)
    assert told(answers["b"]) == [("upgrade-failed", None)]
    assert answers["c"].blocked_by == "b"
    assert answers["c"].findings == ()
    assert answers["c"].revision is not None
    assert answers["c"].revision.outcome is Outcome.NOT_REACHED
    assert answers["d"].findings == ()


def test_a_revision_asked_for_alone_tells_why_it_cannot_be_reached(make_project: MakeProject) -> None:
    project = make_project(Rev("a", sql("SELECT 1/0")), table("b", "two", "id int"))
    project.plan(["b"])
    answer = project.check_revision(project.history.get("b"))
    assert [(finding.code, finding.revision) for finding in answer.findings] == [("upgrade-failed", "a")]


def test_a_revision_that_failed_on_the_way_to_another_tells_of_it_when_it_is_asked(make_project: MakeProject) -> None:
    project = make_project(table("a", "one", "id int"), Rev("b", sql("SELECT 1/0")))
    project.check_leftovers()
    assert told(project.check_revision(project.history.get("b"))) == [("upgrade-failed", None)]


@pytest.mark.parametrize("backwards", [False, True])
def test_any_order_of_asking_finds_the_same(make_project: MakeProject, *, backwards: bool) -> None:
    revisions = [table("a", "one", "id int"), LEFT_ENUM, table("c", "three", "id int"), Rev("d", sql("DROP TABLE one"))]
    answers = ask_all(make_project(*revisions), backwards=backwards)
    assert {name: told(answers[name]) for name in sorted(answers)} == {
        "a": [],
        "b": [("reupgrade-failed", None), ("schema-not-restored", "enum type mood")],
        "c": [],
        "d": [("reupgrade-failed", None), ("schema-not-restored", "table one")],
    }


def test_a_merge_goes_back_to_its_parents_and_siblings_stay(make_project: MakeProject) -> None:
    project = make_project(
        table("a", "one", "id int"),
        table("b1", "left1", "id int", down_revision="a"),
        table("b2", "left2", "id int", down_revision="b1"),
        table("c1", "right1", "id int", down_revision="a"),
        Rev(
            "m", sql("CREATE VIEW joined AS SELECT id FROM left2"), sql("DROP VIEW joined"), down_revision=["b2", "c1"]
        ),
        table("e", "after", "id int"),
    )
    assert all(answer.findings == () for answer in ask_all(project).values())
    assert project.check_leftovers().findings == ()
    assert project.check_release("a").findings == ()


def test_depends_on_comes_first(make_project: MakeProject) -> None:
    project = make_project(
        table("a", "one", "id int primary key"),
        table("z", "other", "id int primary key", down_revision=None),
        Rev(
            "b",
            sql("CREATE TABLE two (one int REFERENCES one, other int REFERENCES other)"),
            sql("DROP TABLE two"),
            down_revision="a",
            depends_on="z",
        ),
        max_heads=2,
    )
    assert all(answer.findings == () for answer in ask_all(project).values())
    assert project.check_leftovers().findings == ()


def test_a_declared_irreversible_revision_is_only_upgraded(make_project: MakeProject) -> None:
    raising = Rev("b", sql("CREATE TABLE two (id int)"), 'raise AssertionError("nobody may run this")')
    project = make_project(table("a", "one", "id int"), raising, table("c", "three", "id int"), irreversible=("b",))
    assert all(answer.findings == () for answer in ask_all(project).values())
    leftovers = project.check_leftovers()
    assert leftovers.findings == ()
    assert leftovers.note == "not looked at below b, which cannot be downgraded"


def test_a_mark_in_the_revision_declares_it_irreversible(make_project: MakeProject) -> None:
    marked = "# stairway: irreversible: the codes are gone\n" + sql("SELECT 1/0")
    project = make_project(Rev("a", sql("CREATE TABLE one (id int)"), marked))
    assert all(answer.findings == () for answer in ask_all(project).values())


@pytest.mark.parametrize("how", ["raise NotImplementedError", 'raise RuntimeError("never back")'])
def test_a_downgrade_that_says_that_it_cannot_is_a_warning(make_project: MakeProject, how: str) -> None:
    project = make_project(Rev("a", sql("CREATE TABLE one (id int)"), how), table("b", "two", "id int"))
    answers = ask_all(project)
    assert told(answers["a"]) == [("irreversible", None)]
    assert not answers["a"].failed(strict=False)
    assert answers["a"].failed(strict=True)
    assert answers["b"].findings == ()


def test_an_accepted_finding_is_told_and_does_not_fail(make_project: MakeProject) -> None:
    accepted = "# stairway: accept schema-not-restored: rebuilt by hand\npass"
    project = make_project(Rev("a", sql("CREATE TABLE IF NOT EXISTS one (id int)"), accepted))
    answer = ask_all(project)["a"]
    assert [(finding.code, finding.accepted) for finding in answer.findings] == [("schema-not-restored", True)]
    assert not answer.failed(strict=True)


def test_an_acceptance_of_what_does_not_happen_is_told(make_project: MakeProject) -> None:
    useless = "# stairway: accept upgrade-failed: in vain\n" + sql("DROP TABLE one")
    answer = ask_all(make_project(Rev("a", sql("CREATE TABLE one (id int)"), useless)))["a"]
    assert told(answer) == [("unused-acceptance", None)]


def test_below_the_minimum_nothing_is_walked(make_project: MakeProject) -> None:
    project = make_project(
        Rev("a", sql("CREATE TABLE one (id int)"), sql("SELECT 1/0")), table("b", "two", "id int"), minimum="a"
    )
    assert [revision.revision for revision in project.selected] == ["b"]
    assert ask_all(project)["b"].findings == ()
    assert project.check_leftovers().findings == ()
    assert project.releases == ("a",)


def test_leftovers_of_a_round_trip_are_told_once(make_project: MakeProject) -> None:
    project = make_project(table("a", "one", "id int"), LEFT_ENUM)
    assert project.check_leftovers().findings == (), "the revision's own item tells of it"


def test_leftovers_that_only_the_way_down_shows_name_their_maker(make_project: MakeProject) -> None:
    keeps = "if op.get_bind().scalar(sa.text(\"SELECT to_regclass('two')\")): op.drop_table('two')\nelse: pass"
    project = make_project(
        table("a", "one", "id int"),
        Rev("b", sql("CREATE TABLE two (id int)"), keeps),
        Rev("c", sql("ALTER TABLE two RENAME TO deux"), "pass"),
        irreversible=(),
    )
    answers = ask_all(project)
    assert {code for code, _ in told(answers["c"])} == {"reupgrade-failed", "schema-not-restored"}
    findings = project.check_leftovers().findings
    assert [(finding.code, finding.revision, finding.object) for finding in findings] == []


def test_the_release_walk_finds_what_one_transaction_breaks(make_project: MakeProject) -> None:
    project = make_project(
        Rev(
            "a",
            sql("CREATE TYPE mood AS ENUM ('good')") + "\n" + sql("CREATE TABLE day (mood mood)"),
            sql("DROP TABLE day") + "\n" + sql("DROP TYPE mood"),
        ),
        Rev("b", sql("ALTER TYPE mood ADD VALUE 'bad'"), 'raise NotImplementedError("no way to drop a value")'),
        Rev("c", sql("INSERT INTO day VALUES ('bad')"), sql("DELETE FROM day WHERE mood = 'bad'")),
        rows=0,
    )
    answers = ask_all(project)
    assert told(answers["c"]) == []
    (finding,) = project.check_release("a").findings
    assert (finding.code, finding.revision) == ("release-failed", "c")
    assert "from a to the heads in one run" in finding.message
    assert finding.hint is not None
    assert "autocommit_block" in finding.hint


def test_a_release_that_fails_where_a_revision_fails_alone_is_not_told_again(make_project: MakeProject) -> None:
    project = make_project(table("a", "one", "id int"), Rev("b", sql("SELECT 1/0")))
    project.plan(["a", "b"])
    answer = project.check_release("a")
    assert answer.findings == ()
    assert answer.blocked_by == "b"


def test_a_release_that_ends_elsewhere_differs(make_project: MakeProject) -> None:
    depends_on_commit = """
        done = op.get_bind().scalar(sa.text("SELECT xmin::text <> pg_current_xact_id()::text FROM pg_class WHERE relname = 'two'"))
        op.execute("ALTER TABLE two ADD alone int" if done else "ALTER TABLE two ADD together int")
    """
    back = sql("ALTER TABLE two DROP COLUMN IF EXISTS alone, DROP COLUMN IF EXISTS together")
    project = make_project(table("a", "one", "id int"), table("b", "two", "id int"), Rev("c", depends_on_commit, back))
    (finding,) = project.check_release("a").findings
    assert finding.object == "column two.alone"
    assert finding.message == "column two.alone: named together in one run (from a to the heads)"


UNWRAPPING = """
from sqlalchemy import event
from sqlalchemy.engine import Engine


def unwrap(context):
    raise context.original_exception from context.sqlalchemy_exception


if not hasattr(Engine, "unwrap"):  # env.py is run more than once
    Engine.unwrap = staticmethod(unwrap)
    event.listen(Engine, "handle_error", unwrap)
"""


@pytest.fixture
def _unwrapping() -> Iterator[None]:
    """Take the listener off that the application has put on every engine of the process."""
    yield
    event.remove(Engine, "handle_error", Engine.unwrap)
    del Engine.unwrap


@pytest.mark.usefixtures("_unwrapping")
def test_an_application_that_unwraps_the_drivers_errors_ends_no_walk(make_project: MakeProject) -> None:
    project = make_project(
        Rev("a", sql("SELECT 1/0")),
        table("b", "two", "id int", down_revision=None),
        max_heads=2,
        case={"env_head": UNWRAPPING},
    )
    answers = ask_all(project)
    assert [finding.message for finding in answers["a"].findings] == [
        "upgrade() raised DivisionByZero: division by zero"
    ]
    assert answers["b"].findings == ()
