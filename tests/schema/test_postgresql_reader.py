"""The reader between steps: what it reads again, what it leaves alone, and what it does to the session."""

from __future__ import annotations

import asyncio
import re
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from pytest_stairway.schema import Key, Schema, reader_for
from pytest_stairway.schema import postgresql_database as database
from pytest_stairway.schema.postgresql import Reader
from pytest_stairway.schema.transaction import Ending, EndingFailed

from .postgresql_lab import Lab, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

AUTHOR = "CREATE TABLE author (id serial PRIMARY KEY, name varchar(60) NOT NULL, age integer)"
CHAIN = Ending("COMMIT AND CHAIN")
BOOK = "CREATE TABLE book (id integer PRIMARY KEY, author_id integer REFERENCES author)"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect what the reader asks the server."""
    statements: list[str] = []
    ask, at_once = database.ask, database.at_once

    def noted(connection: sa.Connection, statement: str, **options: Any) -> Any:
        statements.append(statement)
        return ask(connection, statement, **options)

    def noted_at_once(connection: sa.Connection, execute: str, ending: Ending | None = None) -> Any:
        statements.append(execute if ending is None else f"{execute}; {ending.statement}")
        return at_once(connection, execute, ending)

    monkeypatch.setattr(database, "ask", noted)
    monkeypatch.setattr(database, "at_once", noted_at_once)
    return statements


@pytest.fixture
def library(lab: Lab) -> Lab:
    """Two tables, already read, and all statements planned."""
    lab.run(AUTHOR, BOOK, "CREATE TABLE alembic_version (version_num varchar(32))")
    lab.read()
    lab.step("ALTER TABLE author ADD COLUMN born date")
    lab.step("ALTER TABLE author DROP COLUMN born")
    return lab


class TestRemembering:
    def test_a_part_that_did_not_change_is_the_very_same(self, library: Lab) -> None:
        before = library.read()
        after = library.step("ALTER TABLE author ADD COLUMN born date")
        assert after.parts["relation public.book"] is before.parts["relation public.book"]
        assert after.parts["relation public.author"] is not before.parts["relation public.author"]

    def test_a_schema_that_did_not_change_is_the_very_same(self, library: Lab) -> None:
        before = library.read()
        assert library.step("INSERT INTO author (name) VALUES ('x')") is before
        assert library.step("ALTER TABLE author ADD born date", "ALTER TABLE author DROP born") is before

    def test_a_step_is_read_in_one_round_trip(self, library: Lab, asked: list[str]) -> None:
        library.reader.begin_step(library.connection)
        library.connection.exec_driver_sql("ALTER TABLE author ADD COLUMN born date")
        assert library.reader.end_step(library.connection, CHAIN)
        library.connection.rollback()
        assert len(asked) == 1
        assert re.fullmatch(r"EXECUTE stairway_end_0_\d+; COMMIT AND CHAIN", asked[0])
        asked.clear()
        assert Key("column", "born", "author") in library.reader.read(library.connection)
        assert asked == []

    @pytest.mark.parametrize("settled", [True, False])
    def test_an_ending_that_fails_is_told(self, library: Lab, settled: bool) -> None:
        library.step("ALTER TABLE book ADD FOREIGN KEY (author_id) REFERENCES author DEFERRABLE INITIALLY DEFERRED")
        library.step("ALTER TABLE book DROP CONSTRAINT book_author_id_fkey")
        before = library.read()
        library.reader.begin_step(library.connection)
        library.connection.exec_driver_sql("ALTER TABLE author ADD COLUMN born date")
        library.connection.exec_driver_sql("INSERT INTO book VALUES (1, 77)")
        with pytest.raises(EndingFailed, match="foreign key"):
            library.reader.end_step(library.connection, Ending(CHAIN.statement, settled=settled))
        library.connection.rollback()
        assert library.read() == before

    def test_a_settled_step_takes_no_savepoint(self, library: Lab) -> None:
        before = library.read()
        library.reader.begin_step(library.connection)
        library.connection.exec_driver_sql("ALTER TABLE author ADD COLUMN born date")
        assert library.reader.end_step(library.connection, Ending(CHAIN.statement, settled=True))
        library.connection.exec_driver_sql("SELECT 1")
        with pytest.raises(sa.exc.DBAPIError, match="savepoint"):
            library.connection.exec_driver_sql("ROLLBACK TO SAVEPOINT stairway")
        library.connection.rollback()
        assert library.read() == library.full() != before

    def test_a_step_of_another_kind_than_the_last_is_read_in_two(self, library: Lab, asked: list[str]) -> None:
        library.reader.begin_step(library.connection)
        library.connection.exec_driver_sql("CREATE INDEX ix_author_name ON author (name)")
        library.reader.end_step(library.connection)
        library.connection.commit()
        assert Key("index", "ix_author_name", "author") in library.reader.read(library.connection)
        assert asked[0].startswith("EXECUTE stairway_end_0")
        assert any("EXECUTE stairway_some_2" in statement for statement in asked[1:])

    def test_a_table_that_is_ignored_is_not_read_again(self, library: Lab) -> None:
        before = library.read()
        assert library.step("ALTER TABLE alembic_version ADD COLUMN note text") is before
        assert library.step("ALTER TABLE alembic_version RENAME TO versions") == library.full()

    def test_many_tables_that_are_ignored(self, lab: Lab, asked: list[str]) -> None:
        versions = [f"version_{number}" for number in range(12)]
        lab.run(AUTHOR, *(f"CREATE TABLE {name} (version_num text)" for name in versions))
        lab.reader = Reader("postgresql", ignore=[(None, name) for name in versions])
        lab.read()
        for number in range(3):
            asked.clear()
            schema = lab.step(f"ALTER TABLE author ADD c{number} integer", "DELETE FROM version_3")
        assert len(asked) == 1
        assert {key.name for key in schema if key.kind == "table"} == {"author"}

    def test_rows_alone_take_one_round_trip(self, library: Lab, asked: list[str]) -> None:
        library.step("INSERT INTO author (name) VALUES ('x')")
        assert len(asked) == 1

    def test_a_time_limit_of_the_session_is_not_ours(self, lab: Lab) -> None:
        tables = "; ".join(f"CREATE TABLE t{number} (id serial PRIMARY KEY, name text)" for number in range(600))
        lab.run(tables)
        lab.connection.exec_driver_sql("SET statement_timeout = '60ms'")
        lab.connection.commit()
        assert len([key for key in lab.read(thorough=True) if key.kind == "table"]) == 600
        assert lab.connection.exec_driver_sql("SHOW statement_timeout").scalar() == "60ms"

    def test_reading_again_without_a_step_reads_everything(self, lab: Lab) -> None:
        lab.run(AUTHOR)
        lab.read()
        lab.run(BOOK)
        assert Key("table", "book") in lab.read()

    def test_reading_again_is_cheap_where_nothing_happened(self, library: Lab, asked: list[str]) -> None:
        schema = library.step("ALTER TABLE author ADD COLUMN born date")
        asked.clear()
        assert library.read() is schema
        assert len(asked) == 1

    def test_another_database_is_met_as_a_stranger(self, library: Lab) -> None:
        library.reader.forget()
        assert library.reader.touched_tables is None
        assert library.step("DROP TABLE book") == library.full()

    def test_readers_do_not_know_of_each_other(self, library: Lab) -> None:
        other = reader_for("postgresql")
        assert Key("table", "alembic_version") in other.read(library.connection)
        assert Key("table", "alembic_version") not in library.read()

    def test_the_version_table_may_be_in_another_schema(self, library: Lab) -> None:
        library.run("CREATE SCHEMA admin", "CREATE TABLE admin.versions (v text)")
        reader = reader_for("postgresql", ignore=[("admin", "versions"), ("public", "alembic_version")])
        schema = reader.read(library.connection)
        assert {key.name for key in schema if key.kind == "table"} == {"author", "book"}

    def test_it_goes_through_json(self, library: Lab) -> None:
        schema = library.read()
        assert Schema.from_json(schema.to_json()) == schema


class TestSteps:
    def test_a_step_that_fails_is_forgotten(self, library: Lab) -> None:
        library.reader.begin_step(library.connection)
        with pytest.raises(sa.exc.DBAPIError):
            library.connection.exec_driver_sql("CREATE TABLE sale (id integer); SELECT 1 / 0")
        library.connection.rollback()
        assert library.step("ALTER TABLE book ADD title text") == library.full()
        assert Key("table", "sale") not in library.read()

    def test_a_step_whose_commit_fails_is_forgotten(self, library: Lab) -> None:
        library.run("ALTER TABLE book ALTER CONSTRAINT book_author_id_fkey DEFERRABLE INITIALLY DEFERRED")
        library.read()
        library.reader.begin_step(library.connection)
        library.connection.exec_driver_sql("ALTER TABLE author ADD born date")
        library.connection.exec_driver_sql("INSERT INTO book VALUES (1, 99)")
        library.reader.end_step(library.connection)
        with pytest.raises(sa.exc.IntegrityError):
            library.connection.commit()
        library.connection.rollback()
        assert library.step("ALTER TABLE book ADD title text") == library.full()
        assert Key("column", "born", "author") not in library.read()

    def test_a_step_that_commits_in_between(self, library: Lab) -> None:
        library.reader.begin_step(library.connection)
        library.connection.exec_driver_sql("CREATE TABLE sale (id integer)")
        library.connection.commit()
        library.connection.exec_driver_sql("ALTER TABLE author ADD born date")
        library.reader.end_step(library.connection)
        library.connection.commit()
        assert library.reader.touched_tables is None
        assert library.read() == library.full()
        assert Key("table", "sale") in library.read()

    def test_a_step_in_which_each_statement_commits(self, library: Lab) -> None:
        connection = library.connection
        connection.rollback()
        library.reader.begin_step(connection)
        connection.rollback()
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("CREATE INDEX CONCURRENTLY ix ON author (name)")
        library.reader.end_step(connection)
        assert library.reader.read(connection) == library.full()
        assert connection.exec_driver_sql("SHOW search_path").scalar() == '"$user", public'
        connection.rollback()
        connection.execution_options(isolation_level="READ COMMITTED")
        assert library.step("DROP INDEX ix") == library.full()

    def test_a_step_with_savepoints(self, library: Lab) -> None:
        for number in range(6):
            library.reader.begin_step(library.connection)
            with library.connection.begin_nested():
                library.connection.exec_driver_sql(f"ALTER TABLE author ADD c{number} integer")
            rolled_back = library.connection.begin_nested()
            library.connection.exec_driver_sql(f"ALTER TABLE author ADD d{number} integer")
            rolled_back.rollback()
            library.reader.end_step(library.connection)
            library.connection.commit()
            assert library.read() == library.full()
        assert library.reader.touched_tables == frozenset()  # so it is known again what a step touches

    def test_what_another_session_does_meanwhile(self, library: Lab) -> None:
        other = sa.create_engine(library.connection.engine.url)
        for number in range(6):
            library.reader.begin_step(library.connection)
            library.connection.exec_driver_sql(f"ALTER TABLE author ADD c{number} integer")
            with other.begin() as connection:
                connection.exec_driver_sql(f"ALTER TABLE book ADD c{number} integer")
            library.reader.end_step(library.connection)
            library.connection.commit()
            assert Key("column", f"c{number}", "book") in library.read()
        other.dispose()

    def test_transactions_in_other_databases_are_none_of_ours(
        self, library: Lab, new_lab: Callable[..., AbstractContextManager[Lab]], asked: list[str]
    ) -> None:
        with new_lab() as elsewhere:
            for number in range(8):
                asked.clear()
                library.reader.begin_step(library.connection)
                library.connection.exec_driver_sql(f"ALTER TABLE author ADD c{number} integer")
                elsewhere.run(f"CREATE TABLE t{number} ()")
                library.reader.end_step(library.connection)
                library.connection.commit()
                assert library.read() == library.full()
        assert library.reader.touched_tables is not None
        assert not any("stairway_all" in statement for statement in asked[: -len(asked) // 2])

    def test_what_happens_between_steps_is_seen(self, library: Lab) -> None:
        library.step("ALTER TABLE author ADD born date")
        library.run("CREATE TABLE sale (id integer)")
        assert library.step("ALTER TABLE author ADD died date") == library.full()

    def test_a_migration_that_drops_prepared_statements(self, library: Lab) -> None:
        library.step("ALTER TABLE author ADD born date", "DEALLOCATE ALL")
        assert library.step("ALTER TABLE author ADD died date") == library.full()

    def test_a_migration_that_repeats_a_statement(self, library: Lab) -> None:
        """Psycopg prepares it, and drops all that is prepared at the next ALTER."""
        library.step(*["UPDATE author SET age = 1"] * 12, "ALTER TABLE author ADD born date")
        assert library.step("ALTER TABLE author ADD died date") == library.full()

    def test_a_new_connection(self, library: Lab) -> None:
        library.connection.invalidate()
        library.connection.rollback()
        assert library.step("ALTER TABLE author ADD born date") == library.full()

    def test_a_rename_shows_in_what_names_it(self, library: Lab) -> None:
        library.run("CREATE VIEW names AS SELECT name FROM author")
        before = library.read()
        after = library.step("ALTER TABLE author RENAME name TO title")
        assert after == library.full()
        assert "view names: " in "\n".join(told(before, after))

    def test_a_rename_of_an_enum_value_shows_in_defaults(self, library: Lab) -> None:
        library.run("CREATE TYPE mood AS ENUM ('a')", "ALTER TABLE book ADD mood mood DEFAULT 'a'")
        before = library.read()
        after = library.step("ALTER TYPE mood RENAME VALUE 'a' TO 'b'")
        assert "column book.mood: default 'a'::mood before, 'b'::mood after" in told(before, after)

    def test_a_column_more_shows_in_a_view_that_joins(self, library: Lab) -> None:
        """A view's text lists the columns of what it joins, once their names could be mistaken."""
        library.run("CREATE TABLE page (id integer, no integer)")
        library.run("CREATE VIEW both_ AS SELECT * FROM book JOIN page USING (id)")
        library.read()
        assert library.step("ALTER TABLE page ADD author_id integer") == library.full()
        assert library.step("ALTER TABLE book ADD no integer") == library.full()

    def test_a_column_more_shows_in_a_view_of_a_function(self, library: Lab) -> None:
        library.run("CREATE FUNCTION books() RETURNS SETOF book LANGUAGE sql AS 'SELECT * FROM book'")
        library.run("CREATE VIEW shown AS SELECT b.id FROM books() b")
        library.read()
        assert library.step("ALTER TABLE book ADD title text") == library.full()

    def test_extensions_keep_their_own(self, lab: Lab) -> None:
        before = lab.read()
        with_vectors = lab.step("CREATE EXTENSION vector")
        assert told(before, with_vectors) == ["extension vector: still there after the downgrade"]
        lab.step("CREATE TABLE point (id integer, place vector(3))")
        lab.step("DROP TABLE point")
        assert told(before, lab.step("DROP EXTENSION vector")) == []


