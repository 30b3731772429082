"""The generic reader sees what SQLAlchemy reflects, whatever of it a dialect has."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest import mock

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from pytest_stairway.schema import Key, Schema, Verdict, compare_schemas, generic, reader_for

from .sqlite_lab import connected, run

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Connection

    from pytest_stairway.databases import Server

SQLITE = """
CREATE TABLE team (id INTEGER NOT NULL, city VARCHAR(20) DEFAULT 'Rome', PRIMARY KEY (id));
CREATE TABLE author (
    id INTEGER NOT NULL,
    born INTEGER,
    team_id INTEGER,
    CONSTRAINT pk_author PRIMARY KEY (id),
    CONSTRAINT ck_author CHECK (born > 0),
    CHECK (born < 9),
    CONSTRAINT uq_author UNIQUE (born),
    FOREIGN KEY(team_id) REFERENCES team (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX ix_author ON author (team_id, born) WHERE born > 1;
CREATE VIEW adults AS SELECT id FROM author;
"""

POSTGRESQL = """
CREATE SCHEMA archive;
CREATE SEQUENCE numbers;
CREATE TABLE team (id integer GENERATED ALWAYS AS IDENTITY (START 5) PRIMARY KEY, city varchar(20) DEFAULT 'Rome' UNIQUE);
CREATE TABLE author (
    id integer CONSTRAINT pk_author PRIMARY KEY,
    born numeric(6, 2) NOT NULL,
    twice numeric GENERATED ALWAYS AS (born * 2) STORED,
    team_id integer CONSTRAINT fk_author REFERENCES team ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT ck_author CHECK (born > 0)
);
CREATE INDEX ix_author ON author USING btree (lower(born::text), team_id DESC) INCLUDE (id) WHERE born > 1;
COMMENT ON TABLE author IS 'who wrote';
COMMENT ON COLUMN author.born IS 'a year';
CREATE VIEW adults AS SELECT id FROM author;
CREATE MATERIALIZED VIEW old AS SELECT id FROM author;
CREATE TABLE archive.author (id integer);
"""


def read(connection: Connection, ignore: Collection[tuple[str | None, str]] = ()) -> Schema:
    return generic.Reader(connection.dialect.name, ignore=frozenset(ignore)).read(connection)


def told(before: Schema, after: Schema) -> list[str]:
    return [each.words() for each in compare_schemas(before, after) if each.verdict is Verdict.DIFFERENT]


def test_a_dialect_without_its_own_reader_gets_this_one() -> None:
    assert isinstance(reader_for("mssql"), generic.Reader)


def test_a_schema_in_full() -> None:
    with connected(SQLITE) as connection:
        schema = read(connection)
    assert {str(key): schema[key] for key in schema} == {
        "table team": {},
        "column team.id": {"position": "1", "type": "INTEGER", "nullability": "NOT NULL"},
        "column team.city": {"position": "2", "type": "VARCHAR(20)", "nullability": "nullable", "default": "'Rome'"},
        "primary key (id) on team": {"definition": "(id)"},
        "table author": {},
        "column author.id": {"position": "1", "type": "INTEGER", "nullability": "NOT NULL"},
        "column author.born": {"position": "2", "type": "INTEGER", "nullability": "nullable"},
        "column author.team_id": {"position": "3", "type": "INTEGER", "nullability": "nullable"},
        "primary key pk_author on author": {"definition": "(id)"},
        "check constraint ck_author on author": {"definition": "(born > 0)"},
        "check constraint (born < 9) on author": {"definition": "(born < 9)"},
        "unique constraint uq_author on author": {"definition": "(born)"},
        "foreign key (team_id) on author": {"definition": "(team_id) REFERENCES team (id) ondelete=CASCADE"},
        "index ix_author on author": {"definition": "UNIQUE (team_id, born) sqlite_where=born > 1"},
        "view adults": {"definition": "CREATE VIEW adults AS SELECT id FROM author"},
    }


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("VARCHAR(20)", "VARCHAR(30)", "column team.city: type VARCHAR(20) before, VARCHAR(30) after"),
        ("'Rome'", "'Oslo'", "column team.city: default 'Rome' before, 'Oslo' after"),
        ("born INTEGER", "born INTEGER NOT NULL", "column author.born: nullable before, NOT NULL after"),
        ("born > 0", "born > 1", "check constraint ck_author on author: (born > 0) before, (born > 1) after"),
        ("CHECK (born < 9),", "", "check constraint (born < 9) on author: missing after"),
        ("CONSTRAINT uq_author UNIQUE", "UNIQUE", "unique constraint uq_author on author: named (born) after"),
        (
            " ON DELETE CASCADE",
            "",
            (
                "foreign key (team_id) on author: "
                "(team_id) REFERENCES team (id) ondelete=CASCADE before, (team_id) REFERENCES team (id) after"
            ),
        ),
        ("CREATE VIEW adults AS SELECT id FROM author;", "", "view adults: missing after"),
    ],
)
def test_a_change_is_told(old: str, new: str, words: str) -> None:
    with connected(SQLITE) as before, connected(SQLITE.replace(old, new, 1)) as after:
        assert told(read(before), read(after)) == [words]


def test_each_reading_is_new() -> None:
    with connected(SQLITE) as connection:
        reader = generic.Reader("sqlite", ignore=frozenset())
        before = reader.read(connection)
        run(connection, "ALTER TABLE team ADD COLUMN x INTEGER")
        assert told(before, reader.read(connection)) == ["column team.x: still there after"]
        assert not connection.in_transaction()


def test_the_ignored_tables_are_left_out() -> None:
    with connected(SQLITE) as connection:
        schema = read(connection, ignore=[(None, "author"), ("elsewhere", "team")])
    assert {str(key) for key in schema if not key.parent} == {"table team", "view adults"}


KINDS = [
    "get_pk_constraint",
    "get_foreign_keys",
    "get_unique_constraints",
    "get_check_constraints",
    "get_indexes",
    "get_table_options",
    "get_view_names",
    "get_view_definition",
]


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_dialect_cannot_reflect_is_left_out(kind: str) -> None:
    with connected(SQLITE) as connection, mock.patch.object(SQLiteDialect, kind, side_effect=NotImplementedError):
        schema = read(connection)
    assert Key("column", "city", "team") in set(schema)


def test_another_failure_is_not_hidden() -> None:
    failure = sa.exc.OperationalError("SELECT", (), Exception("denied"))
    with (
        connected(SQLITE) as connection,
        mock.patch.object(SQLiteDialect, "get_indexes", side_effect=failure),
        pytest.raises(sa.exc.OperationalError, match="denied"),
    ):
        read(connection)


@pytest.mark.parametrize(("type_", "told_as"), [(sa.types.NullType(), "NULL"), (sa.ARRAY(sa.Integer()), "ARRAY")])
def test_a_type_that_the_dialect_cannot_write_is_told_by_its_name(type_: object, told_as: str) -> None:
    columns = [{"name": "x", "type": type_, "nullable": True, "default": None}]
    with (
        connected("CREATE TABLE t (x)") as connection,
        mock.patch.object(SQLiteDialect, "get_columns", return_value=columns),
    ):
        assert read(connection)[Key("column", "x", "t")]["type"] == told_as


@contextmanager
def postgresql(server: Server, *scripts: str) -> Iterator[list[Schema]]:
    """Read what each script makes of a database of its own."""
    databases = [server.create() for _ in scripts]
    schemas = []
    for database, script in zip(databases, scripts, strict=True):
        engine = sa.create_engine(sa.make_url(database.url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(script)
            connection.commit()
            schemas.append(read(connection))
    yield schemas
    for database in databases:
        server.drop(database)


def test_postgresql_in_full(postgresql_server: Server) -> None:
    with postgresql(postgresql_server, POSTGRESQL) as (schema,):
        assert {str(key): schema[key] for key in schema if "position" not in schema[key]} == {
            "table team": {},
            "primary key team_pkey on team": {"definition": "(id)"},
            "unique constraint team_city_key on team": {"definition": "(city)"},
            "table author": {"comment": "who wrote"},
            "primary key pk_author on author": {"definition": "(id)"},
            "check constraint ck_author on author": {"definition": "(born > 0::numeric)"},
            "foreign key fk_author on author": {
                "definition": "(team_id) REFERENCES team (id) deferrable=True, initially=DEFERRED, ondelete=CASCADE"
            },
            "index ix_author on author": {
                "definition": (
                    "(lower(born::text), team_id DESC) "
                    "postgresql_include=['id'], postgresql_where=(born > (1)::numeric)"
                )
            },
            "view adults": {"definition": " SELECT id\n   FROM author;"},
            "materialized view old": {"definition": " SELECT id\n   FROM author;"},
            "sequence numbers": {},
            "sequence team_id_seq": {},
            "table archive.author": {},
        }
        assert schema.default_schema == "public"
        assert schema[Key("column", "born", "author")] == {
            "position": "2",
            "type": "NUMERIC(6, 2)",
            "nullability": "NOT NULL",
            "comment": "a year",
        }
        assert schema[Key("column", "twice", "author")]["generated"] == "((born * (2)::numeric)) STORED"
        assert "start=5" in schema[Key("column", "id", "team")]["identity"]
        assert schema[Key("column", "id", "author", "archive")]["type"] == "INTEGER"


def test_changes_on_postgresql(postgresql_server: Server) -> None:
    changed = (
        POSTGRESQL.replace("numeric(6, 2)", "numeric(7, 2)")
        .replace(" INCLUDE (id)", "")
        .replace("'who wrote'", "'who wrote it'")
        .replace(" ON DELETE CASCADE", "")
        .replace("CREATE SEQUENCE numbers;", "")
        .replace("archive.author (id integer)", "archive.author (id bigint)")
    )
    with postgresql(postgresql_server, POSTGRESQL, changed) as (before, after):
        assert told(before, after) == [
            "table author: comment 'who wrote' before, 'who wrote it' after",
            "column author.born: type NUMERIC(6, 2) before, NUMERIC(7, 2) after",
            (
                "foreign key fk_author on author: "
                "(team_id) REFERENCES team (id) deferrable=True, initially=DEFERRED, ondelete=CASCADE before, "
                "(team_id) REFERENCES team (id) deferrable=True, initially=DEFERRED after"
            ),
            (
                "index ix_author on author: "
                "(lower(born::text), team_id DESC) postgresql_include=['id'], postgresql_where=(born > (1)::numeric) before, "
                "(lower(born::text), team_id DESC) postgresql_where=(born > (1)::numeric) after"
            ),
            "sequence numbers: missing after",
            "column archive.author.id: type INTEGER before, BIGINT after",
        ]
