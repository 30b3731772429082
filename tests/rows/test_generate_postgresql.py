"""Rows made in PostgreSQL."""

from __future__ import annotations

import asyncio
import uuid
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from pytest_stairway.exceptions import UsageError
from pytest_stairway.rows import Population, RowGenerator, RowReader, compare_rows

from .helpers import ask, column, do
from .nasty_postgresql import IMPOSSIBLE, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


def create_nasty(connection: Connection) -> None:
    do(connection, *(ddl for ddl in TABLES.values() if ddl), *(ddl for ddl, _ in IMPOSSIBLE.values()))
    connection.commit()


@pytest.fixture(scope="module")
def nasty(new_database: Any) -> Iterator[tuple[Connection, RowGenerator, Population]]:
    """The nasty schema, topped up once and committed: whatever waits for the commit has its say."""
    with new_database() as engine, engine.connect() as connection:
        create_nasty(connection)
        generator = RowGenerator("postgresql")
        population = generator.top_up(connection)
        connection.commit()
        yield connection, generator, population


class TestNastySchema:
    @pytest.mark.parametrize("table", TABLES)
    def test_a_table_that_can_have_rows_has_some(self, nasty: Any, table: str) -> None:
        connection, _, population = nasty
        assert table in population.populated
        schema, _, name = table.partition(".") if table.startswith("other.") else ("public", "", table)
        quoted = sa.sql.quoted_name(name, quote=True).replace('"', '""')
        assert column(connection, f'SELECT count(*) FROM "{schema}"."{quoted}"')[0] >= 3

    def test_coverage_is_told(self, nasty: Any) -> None:
        _, _, population = nasty
        assert str(population) == f"{len(TABLES)} of {len(TABLES) + len(IMPOSSIBLE)} tables"
        assert population.tables == len(TABLES) + len(IMPOSSIBLE)

    @pytest.mark.parametrize("table", IMPOSSIBLE)
    def test_a_table_that_cannot_says_why_in_the_databases_own_words(self, nasty: Any, table: str) -> None:
        _, _, population = nasty
        (reason,) = [told.reason for told in population.unpopulated if told.table == table]
        assert IMPOSSIBLE[table][1] in reason

    def test_a_second_time_nothing_is_left_to_do(self, nasty: Any) -> None:
        connection, generator, _ = nasty
        assert generator.top_up(connection).written == frozenset()
        connection.rollback()

    def test_another_generator_finds_little_to_do(self, nasty: Any) -> None:
        connection, _, population = nasty
        again = RowGenerator("postgresql").top_up(connection)
        connection.rollback()
        assert again.populated == population.populated
        assert len(again.written) < len(TABLES) / 5

    @pytest.mark.parametrize("table", ["moods", "unique_mood"])
    def test_every_label_of_an_enum_is_there(self, nasty: Any, table: str) -> None:
        connection, _, _ = nasty
        labels = column(connection, "SELECT unnest(enum_range(NULL::mood))::text")
        assert set(column(connection, f"SELECT a::text FROM {table}")) == set(labels)

    @pytest.mark.parametrize(
        "leaf", ["by_range_2023", "by_range_2031_x", "by_list_eu", "by_list_us", "by_hash_0", "by_default_rest"]
    )
    def test_every_partition_has_rows(self, nasty: Any, leaf: str) -> None:
        connection, _, _ = nasty
        assert column(connection, f"SELECT count(*) FROM {leaf}")[0] > 0

    def test_a_nullable_column_is_null_somewhere_and_not_everywhere(self, nasty: Any) -> None:
        connection, _, _ = nasty
        query = "SELECT count(*), count(b), count(e), count(j) FROM numbers"
        ((rows, *full),) = ask(connection, query)
        assert all(0 < count < rows for count in full)

    def test_texts_are_adversarial(self, nasty: Any) -> None:
        connection, _, _ = nasty
        texts = column(connection, "SELECT a FROM texts UNION SELECT name FROM author UNION SELECT f FROM texts")
        assert "" in texts
        assert any(text and not text.isascii() for text in texts)
        assert any(text and (text.startswith(" ") or text.endswith(" ")) for text in texts)

    def test_numbers_stand_at_the_boundaries(self, nasty: Any) -> None:
        connection, _, _ = nasty
        numbers = {number for row in ask(connection, "SELECT a, b, c, d FROM numbers") for number in row}
        assert numbers & {32767, -32768, 2147483647, -2147483648, 9223372036854775807, -9223372036854775808, 0, -1}

    def test_moments_come_from_several_zones(self, nasty: Any) -> None:
        connection, _, _ = nasty
        assert len({str(at.utcoffset()) for at in column(connection, "SELECT c FROM moments")}) > 1

    def test_a_table_that_refers_to_itself_does(self, nasty: Any) -> None:
        connection, _, _ = nasty
        assert column(connection, "SELECT count(parent_id) FROM tree")[0] > 0
        assert column(connection, "SELECT count(*) FROM tree WHERE parent_id IS NULL")[0] > 0

    def test_tables_in_a_circle_refer_to_each_other(self, nasty: Any) -> None:
        connection, _, _ = nasty
        assert column(connection, "SELECT count(right_id) FROM left_side")[0] > 0

    def test_parents_have_several_children(self, nasty: Any) -> None:
        connection, _, _ = nasty
        assert max(column(connection, "SELECT count(*) FROM other.author GROUP BY author_id")) > 1

    def test_what_is_supplied_for_nothing_is_left_to_the_database(self, nasty: Any) -> None:
        connection, _, _ = nasty
        assert column(connection, "SELECT id FROM identity_default ORDER BY id")[:3] == [100, 110, 120]

    @pytest.mark.parametrize("table", ["author", "loop", "loop_always", "company", "moments"])
    def test_sequences_are_ahead_of_the_rows(self, nasty: Any, table: str) -> None:
        connection, _, _ = nasty
        sequence = f"pg_get_serial_sequence('{table}', 'id')"
        assert column(connection, f"SELECT nextval({sequence}) > max(id) FROM {table}") == [True]
        connection.rollback()


