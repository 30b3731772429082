"""``--stairway-offline`` on MariaDB and MySQL, whose clients run the SQL, and which commit each statement by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gauntlet.case import Rev, sql, table
from offline.test_walk import Asked, told
from pytest_stairway.findings import Direction, Severity
from pytest_stairway.offline.mysql_plain import is_plain
from pytest_stairway.offline.pair import Pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_stairway.databases import Server

NOTES = table("a", "notes", "id int PRIMARY KEY", "note text", "made datetime(6)")
BODY = "FOR EACH ROW BEGIN SET NEW.note = CONCAT(NEW.note, ';'); SET NEW.made = NOW(6); END"
SOUND = (
    NOTES,
    Rev("b", sql("ALTER TABLE notes ADD extra int DEFAULT 1"), sql("ALTER TABLE notes DROP COLUMN extra")),
    Rev("c", sql("UPDATE notes SET note = RAND(), made = NOW(6)")),
    Rev("d", sql("UPDATE notes SET note = UUID()")),
    Rev("e", sql("UPDATE notes SET note = CONCAT(DATABASE(), CONNECTION_ID(), SYSDATE(6))")),
    Rev("f", sql(f"CREATE TRIGGER later BEFORE UPDATE ON notes {BODY}"), sql("DROP TRIGGER later")),
    Rev("g", sql("UPDATE notes SET id = id + 100 WHERE RAND(3) < 0.5"), 'raise NotImplementedError("no way back")'),
    Rev(
        "h",
        "notes = sa.table('notes', sa.column('id', sa.Integer), sa.column('note', sa.Text))\n"
        "op.bulk_insert(notes, [{'id': -7, 'note': 'é—✓'}])",
        sql("DELETE FROM notes WHERE id = -7"),
    ),
)


WRONG = {
    "b": 'op.get_bind().execute(sa.text("UPDATE notes SET note = :note"), {"note": "kept"})',
    "c": "op.execute(\"UPDATE notes SET note = 'a\\tb'\")",
    "d": "if not op.get_context().as_sql:\n    op.execute(\"UPDATE notes SET note = 'filled'\")",
    "e": "if not op.get_context().as_sql:\n    op.create_index('late', 'notes', ['made'])",
    "f": 'op.execute("UPDATE notes SET id = id + 10 -- later")',
    "g": 'op.get_bind().execute(sa.text("SELECT 1")).scalar()',
    "h": "op.execute(f\"UPDATE notes SET note = '{__import__('uuid').uuid4()}'\")",
    "i": "op.add_column('notes', sa.Column('more', sa.Text()))\n"
    "op.execute('UPDATE notes SET more = 1' + (' oops' if op.get_context().as_sql else ''))",
}
DOWN = {"e": sql("DROP INDEX late ON notes"), "i": "op.drop_column('notes', 'more')"}
SAYS = {
    "b": ("offline-differs", "bound parameters are lost: the migration gives note='kept'"),
    "c": ("offline-differs", "a tab in a literal as four spaces"),
    "d": ("offline-differs", "is_offline_mode"),
    "e": ("offline-differs", "index late on notes"),
    "f": ("offline-failed", "swallows its semicolon"),
    "g": ("offline-failed", "needs a connection"),
    "h": ("offline-unstable", "a clock or a random value is frozen"),
    "i": ("offline-failed", "the SQL fails when mariadb "),
}


@pytest.fixture
def asked(tmp_path: Path, mariadb_server: Server) -> Iterator[Asked]:
    asked = Asked(tmp_path, mariadb_server)
    yield asked
    for project in asked.made:
        project.close()


def test_what_gives_the_same_is_left_alone(tmp_path: Path, either_server: Server) -> None:
    asked = Asked(tmp_path, either_server)
    answers = asked.all(asked.project(*SOUND, dialect="mysql"))
    assert {name: (each.findings, each.blocked_by, each.note) for name, each in answers.items()} == dict.fromkeys(
        "abcdefgh", ((), None, None)
    )
    asked.made[0].close()


def test_what_the_sql_does_otherwise_is_told_and_spoils_nothing_after_it(asked: Asked) -> None:
    """What a script did before it stopped stays in the database, which is made anew."""
    revisions = [Rev(name, up, DOWN.get(name, "pass")) for name, up in WRONG.items()]
    answers = asked.all(asked.project(NOTES, *revisions, table("z", "later", "id int"), dialect="mysql"))
    assert answers["a"].findings == answers["z"].findings == ()
    for name, (code, words) in SAYS.items():
        assert [words in each.message for each in answers[name].findings if each.code == code][:1] == [True], name
    (stopped,) = [each for each in answers["i"].findings if each.direction is Direction.UPGRADE]
    assert stopped.detail == "SQL: UPDATE notes SET more = 1 oops;"


def test_a_downgrade_is_compared_too(asked: Asked) -> None:
    down = "op.execute(\"UPDATE notes SET note = 'a\\tb'\")"
    answers = asked.all(asked.project(NOTES, Rev("b", "pass", down), dialect="mysql"))
    assert told(answers["b"].findings) == [("offline-differs", "downgrade")]


def test_a_step_that_fails_online_is_left_to_the_walk_and_leaves_nothing(asked: Asked) -> None:
    """It is not rolled back there: the databases are made anew."""
    half = "op.execute('ALTER TABLE notes ADD extra int')\nop.execute('SELECT nothing')"
    later = table("d", "later", "id int", down_revision="b")
    answers = asked.all(asked.project(NOTES, Rev("b", down=half), Rev("c", half), later, dialect="mysql"))
    assert {name: (each.findings, each.blocked_by) for name, each in answers.items()} == {
        "a": ((), None),
        "b": ((), None),
        "c": ((), "c"),
        "d": ((), None),
    }


def test_a_driver_runs_the_sql_where_there_is_no_client(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_stairway.offline.runners.find_mysql_client", lambda _product: None)
    answers = asked.all(asked.project(*SOUND, Rev("i", sql("SELECT 1 -- one")), dialect="mysql"))
    assert {name: each.findings for name, each in answers.items()} == dict.fromkeys("abcdefghi", ())


PLAIN = (
    "ALTER TABLE notes ADD extra int;",
    "CREATE UNIQUE INDEX `by;note` ON notes (note(10));",
    "UPDATE notes SET note = 'it''s; -- # /* here' WHERE note <> \"a;b\";",
    "INSERT INTO notes (id)\n    SELECT 1;",
)
NOT_PLAIN = (
    "ALTER TABLE notes ADD extra int",
    "ALTER TABLE notes ADD extra int -- later;",
    "ALTER TABLE notes ADD extra int # later;",
    "UPDATE notes SET note = /*! 1 */ 2;",
    "UPDATE notes SET note = 'a\\\\b';",
    "UPDATE notes SET note = @x;",
    "UPDATE notes SET id = 1; UPDATE notes SET id = 2;",
    "SET SESSION sql_mode = '';",
    "CREATE TEMPORARY TABLE t (id int);",
    "CREATE TRIGGER t BEFORE INSERT ON notes FOR EACH ROW BEGIN SET NEW.id = 1; END;",
    "DELIMITER //",
    "UPDATE notes SET note = 'open;",
)


def test_only_what_the_clients_send_as_it_is_written_is_plain() -> None:
    assert [each for each in PLAIN if not is_plain(each)] == []
    assert [each for each in NOT_PLAIN if is_plain(each)] == []


def test_plain_revisions_need_no_second_database(
    tmp_path: Path, either_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise AssertionError("a second database was made")

    monkeypatch.setattr(Pair, "begin", fail)
    revisions = (
        NOTES,
        SOUND[1],
        Rev(
            "c",
            sql("UPDATE notes SET note = CONCAT(note, '.')"),
            sql("UPDATE notes SET note = LEFT(note, CHAR_LENGTH(note) - 1)"),
        ),
        Rev("d", "op.create_index('by_id', 'notes', ['id', 'made'])", "op.drop_index('by_id', table_name='notes')"),
        table("e", "later", "id int PRIMARY KEY", "note_id int", "FOREIGN KEY (note_id) REFERENCES notes (id)"),
    )
    asked = Asked(tmp_path, either_server)
    answers = asked.all(asked.project(*revisions, dialect="mysql"))
    assert {name: answer.findings for name, answer in answers.items()} == dict.fromkeys("abcde", ())
    asked.made[0].close()


def test_the_walk_goes_on_where_the_repeated_sql_stops_halfway(asked: Asked) -> None:
    """What it did until then cannot be rolled back."""
    later = Rev("j", sql("ALTER TABLE notes ADD extra int"), sql("ALTER TABLE notes DROP COLUMN extra"))
    project = asked.project(NOTES, Rev("i", WRONG["i"], DOWN["i"]), later, dialect="mysql")
    project.plan([each.revision for each in project.selected])
    walked = [project.check_revision(each) for each in project.selected]
    assert not any(finding.severity is Severity.ERROR for answer in walked for finding in answer.findings)
    assert told(project.check_offline(project.history["i"]).findings) == [("offline-failed", "upgrade")]
    assert project.check_offline(project.history["j"]).findings == ()
