"""Finds out whether a revision failed because of the rows in the tables: it was walked with and without them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.exc import DBAPIError

from pytest_stairway.complaints import complaint_of, sqlstate_of
from pytest_stairway.exceptions import chain_of
from pytest_stairway.findings import Direction
from pytest_stairway.schema import Key
from pytest_stairway.walk.carried_rows import Style
from pytest_stairway.walk.faults import is_irreversible
from pytest_stairway.walk.roundtrip import RowFailure
from pytest_stairway.walk.row_faults import (
    Kind,
    fault_of,
    has_new_columns,
    holds_null,
    is_of_made_up_values,
    is_of_values,
    tables_with,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pytest_stairway.revisions import Revision
    from pytest_stairway.rows import Rows
    from pytest_stairway.walk.roundtrip import Roundtrip
    from pytest_stairway.walk.session import StepFailed
    from pytest_stairway.walk.snapshots import Snapshot

__all__ = ["Attempt", "find_out_why", "may_be_about_rows", "tables_named"]


class Attempt(Protocol):
    """Walks a revision on new databases."""

    def __call__(
        self, revision: str, style: Style, *, leave_out: Collection[str] = (), since: str | None = None
    ) -> Roundtrip:
        """Walk it.

        Args:
            revision: its full identifier.
            style: of the rows.
            leave_out: tables that get none.
            since: an earlier revision before which the tables get their rows, and none later.
        """


_OBJECTS = re.compile(
    r"already exists|does not exist|no such (?:table|column|index)|[Dd]uplicate (?:column|key) name"
    r"|doesn't exist|Can't DROP|Unknown (?:table|column)"
)
_UNIQUE = re.compile(r"unique|duplicate entry", re.IGNORECASE)
_INSERTED_INTO = re.compile(r"\s*INSERT\s+(?:OR\s+\w+\s+|IGNORE\s+)?INTO\s+(?:\S+\.)?(?P<table>[^\s(]+)", re.IGNORECASE)
_INSERTED = re.compile("duplicate key value")
"""What PostgreSQL says of a row, not of an index that is made: where an application hides the statement."""
_WORD = re.compile(r'"[^"]+"|[\w.$]+')


def find_out_why(
    populated: Roundtrip,
    attempt: Attempt,
    is_about_rows: Callable[[Roundtrip], bool],
    maker_of: Callable[[Key], str | None],
) -> Roundtrip:
    """Walk a revision that failed on populated tables once more without rows, and with plain ones.

    Args:
        populated: the trip that failed.
        attempt: walks a revision on new databases.
        is_about_rows: tells whether a trip failed, and may not without rows.
        maker_of: tells which revision made an object.
    """
    revision = populated.revision
    clashing = _clashing_tables(populated)
    if clashing:
        apart = attempt(revision, Style.ADVERSARIAL, leave_out=clashing)
        if not is_about_rows(apart):
            return apart
    about_values = any(is_of_values(failure.error) for failure in populated.failures.values())
    bare = None if about_values else attempt(revision, Style.NONE)
    if bare is not None and populated.failures.keys() <= bare.failures.keys():
        return _merge_attempts(populated, None, bare)
    plain = attempt(revision, Style.PLAIN)
    if bare is None and is_about_rows(plain):
        bare = attempt(revision, Style.NONE)
    merged = _merge_attempts(populated, plain, bare)
    maker = _maker_of_empty_column(merged, maker_of)
    if maker is not None and is_about_rows(attempt(revision, Style.PLAIN, since=maker)):
        failed = merged.row_failures[Direction.UPGRADE]
        merged.row_failures[Direction.UPGRADE] = replace(failed, of_made_up_values=False, since=maker)
    return merged


def _maker_of_empty_column(trip: Roundtrip, maker_of: Callable[[Key], str | None]) -> str | None:
    """Name the revision that added the column which holds NULL, to a table that was there: what did its rows get?"""
    failed = trip.row_failures.get(Direction.UPGRADE)
    if failed is None or not failed.of_made_up_values or failed.fault is None or failed.fault.kind is not Kind.NULL:
        return None
    for name, column in zip(failed.tables[:1], failed.fault.columns, strict=False):
        schema, _, table = name.rpartition(".")
        made = maker_of(Key("column", column, table, schema))
        return made if made != trip.revision and made != maker_of(Key("table", table, "", schema)) else None
    return None


def may_be_about_rows(failures: Mapping[Direction, StepFailed], revision: Revision) -> bool:
    """Tell whether a revision that failed on populated tables is worth another try on empty ones."""
    return any(
        not (direction is Direction.DOWNGRADE and is_irreversible(failure, revision)) and not _is_about_objects(failure)
        for direction, failure in failures.items()
    )


def _is_about_objects(failure: StepFailed) -> bool:
    """Tell whether the database misses an object, or has one already: rows have nothing to do with it."""
    error = failure.error
    of_database = isinstance(error, DBAPIError) or sqlstate_of(error) is not None
    return of_database and not is_of_values(error) and _OBJECTS.search(str(error)) is not None


def _clashing_tables(trip: Roundtrip) -> tuple[str, ...]:
    """Name the tables in which a migration's own row has the key of one that was made for the walk."""
    failure = trip.failures.get(Direction.UPGRADE) or trip.failures.get(Direction.REUPGRADE)
    if failure is None or trip.rows is None or not is_of_values(failure.error):
        return ()
    there = {table.rpartition(".")[2] for tables in trip.rows.before.values() for table in tables}
    return tables_named(failure, trip.rows.before) if _is_clash(failure, there) else ()