def test_every_column_holds_a_value_twice_and_the_edge_that_tells_most(postgresql: Connection) -> None:
    texts = ", ".join(f"c{n} text" + (" NOT NULL" if n % 2 else "") for n in range(20))
    do(postgresql, f"CREATE TABLE t (id serial PRIMARY KEY, {texts}, r numrange, at timestamp)")
    RowGenerator("postgresql").top_up(postgresql)
    padded = 0
    for n in range(20):
        cells = column(postgresql, f"SELECT c{n} FROM t")
        full = [cell for cell in cells if cell is not None]
        assert "" in full
        assert len(set(full)) < len(full)
        padded += any(cell != cell.strip() for cell in full)
        assert (None in cells) == (n % 2 == 0)
    assert padded >= 12  # elsewhere a second NULL stands in its place
    assert "empty" in column(postgresql, "SELECT r::text FROM t")
    assert column(postgresql, "SELECT count(*) FROM t WHERE at <> date_trunc('second', at)") == [1]


def test_the_reason_is_the_rule_for_which_no_values_were_found(postgresql: Connection) -> None:
    do(postgresql, "CREATE TABLE t (a int NOT NULL CHECK (a IN (7, 9)), b int NOT NULL CHECK (b < 0 AND b > 0))")
    (told,) = RowGenerator("postgresql").top_up(postgresql).unpopulated
    assert "t_b_check" in told.reason


def test_a_column_that_takes_no_value_leaves_the_others_theirs(postgresql: Connection) -> None:
    do(
        postgresql,
        "CREATE TABLE t (id serial PRIMARY KEY, a text, b text, c integer)",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.b IS NOT NULL THEN RAISE 'no'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER f BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
    )
    RowGenerator("postgresql").top_up(postgresql)
    assert column(postgresql, "SELECT count(DISTINCT a) > 1 AND count(DISTINCT c) > 1 FROM t") == [True]


