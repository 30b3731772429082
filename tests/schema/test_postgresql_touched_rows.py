"""Which rows are looked at after a step: what is taken as known is what reading everything shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_stairway.rows import RowReader, Rows
from pytest_stairway.walk.touched_rows import CapturePlan, SchemaChange, plan_capture, tables_that_differ

if TYPE_CHECKING:
    from pytest_stairway.schema import Schema

    from .postgresql_lab import Lab

SETTING = (
    "CREATE TABLE author (id serial PRIMARY KEY, name varchar(60) NOT NULL, born timestamptz, code text)",
    "CREATE TABLE book (id integer PRIMARY KEY, author_id integer REFERENCES author ON DELETE CASCADE, title text)",
    "CREATE TABLE event (at date, what text) PARTITION BY RANGE (at)",
    "CREATE TABLE event_old PARTITION OF event FOR VALUES FROM (MINVALUE) TO ('2020-01-01')",
    "CREATE TABLE event_new PARTITION OF event FOR VALUES FROM ('2020-01-01') TO (MAXVALUE)",
    "CREATE TABLE spare (id integer, title text)",
    "CREATE TYPE mood AS ENUM ('sad', 'glad')",
    "CREATE TYPE place AS (street text, city text)",
    "CREATE TYPE stay AS (place place, nights integer)",
    "CREATE TABLE trip (id integer PRIMARY KEY, mood mood, stays stay[])",
    "INSERT INTO trip VALUES (1, 'sad', ARRAY[ROW(ROW('High Street', 'London'), 2)::stay])",
    "INSERT INTO author (name, born, code) VALUES ('a', '2001-02-03 04:05+02', 'x'), ('b', NULL, 'y')",
    "INSERT INTO book VALUES (1, 1, 'one'), (2, 2, 'two')",
    "INSERT INTO event VALUES ('2019-01-01', 'old'), ('2021-01-01', 'new')",
    "INSERT INTO spare VALUES (7, 'spare')",
)
STEPS = (
    ("CREATE TABLE copy AS SELECT * FROM author",),
    ("SELECT * INTO copy FROM author",),
    ("CREATE TABLE plain (id integer)",),
    ("CREATE TABLE plain (id integer)", "INSERT INTO plain VALUES (1)"),
    ("DROP TABLE book", "CREATE TABLE book (id integer PRIMARY KEY, author_id integer REFERENCES author, title text)"),
    ("DROP TABLE spare", "CREATE TABLE spare (id integer, title text)"),
    ("DROP TABLE spare",),
    ("ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'",),
    ("ALTER TYPE place DROP ATTRIBUTE street CASCADE",),
    ("ALTER TYPE stay ADD ATTRIBUTE paid boolean CASCADE",),
    ("ALTER TABLE spare RENAME TO other",),
    ("ALTER TABLE spare RENAME title TO label",),
    ("ALTER TABLE spare RENAME TO other", "CREATE TABLE spare (id integer, title text)"),
    ("CREATE TABLE next AS SELECT id FROM book", "DROP TABLE book", "ALTER TABLE next RENAME TO book"),
    ("CREATE SCHEMA app", "ALTER TABLE spare SET SCHEMA app"),
    ("ALTER TABLE author DROP code",),
    ("ALTER TABLE author DROP code", "ALTER TABLE author ADD code text"),
    ("ALTER TABLE author DROP name", "ALTER TABLE author ADD name varchar(60)"),
    ("ALTER TABLE author ADD age integer DEFAULT 4",),
    ("ALTER TABLE author ADD age integer", "UPDATE author SET age = id"),
    ("ALTER TABLE author ALTER name TYPE varchar(80)",),
    ("ALTER TABLE author ALTER name TYPE text", "ALTER TABLE author ALTER code TYPE varchar(9)"),
    ("ALTER TABLE author ALTER name TYPE varchar(60) USING upper(name)",),
    ("ALTER TABLE author ALTER born TYPE timestamp",),
    ("ALTER TABLE author ALTER id TYPE bigint",),
    ("ALTER TABLE author ALTER code TYPE char(3)",),
    ("ALTER TABLE book DROP CONSTRAINT book_pkey",),
    ("DELETE FROM author WHERE id = 1",),
    ("TRUNCATE spare",),
    ("ALTER TABLE event DETACH PARTITION event_old",),
    ("DROP TABLE event_old",),
    (
        "CREATE TABLE moved (at date, what text) PARTITION BY RANGE (at)",
        "ALTER TABLE event DETACH PARTITION event_new",
        "ALTER TABLE moved ATTACH PARTITION event_new FOR VALUES FROM ('2020-01-01') TO (MAXVALUE)",
    ),
    ("INSERT INTO event VALUES ('2018-01-01', 'older')",),
    ("CREATE INDEX ix ON author (name)",),
    ("COMMENT ON TABLE author IS 'x'",),
)


class Follower:
    """Follows one step of a lab."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.reader = RowReader("postgresql")
        lab.run(*SETTING)
        lab.read()
        lab.step("COMMENT ON TABLE book IS 'so that a step is known'")
        self.before = lab.read()
        self.rows = self.everything()

    def everything(self) -> Rows:
        rows = self.reader.capture(self.lab.connection)
        self.lab.connection.rollback()
        return rows

    def step(self, *statements: str) -> tuple[CapturePlan, Rows]:
        after = self.lab.step(*statements)
        touched = self.lab.reader.touched_tables
        assert touched is not None
        plan = self.plan(after, touched)
        rows = Rows({**self.rows, **plan.derived})
        if plan.names:
            rows = self.reader.capture(self.lab.connection, plan.names, previous=rows, known=plan.known)
        self.lab.connection.rollback()
        return plan, rows

    def plan(self, after: Schema, touched: frozenset[str]) -> CapturePlan:
        return plan_capture(SchemaChange.between(self.before, after), self.rows, touched)