def _is_clash(failure: StepFailed, tables: Collection[str]) -> bool:
    """Tell whether a row was there already; not so where a new table gets rows, as Alembic copies them on SQLite."""
    error = _database_error(failure)
    if error is None:  # the application hides the statement
        return _INSERTED.search(str(failure.error)) is not None
    target = _INSERTED_INTO.match(error.statement or "")
    is_there = target is not None and target["table"].strip('"`') in tables
    return is_there and _UNIQUE.search(str(error.orig)) is not None


def _merge_attempts(populated: Roundtrip, plain: Roundtrip | None, bare: Roundtrip | None) -> Roundtrip:
    """Make one of what was seen of a revision with rows, with plain ones and without any; one of the two there is.

    Args:
        populated: a trip that failed.
        plain: with rows that are typical, and no two alike.
        bare: without rows.
    """
    last = bare or plain
    assert last is not None
    row_failures = {}
    for trip in (plain, populated) if plain is not None else ():
        for direction, failure in trip.failures.items():
            if direction not in last.failures:
                passes = plain is not None and direction not in plain.failures
                row_failures[direction] = _row_failure(failure, direction, trip, last, passes_on_plain_rows=passes)
    told = plain if plain is not None and len(plain.seconds) > len(populated.seconds) else populated
    unpopulated = populated.unpopulated + last.unpopulated
    return replace(last, rows=told.rows, row_failures=row_failures, unpopulated=unpopulated)


def _row_failure(
    failure: StepFailed, direction: Direction, trip: Roundtrip, last: Roundtrip, *, passes_on_plain_rows: bool
) -> RowFailure:
    """Tell of a step that fails on populated tables only."""
    assert trip.rows is not None
    rows = trip.rows.at_start_of(direction)
    tables = tables_named(failure, rows)
    fault = fault_of(failure.error)
    if fault is None:
        return RowFailure(failure=failure, tables=tables)
    if fault.kind is Kind.CHECK and fault.name and last.upgraded is not None and direction is Direction.UPGRADE:
        fault = replace(fault, columns=_columns_checked(fault.name, tables, last.upgraded))
    if fault.kind is Kind.FIT and holds_null(rows, tables, fault.columns):
        fault = replace(fault, kind=Kind.NULL)  # which is what MariaDB means
    fault = replace(fault, of_new_columns=has_new_columns(fault, rows, tables))
    made_up = is_of_made_up_values(fault, rows, passes_on_plain_rows=passes_on_plain_rows)
    if fault.kind is Kind.REFERENCE and _refer(fault.columns, tables, trip.before):
        made_up = False  # they referred to rows of another table
    return RowFailure(failure=failure, tables=tables, fault=fault, of_made_up_values=made_up)


def _refer(columns: Collection[str], tables: Collection[str], schemas: Snapshot | None) -> bool:
    """Tell whether a foreign key of a table is about some columns."""
    names = {table.rpartition(".")[2] for table in tables}
    keys = [
        set(_WORD.findall(str(facts).partition("REFERENCES")[0]))
        for schema in (schemas or {}).values()
        for key, facts in schema.objects().items()
        if key.kind == "foreign key" and key.parent in names
    ]
    return any(words.issuperset(columns) for words in keys)


def _columns_checked(name: str, tables: Collection[str], schemas: Snapshot) -> tuple[str, ...]:
    """Name the columns of which a check speaks; none where it is not found."""
    objects = {key: facts for schema in schemas.values() for key, facts in schema.objects().items()}
    said = [str(facts) for key, facts in objects.items() if (key.kind, key.name) == ("check constraint", name)]
    words = {word.strip('"') for text in said for word in _WORD.findall(text)}
    names = {table.rpartition(".")[2] for table in tables}
    return tuple(key.name for key in objects if key.kind == "column" and key.parent in names and key.name in words)


def tables_named(failure: StepFailed, rows: Mapping[str, Rows]) -> tuple[str, ...]:
    """Name the tables that a failure is about, by the database's message or else by the statement.

    Args:
        failure: what happened.
        rows: those of the tables that there are, by the database's name.
    """
    tables = {table for names in rows.values() for table in names}
    told = complaint_of(failure.error)
    name = f"{told.schema}.{told.table}" if f"{told.schema}.{told.table}" in tables else told.table
    fault = fault_of(failure.error)
    name = name or (fault.table if fault is not None else None)
    if name in tables:
        return (name,)
    error = _database_error(failure)
    words = {word.strip('"') for word in _WORD.findall(error.statement or "" if error is not None else "")}
    named = tuple(sorted(table for table in tables if table in words or table.rpartition(".")[2] in words))
    if named or fault is None or fault.value is None:
        return named
    holding = tables_with(fault.value, rows)
    return holding if len(holding) == 1 else ()


def _database_error(failure: StepFailed) -> DBAPIError | None:
    return next((each for each in chain_of(failure.error) if isinstance(each, DBAPIError)), None)
