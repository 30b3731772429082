"""The SQLite reader reads little where little changed, leaves out what it should, and disturbs nothing."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from pytest_stairway.schema import Key, Schema, compare_schemas, reader_for

from .sqlite_lab import connected, run, schema_after, schema_of, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

SCRIPT = """
CREATE TABLE a (id INTEGER PRIMARY KEY, x INT CHECK (x > 0));
CREATE INDEX ix_a ON a (x);
CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INT REFERENCES a);
CREATE TABLE c (y TEXT);
CREATE VIEW v AS SELECT x FROM a;
"""


@contextmanager
def statements_of(connection: Connection) -> Iterator[list[str]]:
    """Collect the statements that reach the driver."""
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    sa.event.listen(connection, "before_cursor_execute", note)
    yield seen
    sa.event.remove(connection, "before_cursor_execute", note)


def test_the_whole_schema_takes_five_statements() -> None:
    script = "".join(f"CREATE TABLE t{number} (x, UNIQUE (x));" for number in range(400))
    with connected(script) as connection, statements_of(connection) as seen:
        assert len(schema_of(connection).parts) == 400
    assert len(seen) == 5


def test_more_tables_than_one_statement_takes_are_read() -> None:
    script = "".join(f"CREATE TABLE t{number} (x);" for number in range(1001))
    assert len(schema_after(script).parts) == 1001


def test_where_nothing_changed_one_statement_gives_the_very_same_schema() -> None:
    reader = reader_for("sqlite")
    with connected(SCRIPT) as connection:
        schema = reader.read(connection)
        run(connection, "INSERT INTO c VALUES ('x')")
        with statements_of(connection) as seen:
            assert reader.read(connection) is schema
    assert seen == ["PRAGMA main.schema_version"]


def test_where_only_the_version_changed_it_is_the_very_same_schema() -> None:
    reader = reader_for("sqlite")
    with connected(SCRIPT) as connection:
        schema = reader.read(connection)
        run(connection, "VACUUM; CREATE TABLE x (y); DROP TABLE x")
        assert reader.read(connection) is schema


def test_only_what_has_another_text_is_read_again() -> None:
    reader = reader_for("sqlite")
    with connected(SCRIPT) as connection:
        before = reader.read(connection)
        run(connection, "ALTER TABLE c ADD COLUMN z; DROP VIEW v")
        after = reader.read(connection)
    assert after.parts["a"] is before.parts["a"]
    assert set(after.parts) == {"a", "b", "c"}
    assert told(before, after) == [
        "column c.z: still there after the downgrade",
        "view v: missing after the downgrade",
    ]


def test_a_reference_to_a_primary_key_follows_it() -> None:
    """`b` refers to whatever `a` has as its primary key, though its own text stays."""
    reader = reader_for("sqlite")
    with connected(SCRIPT) as connection:
        before = reader.read(connection)
        run(connection, "DROP VIEW v; ALTER TABLE a RENAME COLUMN id TO number")
        after = reader.read(connection)
        assert after == reader.read(connection, thorough=True)
    key = Key("foreign key", "(a_id)", "b")
    assert (before[key], after[key]) == (
        {"definition": "(a_id) REFERENCES a (id)"},
        {"definition": "(a_id) REFERENCES a (number)"},
    )


def test_a_reference_to_no_table_is_told_without_columns() -> None:
    schema = schema_after("CREATE TABLE b (a_id INT REFERENCES a)")
    assert schema[Key("foreign key", "(a_id)", "b")] == {"definition": "(a_id) REFERENCES a"}


def test_thorough_reads_what_the_version_hides() -> None:
    """Who writes sqlite_schema by hand must count the version up; `thorough` does not trust that."""
    reader = reader_for("sqlite")
    with connected(SCRIPT) as connection:
        before = reader.read(connection)
        run(
            connection,
            "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = 'CREATE TABLE c (z TEXT)' WHERE name = 'c'",
        )
        assert reader.read(connection) is before
        run(connection, "PRAGMA writable_schema = RESET")
        assert Key("column", "z", "c") in set(reader.read(connection, thorough=True))


def test_a_version_that_a_rollback_took_back_is_not_trusted() -> None:
    reader = reader_for("sqlite")
    with connected(SCRIPT) as connection:
        driver = connection.connection.driver_connection
        driver.execute("BEGIN")
        driver.execute("CREATE TABLE one (x)")
        assert Key("table", "one") in set(reader.read(connection))
        driver.execute("ROLLBACK")
        driver.execute("CREATE TABLE two (x)")
        schema = reader.read(connection)
    assert {Key("table", "one"), Key("table", "two")} & set(schema) == {Key("table", "two")}


def test_forgotten_is_forgotten() -> None:
    reader = reader_for("sqlite")
    with connected("CREATE TABLE one (x)") as first, connected("CREATE TABLE two (x)") as second:
        reader.read(first)
        reader.forget()
        assert set(reader.read(second).parts) == {"two"}


def test_a_step_reads_nothing_and_knows_no_tables() -> None:
    reader = reader_for("sqlite")
    with connected(SCRIPT) as connection, statements_of(connection) as seen:
        reader.begin_step(connection)
        reader.end_step(connection)
    assert not seen
    assert reader.touched_tables is None


def test_the_ignored_tables_go_with_all_that_hangs_on_them() -> None:
    reader = reader_for("sqlite", ignore=[(None, "alembic_version"), ("main", "C")])
    script = "CREATE TABLE Alembic_Version (x UNIQUE); CREATE INDEX i ON alembic_version (x);"
    with connected(SCRIPT + script) as connection:
        assert set(reader.read(connection).parts) == {"a", "b", "v"}


@pytest.mark.parametrize("version", [None, (3, 36, 0)])
def test_virtual_tables_keep_their_own_tables_to_themselves(version: tuple[int, ...] | None) -> None:
    script = "CREATE TABLE words_more (x); CREATE VIRTUAL TABLE words USING fts5(body); CREATE VIRTUAL TABLE r USING rtree(id, a, b);"
    with connected(script) as connection:
        connection.dialect.server_version_info = version or connection.dialect.server_version_info
        schema = schema_of(connection)
    assert {key for key in schema if not key.parent} == {
        Key("table", "words_more"),
        Key("virtual table", "words"),
        Key("virtual table", "r"),
    }


def test_a_trigger_may_have_the_name_of_a_table() -> None:
    with connected("CREATE TABLE t (x); CREATE TABLE u (x)") as connection:
        run(
            connection,
            "CREATE TRIGGER t AFTER INSERT ON t BEGIN SELECT 1; END; CREATE TRIGGER u AFTER INSERT ON t BEGIN SELECT 2; END",
        )
        schema = schema_of(connection)
    assert {key for key in schema if key.kind == "trigger"} == {Key("trigger", "t", "t"), Key("trigger", "u", "t")}


def test_a_table_that_a_virtual_table_takes_over_is_remembered_as_a_thorough_reading_finds_it() -> None:
    """SQLite counts a table among a virtual table's own by its name, whoever made it."""
    reader = reader_for("sqlite")
    with connected("CREATE TABLE words_content (id INTEGER PRIMARY KEY, body)") as connection:
        for script in (
            "",
            "CREATE VIRTUAL TABLE words USING fts5(body, content = 'words_content')",
            "DROP TABLE words",
        ):
            run(connection, script)
            assert reader.read(connection) == schema_of(connection)


