"""What is said to whom an error happens: the messages that are known, where no history of the gauntlet has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from pytest_stairway.findings import Direction
from pytest_stairway.hints import hint_of
from pytest_stairway.walk.faults import words_of

if TYPE_CHECKING:
    from pytest_stairway.databases import Server


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("A value is required for bind parameter 'role'", r"Give :role its value by sa.text(…).bindparams(role=…)"),
        ("A value is required for bind parameter '30'", "for the colon before 30"),
        ("integer out of range [SQL: ALTER TABLE a ALTER COLUMN n TYPE SMALLINT]", "Change or delete the rows"),
        ('column "n" of relation "a" contains null values [SQL: ALTER TABLE a ALTER COLUMN n SET', "Fill the rows"),
        ('could not create unique index "uq"', "Make the values unique"),
        ('check constraint "ck" of relation "a" is violated by some row', "Mend the rows"),
        ("function uuid_generate_v4() does not exist", '"uuid-ossp"'),
        ('invalid input value for enum mood: "so so"', "Turn the values that mood does not have into ones"),
        (
            "drop_constraint() missing 1 required positional argument: 'table_name'",
            "op.drop_constraint('NAME', 'TABLE')",
        ),
        ('type "citext" does not exist', "CREATE EXTENSION IF NOT EXISTS citext"),
        ('operator class "gin_trgm_ops" does not exist for access method "gin"', "pg_trgm"),
        ("You do not have the SUPER privilege … log_bin_trust_function_creators variable)", "binaries or container"),
    ],
)
def test_messages_that_are_known(said: str, hint: str) -> None:
    assert hint in (hint_of(RuntimeError(said), Direction.UPGRADE) or "")


def test_a_value_that_is_too_long_for_an_insert_has_no_hint_for_a_change_of_type() -> None:
    said = "value too long for type character varying(8) [SQL: INSERT INTO role VALUES ('administrator')]"
    assert hint_of(RuntimeError(said), Direction.UPGRADE) is None


def test_rows_that_are_there_twice_are_left_ones_only_after_a_downgrade() -> None:
    error = RuntimeError('duplicate key value violates unique constraint "uq"')
    assert hint_of(error, Direction.UPGRADE) is None
    assert "downgrade()" in (hint_of(error, Direction.REUPGRADE) or "")


def test_a_type_that_is_there_already_is_made_twice_unless_the_downgrade_left_it() -> None:
    error = RuntimeError('DuplicateObject: type "status" already exists')
    assert "create_type=False" in (hint_of(error, Direction.UPGRADE) or "")
    assert hint_of(error, Direction.REUPGRADE) is None


def test_a_type_that_alembic_remembers_is_a_matter_of_one_run() -> None:
    error = RuntimeError('type "status" does not exist')
    assert hint_of(error, Direction.UPGRADE) is None
    assert "create_type=False" in (hint_of(error, Direction.UPGRADE, in_one_run=True) or "")


def test_an_error_of_sqlalchemy_is_told_without_its_appendix() -> None:
    said = "A value is required for bind parameter 'role'"
    cause = sa.exc.InvalidRequestError(said, code="cd3x")
    error = sa.exc.StatementError(f"(InvalidRequestError) {cause}", "SELECT :role", {}, cause)
    assert "sqlalche.me" in str(error)
    assert words_of(error) == f"InvalidRequestError: {said}"


MADE = "CREATE TABLE team (id int PRIMARY KEY AUTO_INCREMENT, name varchar(9))"
KEYED = "CREATE TABLE player (team_id int, KEY ix_team (team_id), FOREIGN KEY (team_id) REFERENCES team (id))"
NO_DEFAULT, TOO_LONG, NO_LENGTH = (
    "CREATE TABLE word (word text NOT NULL DEFAULT 'x')",
    "CREATE TABLE word (word varchar(2000) PRIMARY KEY)",
    "CREATE TABLE word (word text PRIMARY KEY)",
)


@pytest.mark.parametrize(
    ("statement", "hint"),
    [
        ("ALTER TABLE player DROP KEY ix_team", "Drop the foreign key first"),
        ("ALTER TABLE team DROP PRIMARY KEY", "autoincrement=False"),
        ("CREATE TABLE x (team_id int unsigned, FOREIGN KEY (team_id) REFERENCES team (id))", "signedness"),
        (TOO_LONG, "mysql_length={'COLUMN': 191}"),
        (NO_DEFAULT, """server_default=sa.text("('…')")"""),
        (NO_LENGTH, "mysql_length={'word': 191}"),
    ],
)
def test_what_mariadb_and_mysql_say_is_known(either_server: Server, statement: str, hint: str) -> None:
    if statement in {NO_DEFAULT, NO_LENGTH} and either_server.description.startswith("MariaDB"):
        pytest.skip("MariaDB does it")
    database = either_server.create("hints")
    engine = sa.create_engine(sa.make_url(database.url).set(drivername="mysql+pymysql"))
    with engine.connect() as connection:
        for made in (MADE, KEYED):
            connection.exec_driver_sql(made)
        with pytest.raises(sa.exc.DBAPIError) as refused:
            connection.exec_driver_sql(statement)
    engine.dispose()
    either_server.drop(database)
    assert hint in (hint_of(refused.value, Direction.UPGRADE) or "")
