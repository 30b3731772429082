"""Random DDL on MariaDB and MySQL: a reader that remembers sees after each statement what one sees that does not."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import DBAPIError

from pytest_stairway.schema import reader_for

from .mysql_lab import opened

if TYPE_CHECKING:
    from pytest_stairway.databases import Server

TABLES = ("one", "two", "three", "four")
COLUMNS = ("a", "b", "c", "d")
STATEMENTS = (
    "CREATE TABLE {t} (id INT PRIMARY KEY AUTO_INCREMENT, a INT, b VARCHAR(20))",
    "CREATE TABLE {t} LIKE {u}",
    "CREATE TABLE {t} AS SELECT * FROM {u}",
    "DROP TABLE IF EXISTS {t}",
    "RENAME TABLE {t} TO {u}",
    "ALTER TABLE {t} ADD COLUMN {c} INT DEFAULT {n}",
    "ALTER TABLE {t} ADD COLUMN {c} VARCHAR({n}) COMMENT 'c{n}' FIRST",
    "ALTER TABLE {t} DROP COLUMN {c}",
    "ALTER TABLE {t} RENAME COLUMN {c} TO {e}",
    "ALTER TABLE {t} MODIFY {c} BIGINT NOT NULL",
    "ALTER TABLE {t} ALTER {c} SET DEFAULT {n}",
    "ALTER TABLE {t} ADD CHECK ({c} <> {n})",
    "ALTER TABLE {t} ADD CONSTRAINT k{n} FOREIGN KEY ({c}) REFERENCES {u} (id)",
    "ALTER TABLE {t} DROP FOREIGN KEY k{n}",
    "ALTER TABLE {t} COMMENT 'c{n}', AUTO_INCREMENT = {n}",
    "ALTER TABLE {t} CONVERT TO CHARACTER SET latin1",
    "ALTER TABLE {t} PARTITION BY HASH (id) PARTITIONS {n}",
    "CREATE INDEX i{n} ON {t} ({c})",
    "DROP INDEX i{n} ON {t}",
    "CREATE OR REPLACE VIEW v{n} AS SELECT {c} FROM {t}",
    "DROP VIEW IF EXISTS v{n}",
    "CREATE OR REPLACE TRIGGER g{n} BEFORE INSERT ON {t} FOR EACH ROW SET new.{c} = {n}",
    "DROP TRIGGER IF EXISTS g{n}",
    "CREATE OR REPLACE FUNCTION f{n}(x INT) RETURNS INT DETERMINISTIC RETURN x + {n}",
    "CREATE OR REPLACE PROCEDURE p{n}() ALTER TABLE {t} ADD COLUMN {c} INT",
    "CALL p{n}()",
    "EXECUTE IMMEDIATE 'ALTER TABLE {t} DROP COLUMN {c}'",
    "CREATE TRIGGER h{n} BEFORE INSERT ON {t} FOR EACH ROW SET new.{c} = {n}",
    "CREATE FUNCTION h{n}(x INT) RETURNS INT DETERMINISTIC RETURN x + {n}",
    "CREATE PROCEDURE p{n}() ALTER TABLE {t} ADD COLUMN {c} INT",
    "ALTER TABLE {t} ADD KEY j{n} ((abs({c})))",
    "ALTER TABLE {t} ALTER INDEX i{n} INVISIBLE",
    "ALTER TABLE {t} ADD CONSTRAINT c{n} CHECK ({c} <> {n}) NOT ENFORCED",
    "ALTER TABLE {t} ALTER CHECK c{n} ENFORCED",
    "ALTER TABLE {t} ALTER COLUMN {c} SET INVISIBLE",
    "CREATE OR REPLACE SEQUENCE s{n} INCREMENT BY {n}",
    "CREATE OR REPLACE EVENT e{n} ON SCHEDULE EVERY {n} DAY DO DELETE FROM {t}",
    "ALTER DATABASE COLLATE utf8mb4_unicode_ci",
    "TRUNCATE TABLE {t}",
    "INSERT INTO {t} (a) VALUES ({n})",
    "OPTIMIZE TABLE {t}",
)
"""Some are for one of the two only, and refused by the other."""
STEPS = 150


def statement(chance: random.Random) -> str:
    table, other = chance.sample(TABLES, 2)
    column, another = chance.sample(COLUMNS, 2)
    words = {"t": table, "u": other, "c": column, "e": another, "n": chance.randint(1, 4)}
    return chance.choice(STATEMENTS).format(**words)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_reader_that_remembers_misses_nothing(either_server: Server, seed: int) -> None:
    chance = random.Random(seed)
    with opened(either_server) as lab:
        for table in TABLES[:2]:
            lab.run(STATEMENTS[0].format(t=table))
        for _ in range(STEPS):
            ddl = statement(chance)
            lab.reader.begin_step(lab.connection)
            try:
                lab.run(ddl)
            except DBAPIError:
                lab.connection.rollback()
            lab.reader.end_step(lab.connection)
            remembered = lab.reader.read(lab.connection)
            assert remembered.parts == reader_for("mysql").read(lab.connection).parts, ddl
