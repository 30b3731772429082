"""What databases say of values that they refuse, in the words of each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError as Wrapped

from pytest_stairway.rows import Rows, TableRows
from pytest_stairway.walk.row_faults import fault_of, has_new_columns, is_of_made_up_values


class IntegrityError(Exception):
    """As drivers name it."""


class DataError(Exception):
    """As drivers name it."""


class OperationalError(Exception):
    """As drivers name it."""


ROWS = {
    "": Rows(
        author=TableRows(
            name="author", columns=("id", "name"), types=("integer", "text"), rows=(("1", "Ada"),), count=1
        )
    )
}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            IntegrityError('column "name" of relation "author" contains null values'),
            ("author", ("name",), "rows with NULL in name"),
        ),
        (
            IntegrityError("NOT NULL constraint failed: _alembic_tmp_author.name"),
            ("author", ("name",), "rows with NULL in name"),
        ),
        (
            IntegrityError('could not create unique index "u"\nDETAIL:  Key (id, name)=(1, a) is duplicated.'),
            (None, ("id", "name"), "rows that are equal in id, name"),
        ),
        (
            IntegrityError("UNIQUE constraint failed: author.id, author.name"),
            (None, ("id", "name"), "rows that are equal in id, name"),
        ),
        (
            IntegrityError('check constraint "ck" of relation "author" is violated by some row'),
            ("author", (), "rows that break ck"),
        ),
        (IntegrityError("CHECK constraint failed: ck"), (None, (), "rows that break ck")),
        (
            IntegrityError('violates\nDETAIL:  Key (author_id)=(7) is not present in table "author".'),
            (None, ("author_id",), "rows whose author_id refers to nothing"),
        ),
        (
            DataError(1265, "Data truncated for column 'name' at row 2"),
            (None, ("name",), "rows whose name does not fit"),
        ),
        (IntegrityError(1048, "Column 'name' cannot be null"), (None, ("name",), "rows with NULL in name")),
        (
            IntegrityError(1062, "Duplicate entry '5-x' for key 'author.uq'"),
            (None, (), "rows that are equal in the key uq"),
        ),
        (
            OperationalError(4025, "CONSTRAINT `ck` failed for `app`.`author`"),
            ("author", (), "rows that break ck"),
        ),
        (OperationalError(3819, "Check constraint 'ck' is violated."), (None, (), "rows that break ck")),
        (OperationalError(1138, "Invalid use of NULL value"), (None, (), "rows with NULL")),
        (
            IntegrityError(
                1452,
                "Cannot add or update a child row: a foreign key constraint fails (`app`.`#sql-alter-4d53-14`, "
                "CONSTRAINT `fk` FOREIGN KEY (`team_id`) REFERENCES `team` (`id`))",
            ),
            (None, ("team_id",), "rows whose team_id refers to nothing"),
        ),
        (IntegrityError("FOREIGN KEY constraint failed"), (None, (), "rows whose key refers to nothing")),
        (
            DataError('invalid input value for enum mood: "so so"'),
            (None, (), "values such as 'so so'"),
        ),
        (DataError("division by zero"), (None, (), "rows with values at the edges of what their columns allow")),
    ],
)
def test_what_is_said_of_values(said: Exception, told: tuple[str | None, tuple[str, ...], str]) -> None:
    for error in (said, Wrapped("SELECT 1", {}, said)):
        fault = fault_of(error)
        assert fault is not None
        assert (fault.table, fault.columns, fault.words()) == told


def test_an_error_that_is_about_something_else() -> None:
    assert fault_of(ValueError('invalid input value for enum mood: "so so"')) is None


@pytest.mark.parametrize(
    ("said", "passes", "made_up"),
    [
        ('column "name" of relation "author" contains null values', True, True),
        ('column "name" of relation "author" contains null values', False, False),
        ('column "added" of relation "author" contains null values', True, True),
        ('column "added" of relation "author" contains null values', False, False),
        ("UNIQUE constraint failed: author.added", False, False),
        ("UNIQUE constraint failed: author.name", True, True),
        ("UNIQUE constraint failed: author.name", False, False),
        ("CHECK constraint failed: ck", False, True),
        ('invalid input value for enum mood: "Ada"', False, True),
        ('invalid input value for enum mood: "so so"', False, False),
    ],
)
def test_whose_values_they_are(said: str, passes: bool, made_up: bool) -> None:
    fault = fault_of(IntegrityError(said))
    assert fault is not None
    fault = replace(fault, of_new_columns=has_new_columns(fault, ROWS, ["author"]))
    assert is_of_made_up_values(fault, ROWS, passes_on_plain_rows=passes) is made_up
