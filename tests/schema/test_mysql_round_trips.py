"""Round trips on MariaDB and MySQL: what is right is told as no difference, what is lost on the way is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from pytest_stairway.schema import Verdict

from .mysql_lab import opened, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from alembic.operations import Operations

    from pytest_stairway.databases import Server

    from .mysql_lab import MysqlLab

SCRIPT = """
CREATE TABLE team (id INTEGER PRIMARY KEY AUTO_INCREMENT);
CREATE TABLE author (
    id INTEGER NOT NULL AUTO_INCREMENT,
    name VARCHAR(60) NOT NULL DEFAULT 'nobody' COMMENT 'who',
    born INTEGER,
    seen TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    data JSON,
    team_id INTEGER,
    PRIMARY KEY (id),
    KEY ix_author_team (team_id),
    FOREIGN KEY (team_id) REFERENCES team (id),
    CHECK (born > 1800),
    KEY ix_author_name (name)
);
CREATE VIEW names AS SELECT name FROM author;
CREATE EVENT ev_clear ON SCHEDULE EVERY 1 DAY DO DELETE FROM author
"""


@pytest.fixture
def lab(either_server: Server) -> Iterator[MysqlLab]:
    with opened(either_server) as lab:
        lab.run(SCRIPT)
        yield lab


def add_a_column_and_drop_it(op: Operations) -> None:
    op.add_column("author", sa.Column("extra", sa.String(9), nullable=False, server_default="x"))
    op.drop_column("author", "extra")


def drop_a_column_and_add_it(op: Operations) -> None:
    op.drop_column("author", "data")
    op.add_column("author", sa.Column("data", sa.JSON()))


def change_a_type(op: Operations) -> None:
    given = {"existing_nullable": False, "existing_server_default": "nobody", "existing_comment": "who"}
    op.alter_column("author", "name", existing_type=sa.String(60), type_=sa.String(99), **given)
    op.drop_index("ix_author_name", "author")
    op.alter_column("author", "name", existing_type=sa.String(99), type_=sa.String(60), **given)
    op.create_index("ix_author_name", "author", ["name"])


def rename_a_table(op: Operations) -> None:
    op.rename_table("author", "writer")
    op.rename_table("writer", "author")


def rename_a_column(op: Operations) -> None:
    op.alter_column("author", "born", new_column_name="birth", existing_type=sa.Integer())
    op.alter_column("author", "birth", new_column_name="born", existing_type=sa.Integer())


def make_a_foreign_key_with_its_index(op: Operations) -> None:
    op.add_column("author", sa.Column("boss_id", sa.Integer()))
    op.create_foreign_key("fk_boss", "author", "author", ["boss_id"], ["id"])
    op.drop_constraint("fk_boss", "author", type_="foreignkey")
    op.drop_column("author", "boss_id")


def set_a_default_and_drop_it(op: Operations) -> None:
    op.alter_column("author", "born", server_default="1900")
    op.alter_column("author", "born", server_default=sa.text("NULL"))


def convert_and_convert_back(op: Operations) -> None:
    op.execute("ALTER TABLE team CONVERT TO CHARACTER SET latin1")
    op.execute("ALTER TABLE team CONVERT TO CHARACTER SET utf8mb4")


def make_an_event_anew(op: Operations) -> None:
    op.execute("DROP EVENT ev_clear")
    op.execute("CREATE EVENT ev_clear ON SCHEDULE EVERY 1 DAY DO DELETE FROM author")


def make_a_view_anew(op: Operations) -> None:
    op.execute("DROP VIEW names")
    op.execute("CREATE VIEW names AS SELECT author.name FROM author")


@pytest.mark.parametrize(
    "trip",
    [
        add_a_column_and_drop_it,
        drop_a_column_and_add_it,
        change_a_type,
        rename_a_table,
        make_a_foreign_key_with_its_index,
        set_a_default_and_drop_it,
        convert_and_convert_back,
        make_an_event_anew,
        make_a_view_anew,
    ],
    ids=lambda trip: trip.__name__,
)
def test_a_round_trip_that_is_right_is_told_as_no_difference(lab: MysqlLab, trip: Callable[[Operations], None]) -> None:
    before = lab.schema()
    trip(lab.operations())
    lab.connection.commit()
    assert not told(before, lab.schema())


def test_a_column_that_stands_last_now_is_a_note(lab: MysqlLab) -> None:
    before = lab.schema()
    drop_a_column_and_add_it(lab.operations())
    assert told(before, lab.schema(), verdict=Verdict.ORDER_ONLY)


ROW_FORMAT = "table team: no row format before, row format DYNAMIC after"


@pytest.mark.parametrize(
    ("statements", "note", "on_mysql"),
    [
        ("ALTER TABLE team MODIFY id INT(5) AUTO_INCREMENT", "column team.id: type int(11) before, int(5) after", None),
        ("ALTER TABLE team ROW_FORMAT=DYNAMIC", ROW_FORMAT, ROW_FORMAT),
        (
            "ALTER TABLE author MODIFY seen TIMESTAMP DEFAULT (now()) ON UPDATE now()",
            None,
            "column author.seen: default CURRENT_TIMESTAMP before, (now()) after",
        ),
        (
            "ALTER TABLE author DROP FOREIGN KEY author_ibfk_1;\n"
            "ALTER TABLE author ADD FOREIGN KEY (team_id) REFERENCES team (id) ON DELETE NO ACTION",
            "foreign key author_ibfk_1 on author: (team_id) REFERENCES team (id) before, "
            "(team_id) REFERENCES team (id) ON DELETE NO ACTION after",
            None,
        ),
    ],
)
def test_other_words_for_the_same_are_a_note(
    lab: MysqlLab, statements: str, note: str | None, on_mysql: str | None
) -> None:
    """None where the server itself says both in the same words."""
    before = lab.schema()
    lab.run(statements)
    assert not told(before, lab.schema())
    expected = note if lab.is_mariadb else on_mysql
    assert told(before, lab.schema(), verdict=Verdict.SAME_MEANING) == ([] if expected is None else [expected])


def test_a_name_that_the_server_made_up_is_a_note(lab: MysqlLab) -> None:
    before = lab.schema()
    lab.run(
        "ALTER TABLE author DROP FOREIGN KEY author_ibfk_1;\n"
        "ALTER TABLE author ADD CONSTRAINT author_ibfk_7 FOREIGN KEY (team_id) REFERENCES team (id)"
    )
    assert not told(before, lab.schema())


def lose_the_comment(op: Operations) -> None:
    """Alembic writes the whole column again, and knows of it only what it is told."""
    op.alter_column("author", "name", existing_type=sa.String(60), nullable=True)
    op.alter_column("author", "name", existing_type=sa.String(60), nullable=False)


def leave_the_index_of_a_foreign_key(op: Operations) -> None:
    op.create_foreign_key("fk_born", "author", "team", ["born"], ["id"])
    op.drop_constraint("fk_born", "author", type_="foreignkey")


def drop_the_default(op: Operations) -> None:
    op.alter_column("author", "born", server_default="1900")
    op.alter_column("author", "born", server_default=None)


def lose_the_check_of_json(op: Operations) -> None:
    op.alter_column("author", "data", existing_type=sa.JSON(), nullable=False)
    op.alter_column("author", "data", existing_type=sa.Text(4294967295), nullable=True)


COMMENT_LOST = [
    "column author.name: comment 'who' before, no comment after",
    "column author.name: default 'nobody' before, no default after",
]
INDEX_LEFT = ["index fk_born on author: still there after the downgrade"]


@pytest.mark.parametrize(
    ("trip", "words", "on_mysql"),
    [
        (lose_the_comment, COMMENT_LOST, COMMENT_LOST),
        (leave_the_index_of_a_foreign_key, INDEX_LEFT, INDEX_LEFT),
        (drop_the_default, [], ["column author.born: no default before, default none, not even NULL after"]),
        (
            lose_the_check_of_json,
            [
                "column author.data: check (json_valid(data)) before, no check after",
                "column author.data: collation utf8mb4_bin before, utf8mb4_general_ci after",
            ],
            [
                "column author.data: no character set before, character set utf8mb4 after",
                "column author.data: type json before, longtext after",
            ],
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_lost_is_told(
    lab: MysqlLab, trip: Callable[[Operations], None], words: list[str], on_mysql: list[str]
) -> None:
    before = lab.schema()
    trip(lab.operations())
    lab.connection.commit()
    assert sorted(told(before, lab.schema())) == (words if lab.is_mariadb else on_mysql)