def test_the_same_seed_makes_the_same_rows(new_database: Any) -> None:
    captured = []
    for seed in (0, 0, 1):
        with new_database() as engine, engine.connect() as connection:
            create_nasty(connection)
            RowGenerator("postgresql", seed=seed).top_up(connection)
            captured.append(RowReader("postgresql").capture(connection))
    same, also, other = captured
    assert compare_rows(same, also) == ()
    assert compare_rows(same, other) != ()


class TestGrowingTables:
    def test_a_new_column_is_used_in_rows_that_are_there(self, postgresql: Connection) -> None:
        generator = RowGenerator("postgresql")
        do(postgresql, "CREATE TABLE author (id serial PRIMARY KEY, name text NOT NULL)")
        generator.top_up(postgresql)
        do(postgresql, "ALTER TABLE author ADD COLUMN ref_code varchar, ADD CONSTRAINT u UNIQUE (ref_code)")
        assert generator.top_up(postgresql, tables=["author"]).written == {"author"}
        codes = column(postgresql, "SELECT ref_code FROM author")
        assert len(codes) == 5
        assert codes.count(None) == 3

    def test_many_new_columns_do_not_make_many_rows(self, postgresql: Connection) -> None:
        generator = RowGenerator("postgresql")
        do(postgresql, "CREATE TABLE author (id serial PRIMARY KEY, name text NOT NULL)")
        generator.top_up(postgresql)
        for number in range(30):
            do(postgresql, f"ALTER TABLE author ADD COLUMN c{number} integer")
            generator.top_up(postgresql, tables=["author"])
            assert column(postgresql, f"SELECT count(c{number}) FROM author")[0] >= 2
        assert column(postgresql, "SELECT count(*) FROM author") == [5]

    def test_a_column_with_a_default_gets_other_values_too(self, postgresql: Connection) -> None:
        generator = RowGenerator("postgresql")
        do(postgresql, "CREATE TABLE author (id serial PRIMARY KEY)")
        generator.top_up(postgresql)
        do(
            postgresql,
            "ALTER TABLE author ADD COLUMN active boolean NOT NULL DEFAULT true, ADD COLUMN n integer NOT NULL DEFAULT 7",
        )
        generator.top_up(postgresql, tables=["author"])
        assert set(column(postgresql, "SELECT active FROM author")) == {True, False}
        numbers = column(postgresql, "SELECT n FROM author")
        assert 7 in numbers
        assert len(set(numbers)) > 1

    def test_a_column_that_may_be_null_now_is(self, postgresql: Connection) -> None:
        generator = RowGenerator("postgresql")
        do(postgresql, "CREATE TABLE author (id serial PRIMARY KEY, name text NOT NULL)")
        generator.top_up(postgresql)
        do(postgresql, "ALTER TABLE author ALTER name DROP NOT NULL")
        generator.top_up(postgresql, tables=["author"])
        assert None in column(postgresql, "SELECT name FROM author")

    def test_a_new_column_gets_an_edge_too(self, postgresql: Connection) -> None:
        do(postgresql, "CREATE TABLE t (id serial PRIMARY KEY)")
        generator = RowGenerator("postgresql")
        generator.top_up(postgresql)
        do(postgresql, "ALTER TABLE t ADD a text, ADD b text NOT NULL DEFAULT 'x', ADD c timestamptz")
        generator.top_up(postgresql, tables=["t"])
        assert "" in column(postgresql, "SELECT a FROM t")
        assert "" in column(postgresql, "SELECT b FROM t")
        assert column(postgresql, "SELECT count(*) FROM t WHERE c <> date_trunc('second', c)") == [1]
        assert column(postgresql, "SELECT count(*) FROM t") == [5]

    def test_a_new_column_gets_other_values_where_an_edge_is_refused(self, postgresql: Connection) -> None:
        do(
            postgresql,
            "CREATE TABLE t (id serial PRIMARY KEY)",
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.a = '' THEN RAISE 'empty'; END IF; RETURN NEW; END $$",
        )
        generator = RowGenerator("postgresql")
        generator.top_up(postgresql)
        do(
            postgresql,
            "ALTER TABLE t ADD a text",
            "CREATE TRIGGER f BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()",
        )
        generator.top_up(postgresql, tables=["t"])
        cells = column(postgresql, "SELECT a FROM t")
        assert len(cells) == 5
        assert len({*cells} - {None}) == 2

    def test_a_new_label_is_used(self, postgresql: Connection) -> None:
        generator = RowGenerator("postgresql")
        do(
            postgresql,
            "CREATE TYPE mood AS ENUM ('sad', 'ok')",
            "CREATE TABLE author (id serial PRIMARY KEY, mood mood NOT NULL)",
        )
        generator.top_up(postgresql)
        postgresql.commit()
        do(postgresql, "ALTER TYPE mood ADD VALUE 'happy'")
        postgresql.commit()
        generator.top_up(postgresql, tables=["author"])
        assert set(column(postgresql, "SELECT mood::text FROM author")) == {"sad", "ok", "happy"}

    def test_rows_of_a_migration_are_left_alone(self, postgresql: Connection) -> None:
        generator = RowGenerator("postgresql")
        do(postgresql, "CREATE TABLE role (id serial PRIMARY KEY, name text NOT NULL)")
        do(postgresql, "INSERT INTO role (name) SELECT 'seed ' || n FROM generate_series(1, 6) n")
        generator.top_up(postgresql)
        do(postgresql, "ALTER TABLE role ADD COLUMN note text")
        generator.top_up(postgresql, tables=["role"])
        assert column(postgresql, "SELECT note FROM role WHERE name LIKE 'seed %'") == [None] * 6
        assert column(postgresql, "SELECT count(note) FROM role")[0] >= 2

    def test_a_check_on_the_new_column_and_an_old_one_is_satisfied(self, postgresql: Connection) -> None:
        generator = RowGenerator("postgresql")
        do(postgresql, "CREATE TABLE span (id serial PRIMARY KEY, low integer NOT NULL)")
        generator.top_up(postgresql)
        do(postgresql, "ALTER TABLE span ADD COLUMN high bigint, ADD CHECK (high > low)")
        generator.top_up(postgresql, tables=["span"])
        assert column(postgresql, "SELECT count(high) FROM span")[0] >= 2

    def test_tables_that_are_not_named_are_not_looked_at(self, postgresql: Connection) -> None:
        do(postgresql, "CREATE TABLE one (id serial PRIMARY KEY)", "CREATE TABLE two (id serial PRIMARY KEY)")
        population = RowGenerator("postgresql").top_up(postgresql, tables=["two", "nowhere"])
        assert population.populated == ("two",)
        assert column(postgresql, "SELECT count(*) FROM one") == [0]

    def test_a_parent_without_rows_comes_along(self, postgresql: Connection) -> None:
        do(postgresql, "CREATE TABLE one (id serial PRIMARY KEY)")
        do(postgresql, "CREATE TABLE two (id serial PRIMARY KEY, one_id integer NOT NULL REFERENCES one)")
        assert RowGenerator("postgresql").top_up(postgresql, tables=["two"]).populated == ("one", "two")

    def test_a_table_that_is_gone_is_forgotten(self, postgresql: Connection) -> None:
        generator = RowGenerator("postgresql")
        do(postgresql, "CREATE TABLE one (id serial PRIMARY KEY)", "CREATE TABLE two (id serial PRIMARY KEY)")
        generator.top_up(postgresql)
        do(postgresql, "DROP TABLE one")
        assert generator.top_up(postgresql, tables=["one"]).populated == ("two",)

    def test_a_child_is_tried_again_once_its_parent_has_rows(self, postgresql: Connection) -> None:
        generator = RowGenerator("postgresql")
        do(
            postgresql,
            "CREATE TABLE one (id serial PRIMARY KEY, a integer NOT NULL CONSTRAINT never CHECK (a < 0 AND a > 0))",
        )
        do(postgresql, "CREATE TABLE two (id serial PRIMARY KEY, one_id integer NOT NULL REFERENCES one)")
        assert [told.table for told in generator.top_up(postgresql).unpopulated] == ["one", "two"]
        do(postgresql, "ALTER TABLE one DROP CONSTRAINT never")
        assert generator.top_up(postgresql, tables=["one"]).populated == ("one", "two")

    def test_a_partition_stands_for_its_table(self, postgresql: Connection) -> None:
        do(
            postgresql,
            "CREATE TABLE whole (a integer) PARTITION BY RANGE (a)",
            "CREATE TABLE part PARTITION OF whole DEFAULT",
        )
        assert RowGenerator("postgresql").top_up(postgresql, tables=["part"]).populated == ("whole",)

    def test_ignored_tables_are_left_alone(self, postgresql: Connection) -> None:
        do(postgresql, "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)", "CREATE SCHEMA app")
        do(postgresql, "CREATE TABLE app.version (a integer)", "CREATE TABLE author (id serial PRIMARY KEY)")
        generator = RowGenerator("postgresql", ignore=[(None, "alembic_version"), ("app", "version")])
        assert generator.top_up(postgresql).populated == ("author",)

    def test_after_forgetting_everything_is_looked_at_anew(self, postgresql: Connection) -> None:
        generator = RowGenerator("postgresql")
        do(postgresql, "CREATE TABLE author (id serial PRIMARY KEY)")
        generator.top_up(postgresql)
        do(postgresql, "DROP TABLE author")
        generator.forget()
        assert generator.top_up(postgresql).tables == 0

    def test_rows_that_are_known_are_not_read_again(self, new_database: Any) -> None:
        made = []
        for known in (False, True):
            with new_database() as engine, engine.connect() as connection:
                generator, reader = RowGenerator("postgresql"), RowReader("postgresql")
                do(connection, "CREATE TABLE author (id serial PRIMARY KEY, name text NOT NULL)")
                generator.top_up(connection)
                captured = reader.capture(connection)
                do(connection, "ALTER TABLE author ADD COLUMN code text UNIQUE", TABLES["hen"])
                do(
                    connection,
                    "CREATE TABLE book (id serial PRIMARY KEY, author_id integer NOT NULL REFERENCES author)",
                )
                tables = ["author", "hen", "egg", "book"]
                captured = reader.capture(connection, tables, previous=captured)
                generator.top_up(connection, tables=tables, captured=captured if known else None)
                made.append(reader.capture(connection))
        assert compare_rows(*made) == ()
        assert all(table.count == 5 for table in made[0].values())