def test_a_virtual_table_whose_module_is_missing_is_read() -> None:
    with connected("CREATE TABLE t (x)") as connection:
        run(
            connection,
            "PRAGMA writable_schema = 1; INSERT INTO sqlite_schema VALUES "
            "('table', 'gone', 'gone', 0, 'CREATE VIRTUAL TABLE gone USING nobody(a, b)'); PRAGMA writable_schema = RESET",
        )
        schema = schema_of(connection)
    assert schema[Key("virtual table", "gone")] == {"definition": "nobody(a, b)"}


def test_only_main_is_read(tmp_path: Path) -> None:
    with connected("CREATE TABLE t (x)") as connection:
        run(
            connection,
            f"ATTACH '{tmp_path / 'other.db'}' AS other; CREATE TABLE other.t (y UNIQUE); CREATE TABLE other.u (y);"
            "CREATE TEMP TABLE t (z); CREATE TEMP VIEW w AS SELECT 1; CREATE TEMP TRIGGER g AFTER INSERT ON main.t BEGIN SELECT 1; END",
        )
        assert set(schema_of(connection)) == {Key("table", "t"), Key("column", "x", "t")}


def test_reading_begins_no_transaction_and_ends_none() -> None:
    with connected(SCRIPT) as connection:
        schema_of(connection)
        assert not connection.in_transaction()
        connection.exec_driver_sql("INSERT INTO c VALUES ('x')")
        schema_of(connection)
        assert connection.in_transaction()
        assert connection.connection.driver_connection.in_transaction
        assert connection.exec_driver_sql("SELECT count(*) FROM c").scalar_one() == 1
        connection.rollback()
        connection.connection.driver_connection.execute("INSERT INTO c VALUES ('behind SQLAlchemy')")
        schema_of(connection)
        assert connection.connection.driver_connection.in_transaction


def test_an_async_driver_reads_the_same(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'a.db'}"
    reader = reader_for("sqlite")

    async def read() -> tuple[Schema, Schema, Schema]:
        engine = create_async_engine(url)
        async with engine.connect() as connection:
            for statement in SCRIPT.split(";"):
                await connection.exec_driver_sql(statement)
            await connection.commit()
            first = await connection.run_sync(reader.read)
            second = await connection.run_sync(reader.read)
            await connection.exec_driver_sql("CREATE TABLE d (x)")
            await connection.commit()
            third = await connection.run_sync(reader.read)
        await engine.dispose()
        return first, second, third

    first, second, third = asyncio.run(read())
    assert first == schema_after(SCRIPT)
    assert second is first
    assert [str(each.key) for each in compare_schemas(first, third)] == ["table d"]


def test_a_schema_survives_json() -> None:
    schema = schema_after(SCRIPT)
    assert Schema.from_json(schema.to_json()) == schema
