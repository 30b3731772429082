"""Turns what the models' comparison found into findings.  Nothing here touches a database."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from pytest_stairway.findings import Finding, Severity
from pytest_stairway.schema import Change, Verdict
from pytest_stairway.walk.faults import statement_of, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_stairway.models import Comparison
    from pytest_stairway.schema import Difference

__all__ = ["check_models"]

NOT_IMPORTED = "Usually a model that nobody imported: import its module in env.py, before target_metadata is read"
NOT_SEEN = "Autogenerate does not see this: write the operation by hand"
LISTED = 12
"""Objects that one line names."""


def check_models(comparisons: Iterable[Comparison], *, dialect: str) -> tuple[Finding, ...]:
    """Judge what the comparison of the models with the migrated databases has found.

    Args:
        comparisons: one for each database.
        dialect: SQLAlchemy's name of the dialect.
    """
    return tuple(finding for comparison in comparisons for finding in _findings(comparison, dialect))


def _findings(comparison: Comparison, dialect: str) -> Iterator[Finding]:
    on = f" (on {comparison.database})" if comparison.database else ""
    if comparison.failure is not None:
        error = comparison.failure.error
        message = f"{comparison.failure.doing}: {words_of(error)}{on}"
        yield Finding(code="model-drift", dialect=dialect, message=message, detail=statement_of(error))
    elif not comparison.declared and any(each.key.kind == "table" for each in comparison.differences):
        yield _nothing_declared(comparison, dialect, on)
    else:
        yield from _differences(comparison, dialect, on)


def _nothing_declared(comparison: Comparison, dialect: str, on: str) -> Finding:
    tables = [each.object for each in comparison.differences if each.key.kind == "table"]
    message = f"target_metadata has no table, the database has {_listed(tables)}{on}"
    return Finding(code="model-drift", dialect=dialect, message=message, hint=NOT_IMPORTED)


def _differences(comparison: Comparison, dialect: str, on: str) -> Iterator[Finding]:
    for key, group in groupby(comparison.differences, key=lambda each: each.key):
        drift = [each for each in group if each.verdict is Verdict.DIFFERENT]
        if drift:
            operations = comparison.operations.get(key)
            yield Finding(
                code="model-drift",
                dialect=dialect,
                object=str(key),
                message=f"{key}: {'; '.join(map(_told, drift))}{on}",
                hint=_hint(drift[0], written=operations is not None),
                detail=operations,
            )
    for key, error in comparison.refused.items():
        message = f"{key}: the models' one cannot be created, and is not compared: {words_of(error)}{on}"
        detail = statement_of(error)
        yield Finding(code="model-drift", dialect=dialect, object=str(key), message=message, detail=detail)
    others = [each.object for each in comparison.differences if each.verdict is not Verdict.DIFFERENT]
    if others:
        yield Finding(
            code="model-drift",
            severity=Severity.INFO,
            dialect=dialect,
            message=f"only the migrations make what models cannot declare: {_listed(others)}{on}",
        )


def _told(difference: Difference) -> str:
    if difference.change is Change.MISSING:
        return "in the database, not in the models"
    if difference.change is Change.UNEXPECTED:
        return "in the models, not in the database"
    if difference.change is Change.RENAMED:
        return f"named {difference.before} in the database, {difference.after} in the models"
    return difference.words(then="in the database", now="in the models").removeprefix(f"{difference.object}: ")


def _hint(difference: Difference, *, written: bool) -> str | None:
    if difference.key.kind == "table" and difference.change is Change.MISSING:
        return f"{NOT_IMPORTED}; where the table is really to go, drop it in a migration"
    return None if written else NOT_SEEN


def _listed(names: Sequence[str]) -> str:
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")