class TestSurroundings:
    def test_the_transaction_stays_the_callers(self, postgresql: Connection) -> None:
        do(postgresql, "CREATE TABLE author (id serial PRIMARY KEY)")
        postgresql.commit()
        RowGenerator("postgresql").top_up(postgresql)
        postgresql.rollback()
        assert column(postgresql, "SELECT count(*) FROM author") == [0]

    def test_constraints_are_as_deferred_as_before(self, postgresql: Connection) -> None:
        do(
            postgresql,
            "CREATE TABLE author (id integer PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, n integer UNIQUE DEFERRABLE)",
        )
        RowGenerator("postgresql").top_up(postgresql)
        do(postgresql, "INSERT INTO author (id) SELECT min(id) FROM author")
        with pytest.raises(sa.exc.IntegrityError):
            do(postgresql, "UPDATE author SET n = 5000")

    def test_sequences_that_a_seed_left_behind_are_moved(self, postgresql: Connection) -> None:
        do(postgresql, "CREATE TABLE role (id serial PRIMARY KEY, name text)")
        do(postgresql, "INSERT INTO role SELECT n, 'seed' FROM generate_series(1, 4) n")
        population = RowGenerator("postgresql").top_up(postgresql)
        assert population.written == {"role"}
        assert column(postgresql, "SELECT count(*) FROM role")[0] >= 5

    def test_a_wrong_search_path_does_not_matter(self, postgresql: Connection) -> None:
        do(
            postgresql,
            "CREATE DOMAIN code AS text CHECK (VALUE IN ('x', 'y'))",
            "CREATE TABLE author (id serial PRIMARY KEY, code code NOT NULL)",
        )
        do(postgresql, "SET LOCAL search_path = ''")
        assert RowGenerator("postgresql").top_up(postgresql).populated == ("author",)

    def test_backslashes_survive_old_settings(self, postgresql: Connection) -> None:
        do(postgresql, "SET LOCAL standard_conforming_strings = off", "SET LOCAL escape_string_warning = off")
        do(postgresql, "CREATE TABLE author (id serial PRIMARY KEY, a text, b text, c text, d text)")
        RowGenerator("postgresql", rows=12).top_up(postgresql)
        texts = {text for row in ask(postgresql, "SELECT a, b, c, d FROM author") for text in row}
        assert 'O\'Brien \\ "quoted" 100%_' in texts

    def test_forced_row_level_security_is_obeyed(self, postgresql: Connection) -> None:
        do(postgresql, "CREATE ROLE rows_owner NOSUPERUSER", "GRANT CREATE ON SCHEMA public TO rows_owner")
        try:
            do(postgresql, "SET ROLE rows_owner", "CREATE TABLE secret (id integer NOT NULL, tenant integer NOT NULL)")
            do(
                postgresql,
                "ALTER TABLE secret ENABLE ROW LEVEL SECURITY",
                "ALTER TABLE secret FORCE ROW LEVEL SECURITY",
            )
            do(postgresql, "CREATE POLICY p ON secret USING (tenant = 4711)")
            assert RowGenerator("postgresql").top_up(postgresql).populated == ("secret",)
            assert set(column(postgresql, "SELECT tenant FROM secret")) == {4711}
        finally:
            postgresql.rollback()

    def test_without_edges_values_are_tame(self, postgresql: Connection) -> None:
        do(postgresql, "CREATE TABLE author (id serial PRIMARY KEY, name text NOT NULL, n integer NOT NULL)")
        RowGenerator("postgresql", adversarial=False, rows=20).top_up(postgresql)
        assert all(0 < n < 1000 for n in column(postgresql, "SELECT n FROM author"))
        assert "" not in column(postgresql, "SELECT name FROM author")

    def test_plain_rows_are_typical_and_no_two_are_alike(self, postgresql: Connection) -> None:
        do(
            postgresql,
            "CREATE TYPE mood AS ENUM ('a', 'b', 'c', 'd', 'e', 'f', 'g')",
            "CREATE TABLE author (id serial PRIMARY KEY, name text, n integer, m mood)",
            "CREATE TABLE book (author_id int REFERENCES author, title text)",
        )
        RowGenerator("postgresql", plain=True).top_up(postgresql)
        for expression in ("name FROM author", "n FROM author", "author_id FROM book", "title FROM book"):
            cells = column(postgresql, f"SELECT {expression}")
            assert None not in cells
            assert len(set(cells)) == len(cells) == 5

    def test_plain_rows_are_null_where_nothing_else_will_do(self, postgresql: Connection) -> None:
        do(postgresql, "CREATE TABLE owner (a int, b int, CHECK ((a IS NULL) <> (b IS NULL)))")
        assert RowGenerator("postgresql", plain=True).top_up(postgresql).populated == ("owner",)

    def test_a_column_that_is_named_for_a_table_holds_its_keys(self, postgresql: Connection) -> None:
        do(
            postgresql,
            "CREATE TABLE flow_run (id uuid PRIMARY KEY)",
            "CREATE TABLE input (id serial PRIMARY KEY, flow_run_id uuid NOT NULL)",
        )
        RowGenerator("postgresql").top_up(postgresql)
        do(postgresql, "ALTER TABLE input ADD FOREIGN KEY (flow_run_id) REFERENCES flow_run")

    def test_drawn_identifiers_differ_from_table_to_table(self, postgresql: Connection) -> None:
        do(postgresql, "CREATE TABLE one (id uuid PRIMARY KEY)", "CREATE TABLE two (id uuid PRIMARY KEY)")
        RowGenerator("postgresql").top_up(postgresql)
        do(postgresql, "INSERT INTO one SELECT id FROM two")

    def test_views_and_temporary_tables_are_not_tables(self, postgresql: Connection) -> None:
        do(
            postgresql,
            "CREATE TABLE author (id serial PRIMARY KEY)",
            "CREATE VIEW v AS SELECT * FROM author",
            "CREATE TEMPORARY TABLE t (a integer)",
        )
        do(postgresql, "CREATE MATERIALIZED VIEW m AS SELECT * FROM author")
        generator = RowGenerator("postgresql")
        assert generator.top_up(postgresql).populated == ("author",)
        assert generator.top_up(postgresql, tables=["v", "m", "t", "author"]).populated == ("author",)

    def test_a_type_of_an_extension_is_known(self, postgresql: Connection) -> None:
        do(
            postgresql,
            "CREATE EXTENSION vector",
            "CREATE TABLE item (id serial PRIMARY KEY, embedding vector(4) NOT NULL)",
        )
        assert RowGenerator("postgresql").top_up(postgresql).populated == ("item",)

    def test_a_type_that_nobody_knows_is_tried_out(self, postgresql: Connection) -> None:
        do(
            postgresql,
            "CREATE EXTENSION vector",
            "CREATE TABLE item (id serial PRIMARY KEY, embedding sparsevec NOT NULL)",
        )
        (told,) = RowGenerator("postgresql").top_up(postgresql).unpopulated
        assert "sparsevec" in told.reason

    def test_other_dialects_are_refused(self) -> None:
        with pytest.raises(UsageError, match="mysql and mariadb, not in oracle"):
            RowGenerator("oracle")


