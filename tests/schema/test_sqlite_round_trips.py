"""Round trips on SQLite: what is right is told as no difference, what Alembic's batch mode loses is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from pytest_stairway.schema import Verdict

from .sqlite_lab import batch, connected, operations, run, schema_after, schema_of, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

SCRIPT = """
create table "team" ([id] integer primary key, city varchar(20) default 'Rome' not null);
CREATE TABLE author (
    id INTEGER PRIMARY KEY, -- the author's number
    "Name" varchar(60) DEFAULT ( lower('Nobody') ) NOT NULL,
    email TEXT,
    born int default 1900,
    active BOOL default true,
    team_id INTEGER,
    CONSTRAINT ck_author_name CHECK (length("Name") > 2 AND  email <> 'x''y'),
    CONSTRAINT uq_author_email UNIQUE (email, born),
    constraint fk_author_team foreign key (team_id) references "team" ("id") on delete cascade on update set null
);
CREATE INDEX ix_author_name ON author ("Name", born) WHERE born > 1900;
CREATE UNIQUE INDEX `ix_author_email` ON [author] (email);
CREATE TABLE tag (code TEXT, label TEXT);
CREATE VIEW labels AS SELECT code, "label" FROM tag;
CREATE TRIGGER tr_tag AFTER INSERT ON tag BEGIN DELETE FROM tag WHERE code < new.label; END;
"""


def recreate(connection: Connection) -> None:
    """Recreate both tables twice, with a column added and dropped."""
    for table in ("author", "team"):
        with batch(connection, table) as batch_op:
            batch_op.add_column(sa.Column("extra", sa.Integer()))
        with batch(connection, table) as batch_op:
            batch_op.drop_column("extra")


def change_a_type(connection: Connection) -> None:
    with batch(connection, "author") as batch_op:
        batch_op.alter_column("email", type_=sa.String(20), existing_type=sa.Text())
    with batch(connection, "author") as batch_op:
        batch_op.alter_column("email", type_=sa.Text(), existing_type=sa.String(20))


def change_nullability_and_default(connection: Connection) -> None:
    with batch(connection, "author") as batch_op:
        batch_op.alter_column("born", nullable=False, server_default=None)
    with batch(connection, "author") as batch_op:
        batch_op.alter_column("born", nullable=True, server_default="1900")


def rename_a_column_by_batch(connection: Connection) -> None:
    with batch(connection, "author") as batch_op:
        batch_op.alter_column("email", new_column_name="mail")
        batch_op.drop_constraint("ck_author_name", type_="check")
    with batch(connection, "author") as batch_op:
        batch_op.alter_column("mail", new_column_name="email")
        batch_op.create_check_constraint("ck_author_name", "length(Name) > 2 and email != 'x''y'")


def drop_and_create_constraints(connection: Connection) -> None:
    with batch(connection, "author") as batch_op:
        batch_op.drop_constraint("uq_author_email", type_="unique")
        batch_op.drop_constraint("fk_author_team", type_="foreignkey")
    with batch(connection, "author") as batch_op:
        batch_op.create_foreign_key(
            "fk_author_team", "team", ["team_id"], ["id"], ondelete="CASCADE", onupdate="SET NULL"
        )
        batch_op.create_unique_constraint("uq_author_email", ["email", "born"])


def drop_and_create_an_index(connection: Connection) -> None:
    op = operations(connection)
    op.drop_index("ix_author_name", "author")
    op.create_index("ix_author_name", "author", ["Name", "born"], sqlite_where=sa.text("(Born>1900)"))
    connection.commit()


def statements(*script: str) -> Callable[[Connection], None]:
    return lambda connection: run(connection, ";".join(script))


SILENT = {
    "table created and dropped": statements("CREATE TABLE x (a)", "DROP TABLE x"),
    "table renamed and back": statements("ALTER TABLE author RENAME TO writer", "ALTER TABLE writer RENAME TO author"),
    "parent renamed and back": statements("ALTER TABLE team RENAME TO t2", "ALTER TABLE t2 RENAME TO team"),
    "column renamed and back": statements(
        "ALTER TABLE author RENAME COLUMN email TO mail", "ALTER TABLE author RENAME COLUMN mail TO email"
    ),
    "column added and dropped": statements("ALTER TABLE team ADD COLUMN x", "ALTER TABLE team DROP COLUMN x"),
    "table under a view renamed and back": statements("ALTER TABLE tag RENAME TO t2", "ALTER TABLE t2 RENAME TO tag"),
    "column under a view renamed and back": statements(
        "ALTER TABLE tag RENAME COLUMN label TO text", "ALTER TABLE tag RENAME COLUMN text TO label"
    ),
    "view put back in other quotes": statements(
        "DROP VIEW labels", "create  view [labels] AS SELECT code,label\nFROM `tag`"
    ),
    "vacuum": statements("VACUUM"),
    "rows, and the tables that SQLite makes for itself": statements("INSERT INTO team (city) VALUES ('x')", "ANALYZE"),
    "temporary objects left": statements("CREATE TEMP TABLE author (x)", "CREATE TEMP TABLE t (x)"),
}
"""Nothing at all is told of these."""

NOTED = {
    "batch recreated both tables": recreate,
    "batch changed a type and back": change_a_type,
    "batch changed nullability and default and back": change_nullability_and_default,
    "batch dropped and created constraints": drop_and_create_constraints,
    "batch renamed a column and back": rename_a_column_by_batch,
    "index dropped and created": drop_and_create_an_index,
    "view in another case": statements("DROP VIEW labels", "create view labels as select Code, Label from Tag"),
    "trigger in another case": statements(
        "DROP TRIGGER tr_tag",
        "create trigger tr_tag after insert on tag begin delete from tag where code < new.label; end",
    ),
}
"""Of these there may be a note."""


@pytest.mark.parametrize("round_trip", SILENT.values(), ids=SILENT)
def test_nothing_is_told_of_a_right_round_trip(round_trip: Callable[[Connection], None]) -> None:
    with connected(SCRIPT) as connection:
        before = schema_of(connection)
        round_trip(connection)
        after = schema_of(connection)
    assert [told(before, after, verdict=verdict) for verdict in Verdict] == [[], [], []]


@pytest.mark.parametrize("round_trip", NOTED.values(), ids=NOTED)
def test_a_right_round_trip_is_no_difference(round_trip: Callable[[Connection], None]) -> None:
    with connected(SCRIPT) as connection:
        before = schema_of(connection)
        round_trip(connection)
        after = schema_of(connection)
    assert told(before, after) == []


FRAGILE = """
CREATE TABLE author (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name VARCHAR(60) COLLATE NOCASE NOT NULL ON CONFLICT IGNORE,
    email CHARACTER VARYING(60),
    born INTEGER CHECK (born > 1800),
    team_id INTEGER REFERENCES team ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE team (id INTEGER PRIMARY KEY);
CREATE INDEX ix_author_lower ON author (lower(name));
CREATE INDEX ix_author_born ON author (born DESC);
CREATE INDEX ix_author_email ON author (email COLLATE NOCASE);
CREATE TRIGGER tr_author AFTER INSERT ON author BEGIN SELECT 1; END;
"""

LOST = [
    "check constraint (born > 1800) on author: missing after the downgrade",
    "column author.email: type CHARACTER VARYING(60) before, TEXT(60) after",
    "column author.name: collation NOCASE before, no collation after",
    "column author.name: on conflict IGNORE before, no on conflict after",
    (
        "foreign key (team_id) on author: (team_id) REFERENCES team (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
        " before, (team_id) REFERENCES team (id) after"
    ),
    "index ix_author_born on author: (born DESC) before, (born) after",
    "index ix_author_email on author: (email COLLATE NOCASE) before, (email) after",
    "index ix_author_lower on author: missing after the downgrade",
    "primary key (id) on author: (id) AUTOINCREMENT before, (id) after",
    "trigger tr_author on author: missing after the downgrade",
]
"""What Alembic's batch mode does not put back, each told once."""


def test_all_that_a_batch_round_trip_loses_is_told() -> None:
    with connected(FRAGILE) as connection:
        before = schema_of(connection)
        with batch(connection, "author") as batch_op:
            batch_op.add_column(sa.Column("extra", sa.Integer()))
        with batch(connection, "author") as batch_op:
            batch_op.drop_column("extra")
        after = schema_of(connection)
    assert told(before, after) == LOST


def test_columns_in_another_order_are_told_as_order_only() -> None:
    with connected(SCRIPT) as connection:
        before = schema_of(connection)
        run(connection, "ALTER TABLE author DROP COLUMN active; ALTER TABLE author ADD COLUMN active BOOL DEFAULT TRUE")
        after = schema_of(connection)
    assert told(before, after) == []
    assert told(before, after, verdict=Verdict.ORDER_ONLY) == [
        (
            "table author: column order id, Name, email, born, active, team_id before, "
            "id, Name, email, born, team_id, active after"
        )
    ]


def test_columns_in_another_order_after_a_batch_are_told_as_order_only() -> None:
    with connected(SCRIPT) as connection:
        before = schema_of(connection)
        with batch(connection, "team") as batch_op:
            batch_op.add_column(sa.Column("extra", sa.Integer()), insert_before="city")
        with batch(connection, "team", partial_reordering=[("city", "id")]) as batch_op:
            batch_op.drop_column("extra")
        after = schema_of(connection)
    assert told(before, after) == []
    assert told(before, after, verdict=Verdict.ORDER_ONLY) == [
        "table team: column order id, city before, city, id after"
    ]


def test_constraints_in_another_order_and_place_are_the_same() -> None:
    before = (
        "CREATE TABLE t (a INT CONSTRAINT pk PRIMARY KEY CHECK (a > 0), b INT UNIQUE REFERENCES p (x), CHECK ((b<>2)))"
    )
    after = (
        "CREATE TABLE t (a INT, b INT, CHECK (b != 2) UNIQUE (`b`), FOREIGN KEY ([b]) REFERENCES p ('x'),"
        'CHECK ("A">0), CONSTRAINT pk PRIMARY KEY (a))'
    )
    assert told(schema_after(before), schema_after(after)) == []