class TestTouchedTables:
    def test_rows(self, library: Lab) -> None:
        library.step("INSERT INTO author (name) VALUES ('x')")
        assert library.reader.touched_tables == {"author"}
        library.step("INSERT INTO book SELECT id, id FROM author")
        assert library.reader.touched_tables == {"book"}
        library.step("UPDATE author SET name = 'y'", "DELETE FROM book")
        assert library.reader.touched_tables == {"author", "book"}
        library.step("TRUNCATE book")
        assert library.reader.touched_tables == {"book"}

    def test_none(self, library: Lab) -> None:
        library.step("ALTER TABLE author ADD COLUMN born date", "SELECT * FROM book")
        assert library.reader.touched_tables == frozenset()

    def test_rows_written_anew(self, library: Lab) -> None:
        library.step("ALTER TABLE author ALTER age TYPE bigint")
        assert library.reader.touched_tables == {"author"}

    def test_the_version_table_does_not_count(self, library: Lab) -> None:
        library.step("INSERT INTO alembic_version VALUES ('x')")
        assert library.reader.touched_tables == frozenset()

    def test_other_schemas_and_new_names(self, library: Lab) -> None:
        library.step(
            "CREATE SCHEMA shop", "CREATE TABLE shop.sale AS SELECT 1 AS id", "INSERT INTO shop.sale VALUES (2)"
        )
        assert library.reader.touched_tables == {"shop.sale"}
        library.step("UPDATE author SET age = 1", "ALTER TABLE author RENAME TO writer")
        assert library.reader.touched_tables == {"writer"}

    def test_a_table_that_is_gone(self, library: Lab) -> None:
        library.step("DELETE FROM book", "DROP TABLE book")
        assert library.reader.touched_tables == frozenset()