@pytest.mark.parametrize("statements", STEPS, ids="; ".join)
def test_what_is_known_after_a_step_is_what_everything_shows(lab: Lab, statements: tuple[str, ...]) -> None:
    follower = Follower(lab)
    _, rows = follower.step(*statements)
    assert rows == follower.everything()


@pytest.mark.parametrize(
    ("statement", "asked"),
    [
        ("CREATE TABLE plain (id integer)", set()),
        ("ALTER TABLE author DROP code", set()),
        ("ALTER TABLE author ALTER name TYPE varchar(80)", set()),
        ("ALTER TABLE author ADD age integer DEFAULT 4", {"author"}),
        ("ALTER TABLE author ALTER name TYPE varchar(50)", {"author"}),
    ],
)
def test_what_is_known_is_not_asked(lab: Lab, statement: str, asked: set[str]) -> None:
    plan, _ = Follower(lab).step(statement)
    assert plan.names == asked


def test_a_table_that_was_stored_anew_with_the_same_rows_does_not_differ(lab: Lab) -> None:
    follower = Follower(lab)
    _, rows = follower.step("ALTER TABLE author ALTER name TYPE varchar(50)")
    assert tables_that_differ(follower.rows, rows) == set()
    _, rows = follower.step("UPDATE author SET name = 'c'")
    assert tables_that_differ(follower.rows, rows) == {"author"}


@pytest.mark.parametrize(
    ("statement", "wanting"),
    [
        ("ALTER TABLE author ADD age integer", {"author"}),
        ("ALTER TABLE author ALTER code TYPE integer USING id", {"author"}),
        ("ALTER TABLE author ADD CHECK (id > 0)", {"author"}),
        ("ALTER TABLE author ALTER name TYPE varchar(80)", set()),
        ("CREATE INDEX ix ON author (name)", set()),
    ],
)
def test_a_table_wants_rows_where_more_than_a_length_changed(lab: Lab, statement: str, wanting: set[str]) -> None:
    follower = Follower(lab)
    after = lab.step(statement)
    assert SchemaChange.between(follower.before, after).wanting == wanting
