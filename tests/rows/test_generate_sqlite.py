"""Rows made in SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from pytest_stairway.rows import Population, RowGenerator, RowReader, compare_rows

from .helpers import ask, column, do
from .nasty_sqlite import IMPOSSIBLE, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


def create(connection: Connection, *scripts: str) -> None:
    for script in scripts:
        connection.connection.dbapi_connection.executescript(script)


@pytest.fixture(scope="module", params=["OFF", "ON"], ids=["foreign keys off", "foreign keys on"])
def nasty(request: Any) -> Iterator[tuple[Connection, RowGenerator, Population]]:
    """The nasty schema, topped up once, where foreign keys are enforced and where they are not."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        create(
            connection,
            f"PRAGMA foreign_keys = {request.param}",
            *TABLES.values(),
            *(ddl for ddl, _ in IMPOSSIBLE.values()),
        )
        generator = RowGenerator("sqlite")
        population = generator.top_up(connection)
        connection.commit()
        yield connection, generator, population
    engine.dispose()


class TestNastySchema:
    @pytest.mark.parametrize("table", TABLES)
    def test_a_table_that_can_have_rows_has_some(self, nasty: Any, table: str) -> None:
        connection, _, population = nasty
        assert table in population.populated
        assert RowReader("sqlite").capture(connection, [table])[table].count >= 4

    @pytest.mark.parametrize("table", IMPOSSIBLE)
    def test_a_table_that_cannot_says_why_in_the_databases_own_words(self, nasty: Any, table: str) -> None:
        _, _, population = nasty
        (reason,) = [told.reason for told in population.unpopulated if told.table == table]
        assert IMPOSSIBLE[table][1] in reason

    def test_no_row_lacks_its_parent(self, nasty: Any) -> None:
        connection, _, _ = nasty
        assert ask(connection, "PRAGMA foreign_key_check") == []

    def test_nothing_is_left_behind(self, nasty: Any) -> None:
        connection, _, _ = nasty
        assert column(connection, "SELECT name FROM temp.sqlite_master") == []

    def test_a_second_time_nothing_is_left_to_do(self, nasty: Any) -> None:
        connection, generator, _ = nasty
        assert generator.top_up(connection).written == frozenset()

    def test_values_are_what_sqlalchemy_reads(self, nasty: Any) -> None:
        connection, _, _ = nasty
        types = sa.Table(
            "types",
            sa.MetaData(),
            *(
                sa.Column(n, t)
                for n, t in {
                    "a": sa.Boolean,
                    "d": sa.DateTime,
                    "e": sa.Date,
                    "f": sa.Time,
                    "g": sa.JSON,
                    "j": sa.Uuid,
                }.items()
            ),
        )
        assert len(connection.execute(sa.select(types)).all()) == 5


def test_the_same_seed_makes_the_same_rows() -> None:
    captured = []
    for seed in (0, 0, 1):
        engine = sa.create_engine("sqlite://")
        with engine.connect() as connection:
            create(connection, *TABLES.values())
            RowGenerator("sqlite", seed=seed).top_up(connection)
            captured.append(RowReader("sqlite").capture(connection))
        engine.dispose()
    same, also, other = captured
    assert compare_rows(same, also) == ()
    assert compare_rows(same, other) != ()


def test_a_new_column_is_used_in_rows_that_are_there(sqlite: Connection) -> None:
    generator = RowGenerator("sqlite")
    do(sqlite, "CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
    generator.top_up(sqlite)
    do(sqlite, "ALTER TABLE author ADD COLUMN ref_code VARCHAR")
    assert generator.top_up(sqlite, tables=["author"]).written == {"author"}
    codes = column(sqlite, "SELECT ref_code FROM author")
    assert len(codes) == 5
    assert codes.count(None) == 2


def test_rows_survive_a_batch_recreation(sqlite: Connection) -> None:
    generator, reader = RowGenerator("sqlite"), RowReader("sqlite")
    do(sqlite, "CREATE TABLE author (id INTEGER PRIMARY KEY, name VARCHAR(10) NOT NULL, at DATETIME)")
    generator.top_up(sqlite)
    before = reader.capture(sqlite)
    do(sqlite, "CREATE TABLE _alembic_tmp_author (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, at DATETIME)")
    do(sqlite, "INSERT INTO _alembic_tmp_author SELECT id, name, at FROM author", "DROP TABLE author")
    do(sqlite, "ALTER TABLE _alembic_tmp_author RENAME TO author")
    assert compare_rows(before, reader.capture(sqlite, ["author"], previous=before)) == ()


def test_virtual_tables_are_not_tables(sqlite: Connection) -> None:
    do(sqlite, "CREATE VIRTUAL TABLE search USING fts5 (body)", "CREATE TABLE author (id INTEGER PRIMARY KEY)")
    assert RowGenerator("sqlite").top_up(sqlite).populated == ("author",)
    assert set(RowReader("sqlite").capture(sqlite)) == {"author"}


def test_a_parent_that_is_not_there_is_the_databases_own_reason(sqlite: Connection) -> None:
    do(
        sqlite,
        "PRAGMA foreign_keys = ON",
        "CREATE TABLE child (id INTEGER PRIMARY KEY, a INTEGER NOT NULL REFERENCES nowhere (id))",
    )
    (told,) = RowGenerator("sqlite").top_up(sqlite).unpopulated
    assert "nowhere" in told.reason or "FOREIGN KEY" in told.reason


def test_supplied_rows_and_values(sqlite: Connection) -> None:
    do(sqlite, "CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT NOT NULL, active BOOLEAN NOT NULL, data JSON)")
    supply = {"author": [{"name": "Ada", "active": True, "id": 100}], "author.data": [{"n": 1}]}
    RowGenerator("sqlite", supply=supply).top_up(sqlite)
    assert ask(sqlite, "SELECT name, active, data FROM author WHERE id = 100") == [("Ada", 1, '{"n": 1}')]
    assert set(column(sqlite, "SELECT data FROM author")) == {'{"n": 1}'}


def test_ignored_tables_are_left_alone(sqlite: Connection) -> None:
    do(
        sqlite,
        "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)",
        "CREATE TABLE author (id INTEGER PRIMARY KEY)",
    )
    assert RowGenerator("sqlite").top_up(sqlite).populated == ("author",)
    assert set(RowReader("sqlite").capture(sqlite)) == {"author"}