class TestSupply:
    DDL = "CREATE TABLE author (id serial PRIMARY KEY, name varchar(60) NOT NULL, born date, score numeric(5, 2), tags text[], data jsonb)"

    def test_rows_come_first_and_are_completed(self, postgresql: Connection) -> None:
        do(postgresql, self.DDL)
        supply = {
            "author": [
                {"name": "Ada", "born": date(1815, 12, 10)},
                {"name": "Grace", "score": Decimal("1.25"), "tags": ["x", 'a "b"', None]},
            ]
        }
        RowGenerator("postgresql", supply=supply).top_up(postgresql)
        rows = {row.name: row for row in ask(postgresql, "SELECT * FROM author")}
        assert len(rows) >= 4
        assert rows["Ada"].born == date(1815, 12, 10)
        assert rows["Grace"].score == Decimal("1.25")
        assert rows["Grace"].tags == ["x", 'a "b"', None]

    def test_all_rows_of_a_list_are_inserted_once(self, postgresql: Connection) -> None:
        do(postgresql, self.DDL)
        generator = RowGenerator("postgresql", supply={"author": [{"name": f"author {n}"} for n in range(8)]})
        generator.top_up(postgresql)
        generator.top_up(postgresql, tables=["author"])
        assert column(postgresql, "SELECT count(*) FROM author WHERE name LIKE 'author %'") == [8]

    def test_a_function_is_asked_for_as_many_as_are_needed(self, postgresql: Connection) -> None:
        do(postgresql, self.DDL)
        RowGenerator("postgresql", rows=3, supply={"author": lambda n: {"name": f"n{n}"}}).top_up(postgresql)
        assert sorted(column(postgresql, "SELECT name FROM author"))[:3] == ["n0", "n1", "n2"]

    def test_values_of_a_column_are_used_and_no_others(self, postgresql: Connection) -> None:
        do(postgresql, self.DDL)
        supply = {
            "author.name": ["Ada", "Grace"],
            "author.data": lambda n: {"n": n},
            "author.born": [None, date(2000, 1, 1)],
        }
        RowGenerator("postgresql", supply=supply).top_up(postgresql)
        assert set(column(postgresql, "SELECT name FROM author")) == {"Ada", "Grace"}
        assert column(postgresql, "SELECT DISTINCT jsonb_typeof(data->'n') FROM author") == ["number"]
        assert set(column(postgresql, "SELECT born FROM author")) == {None, date(2000, 1, 1)}

    def test_an_expression_is_evaluated(self, postgresql: Connection) -> None:
        do(postgresql, self.DDL)
        RowGenerator("postgresql", supply={"author.name": [sa.text("upper('ada')")]}).top_up(postgresql)
        assert set(column(postgresql, "SELECT name FROM author")) == {"ADA"}

    def test_what_is_supplied_for_a_revision_comes_before_the_rest(self, postgresql: Connection) -> None:
        do(postgresql, self.DDL)
        generator = RowGenerator("postgresql", supply={"author.name": ["Ada"]})
        generator.top_up(postgresql, supply={"author.name": ["Grace"]})
        assert set(column(postgresql, "SELECT name FROM author")) == {"Grace"}

    def test_rows_for_a_revision_are_added_to_a_table_that_has_enough(self, postgresql: Connection) -> None:
        do(postgresql, self.DDL)
        generator = RowGenerator("postgresql")
        generator.top_up(postgresql)
        generator.top_up(postgresql, tables=["author"], supply={"author": [{"name": "Ada", "id": 1000}]})
        assert column(postgresql, "SELECT name FROM author WHERE id = 1000") == ["Ada"]

    def test_what_makes_an_impossible_table_possible(self, postgresql: Connection) -> None:
        do(
            postgresql,
            "CREATE TABLE t (id serial PRIMARY KEY, code text NOT NULL)",
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF md5(NEW.code) <> md5('open' || 'sesame') "
            "THEN RAISE 'wrong code'; END IF; RETURN NEW; END $$",
            "CREATE TRIGGER f BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        )
        assert [told.reason for told in RowGenerator("postgresql").top_up(postgresql).unpopulated] == ["wrong code"]
        supply = {"t.code": ["opensesame"]}
        assert RowGenerator("postgresql", supply=supply).top_up(postgresql).populated == ("t",)

    def test_what_is_supplied_and_not_taken_is_told(self, postgresql: Connection) -> None:
        do(postgresql, self.DDL)
        (told,) = RowGenerator("postgresql", supply={"author.born": ["yesteryear"]}).top_up(postgresql).unpopulated
        assert "yesteryear" in told.reason

    def test_identifiers_may_be_python_objects(self, postgresql: Connection) -> None:
        do(postgresql, "CREATE TABLE t (id uuid PRIMARY KEY, b bytea NOT NULL, f boolean NOT NULL)")
        key = uuid.UUID(int=7)
        RowGenerator("postgresql", supply={"t": [{"id": key, "b": b"\x00\xff", "f": False}]}).top_up(postgresql)
        ((b, f),) = ask(postgresql, f"SELECT b, f FROM t WHERE id = '{key}'")
        assert (bytes(b), f) == (b"\x00\xff", False)


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "pg8000"])
def test_any_driver_will_do(new_database: Any, driver: str) -> None:
    pytest.importorskip(driver)
    with new_database() as engine, engine.connect() as connection:
        create_nasty(connection)
        options = {"query": {}} if driver == "pg8000" else {}
        url = engine.url.set(drivername=f"postgresql+{driver}", **options)
        arguments = {"unix_sock": _socket(engine)} if driver == "pg8000" else {}
        other = sa.create_engine(url, poolclass=sa.NullPool, connect_args=arguments)
        with other.connect() as through:
            population = RowGenerator("postgresql").top_up(through)
            captured = RowReader("postgresql").capture(through)
            through.commit()
        assert set(population.populated) == set(TABLES)
        assert compare_rows(captured, RowReader("postgresql").capture(connection)) == ()


def _socket(engine: sa.Engine) -> str:
    host = engine.url.query["host"]
    return f"{host}/.s.PGSQL.{engine.url.query.get('port', engine.url.port or 5432)}"


def test_an_async_driver_will_do(new_database: Any) -> None:
    async_engines = pytest.importorskip("sqlalchemy.ext.asyncio")
    pytest.importorskip("asyncpg")

    async def work(url: sa.URL) -> Population:
        engine = async_engines.create_async_engine(url, poolclass=sa.NullPool)
        async with engine.connect() as connection:
            return await connection.run_sync(RowGenerator("postgresql").top_up)

    with new_database() as engine:
        with engine.connect() as connection:
            create_nasty(connection)
        population = asyncio.run(work(engine.url.set(drivername="postgresql+asyncpg")))
    assert set(population.populated) == set(TABLES)
