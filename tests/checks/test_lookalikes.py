"""What a migration may have meant by a name that is not there, where no history of the gauntlet shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import DBAPIError

from pytest_stairway.checks.lookalikes import meant_by
from pytest_stairway.schema import Key, Schema
from schema.mysql_lab import opened

if TYPE_CHECKING:
    from pytest_stairway.databases import Server

BEFORE = {
    Key("table", "book"): {},
    Key("index", "ix_book_title", "book"): {"definition": "btree (title)"},
    Key("foreign key", "book_author_fkey", "book"): {"definition": "FOREIGN KEY (author) REFERENCES author(id)"},
    Key("check constraint", "(n > 0)", "book"): {},
    Key("enum type", "status"): {},
}
THERE = Schema.of("postgresql", BEFORE)


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ('index "ix_book_titel" does not exist', "Did you mean ix_book_title?"),
        ('index "book_tags" does not exist', None),
        ('relation "boook" does not exist', "Did you mean book?"),
        ('type "statuus" does not exist', "Did you mean status?"),
        ("no such table: main.boook", "Did you mean book?"),
        ('constraint "x" of relation "book" does not exist', "Write one that is there: book has book_author_fkey"),
        ('relation "entirely_different" does not exist', None),
        ('column "x" of relation "book" does not exist', None),
        ('relation "book" does not exist', None),
        ("division by zero", None),
    ],
)
def test_names_that_are_not_there(said: str, hint: str | None) -> None:
    assert meant_by(RuntimeError(said), THERE) == hint


def unnamed(kind: str) -> RuntimeError:
    return RuntimeError(f"Can't emit DROP CONSTRAINT for constraint {kind}(…); it has no name")


def test_a_constraint_that_the_upgrade_made_otherwise() -> None:
    key = Key("foreign key", "book_author_fkey", "book")
    upgraded = Schema.of("postgresql", BEFORE | {key: {"definition": f"{BEFORE[key]['definition']} ON DELETE CASCADE"}})
    assert (
        meant_by(unnamed("ForeignKeyConstraint"), upgraded, THERE)
        == "Write its name into op.drop_constraint(): upgrade() makes foreign key book_author_fkey on book"
    )
    assert meant_by(unnamed("UniqueConstraint"), upgraded, THERE) is None


def test_a_constraint_over_a_column_that_the_upgrade_made_too() -> None:
    made = {Key("column", "isbn", "book"): {}, Key("unique constraint", "uq", "book"): {"definition": "UNIQUE (isbn)"}}
    upgraded = Schema.of("postgresql", BEFORE | made)
    assert "unique constraint uq on book" in (meant_by(unnamed("UniqueConstraint"), upgraded, THERE) or "")


def test_nothing_is_guessed_where_the_schema_before_is_not_known() -> None:
    upgraded = THERE
    assert meant_by(unnamed("ForeignKeyConstraint"), upgraded) is None


AUTHOR = """CREATE TABLE author (id int PRIMARY KEY, name varchar(9), team_id int, KEY ix_author_name (name),
CONSTRAINT ck_author_id CHECK (id > 0), CONSTRAINT fk_author_team FOREIGN KEY (team_id) REFERENCES author (id))"""


@pytest.mark.parametrize(
    ("statement", "hint"),
    [
        ("ALTER TABLE author DROP COLUMN nane", "Did you mean name?"),
        ("ALTER TABLE author MODIFY nane varchar(80)", "Did you mean name?"),
        ("CREATE INDEX ix ON author (nane)", "Did you mean name?"),
        ("DROP INDEX ix_author_nane ON author", "Did you mean ix_author_name?"),
        ("ALTER TABLE author DROP INDEX ix_author_nane", "Did you mean ix_author_name?"),
        ("ALTER TABLE author DROP FOREIGN KEY fk_author_taem", "Did you mean fk_author_team?"),
        ("ALTER TABLE author DROP FOREIGN KEY x", "Write one that is there: author has fk_author_team"),
        ("ALTER TABLE author DROP CONSTRAINT ck_author_ids", "Did you mean ck_author_id?"),
        ("ALTER TABLE autor ADD x int", "Did you mean author?"),
        ("DROP TABLE autor", "Did you mean author?"),
        ("UPDATE author SET nane = 1", None),
        ("ALTER TABLE author ADD name int", None),
    ],
)
def test_names_that_mariadb_and_mysql_do_not_find(either_server: Server, statement: str, hint: str | None) -> None:
    with opened(either_server) as lab:
        lab.run(AUTHOR)
        with pytest.raises(DBAPIError) as refused:
            lab.run(statement)
        lab.connection.rollback()
        assert meant_by(refused.value, lab.schema()) == hint
