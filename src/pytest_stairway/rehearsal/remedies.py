"""What somebody can do about a migration that keeps others waiting, by what was seen of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.rehearsal.locks import Lock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stairway.rehearsal.model import Estimate, Failure, Run, TableLock

__all__ = ["REWRITE", "remedy_for_block", "remedy_for_failure"]

BATCHES = (
    "Change the rows in batches, each in a transaction of its own and before any change of the table itself: "
    "`with op.get_context().autocommit_block():`"
)
CONCURRENTLY = (
    "Build the index by `postgresql_concurrently=True` within `with op.get_context().autocommit_block():`; for a "
    "unique constraint, build a unique index so and then `ADD CONSTRAINT … UNIQUE USING INDEX`"
)
REWRITE = (
    "Add a new column, let the application write both, fill it in batches and swap the names; or choose a type that "
    "keeps the stored form (varchar to text, a longer varchar)"
)
NOT_NULL = (
    "Add `CHECK (… IS NOT NULL) NOT VALID`, validate it in a revision of its own (`VALIDATE CONSTRAINT` keeps nobody "
    "waiting), then set NOT NULL, which looks at no row any more; a CHECK can itself be added NOT VALID and validated"
)
NOT_VALID = (
    "Add the constraint by `postgresql_not_valid=True`, and validate it in a revision of its own: "
    "`ALTER TABLE … VALIDATE CONSTRAINT …` keeps nobody waiting"
)
SHORT = "Keep the transaction short, and set a lock_timeout so that the migration gives up rather than everybody else"


def remedy_for_block(run: Run, lock: TableLock) -> str:
    """Tell how a lock need not be held for so long, by what the transaction does while it has it."""
    held = [each for each in run.statements[lock.statement :] if each.transaction == lock.transaction]
    works = [work for each in held for work in each.tables if not work.new]
    mine = [work for work in works if work.table == lock.table]
    if lock.lock is Lock.ROW_EXCLUSIVE or any(work.updated or work.deleted for work in mine):
        return BATCHES
    if any(work.rewritten for work in mine):
        return REWRITE
    if any(work.indexes for work in mine):
        return CONCURRENTLY
    if lock.lock is Lock.SHARE_ROW_EXCLUSIVE:
        return NOT_VALID
    return NOT_NULL if any(work.read for work in mine) else SHORT


def remedy_for_failure(failure: Failure | None, estimates: Sequence[Estimate]) -> str | None:
    """Tell how a failure that comes with the number of rows is avoided."""
    if any(estimate.by_lot for estimate in estimates):
        return (
            "Draw from more values (`gen_random_uuid()`, more characters), or draw again where a value is taken "
            "already: the number of rows decides, not luck"
        )
    if failure is not None and failure.is_collision:
        return "Make the values differ (append the primary key), or merge the rows that are alike before"
    return "Run it by `stairway rehearse` with fewer rows to see where it begins to fail (--rows)"
