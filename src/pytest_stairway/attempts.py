"""Finds out whether a revision failed because of the rows in the tables: it was walked with and without them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from pytest_stairway.carried_rows import Style
from pytest_stairway.exceptions import chain_of
from pytest_stairway.faults import is_irreversible
from pytest_stairway.findings import Direction
from pytest_stairway.roundtrip import RowFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pytest_stairway.revisions import Revision
    from pytest_stairway.roundtrip import Roundtrip
    from pytest_stairway.session import StepFailed

__all__ = ["find_out_why", "may_be_about_rows", "tables_named"]

_OBJECTS = re.compile(r"already exists|does not exist|no such (?:table|column|index)|duplicate column name")
_UNIQUE = re.compile(r"unique", re.IGNORECASE)
_WORD = re.compile(r'"[^"]+"|[\w.$]+')


def find_out_why(
    populated: Roundtrip, attempt: Callable[..., Roundtrip], is_about_rows: Callable[[Roundtrip], bool]
) -> Roundtrip:
    """Walk a revision that failed on populated tables once more without rows, and with tame ones.

    Args:
        populated: the trip that failed.
        attempt: walks a revision on new databases, with rows of a style; and without rows in some tables.
        is_about_rows: tells whether a trip failed, and may not without rows.
    """
    revision = populated.revision
    clashing = _clashing_tables(populated)
    if clashing:
        apart = attempt(revision, Style.ADVERSARIAL, clashing)
        if not is_about_rows(apart):
            return apart
    bare = None if _is_about_values(populated.failures) else attempt(revision, Style.NONE)
    if bare is not None and populated.failures.keys() <= bare.failures.keys():
        return _merge_attempts(populated, None, bare)
    tame = attempt(revision, Style.TAME)
    if bare is None and is_about_rows(tame):
        bare = attempt(revision, Style.NONE)
    return _merge_attempts(populated, tame, bare)


def may_be_about_rows(failures: Mapping[Direction, StepFailed], revision: Revision) -> bool:
    """Tell whether a revision that failed on populated tables is worth another try on empty ones."""
    return any(
        not (direction is Direction.DOWNGRADE and is_irreversible(failure, revision)) and not _is_about_objects(failure)
        for direction, failure in failures.items()
    )


def _is_about_objects(failure: StepFailed) -> bool:
    """Tell whether the database misses an object, or has one already: rows have nothing to do with it."""
    error = failure.error
    about_rows = isinstance(error, (DataError, IntegrityError))
    return isinstance(error, DBAPIError) and not about_rows and _OBJECTS.search(str(error.orig)) is not None


def _clashing_tables(trip: Roundtrip) -> tuple[str, ...]:
    """Name the tables in which a migration's own row has the key of one that was made for the walk."""
    failure = trip.failures.get(Direction.UPGRADE) or trip.failures.get(Direction.REUPGRADE)
    error = _database_error(failure) if failure is not None else None
    if failure is None or trip.rows is None or not isinstance(error, IntegrityError):
        return ()
    is_insert = (error.statement or "").lstrip().upper().startswith("INSERT")
    return tables_named(failure, trip.rows.before) if is_insert and _UNIQUE.search(str(error.orig)) else ()


def _is_about_values(failures: Mapping[Direction, StepFailed]) -> bool:
    """Tell whether the database says that it did not like what stands in a row."""
    errors = [error for failure in failures.values() for error in chain_of(failure.error)]
    return any(isinstance(error, (DataError, IntegrityError)) for error in errors)


def _merge_attempts(populated: Roundtrip, tame: Roundtrip | None, bare: Roundtrip | None) -> Roundtrip:
    """Make one of what was seen of a revision with rows, with tame ones and without any; one of the two there is.

    Args:
        populated: a trip that failed.
        tame: with rows that keep away from the edges of what is allowed.
        bare: without rows.
    """
    last = bare or tame
    assert last is not None
    assert populated.rows is not None
    row_failures = {}
    for trip in (tame, populated) if tame is not None else ():
        for direction, failure in trip.failures.items():
            if direction not in last.failures:
                tables = tables_named(failure, populated.rows.before)
                at_edges = tame is not None and direction not in tame.failures
                row_failures[direction] = RowFailure(failure=failure, tables=tables, at_edges=at_edges)
    told = tame if tame is not None and len(tame.seconds) > len(populated.seconds) else populated
    unpopulated = populated.unpopulated + last.unpopulated
    return replace(last, rows=told.rows, row_failures=row_failures, unpopulated=unpopulated)


def tables_named(failure: StepFailed, rows: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Name the tables that a failure is about, by the database's message or else by the statement.

    Args:
        failure: what happened.
        rows: the tables that there are, by the database's name.
    """
    error = _database_error(failure)
    if error is None:
        return ()
    tables = {table for names in rows.values() for table in names}
    told = _table_told(error)
    if told in tables:
        return (told,)
    words = {word.strip('"') for word in _WORD.findall(error.statement or "")}
    return tuple(sorted(table for table in tables if table in words or table.rpartition(".")[2] in words))


def _database_error(failure: StepFailed) -> DBAPIError | None:
    return next((each for each in chain_of(failure.error) if isinstance(each, DBAPIError)), None)


def _table_told(error: DBAPIError) -> str:
    """Give the table that PostgreSQL names beside its message."""
    for said in (error.orig, getattr(error.orig, "__cause__", None)):
        name = getattr(getattr(said, "diag", said), "table_name", None)
        if name:
            return str(name)
    return ""
