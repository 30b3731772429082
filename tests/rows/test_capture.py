"""Rows captured as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_stairway.exceptions import UsageError
from pytest_stairway.rows import RowChange, RowGenerator, RowReader, Rows, TableRows, compare_rows, known_tables
from pytest_stairway.rows.capture import SAMPLE, WHOLE
from pytest_stairway.schema import reader_for

from .helpers import column, do

if TYPE_CHECKING:
    from sqlalchemy import Connection

MANY = WHOLE + 100


@pytest.fixture(params=["postgresql", "sqlite", "mariadb"])
def connection(request: pytest.FixtureRequest) -> Connection:
    """A connection to an empty database of each dialect."""
    connection: Connection = request.getfixturevalue(request.param)
    if request.param == "mariadb":
        do(connection, "SET SESSION sql_mode = 'PIPES_AS_CONCAT'")
    return connection


@pytest.fixture
def reader(connection: Connection) -> RowReader:
    return RowReader(connection.dialect.name)


AUTHOR = "CREATE TABLE author (id INTEGER PRIMARY KEY, name VARCHAR(60), born DATE)"
FILL = "INSERT INTO author VALUES (1, 'Ada', '1815-12-10'), (2, NULL, NULL), (3, 'Zoë', '2000-01-01')"


def numbers(connection: Connection, count: int) -> str:
    if connection.dialect.name == "postgresql":
        return f"SELECT n FROM generate_series(1, {count}) n"
    digits = "WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 199)"  # servers limit the depth
    return f"{digits} SELECT a.n + 200 * b.n + 1 AS n FROM s AS a CROSS JOIN s AS b WHERE a.n + 200 * b.n < {count}"


def unseen(table: TableRows) -> int:
    """Give the number of a row that is not in the sample."""
    return next(number for number in range(1, MANY) if str(number) not in table.column("id"))


def test_rows_are_texts_by_column(connection: Connection, reader: RowReader) -> None:
    do(connection, AUTHOR, FILL)
    author = reader.capture(connection)["author"]
    assert author.columns == ("id", "name", "born")
    assert author.key == ("id",)
    assert author.count == 3
    assert sorted(author.rows) == [("1", "Ada", "1815-12-10"), ("2", None, None), ("3", "Zoë", "2000-01-01")]
    assert author.digests is None
    assert author.type_of("name").lower() == "varchar(60)"


def test_tables_that_are_not_asked_for_are_the_same_objects(connection: Connection, reader: RowReader) -> None:
    do(connection, AUTHOR, FILL, "CREATE TABLE other (id INTEGER PRIMARY KEY)")
    before = reader.capture(connection)
    do(connection, "INSERT INTO other VALUES (1)", "DELETE FROM author")
    after = reader.capture(connection, ["other"], previous=before)
    assert after["author"] is before["author"]
    assert after["other"].count == 1
    assert before["other"].count == 0


def test_a_table_that_is_gone_is_gone(connection: Connection, reader: RowReader) -> None:
    do(connection, AUTHOR, FILL)
    before = reader.capture(connection)
    do(connection, "DROP TABLE author")
    assert reader.capture(connection, ["author"], previous=before) == {}


def test_without_tables_nothing_is_asked(connection: Connection, reader: RowReader) -> None:
    before = Rows({"author": TableRows(name="author", columns=(), types=())})
    connection.close()
    assert reader.capture(connection, [], previous=before) == before


def test_a_table_without_columns_has_rows(postgresql: Connection) -> None:
    do(postgresql, "CREATE TABLE nothing ()", "INSERT INTO nothing DEFAULT VALUES")
    assert RowReader("postgresql").capture(postgresql)["nothing"].count == 1


def test_many_rows_are_digested(connection: Connection, reader: RowReader) -> None:
    do(
        connection,
        AUTHOR,
        f"INSERT INTO author (id, name) SELECT n, 'author ' || n FROM ({numbers(connection, MANY)}) AS s",
    )
    before = reader.capture(connection)
    assert before["author"].count == MANY
    assert len(before["author"].rows) == SAMPLE
    assert reader.capture(connection) == before
    do(connection, f"UPDATE author SET name = 'x' WHERE id = {unseen(before['author'])}")
    (difference,) = compare_rows(before, reader.capture(connection))
    assert (difference.change, difference.column, difference.at_least) == (RowChange.VALUES_CHANGED, "name", True)
    assert difference.words() == f"table author, column name: values changed; some of {MANY} rows"


def test_of_many_rows_a_sample_from_everywhere_is_shown(connection: Connection, reader: RowReader) -> None:
    do(
        connection,
        AUTHOR,
        f"INSERT INTO author (id, name) SELECT n, 'author ' || n FROM ({numbers(connection, MANY)}) AS s",
    )
    before = reader.capture(connection)
    do(connection, f"UPDATE author SET name = 'x' WHERE id > {MANY - MANY // 20}")
    (difference,) = compare_rows(before, reader.capture(connection))
    assert difference.examples[0].endswith("' before, 'x' after")
    assert difference.words().startswith("author id=")
    assert f"; at least {difference.rows} of {MANY} rows" in difference.words()


def test_of_some_thousand_rows_each_is_compared_by_value(connection: Connection, reader: RowReader) -> None:
    some = numbers(connection, 3000)
    do(connection, AUTHOR, f"INSERT INTO author (id, name) SELECT n, 'author ' || n FROM ({some}) AS s")
    before = reader.capture(connection)
    do(connection, "UPDATE author SET name = 'x' WHERE id IN (2500, 2700)", "DELETE FROM author WHERE id = 2800")
    lost, changed = compare_rows(before, reader.capture(connection))
    assert lost.words() == "table author: rows lost, such as author id=2800: name 'author 2800'; 1 of 3000 rows"
    assert changed.words() == "author id=2500: name 'author 2500' before, 'x' after; 2 of 3000 rows"


def test_many_rows_without_a_key_are_paired_by_what_else_they_hold(connection: Connection, reader: RowReader) -> None:
    some = numbers(connection, 3000)
    do(connection, "CREATE TABLE t (a INTEGER, b VARCHAR(20))", f"INSERT INTO t SELECT n, 'x' FROM ({some}) AS s")
    before = reader.capture(connection)
    do(connection, "UPDATE t SET b = 'y' WHERE a > 1000")
    (difference,) = compare_rows(before, reader.capture(connection))
    assert (difference.change, difference.column, difference.rows) == (RowChange.VALUES_CHANGED, "b", 2000)


def test_many_rows_of_which_the_key_changes_are_paired_by_what_else_they_hold(
    connection: Connection, reader: RowReader
) -> None:
    some = numbers(connection, 3000)
    do(connection, AUTHOR, f"INSERT INTO author (id, name) SELECT n, 'author ' || n FROM ({some}) AS s")
    before = reader.capture(connection)
    do(connection, "UPDATE author SET id = id + 50000")
    found = compare_rows(before, reader.capture(connection))
    assert [(each.change, each.column, each.rows) for each in found] == [(RowChange.VALUES_CHANGED, "id", 3000)]


def test_swapped_values_in_many_rows_are_noticed(connection: Connection, reader: RowReader) -> None:
    do(
        connection,
        AUTHOR,
        f"INSERT INTO author (id, name) SELECT n, 'author ' || n FROM ({numbers(connection, MANY)}) AS s",
    )
    before = reader.capture(connection)
    do(connection, f"UPDATE author SET name = 'author ' || ({2 * MANY - 1} - id) WHERE id >= {MANY - 1}")
    assert [d.column for d in compare_rows(before, reader.capture(connection))] == ["name"]


def test_rows_lost_of_many_are_counted(connection: Connection, reader: RowReader) -> None:
    do(connection, AUTHOR, f"INSERT INTO author (id) {numbers(connection, MANY)}")
    before = reader.capture(connection)
    do(connection, f"DELETE FROM author WHERE id > {MANY - 7}")
    (lost,) = compare_rows(before, reader.capture(connection))
    assert (lost.change, lost.rows, lost.total) == (RowChange.ROWS_LOST, 7, MANY)


def test_other_rows_among_many_are_lost_ones(connection: Connection, reader: RowReader) -> None:
    do(connection, AUTHOR, f"INSERT INTO author (id) {numbers(connection, MANY)}")
    before = reader.capture(connection)
    do(
        connection,
        f"DELETE FROM author WHERE id = {unseen(before['author'])}",
        f"INSERT INTO author (id) VALUES ({MANY + 5})",
    )
    (lost,) = compare_rows(before, reader.capture(connection))
    assert (lost.change, lost.holds_data) == (RowChange.ROWS_LOST, True)
    assert lost.words() == f"table author: rows lost; some of {MANY} rows"


def test_a_long_value_is_kept_short_and_still_compared(connection: Connection, reader: RowReader) -> None:
    do(connection, "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)", f"INSERT INTO t VALUES (1, '{'x' * 5000}y')")
    before = reader.capture(connection)
    assert len(before["t"].rows[0][1] or "") < 2500
    do(connection, f"UPDATE t SET a = '{'x' * 5000}z'")
    (difference,) = compare_rows(before, reader.capture(connection))
    assert "'… (5,001 characters, of which the first 2,000 are the same) after; 1 of 1 rows" in difference.words()
    assert len(difference.words()) < 250


def test_ignored_tables_are_left_out(connection: Connection) -> None:
    do(connection, AUTHOR, "CREATE TABLE version (a INTEGER)")
    reader = RowReader(connection.dialect.name, ignore=[(None, "version")])
    assert set(reader.capture(connection)) == {"author"}
    assert set(reader.capture(connection, ["version"])) == set()


def test_a_partition_stands_for_its_table(postgresql: Connection) -> None:
    do(
        postgresql,
        "CREATE TABLE whole (a integer) PARTITION BY RANGE (a)",
        "CREATE TABLE part PARTITION OF whole DEFAULT",
    )
    do(postgresql, "INSERT INTO whole VALUES (1), (2)")
    assert RowReader("postgresql").capture(postgresql, ["part"])["whole"].count == 2
    assert set(RowReader("postgresql").capture(postgresql)) == {"whole"}


def test_inherited_rows_are_the_childs(postgresql: Connection) -> None:
    do(
        postgresql,
        "CREATE TABLE parent (a integer)",
        "CREATE TABLE child () INHERITS (parent)",
        "INSERT INTO child VALUES (1)",
    )
    rows = RowReader("postgresql").capture(postgresql)
    assert (rows["parent"].count, rows["child"].count) == (0, 1)


def test_schemas_and_odd_names(postgresql: Connection) -> None:
    do(
        postgresql,
        "CREATE SCHEMA app",
        'CREATE TABLE app.author ("a ""b" integer)',
        'CREATE TABLE "dotted.name" (a integer)',
    )
    do(postgresql, "INSERT INTO app.author VALUES (1)")
    reader = RowReader("postgresql")
    assert set(reader.capture(postgresql)) == {"app.author", "dotted.name"}
    assert reader.capture(postgresql, ["app.author"])["app.author"].rows == (("1",),)
    assert set(reader.capture(postgresql, ["dotted.name"])) == {"dotted.name"}


def test_values_are_written_as_they_were_the_first_time(postgresql: Connection) -> None:
    do(
        postgresql,
        "CREATE TABLE t (id integer PRIMARY KEY, at timestamptz, b bytea)",
        "INSERT INTO t VALUES (1, '2024-06-01 12:00:00+00', '\\x00ff')",
    )
    reader = RowReader("postgresql")
    before = reader.capture(postgresql)
    do(postgresql, "SET TIME ZONE 'Asia/Tokyo'", "SET bytea_output = 'escape'", "SET DateStyle = 'German'")
    assert compare_rows(before, reader.capture(postgresql)) == ()
    assert column(postgresql, "SHOW TimeZone") == ["Asia/Tokyo"]


@pytest.mark.parametrize(
    "ddl",
    [
        "CREATE TABLE t (id serial PRIMARY KEY, name varchar(10), at timestamptz(3), n numeric(5, 2)[])",
        'CREATE TABLE t ("A b" integer, "c,d" integer, e integer, PRIMARY KEY ("c,d", "A b") INCLUDE (e))',
        "CREATE TABLE t (a integer)",
        "CREATE TABLE t (a integer NOT NULL, PRIMARY KEY (a)) PARTITION BY RANGE (a); CREATE TABLE p PARTITION OF t DEFAULT",
        "CREATE TABLE t (a integer); CREATE TABLE c () INHERITS (t)",
        "CREATE SCHEMA app; CREATE TABLE app.t (id serial PRIMARY KEY)",
        """CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN code AS varchar(6); CREATE SCHEMA app; CREATE TYPE app.pair AS
        (a int, b mood); CREATE TABLE t (a mood, b mood[], c code DEFAULT 'x', d app.pair, e "char", f varchar(3)[])""",
    ],
)
def test_what_a_schema_snapshot_knows_gives_the_same_rows(postgresql: Connection, ddl: str) -> None:
    do(postgresql, ddl)
    RowGenerator("postgresql").top_up(postgresql)
    schema = reader_for("postgresql").read(postgresql)
    rows = RowReader("postgresql").capture(postgresql)
    known = known_tables(schema.parts.values())
    assert known.keys() == rows.keys()
    assert RowReader("postgresql").capture(postgresql, list(rows), known=known) == rows


def test_a_table_that_is_known_to_be_gone_is_not_looked_for(postgresql: Connection) -> None:
    before = Rows({"author": TableRows(name="author", columns=("id",), types=("integer",))})
    assert RowReader("postgresql").capture(postgresql, ["author"], previous=before, known={"author": None}) == {}


def test_what_was_written_is_known(postgresql: Connection) -> None:
    do(postgresql, 'CREATE TABLE t (id serial PRIMARY KEY, name varchar(10), "O" integer)')
    population = RowGenerator("postgresql").top_up(postgresql)
    reader = RowReader("postgresql")
    assert reader.capture(postgresql, population.written, known=population.known) == reader.capture(postgresql)


def test_other_dialects_are_refused() -> None:
    with pytest.raises(UsageError, match="not in oracle"):
        RowReader("oracle")


def test_mariadb_knows_by_checksums_which_tables_have_other_rows(mariadb: Connection) -> None:
    reader = RowReader("mysql")
    do(mariadb, AUTHOR, FILL, "CREATE TABLE other (id INTEGER PRIMARY KEY)", "CREATE TABLE gone (id INTEGER)")
    reader.capture(mariadb)
    assert reader.changed(mariadb) == frozenset()
    do(mariadb, "UPDATE author SET name = 'Zoe' WHERE name = 'Zoë'", "DROP TABLE gone")
    assert reader.changed(mariadb) == {"author", "gone"}


def test_other_databases_cannot_tell(sqlite: Connection) -> None:
    do(sqlite, AUTHOR)
    assert RowReader("sqlite").changed(sqlite) is None


def test_values_of_mariadb_do_not_depend_on_the_session(mariadb: Connection) -> None:
    do(mariadb, "CREATE TABLE t (a TIMESTAMP NULL, b TIMESTAMP(3) NULL, c FLOAT, d BINARY(2), e BIT(3))")
    do(
        mariadb,
        "SET time_zone = '+00:00'",
        "INSERT INTO t VALUES ('2024-06-01 12:00:00', '1970-01-01 00:00:01.25', 1.1, 'a', b'11')",
    )
    before = RowReader("mysql").capture(mariadb)
    assert before["t"].rows == (
        ("2024-06-01 12:00:00", "1970-01-01 00:00:01.250", "1.100000023841858", "\\x6100", "011"),
    )
    do(mariadb, "SET time_zone = '+09:00'", "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'")
    assert RowReader("mysql").capture(mariadb) == before
    assert column(mariadb, "SELECT @@time_zone") == ["+09:00"]


def test_when_a_row_was_changed_is_no_value_of_it(mariadb: Connection) -> None:
    do(
        mariadb,
        "CREATE TABLE t (id INT PRIMARY KEY, a INT, seen TIMESTAMP(6) DEFAULT 0 ON UPDATE CURRENT_TIMESTAMP(6))",
    )
    do(mariadb, "INSERT INTO t VALUES (1, 1, '2024-06-01 12:00:00')")
    before = RowReader("mysql").capture(mariadb)
    do(mariadb, "UPDATE t SET a = 2")
    assert [d.column for d in compare_rows(before, RowReader("mysql").capture(mariadb))] == ["a"]
