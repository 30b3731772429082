"""What somebody can do about a migration that keeps others waiting, by what was seen of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_stairway.phrases import joined, phrase
from pytest_stairway.rehearsal.words import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stairway.rehearsal.model import Estimate, Failure, Run, Statement, TableLock

__all__ = ["remedy_for_block", "remedy_for_failure", "remedy_for_rewrite"]

BATCHES = phrase(
    "Change the rows in batches, each in a transaction of its own and before any change of the table itself: "
    "`with op.get_context().autocommit_block():`"
)
INDEX = phrase("Build the index by `postgresql_concurrently=True` within `with op.get_context().autocommit_block():`")
REINDEX = phrase("Build it anew by REINDEX … CONCURRENTLY within `with op.get_context().autocommit_block():`")
KEY = phrase(
    "Build a unique index first, by `postgresql_concurrently=True` within `with "
    "op.get_context().autocommit_block():`, and make the constraint of it: `ADD CONSTRAINT … UNIQUE USING INDEX …` "
    "(or PRIMARY KEY)"
)
COLUMN_WITH_KEY = phrase(
    "Add the column without its key; then build a unique index by `postgresql_concurrently=True` within `with "
    "op.get_context().autocommit_block():`, and make the constraint of it: `ADD CONSTRAINT … UNIQUE USING INDEX …` "
    "(or PRIMARY KEY)"
)
INDEXES = phrase(
    "It builds indexes anew: drop them before it, and build them afterwards by `postgresql_concurrently=True` within "
    "`with op.get_context().autocommit_block():`"
)
NEW_TYPE = phrase(
    "Add a new column, let the application write both, fill it in batches and swap the names; or choose a type that "
    "keeps the stored form (varchar to text, a longer varchar)"
)
NEW_COLUMN = phrase(
    "Add the column without a default, or with a constant one, which writes no row; set the default by itself, which "
    "holds for new rows, and fill the old ones in batches. A stored generated column and an identity write them all"
)
ANEW = phrase(
    "It writes the table anew, whatever is in it: do it while nobody needs the table, or by a tool like pg_repack"
)
NOT_NULL = phrase(
    "Add `CHECK (… IS NOT NULL) NOT VALID`, validate it in a revision of its own (`VALIDATE CONSTRAINT` keeps nobody "
    "waiting), then set NOT NULL, which looks at no row any more"
)
NOT_VALID = phrase(
    "Add the constraint by `postgresql_not_valid=True`, and validate it in a revision of its own: "
    "`ALTER TABLE … VALIDATE CONSTRAINT …` keeps nobody waiting"
)
COLUMN_WITH_CONSTRAINT = phrase(
    "Add the column by itself; then the constraint by `postgresql_not_valid=True`, and validate it in a revision of "
    "its own: `ALTER TABLE … VALIDATE CONSTRAINT …` keeps nobody waiting"
)
PARTITION = phrase(
    "Before it is attached, give the table a CHECK that says the same as the partition's bound, NOT VALID and then "
    "validated: ATTACH PARTITION looks at no row then"
)
SHORT = phrase(
    "Keep the transaction short, and set a lock_timeout so that the migration gives up rather than everybody else"
)

_ADDS_COLUMN = r"ALTER TABLE .*?\bADD (?:COLUMN )?(?!CONSTRAINT|UNIQUE|PRIMARY|FOREIGN|CHECK|EXCLUDE)"
_BUILDS = (
    (r"REINDEX\b", REINDEX),
    (r"CREATE (?:UNIQUE )?INDEX\b", INDEX),
    (_ADDS_COLUMN, COLUMN_WITH_KEY),
    (r"ALTER TABLE .*\bEXCLUDE\b", SHORT),
    (r"ALTER TABLE .*\bADD (?:CONSTRAINT .*?)?(?:UNIQUE|PRIMARY KEY)\b", KEY),
)
_REWRITES = (
    (_ADDS_COLUMN, NEW_COLUMN),
    (r"ALTER TABLE .*\bTYPE\b", NEW_TYPE),
)
_READS = (
    (r"ALTER TABLE .*\bSET NOT NULL\b", NOT_NULL),
    (r"ALTER TABLE .*\bATTACH PARTITION\b", PARTITION),
    (_ADDS_COLUMN, COLUMN_WITH_CONSTRAINT),
    (r"ALTER TABLE .*\b(?:CHECK|FOREIGN KEY)\b", NOT_VALID),
)
"""By what a statement was seen to do: how it begins, and what helps; the first that fits."""


def remedy_for_block(run: Run, lock: TableLock) -> str:
    """Tell how a lock need not be held for so long, by what takes the time while the transaction has it."""
    held = [each for each in run.statements[lock.statement :] if each.transaction == lock.transaction]
    slowest = max(held, key=_weight)
    remedy = _remedy_for(slowest, lock.table)
    if slowest is held[0]:
        return remedy
    alone = phrase(
        "The time goes to %(statement)s, later in the transaction: give that one of its own",
        statement=quoted(slowest.sql),
    )
    return alone if remedy == SHORT else joined([alone, remedy], ". ")


def _weight(statement: Statement) -> tuple[bool, float]:
    """Weigh how much time a statement takes: a change of the definition alone takes the same on any number of rows."""
    return any(work.touched and not work.new for work in statement.tables), statement.seconds


def remedy_for_rewrite(statement: Statement) -> str:
    """Tell how a table need not be written anew."""
    return _first(_REWRITES, statement.sql, ANEW)


def _remedy_for(statement: Statement, table: str) -> str:
    """Tell what can be done about a statement, by what it was seen to do to a table; to another where not to that."""
    works = [work for work in statement.tables if not work.new]
    mine = [work for work in works if work.table == table and work.touched] or works
    if any(work.updated or work.deleted for work in mine):
        return BATCHES
    if any(work.rewritten for work in mine):
        return remedy_for_rewrite(statement)
    if any(work.indexes for work in mine):
        return _first(_BUILDS, statement.sql, INDEXES)
    return _first(_READS, statement.sql, SHORT)


def _first(remedies: Sequence[tuple[str, str]], sql: str, otherwise: str) -> str:
    begins = (remedy for pattern, remedy in remedies if re.match(pattern, sql.strip(), re.IGNORECASE))
    return next(begins, otherwise)


def remedy_for_failure(failure: Failure | None, estimates: Sequence[Estimate]) -> str | None:
    """Tell how a failure that comes with the number of rows is avoided."""
    if any(estimate.by_lot for estimate in estimates):
        return phrase(
            "Draw from more values (`gen_random_uuid()`, more characters), or draw again where a value is taken "
            "already: the number of rows decides, not luck"
        )
    if failure is not None and failure.is_collision:
        return phrase("Make the values differ (append the primary key), or merge the rows that are alike before")
    return phrase("Run it by `stairway rehearse` with fewer rows to see where it begins to fail (--rows)")
