"""What the walk knows of rows on MariaDB and MySQL after a step is what is there, whatever the step did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_stairway.rows import RowReader
from pytest_stairway.schema import reader_for
from pytest_stairway.walk.carried_rows import CarriedRows, RowSettings

from .helpers import do

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Engine

START = (
    "CREATE TABLE team (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) NOT NULL)",
    """CREATE TABLE player (id INT AUTO_INCREMENT PRIMARY KEY, team_id INT NOT NULL, name VARCHAR(40) NOT NULL, score DECIMAL(8, 2), born DATETIME(3),
    twice DECIMAL(9, 2) AS (score * 2) VIRTUAL, FOREIGN KEY (team_id) REFERENCES team (id) ON DELETE CASCADE ON UPDATE CASCADE)""",
    "CREATE TABLE one (id INT PRIMARY KEY, a VARCHAR(20))",
    "CREATE TABLE two (id INT PRIMARY KEY, a VARCHAR(20))",
    "CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, said TEXT)",
    "CREATE TABLE no_key (a INT, b BLOB)",
    """CREATE TABLE parts (id INT PRIMARY KEY, a INT) PARTITION BY RANGE (id)
    (PARTITION low VALUES LESS THAN (3), PARTITION high VALUES LESS THAN MAXVALUE)""",
    "CREATE TABLE part (id INT PRIMARY KEY, a INT)",
    "CREATE PROCEDURE note(said TEXT) INSERT INTO log (said) VALUES (said)",
    "CREATE TRIGGER noted AFTER UPDATE ON one FOR EACH ROW CALL note('one')",
)
STEPS = {
    "nothing": (),
    "an update that changes nothing": ("UPDATE team SET name = name",),
    "an update": ("UPDATE team SET name = CONCAT(name, '!') WHERE id = 2",),
    "an update that swaps": ("UPDATE one a JOIN one b ON a.id <> b.id SET a.a = b.a",),
    "a cascade": ("DELETE FROM team WHERE id = 1",),
    "a cascade of an update": ("UPDATE team SET id = id + 1000",),
    "a trigger": ("UPDATE one SET a = 'x'",),
    "a procedure": ("CALL note('called')",),
    "a truncation": ("TRUNCATE TABLE log",),
    "a replacement": ("REPLACE INTO two VALUES (1, 'replaced')",),
    "two tables at once": ("UPDATE one JOIN two USING (id) SET one.a = 'p', two.a = 'q'",),
    "a table made of another": ("CREATE TABLE copy AS SELECT * FROM team",),
    "a table made again": ("DROP TABLE two", "CREATE TABLE two (id INT PRIMARY KEY, a VARCHAR(20))"),
    "tables that swap names": ("RENAME TABLE one TO three, two TO one, three TO two",),
    "a column renamed": ("ALTER TABLE player RENAME COLUMN name TO title",),
    "a column dropped": ("ALTER TABLE player DROP COLUMN born",),
    "a column made again": (
        "ALTER TABLE player DROP COLUMN born",
        "ALTER TABLE player ADD COLUMN born DATETIME(3) AFTER score",
    ),
    "columns that swap names": ("ALTER TABLE no_key CHANGE a b INT, CHANGE b a BLOB",),
    "a column with a default": ("ALTER TABLE team ADD COLUMN rank_no INT NOT NULL DEFAULT 7",),
    "another default": ("ALTER TABLE team ALTER COLUMN name SET DEFAULT 'x'",),
    "rounded": ("ALTER TABLE player MODIFY score INT, DROP COLUMN twice",),
    "fractions cut": ("ALTER TABLE player MODIFY born DATETIME",),
    "a character set": ("SET SESSION sql_mode = ''", "ALTER TABLE player CONVERT TO CHARACTER SET latin1"),
    "cut without a word": ("SET SESSION sql_mode = ''", "ALTER TABLE team MODIFY name VARCHAR(3) NOT NULL"),
    "another expression": ("ALTER TABLE player MODIFY twice DECIMAL(9, 2) AS (score * 3) VIRTUAL",),
    "another key": ("ALTER TABLE two DROP PRIMARY KEY, ADD COLUMN k INT AUTO_INCREMENT PRIMARY KEY",),
    "a partition dropped": ("ALTER TABLE parts DROP PARTITION low",),
    "a partition emptied": ("ALTER TABLE parts TRUNCATE PARTITION high",),
    "another engine": ("ALTER TABLE log ENGINE = MyISAM", "UPDATE log SET said = 'x'"),
    "an index": ("CREATE INDEX ix ON team (name)",),
    "a view": ("CREATE VIEW teams AS SELECT * FROM team", "UPDATE teams SET name = 'by a view'"),
    "a prepared statement": ("PREPARE p FROM 'DELETE FROM log'", "EXECUTE p"),
    "a dropped table": ("DROP TABLE player",),
    "another time zone": ("SET time_zone = '+09:00'", "UPDATE player SET born = '2024-01-01 00:00:00'"),
}


class Followed:
    """A database whose rows are carried."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.rows = CarriedRows(RowSettings(), ignore=[(None, "alembic_version")])
        self.reader = reader_for("mysql", ignore=[(None, "alembic_version")])
        do(connection, *START, "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        self.schema = self.reader.read(connection)
        self.top_up()

    def top_up(self) -> None:
        if self.rows.top_up("", self.connection, revision="b2"):
            self.reader.resume(self.connection)

    def step(self, *statements: str, on: Connection | None = None) -> None:
        self.reader.begin_step(self.connection)
        do(on or self.connection, *statements)
        do(self.connection, "INSERT INTO alembic_version VALUES ('b2')")
        self.reader.end_step(self.connection)
        (on or self.connection).commit()
        before, self.schema = self.schema, self.reader.read(self.connection)
        self.rows.follow("", self.connection, before, self.schema, self.reader.touched_tables)

    def check(self) -> None:
        assert self.rows.latest[""] == RowReader("mysql").capture(self.connection)
        assert self.rows.trusted


@pytest.fixture
def followed(new_mariadb: Callable[..., AbstractContextManager[Engine]]) -> Iterator[Followed]:
    with new_mariadb() as engine, engine.connect() as connection:
        yield Followed(connection)


@pytest.mark.parametrize("step", STEPS)
def test_a_step(followed: Followed, step: str) -> None:
    followed.step(*STEPS[step])
    followed.check()
    followed.step("DELETE FROM no_key")
    followed.check()


def test_a_step_that_works_on_another_connection(followed: Followed) -> None:
    with followed.connection.engine.connect() as other:
        followed.step("UPDATE team SET name = 'of another'", on=other)
    followed.check()


def test_all_steps_one_after_the_other(mysql: Connection) -> None:
    followed = Followed(mysql)
    for name, statements in STEPS.items():
        if name not in {"a column dropped", "another expression", "another time zone"}:  # others need what goes
            followed.step(*statements)
            followed.check()
            followed.top_up()
            followed.check()


def test_what_is_untouched_is_not_read_again(followed: Followed) -> None:
    before = followed.rows.latest[""]
    followed.step("UPDATE team SET name = 'x'")
    after = followed.rows.latest[""]
    assert {name for name in after if after[name] is not before[name]} == {"team"}


def test_where_nobody_wrote_rows_only_tables_that_changed_are_asked_for(followed: Followed) -> None:
    followed.step("CREATE INDEX ix ON team (name)")
    assert followed.reader.touched_tables == {"team"}
    followed.step("SELECT 1")
    assert followed.reader.touched_tables == frozenset()
    followed.step("DROP TABLE no_key", "CREATE TABLE Fresh AS SELECT * FROM team")
    assert followed.reader.touched_tables == {"no_key", "Fresh"}
    followed.check()


@pytest.mark.parametrize(
    "statement", ["DELETE FROM team", "TRUNCATE TABLE log", "RENAME TABLE one TO three", "CALL note('x')"]
)
def test_where_somebody_may_have_written_rows_all_are_asked_for(followed: Followed, statement: str) -> None:
    followed.step(statement)
    assert followed.reader.touched_tables is None
    followed.check()
