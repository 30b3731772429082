"""What is said to whom an error happens: the messages that are known, where no history of the gauntlet has them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from pytest_stairway.findings import Direction
from pytest_stairway.hints import hint_of
from pytest_stairway.walk.faults import words_of


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
