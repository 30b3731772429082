"""Tables get as many rows as are wanted, whatever their rules are; what cannot be filled is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_stairway.rehearsal import Filler
from pytest_stairway.rows import RowGenerator

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa
    from sqlalchemy import Connection

    from pytest_stairway.rehearsal import Filling

ROWS = 1_500
PLAIN = {"no_parameters": True}


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection


def filled(connection: Connection, ddl: str, *tables: str, rows: int = ROWS, **nulls: list[str]) -> dict[str, Filling]:
    """Make tables, give each a few rows, and fill some."""
    connection.exec_driver_sql(ddl, execution_options=PLAIN)
    population = RowGenerator("postgresql", adversarial=False).top_up(connection)
    assert not population.unpopulated
    filler = Filler(connection=connection, rows=rows, nulls=nulls)
    return {filling.table: filling for filling in filler.fill(tables)}


def value(connection: Connection, query: str) -> Any:
    return connection.exec_driver_sql(query).scalar_one()


@pytest.mark.parametrize(
    "columns",
    [
        "id serial PRIMARY KEY, name text",
        "id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, double int GENERATED ALWAYS AS (5) STORED",
        "id uuid PRIMARY KEY, email varchar(60) NOT NULL UNIQUE CHECK (email LIKE '%@%')",
        "code char(6) PRIMARY KEY, flag boolean NOT NULL, price numeric(6, 2) UNIQUE",
        "day date, hour int CHECK (hour BETWEEN 0 AND 23), at timestamptz UNIQUE, PRIMARY KEY (day, hour)",
        "id smallint PRIMARY KEY, data jsonb, tags text[] UNIQUE",
        "a int NOT NULL, b int NOT NULL, CHECK (a < b), id bigserial PRIMARY KEY",
        "during int4range, EXCLUDE USING gist (during WITH &&)",
    ],
)
def test_a_table_gets_its_rows(connection: Connection, columns: str) -> None:
    filling = filled(connection, f"CREATE TABLE t ({columns})", "t")["t"]
    assert (filling.rows, filling.reason) == (ROWS, None)
    assert value(connection, "SELECT count(*) FROM t") == ROWS


def test_no_row_is_inserted_in_vain(connection: Connection) -> None:
    """A dead one would be read by whatever reads the table from end to end."""
    filled(connection, "CREATE TABLE t (id serial PRIMARY KEY, name text UNIQUE)", "t")
    assert value(connection, "SELECT n_tup_ins FROM pg_stat_xact_user_tables WHERE relname = 't'") == ROWS


def test_a_table_from_which_another_inherits_gets_its_rows(connection: Connection) -> None:
    ddl = (
        "CREATE TABLE t (id serial PRIMARY KEY, name text NOT NULL); CREATE TABLE child (age int NOT NULL) INHERITS (t)"
    )
    fillings = filled(connection, ddl, "t", "child")
    assert {(each.rows, each.reason) for each in fillings.values()} == {(ROWS, None)}
    assert value(connection, "SELECT count(*) FROM ONLY t") == ROWS


def test_names_need_quoting(connection: Connection) -> None:
    filling = filled(connection, 'CREATE TABLE "My ""Table" ("order" text PRIMARY KEY, n int)', 'My "Table')
    assert filling['My "Table'].rows == ROWS


def test_a_unique_index_on_an_expression_is_satisfied(connection: Connection) -> None:
    ddl = "CREATE TABLE t (id serial PRIMARY KEY, name text NOT NULL); CREATE UNIQUE INDEX x ON t (lower(name))"
    assert filled(connection, ddl, "t")["t"].rows == ROWS


def test_values_differ_where_nothing_speaks_against_it(connection: Connection) -> None:
    filled(connection, "CREATE TABLE t (id serial PRIMARY KEY, name text NOT NULL)", "t")
    assert value(connection, "SELECT count(DISTINCT name) FROM t") == ROWS


def test_rows_are_spread_over_those_that_they_refer_to(connection: Connection) -> None:
    ddl = """
        CREATE TABLE parent (id serial PRIMARY KEY);
        CREATE TABLE child (id serial PRIMARY KEY, parent_id int NOT NULL REFERENCES parent)"""
    fillings = filled(connection, ddl, "child", "parent")
    assert list(fillings) == ["parent", "child"]
    assert value(connection, "SELECT count(DISTINCT parent_id) FROM child") >= 0.9 * ROWS


def test_parents_get_as_many_rows_as_a_unique_reference_needs(connection: Connection) -> None:
    ddl = """
        CREATE TABLE account (id uuid PRIMARY KEY);
        CREATE TABLE profile (account_id uuid PRIMARY KEY REFERENCES account)"""
    fillings = filled(connection, ddl, "profile")
    assert fillings["account"].rows == ROWS
    assert fillings["profile"].rows >= 0.9 * ROWS


def test_a_table_between_two_others_needs_only_as_many_as_make_enough_pairs(connection: Connection) -> None:
    ddl = """
        CREATE TABLE post (id serial PRIMARY KEY);
        CREATE TABLE tag (name text PRIMARY KEY);
        CREATE TABLE post_tag (post_id int REFERENCES post, tag text REFERENCES tag, PRIMARY KEY (post_id, tag))"""
    fillings = filled(connection, ddl, "post_tag")
    assert fillings["post_tag"].rows >= 0.9 * ROWS
    assert fillings["post"].rows == fillings["tag"].rows == 39


def test_a_table_that_refers_to_itself_is_filled(connection: Connection) -> None:
    ddl = "CREATE TABLE tree (id serial PRIMARY KEY, parent_id int REFERENCES tree, path text NOT NULL UNIQUE)"
    assert filled(connection, ddl, "tree")["tree"].rows == ROWS


def test_triggers_have_their_say(connection: Connection) -> None:
    ddl = """
        CREATE TABLE t (id serial PRIMARY KEY, n int NOT NULL, seen boolean);
        CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.n > 100 THEN RAISE 'too many'; END IF; NEW.seen = true; RETURN NEW; END $$;
        CREATE TRIGGER judge BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION judge()"""
    assert filled(connection, ddl, "t")["t"].rows == ROWS
    assert value(connection, "SELECT count(*) FROM t WHERE seen") >= 0.9 * ROWS


def test_partitions_get_the_rows_of_their_table(connection: Connection) -> None:
    ddl = """
        CREATE TABLE t (id int, day date NOT NULL, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
        CREATE TABLE t_2020 PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')"""
    assert filled(connection, ddl, "t")["t"].rows == ROWS


def test_columns_can_be_left_without_values(connection: Connection) -> None:
    filled(connection, "CREATE TABLE t (id serial PRIMARY KEY, code text UNIQUE)", "t", t=["code"])
    assert value(connection, "SELECT count(*) FROM t WHERE code IS NULL") >= ROWS - 10


def test_a_table_with_too_few_possible_keys_is_told_with_the_reason(connection: Connection) -> None:
    filling = filled(connection, "CREATE TABLE t (a boolean, b boolean, PRIMARY KEY (a, b))", "t")["t"]
    assert filling.rows <= 4
    assert filling.reason == "no column of the unique key (a, b) can have so many values"


def test_the_connection_stays_usable_when_the_database_refuses(connection: Connection) -> None:
    filling = filled(connection, "CREATE TABLE t (id int PRIMARY KEY CHECK (id BETWEEN 1 AND 99))", "t")["t"]
    assert filling.rows < ROWS
    assert filling.reason is not None
    assert "t_id_check" in filling.reason
    assert value(connection, "SELECT 1") == 1


def test_sequences_stay_ahead(connection: Connection) -> None:
    filled(connection, "CREATE TABLE t (id serial PRIMARY KEY, n int)", "t")
    largest = value(connection, "SELECT max(id) FROM t")
    assert value(connection, "INSERT INTO t (n) VALUES (1) RETURNING id") > largest
