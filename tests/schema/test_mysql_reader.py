"""The reader of MariaDB and MySQL reads little, disturbs nothing, and takes whatever there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from pytest_stairway.schema import Key, Schema, reader_for

from .mysql_lab import opened, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.databases import Server

    from .mysql_lab import MysqlLab

DRIVERS = {
    "pymysql": "pymysql",
    "mysqldb": "MySQLdb",
    "mysqlconnector": "mysql.connector",
    "mariadbconnector": "mariadb",
}


@pytest.fixture
def lab(either_server: Server) -> Iterator[MysqlLab]:
    with opened(either_server) as lab:
        yield lab


@pytest.fixture
def mariadb_lab(mariadb_server: Server) -> Iterator[MysqlLab]:
    with opened(mariadb_server) as lab:
        yield lab


def statements(lab: MysqlLab) -> list[str]:
    """Return the statements that one reading takes."""
    seen: list[str] = []

    def note(_c: object, _u: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    sa.event.listen(lab.connection, "before_cursor_execute", note)
    try:
        lab.reader.read(lab.connection)
    finally:
        sa.event.remove(lab.connection, "before_cursor_execute", note)
    return seen


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_driver_reads_the_same(either_server: Server, driver: str) -> None:
    pytest.importorskip(DRIVERS[driver])
    with opened(either_server, "pymysql") as first, opened(either_server, driver) as second:
        script = first.script + ";\nCREATE TABLE `a%b ``c` (`it's?` INT COMMENT '你 100%')"
        first.run(script)
        second.run(script)
        schema = second.schema()
        assert not told(first.schema(), schema)
        assert schema[Key("column", "it's?", "a%b `c")]["comment"] == "你 100%"


def test_the_schema_survives_as_text(lab: MysqlLab) -> None:
    lab.run(lab.script)
    schema = lab.schema()
    assert not told(schema, Schema.from_json(schema.to_json()))


def test_where_only_rows_changed_one_statement_is_run(lab: MysqlLab) -> None:
    lab.run(lab.script)
    before = lab.reader.read(lab.connection)
    lab.run("INSERT INTO sale VALUES (1, '2001-01-01');\nUPDATE sale SET id = 2;\nDELETE FROM sale")
    assert statements(lab) == [r"SHOW GLOBAL STATUS LIKE 'Com\_%'"]
    assert lab.reader.read(lab.connection) is before


def test_tables_that_did_not_change_are_handed_out_again(lab: MysqlLab) -> None:
    lab.run(lab.script)
    before = lab.reader.read(lab.connection)
    lab.run("ALTER TABLE team ADD x INT")
    after = lab.reader.read(lab.connection)
    same = {name for name in before.parts if before.parts[name] is after.parts[name]}
    assert before.parts.keys() - same == {"table team"}


def test_a_plain_statement_has_its_own_table_read_and_what_refers_to_it(lab: MysqlLab) -> None:
    lab.run("CREATE TABLE p (id INT PRIMARY KEY);\nCREATE TABLE c (p_id INT, FOREIGN KEY (p_id) REFERENCES p (id))")
    lab.run("CREATE TABLE other (id INT)")
    lab.reader.read(lab.connection)
    lab.reader.begin_step(lab.connection)
    lab.run("ALTER TABLE `p` ADD COLUMN x INT;\nCREATE INDEX ix ON p (x);\nINSERT INTO other VALUES (1)")
    lab.reader.end_step(lab.connection)
    read = {statement.rpartition(".")[2] for statement in statements(lab) if statement.startswith("SHOW CREATE TABLE")}
    assert read == {"`p`", "`c`"}


@pytest.mark.parametrize(
    "hidden",
    [
        "ALTER TABLE p RENAME TO q",
        "CALL alter_c()",
        "DROP TABLE p, c",
        "ALTER TABLE p ADD COLUMN x INT /* and */, COMMENT 'more'",
    ],
)
def test_any_other_statement_has_all_read(lab: MysqlLab, hidden: str) -> None:
    lab.run("CREATE TABLE p (id INT);\nCREATE TABLE c (id INT);\nCREATE TABLE other (id INT)")
    lab.run("CREATE PROCEDURE alter_c() ALTER TABLE c ADD x INT")
    lab.reader.read(lab.connection)
    lab.reader.begin_step(lab.connection)
    lab.run(hidden)
    lab.reader.end_step(lab.connection)
    assert any(statement.endswith("`other`") for statement in statements(lab))
    assert not told(lab.schema(), lab.reader.read(lab.connection))


@pytest.mark.parametrize(
    "script",
    [
        "CREATE PROCEDURE hidden_ddl() ALTER TABLE t ADD x INT;\nCALL hidden_ddl()",
        "PREPARE s FROM 'ALTER TABLE t ADD x INT';\nEXECUTE s",
    ],
)
def test_ddl_that_hides_is_seen(lab: MysqlLab, script: str) -> None:
    see(lab, script)


@pytest.mark.parametrize(
    "script", ["EXECUTE IMMEDIATE 'ALTER TABLE t ADD x INT'", "BEGIN NOT ATOMIC ALTER TABLE t ADD x INT; END"]
)
def test_ddl_that_hides_as_only_mariadb_has_it_is_seen(mariadb_lab: MysqlLab, script: str) -> None:
    see(mariadb_lab, script)


def see(lab: MysqlLab, script: str) -> None:
    lab.run("CREATE TABLE t (id INT)")
    before = lab.reader.read(lab.connection)
    for statement in script.split(";\n"):
        lab.run(statement)
    assert "column t.x: still there after the downgrade" in told(before, lab.reader.read(lab.connection))


def test_ddl_of_another_session_is_seen(lab: MysqlLab) -> None:
    lab.run("CREATE TABLE t (id INT)")
    before = lab.reader.read(lab.connection)
    with lab.connection.engine.connect() as other:
        other.exec_driver_sql("ALTER TABLE t ADD x INT")
    assert told(before, lab.reader.read(lab.connection)) == ["column t.x: still there after the downgrade"]


def test_the_counter_of_rows_is_no_part_of_the_schema(lab: MysqlLab) -> None:
    lab.run("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT)")
    before = lab.schema()
    lab.run("INSERT INTO t VALUES (7)")
    assert not told(before, lab.schema())


def test_sequences_that_were_used_are_the_same(mariadb_lab: MysqlLab) -> None:
    mariadb_lab.run("CREATE SEQUENCE s")
    before = mariadb_lab.schema()
    mariadb_lab.run("SELECT nextval(s)")
    assert not told(before, mariadb_lab.schema())


def test_databases_of_another_name_are_the_same(either_server: Server) -> None:
    with opened(either_server) as first, opened(either_server) as second:
        first.run(first.script)
        second.run(second.script)
        assert not told(first.schema(), second.schema())


def test_what_is_ignored_is_left_out(lab: MysqlLab) -> None:
    lab.run("CREATE TABLE alembic_version (version_num VARCHAR(32));\nCREATE TABLE t (id INT)")
    for schema in (None, lab.connection.exec_driver_sql("SELECT DATABASE()").scalar_one()):
        reader = reader_for("mysql", ignore=[(schema, "alembic_version")])
        assert {key.name for key in reader.read(lab.connection) if key.kind == "table"} == {"t"}


MODES_OF_MYSQL = {"ORACLE": "TRADITIONAL,PAD_CHAR_TO_FULL_LENGTH", "ANSI_QUOTES,NO_TABLE_OPTIONS": "ANSI_QUOTES"}
"""What it has instead of modes of MariaDB's own."""


