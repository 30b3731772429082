"""Rows and values of the user's own: used as they are, also for columns that come later, or refused with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_stairway.rows import RowGenerator
from rows.helpers import ask, column, do

if TYPE_CHECKING:
    from sqlalchemy import Connection

AUTHOR = "CREATE TABLE author (id integer PRIMARY KEY, name varchar(60) NOT NULL, born date)"
CODE = "ALTER TABLE author ADD COLUMN code varchar(20)"


@pytest.fixture(params=["postgresql", "sqlite", "mariadb"])
def connection(request: pytest.FixtureRequest) -> Connection:
    """A connection to an empty database of each kind."""
    found: Connection = request.getfixturevalue(request.param)
    return found


def generator(connection: Connection, supply: dict[str, Any], rows: int = 5) -> RowGenerator:
    return RowGenerator(connection.dialect.name, supply=supply, rows=rows)


def test_a_table_that_has_many_rows_gets_no_more(connection: Connection) -> None:
    do(connection, AUTHOR)
    made = generator(connection, {}, rows=120)
    made.top_up(connection)
    do(connection, CODE)
    made.top_up(connection, tables=["author"])
    assert column(connection, "SELECT count(*) FROM author") == [120]


def test_a_value_stands_twice_in_a_column_that_comes_later(connection: Connection) -> None:
    do(connection, AUTHOR)
    made = generator(connection, {})
    made.top_up(connection)
    do(connection, CODE, "ALTER TABLE author ADD COLUMN label varchar(20)", "CREATE UNIQUE INDEX l ON author (label)")
    made.top_up(connection, tables=["author"])
    again = "SELECT code FROM author WHERE code IS NOT NULL GROUP BY code HAVING count(*) > 1"
    assert len(ask(connection, again)) == 1
    assert column(connection, "SELECT count(*) FROM author WHERE code IS NULL") != [0]
    assert column(connection, "SELECT count(*) FROM author") == [5]
    assert len(column(connection, "SELECT label FROM author WHERE label IS NOT NULL")) > 1


def test_where_a_trigger_is_against_it_no_value_stands_twice(sqlite: Connection) -> None:
    do(sqlite, AUTHOR)
    made = generator(sqlite, {})
    made.top_up(sqlite)
    refuse = "BEGIN SELECT RAISE(ABORT, 'twice') FROM author a WHERE a.code = NEW.code AND a.id <> NEW.id; END"
    do(sqlite, CODE, f"CREATE TRIGGER t BEFORE UPDATE ON author {refuse}")
    made.top_up(sqlite, tables=["author"])
    assert len(column(sqlite, "SELECT code FROM author WHERE code IS NOT NULL")) > 1
    assert column(sqlite, "SELECT count(*) FROM author") == [5]


class TestRows:
    def test_one_that_is_refused_is_told_and_the_others_are_used(self, connection: Connection) -> None:
        do(connection, "CREATE TABLE author (id integer PRIMARY KEY, age integer NOT NULL CHECK (age < 200))")
        made = generator(connection, {"author": [{"id": 7, "age": 11}, {"age": 999}, {"id": 7, "age": 12}]})
        population = made.top_up(connection)
        assert column(connection, "SELECT age FROM author WHERE id = 7") == [11]
        assert column(connection, "SELECT count(*) FROM author WHERE age IN (999, 12)") == [0]
        first, second = population.refused
        assert (first.supplied.name, first.supplied.place, first.supplied.text) == ("author", 1, "{'age': 999}")
        assert "check" in first.reason.lower() or "constraint" in first.reason.lower()
        assert second.supplied.text == "{'id': 7, 'age': 12}"
        assert "unique" in second.reason.lower() or "duplicate" in second.reason.lower()

    def test_one_without_its_parent_is_refused(self, connection: Connection) -> None:
        do(
            connection,
            "CREATE TABLE author (id integer PRIMARY KEY)",
            "CREATE TABLE book (id integer PRIMARY KEY, author_id integer NOT NULL, "
            "FOREIGN KEY (author_id) REFERENCES author (id))",
        )
        supply = {"author": [{"id": 700}], "book": [{"author_id": 700}, {"author_id": 99999}]}
        (refused,) = generator(connection, supply).top_up(connection).refused
        assert refused.supplied.text == "{'author_id': 99999}"
        assert "foreign key" in refused.reason.lower()
        assert 700 in column(connection, "SELECT author_id FROM book")

    def test_one_that_refers_to_itself_comes_before_those_that_are_made(self, connection: Connection) -> None:
        do(
            connection,
            "CREATE TABLE node (id integer PRIMARY KEY, parent integer NOT NULL, "
            "FOREIGN KEY (parent) REFERENCES node (id))",
        )
        supply = {"node": [{"id": 1, "parent": 1}, {"id": 2, "parent": 1}, {"id": 3, "parent": 99999}]}
        population = generator(connection, supply).top_up(connection)
        assert [each.supplied.text for each in population.refused] == ["{'id': 3, 'parent': 99999}"]
        assert "foreign key" in population.refused[0].reason.lower()
        found = "SELECT id, parent FROM node WHERE id < 3 ORDER BY id"
        assert [tuple(row) for row in ask(connection, found)] == [(1, 1), (2, 1)]
        assert column(connection, "SELECT count(*) FROM node") == [5]

    def test_it_is_tried_again_when_the_table_changes(self, connection: Connection) -> None:
        do(connection, "CREATE TABLE author (id integer PRIMARY KEY, name varchar(60) NOT NULL UNIQUE)")
        do(connection, "INSERT INTO author VALUES (7, 'Ada')")
        made = generator(connection, {"author": [{"id": 800, "name": "Ada"}]})
        assert made.top_up(connection).refused != ()
        do(connection, "DELETE FROM author WHERE id = 7")
        assert made.top_up(connection, tables=["author"]).refused == ()
        assert column(connection, "SELECT name FROM author WHERE id = 800") == ["Ada"]

    def test_one_that_a_migration_has_made_already_is_neither_doubled_nor_refused(self, connection: Connection) -> None:
        do(connection, AUTHOR, "INSERT INTO author (id, name) VALUES (7, 'Ada')")
        assert generator(connection, {"author": [{"name": "Ada"}, {"id": 7}]}).top_up(connection).refused == ()
        assert column(connection, "SELECT id FROM author WHERE name = 'Ada'") == [7]

    def test_values_of_columns_that_come_later_go_into_the_rows_that_are_there(self, connection: Connection) -> None:
        do(connection, AUTHOR)
        made = generator(connection, {"author": [{"name": "Ada", "code": "a1"}, {"name": "Grace", "code": "b2"}]})
        made.top_up(connection)
        do(connection, CODE)
        assert made.top_up(connection, tables=["author"]).refused == ()
        names = "SELECT name, code FROM author WHERE name IN ('Ada', 'Grace') ORDER BY name"
        assert [tuple(row) for row in ask(connection, names)] == [("Ada", "a1"), ("Grace", "b2")]

    def test_the_table_may_have_another_key_by_then(self, connection: Connection) -> None:
        if connection.dialect.name == "sqlite":
            pytest.skip("has no way to change a key")
        do(connection, AUTHOR)
        made = generator(connection, {"author": [{"name": "Ada", "code": "a1"}]})
        made.top_up(connection)
        drop = "DROP PRIMARY KEY" if connection.dialect.name == "mysql" else "DROP CONSTRAINT author_pkey"
        do(connection, f"ALTER TABLE author {drop}", "ALTER TABLE author ADD COLUMN no integer", CODE)
        do(connection, "UPDATE author SET no = id + 10", "ALTER TABLE author ADD PRIMARY KEY (no)")
        assert made.top_up(connection, tables=["author"]).refused == ()
        assert "a1" in column(connection, "SELECT code FROM author WHERE name = 'Ada'")

    def test_values_of_columns_that_come_later_may_be_refused(self, connection: Connection) -> None:
        do(connection, AUTHOR)
        made = generator(connection, {"author": [{"name": "Ada", "code": "a1"}]})
        made.top_up(connection)
        do(connection, "ALTER TABLE author ADD COLUMN code varchar(20) CHECK (code <> 'a1')")
        (refused,) = made.top_up(connection, tables=["author"]).refused
        assert refused.supplied.text == "{'name': 'Ada', 'code': 'a1'}"

    def test_what_the_user_says_is_not_changed_for_the_sake_of_variety(self, connection: Connection) -> None:
        do(connection, AUTHOR)
        generator(connection, {"author": [{"name": "Ada", "born": "1815-12-10"}] * 2}).top_up(connection)
        do(connection, CODE)
        rows = [{"name": f"author {n}", "born": "1815-12-10"} for n in range(6)]
        generator(connection, {"author": rows}).top_up(connection)
        born = "SELECT count(*) FROM author WHERE name LIKE 'author %' AND born = '1815-12-10'"
        assert column(connection, born) == [6]


class TestValues:
    def test_they_go_into_a_column_that_comes_later(self, connection: Connection) -> None:
        do(connection, AUTHOR)
        made = generator(connection, {"author.code": ["a1b2c3", "c0ffee", None]})
        made.top_up(connection)
        count = column(connection, "SELECT count(*) FROM author")
        do(connection, CODE)
        assert made.top_up(connection, tables=["author"]).refused == ()
        assert set(column(connection, "SELECT code FROM author")) == {"a1b2c3", "c0ffee", None}
        assert column(connection, "SELECT count(*) FROM author") == count

    def test_where_they_must_differ_each_is_used_once(self, connection: Connection) -> None:
        do(connection, AUTHOR)
        made = generator(connection, {"author.code": ["a1b2c3", "c0ffee"]})
        made.top_up(connection)
        do(connection, CODE, "CREATE UNIQUE INDEX code ON author (code)")
        assert made.top_up(connection, tables=["author"]).refused == ()
        assert sorted(column(connection, "SELECT code FROM author WHERE code IS NOT NULL")) == ["a1b2c3", "c0ffee"]

    def test_those_of_one_revision_come_into_rows_that_are_there(self, connection: Connection) -> None:
        do(connection, AUTHOR, CODE)
        made = generator(connection, {"author.code": ["a1"]})
        made.top_up(connection)
        made.top_up(connection, supply={"author.code": [None, "c0ffee"]})
        assert set(column(connection, "SELECT code FROM author")) == {None, "c0ffee"}
        made.top_up(connection, tables=["author"])
        assert set(column(connection, "SELECT code FROM author")) == {None, "c0ffee"}

    def test_one_that_is_refused_is_told_and_the_others_are_used(self, connection: Connection) -> None:
        do(connection, "CREATE TABLE author (id integer PRIMARY KEY, age integer NOT NULL CHECK (age < 200))")
        (refused,) = generator(connection, {"author.age": [11, 999]}).top_up(connection).refused
        assert (refused.supplied.name, refused.supplied.place, refused.supplied.text) == ("author.age", 1, "999")
        assert set(column(connection, "SELECT age FROM author")) == {11}

    def test_one_that_is_refused_by_a_column_that_comes_later(self, connection: Connection) -> None:
        do(connection, AUTHOR)
        made = generator(connection, {"author.code": ["a1", "zz"]})
        made.top_up(connection)
        do(connection, "ALTER TABLE author ADD COLUMN code varchar(20) CHECK (code <> 'zz')")
        (refused,) = made.top_up(connection, tables=["author"]).refused
        assert refused.supplied.text == "'zz'"
        assert set(column(connection, "SELECT code FROM author")) == {"a1"}

    def test_rows_of_a_migration_are_left_alone(self, connection: Connection) -> None:
        do(connection, AUTHOR, CODE, "INSERT INTO author (id, name, code) VALUES (700, 'Ada', 'mine')")
        generator(connection, {"author.code": ["a1"]}).top_up(connection)
        assert column(connection, "SELECT code FROM author WHERE id = 700") == ["mine"]

    def test_a_document_is_known_again(self, connection: Connection) -> None:
        do(connection, "CREATE TABLE t (id integer PRIMARY KEY, doc json)")
        made = generator(connection, {"t.doc": [{"n": 1, "tags": []}, {"n": 2}]})
        assert made.top_up(connection).refused == ()
        assert column(connection, "SELECT count(*) FROM t") == [5]

    def test_a_number_may_be_written_otherwise(self, connection: Connection) -> None:
        do(connection, "CREATE TABLE t (id integer PRIMARY KEY, price numeric(8, 2) UNIQUE)")
        made = generator(connection, {"t.price": [1, "2.5"]})
        assert made.top_up(connection).refused == ()
        assert made.top_up(connection, tables=["t"]).refused == ()
        assert column(connection, "SELECT count(*) FROM t WHERE price IN (1, 2.5)") == [2]