class TestTheSession:
    @pytest.fixture
    def settings(self, library: Lab) -> Iterator[None]:
        """Compare the session's settings before and after the test."""
        query = """SELECT name, setting FROM pg_settings WHERE name IN ('search_path', 'jit', 'plan_cache_mode',
            'enable_seqscan', 'enable_hashjoin', 'enable_mergejoin') ORDER BY name"""
        before = library.connection.exec_driver_sql(query).all()
        library.connection.rollback()
        yield
        assert library.connection.exec_driver_sql(query).all() == before

    @pytest.mark.usefixtures("settings")
    def test_settings_stay(self, library: Lab) -> None:
        library.step("CREATE TYPE mood AS ENUM ('a')", "CREATE TABLE sale (id serial, mood mood)")
        library.read(thorough=True)

    def test_a_search_path_of_the_migration_stays(self, library: Lab) -> None:
        library.run("CREATE SCHEMA shop")
        library.read()
        library.reader.begin_step(library.connection)
        library.connection.exec_driver_sql("SET search_path = shop, pg_catalog")
        library.connection.exec_driver_sql("CREATE TABLE sale (id serial)")
        library.reader.end_step(library.connection)
        assert library.connection.exec_driver_sql("SHOW search_path").scalar() == "shop, pg_catalog"
        library.connection.commit()
        assert library.read() == library.read(thorough=True)
        assert library.connection.exec_driver_sql("SHOW search_path").scalar() == "shop, pg_catalog"
        assert Key("table", "sale", schema="shop") in library.read()

    def test_nothing_is_committed(self, library: Lab) -> None:
        library.connection.exec_driver_sql("CREATE TABLE sale (id integer)")
        library.reader.read(library.connection)
        library.connection.rollback()
        assert Key("table", "sale") not in library.full()

    def test_a_role_without_privileges_reads(self, library: Lab) -> None:
        library.run("SET ROLE keeper")
        schema = library.read(thorough=True)
        library.run("RESET ROLE")
        assert schema == library.full()


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "pg8000"])
def test_any_driver(new_lab: Callable[..., AbstractContextManager[Lab]], driver: str) -> None:
    pytest.importorskip(driver)
    with new_lab(driver) as lab:
        drive(lab)


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_any_asynchronous_driver(new_lab: Callable[..., AbstractContextManager[Lab]], driver: str) -> None:
    async def main(url: sa.URL) -> None:
        engine = create_async_engine(url, poolclass=sa.NullPool)
        async with engine.connect() as connection:
            await connection.run_sync(lambda sync: drive(Lab(sync)))
        await engine.dispose()

    with new_lab() as lab:
        asyncio.run(main(lab.connection.engine.url.set(drivername=f"postgresql+{driver}")))


def drive(lab: Lab) -> None:
    """Take steps of many kinds."""
    with closing(lab):
        _drive(lab)


def _drive(lab: Lab) -> None:
    lab.run(AUTHOR)
    lab.read()
    for statements in (
        (BOOK,),
        ("CREATE TYPE mood AS ENUM ('a')", "ALTER TABLE book ADD mood mood"),
        ("CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",),
        ("CREATE INDEX ix ON author (lower(name)) WHERE age > 1",),
        ("COMMENT ON TABLE author IS 'per cent % and :colon'",),
        ("INSERT INTO author (name) VALUES ('x')",),
        ("GRANT SELECT ON book TO keeper",),
        ("ALTER TABLE author RENAME TO writer",),
        ("DROP TABLE book",),
    ):
        assert lab.step(*statements) == lab.full()
        assert lab.reader.touched_tables is not None
