"""Rows made in MariaDB and in MySQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from pytest_stairway.rows import Population, RowGenerator, RowReader, compare_rows, known_tables
from pytest_stairway.schema import reader_for

from .helpers import ask, column, do
from .nasty_mysql import IMPOSSIBLE, OF_MARIADB, OF_MYSQL, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Engine

    NewDatabase = Callable[..., AbstractContextManager[Engine]]


def is_mariadb(connection: Connection) -> bool:
    return "MariaDB" in column(connection, "SELECT VERSION()")[0]


def possible(connection: Connection) -> dict[str, tuple[str, ...]]:
    return {**TABLES, **(OF_MARIADB if is_mariadb(connection) else OF_MYSQL)}


def create(connection: Connection, *tables: str) -> None:
    for name, statements in {**possible(connection), **{name: ddl for name, (ddl, _) in IMPOSSIBLE.items()}}.items():
        if not tables or name in tables:
            do(connection, *statements)


@pytest.fixture(scope="module")
def nasty(new_mysql: NewDatabase) -> Iterator[tuple[Connection, RowGenerator, Population]]:
    """The nasty schema, topped up once."""
    with new_mysql() as engine, engine.connect() as connection:
        create(connection)
        generator = RowGenerator("mysql")
        population = generator.top_up(connection)
        connection.commit()
        yield connection, generator, population


class TestNastySchema:
    def test_every_table_that_can_have_rows_has_some(self, nasty: Any) -> None:
        connection, _, population = nasty
        assert set(possible(connection)) <= set(population.populated)
        rows = RowReader("mysql").capture(connection)
        assert {name for name in possible(connection) if rows[name].count < 4} == set()

    @pytest.mark.parametrize("table", IMPOSSIBLE)
    def test_a_table_that_cannot_says_why_in_the_databases_own_words(self, nasty: Any, table: str) -> None:
        _, _, population = nasty
        (reason,) = [told.reason for told in population.unpopulated if told.table == table]
        assert IMPOSSIBLE[table][1] in reason
        assert "stairway_" not in reason

    def test_no_row_lacks_its_parent(self, nasty: Any) -> None:
        connection, _, _ = nasty
        assert column(connection, "SELECT COUNT(*) FROM hen LEFT JOIN egg ON egg.id = egg_id WHERE egg.id IS NULL") == [
            0
        ]

    def test_a_second_time_nothing_is_left_to_do(self, nasty: Any) -> None:
        connection, generator, _ = nasty
        assert generator.top_up(connection).written == frozenset()

    def test_what_a_schema_snapshot_knows_gives_the_same_rows(self, nasty: Any) -> None:
        connection, _, _ = nasty
        known = known_tables(reader_for("mysql").read(connection).parts.values())
        rows = RowReader("mysql").capture(connection)
        assert known.keys() == rows.keys()
        assert RowReader("mysql").capture(connection, list(rows), known=known) == rows

    def test_values_are_what_sqlalchemy_reads(self, nasty: Any) -> None:
        connection, _, _ = nasty
        for name in ("integers", "numbers", "texts", "bytes", "moments"):
            table = sa.Table(name, sa.MetaData(), autoload_with=connection)
            assert len(connection.execute(sa.select(table)).all()) >= 5

    def test_every_label_and_the_limits_occur(self, nasty: Any) -> None:
        connection, _, _ = nasty
        assert set(column(connection, "SELECT a FROM lists")) == {"new", "it's, (odd)", "", "gone"}
        assert {255, 0} & set(column(connection, "SELECT b FROM integers"))


def test_the_session_is_as_it_was(mysql: Connection) -> None:
    settings = "SELECT @@sql_mode, @@time_zone, @@foreign_key_checks, @@unique_checks, @@sql_select_limit, @@autocommit, @@collation_connection"
    create(mysql, "hen", "checks")
    do(mysql, "SET sql_mode = 'ANSI_QUOTES', time_zone = '+05:30', foreign_key_checks = 0, sql_select_limit = 1")
    before = ask(mysql, settings)
    assert len(RowGenerator("mysql").top_up(mysql).populated) == 3
    assert ask(mysql, settings) == before


@pytest.mark.parametrize("options", [{"isolation_level": "AUTOCOMMIT"}, {"query": {"charset": "latin1"}}], ids=str)
def test_any_connection_makes_the_same_rows(new_mysql: NewDatabase, options: dict[str, Any]) -> None:
    captured = []
    for each in (dict[str, Any](), options):
        with new_mysql(**each) as engine, engine.connect() as connection:
            do(connection, "SET NAMES utf8mb4")
            create(connection, "texts", "checks", "hen")
            do(connection, f"SET NAMES {each.get('query', {}).get('charset', 'utf8mb4')}")
            RowGenerator("mysql").top_up(connection)
            captured.append(RowReader("mysql").capture(connection))
    assert compare_rows(*captured) == ()
    assert any("漢字" in (cell or "") for row in captured[0]["texts"].rows for cell in row)


def test_the_same_seed_makes_the_same_rows(new_mysql: NewDatabase) -> None:
    captured = []
    for seed in (0, 0, 1):
        with new_mysql() as engine, engine.connect() as connection:
            create(connection, *TABLES)
            RowGenerator("mysql", seed=seed).top_up(connection)
            captured.append(RowReader("mysql").capture(connection))
    same, also, other = captured
    assert compare_rows(same, also) == ()
    assert compare_rows(same, other) != ()


def test_a_new_column_is_used_in_rows_that_are_there(mysql: Connection) -> None:
    generator = RowGenerator("mysql")
    do(
        mysql,
        "CREATE TABLE author (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) NOT NULL, "
        "seen TIMESTAMP NOT NULL DEFAULT '2024-01-15 00:00:00' ON UPDATE CURRENT_TIMESTAMP)",
    )
    generator.top_up(mysql)
    seen = column(mysql, "SELECT seen FROM author ORDER BY id")
    do(mysql, "ALTER TABLE author ADD COLUMN ref_code VARCHAR(9)")
    assert generator.top_up(mysql, tables=["author"]).written == {"author"}
    codes = column(mysql, "SELECT ref_code FROM author")
    assert len(codes) == 5
    assert codes.count(None) == 2
    assert column(mysql, "SELECT seen FROM author ORDER BY id") == seen


def test_rows_that_a_migration_inserted_stay_as_they_are(mysql: Connection) -> None:
    do(mysql, "CREATE TABLE role (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(30) UNIQUE, note TEXT)")
    do(mysql, "INSERT INTO role (name) VALUES ('Ämber 0')")
    RowGenerator("mysql").top_up(mysql)
    assert len(column(mysql, "SELECT id FROM role")) >= 5
    assert ask(mysql, "SELECT name, note FROM role WHERE id = 1") == [("Ämber 0", None)]


def test_supplied_rows_and_values(mysql: Connection) -> None:
    do(
        mysql,
        "CREATE TABLE author (id INT AUTO_INCREMENT PRIMARY KEY, name TEXT NOT NULL, active BOOLEAN, data JSON)",
    )
    supply = {
        "author": [{"name": "Ada", "active": True, "id": 100}],
        "author.data": [{"n": 1}],
        "author.name": [sa.text("CONCAT('a', 'b')")],
    }
    RowGenerator("mysql", supply=supply).top_up(mysql)
    assert ask(mysql, "SELECT name, active, data FROM author WHERE id = 100") == [("Ada", 1, '{"n": 1}')]
    assert set(column(mysql, "SELECT data FROM author")) == {'{"n": 1}'}
    assert set(column(mysql, "SELECT name FROM author WHERE id <> 100")) == {"ab"}


def test_ignored_tables_and_views_are_left_alone(mysql: Connection) -> None:
    do(
        mysql,
        "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)",
        "CREATE TABLE author (id INT AUTO_INCREMENT PRIMARY KEY)",
        "CREATE VIEW authors AS SELECT * FROM author",
    )
    if is_mariadb(mysql):
        do(mysql, "CREATE SEQUENCE numbers")
    assert RowGenerator("mysql").top_up(mysql).populated == ("author",)
    assert set(RowReader("mysql").capture(mysql)) == {"author"}