@pytest.mark.parametrize("mode", ["", "ANSI", "ORACLE", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES,NO_TABLE_OPTIONS"])
def test_the_sessions_settings_change_nothing_and_stay(lab: MysqlLab, mode: str) -> None:
    mode = mode if lab.is_mariadb else MODES_OF_MYSQL.get(mode, mode)
    lab.run(lab.script)
    before = lab.schema()
    lab.run(f"SET SESSION sql_mode = '{mode}', sql_quote_show_create = 0, character_set_results = NULL")
    settings = "SELECT @@SESSION.sql_mode, @@SESSION.sql_quote_show_create, @@SESSION.character_set_results"
    held = lab.connection.exec_driver_sql(settings).all()
    assert not told(before, lab.schema())
    assert lab.connection.exec_driver_sql(settings).all() == held


def test_another_database_in_use_is_not_taken_for_ours(lab: MysqlLab) -> None:
    lab.run("CREATE TABLE t (id INT);\nCREATE VIEW v AS SELECT id FROM t")
    before = lab.reader.read(lab.connection)
    lab.run("USE mysql")
    assert not told(before, lab.reader.read(lab.connection, thorough=True))


def test_a_transaction_that_is_open_stays_open(lab: MysqlLab) -> None:
    lab.run("CREATE TABLE t (id INT)")
    lab.connection.exec_driver_sql("INSERT INTO t VALUES (1)")
    lab.reader.read(lab.connection)
    lab.connection.rollback()
    assert lab.connection.exec_driver_sql("SELECT count(*) FROM t").scalar_one() == 0


def test_a_view_over_what_is_gone_is_read(lab: MysqlLab) -> None:
    lab.run("CREATE TABLE t (id INT);\nCREATE VIEW v AS SELECT id FROM t;\nDROP TABLE t")
    assert Key("view", "v") in set(lab.schema())


def test_temporary_tables_are_no_part_of_the_schema(lab: MysqlLab) -> None:
    before = lab.reader.read(lab.connection)
    lab.run("CREATE TEMPORARY TABLE t (id INT)")
    assert not told(before, lab.reader.read(lab.connection))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "CREATE TABLE `t` (\n  `id` int NOT NULL,\n  `h` int DEFAULT NULL /*!80023 INVISIBLE */,\n"
            "  `n` int,\n"
            "  `s` varchar(9) COLLATE utf8mb4_bin DEFAULT (_utf8mb4'x'),\n"
            "  KEY `f` ((lower(`s`)),`id`) /*!80000 INVISIBLE */,\n"
            "  CONSTRAINT `t_chk_1` CHECK ((`id` > 0)) /*!80016 NOT ENFORCED */\n"
            ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci /*!80016 ENCRYPTION='Y' */\n"
            "/*!50100 PARTITION BY HASH (`id`)\nPARTITIONS 4 */",
            {
                Key("table", "t"): {
                    "engine": "InnoDB",
                    "character set": "utf8mb4",
                    "collation": "utf8mb4_0900_ai_ci",
                    "options": "ENCRYPTION='Y'",
                    "partitioning": "PARTITION BY HASH (id) PARTITIONS 4",
                },
                Key("column", "id", "t"): {"position": "1", "type": "int", "nullability": "NOT NULL"},
                Key("column", "h", "t"): {
                    "position": "2",
                    "type": "int",
                    "nullability": "nullable",
                    "visibility": "INVISIBLE",
                },
                Key("column", "n", "t"): {
                    "position": "3",
                    "type": "int",
                    "nullability": "nullable",
                    "default": "none, not even NULL",
                },
                Key("column", "s", "t"): {
                    "position": "4",
                    "type": "varchar(9)",
                    "character set": "utf8mb4",
                    "collation": "utf8mb4_bin",
                    "nullability": "nullable",
                    "default": "(_utf8mb4'x')",
                },
                Key("index", "f", "t"): {"definition": "((lower(s)), id)", "visibility": "INVISIBLE"},
                Key("check constraint", "t_chk_1", "t"): {"definition": "((id > 0))", "enforcement": "NOT ENFORCED"},
            },
        ),
    ],
)
def test_what_older_versions_of_mysql_say_is_understood(sql: str, expected: object) -> None:
    from pytest_stairway.schema.mysql_part import describe_table

    assert describe_table("t", sql) == expected
