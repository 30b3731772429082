"""Turns what a rehearsal has seen into findings.  Nothing here touches a database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_stairway.findings import Direction, Finding, Severity
from pytest_stairway.phrases import joined, phrase
from pytest_stairway.rehearsal.locks import Lock
from pytest_stairway.rehearsal.remedies import remedy_for_block, remedy_for_failure, remedy_for_rewrite
from pytest_stairway.rehearsal.words import milestones, number, quoted, seconds_of
from pytest_stairway.revisions.source import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.rehearsal.model import Rehearsal, Run, Statement, TableLock, TableWork
    from pytest_stairway.revisions import Revision

__all__ = ["check_rehearsal", "grows"]

DIALECT = "postgresql"
UNLIKELY = 0.01
"""What happens less often than that on as many rows as were asked for is a warning, on ten times as many nothing."""
LONG = 1.0
"""Seconds: so long a lock is told of even where it does not grow with the rows."""
UPGRADE_HINT = phrase(
    "Give the two a transaction each: two revisions with transaction_per_migration, or the data in "
    "`with op.get_context().autocommit_block():`; or take the stronger lock first, with a lock_timeout"
)


def check_rehearsal(rehearsal: Rehearsal, revision: Revision) -> tuple[Finding, ...]:
    """Judge one revision's rehearsal.

    Args:
        rehearsal: what was seen.
        revision: the revision.
    """
    judge = _Judge(rehearsal=rehearsal, revision=revision)
    return (*judge.failures(), *(finding for run in judge.telling_runs() for finding in judge.of_run(run)))


def grows(run: Run, lock: TableLock) -> bool:
    """Tell whether a lock is held the longer the more rows there are."""
    held = (each for each in run.statements[lock.statement :] if each.transaction == lock.transaction)
    return any(_is_heavy(work, run.rows) for each in held for work in each.tables)


def _is_heavy(work: TableWork, rows: int) -> bool:
    """Tell whether what a statement did to a table is more on more rows."""
    much = work.read + work.written >= max(1, rows // 2)
    return not work.new and (work.rewritten or bool(work.indexes) or much)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """Judges one rehearsal."""

    rehearsal: Rehearsal
    revision: Revision

    def telling_runs(self) -> Iterator[Run]:
        """Give the runs that went through, those on the most rows: the trial, where no other did."""
        for direction in (Direction.UPGRADE, Direction.DOWNGRADE):
            runs = [*self.rehearsal.runs, *self.rehearsal.trial]
            yield from [run for run in runs if run.direction is direction and run.failure is None][:1]

    def failures(self) -> Iterator[Finding]:
        """Tell each direction's failure on the most rows."""
        for direction in (Direction.UPGRADE, Direction.DOWNGRADE):
            failed = [run for run in self.rehearsal.failed if run.direction is direction]
            if failed:
                yield self._failure(failed[0], failed[-1])
        if not self.rehearsal.failed:
            yield from self._lucky()

    def _lucky(self) -> Iterator[Finding]:
        """Tell what passed, and will not on more rows, or not in every try."""
        for estimate in self.rehearsal.estimates:
            run, share = self.rehearsal.runs[0], estimate.probability(self.rehearsal.rows)
            if estimate.probability(self.rehearsal.rows * 10) < UNLIKELY:
                continue
            finding = self._finding(
                "fails-at-volume",
                run,
                phrase(
                    "%(function)s passed on %(rows)s rows by luck, because it draws values by lot; %(odds)s",
                    function=_function(run),
                    rows=number(run.rows),
                    odds=milestones(estimate),
                ),
                hint=remedy_for_failure(None, self.rehearsal.estimates),
                table=estimate.table,
                statement=None,
            )
            yield finding if share >= UNLIKELY else replace(finding, severity=Severity.WARNING)

    def _failure(self, run: Run, smallest: Run) -> Finding:
        assert run.failure is not None
        failure, place = run.failure, run.failure.statement
        table = failure.table.rpartition(".")[2] if failure.table else None
        fails = phrase(
            "%(function)s works on a few rows and fails on %(rows)s: %(said)s",
            function=_function(run),
            rows=number(run.rows),
            said=failure.words,
        )
        if smallest is not run:
            fails = phrase(
                "%(function)s works on a few rows and fails on %(rows)s (and on %(fewer)s): %(said)s",
                function=_function(run),
                rows=number(run.rows),
                fewer=number(smallest.rows),
                said=failure.words,
            )
        odds = [milestones(each) for each in self.rehearsal.estimates if run.direction is Direction.UPGRADE]
        return self._finding(
            "fails-at-volume",
            run,
            joined([fails, *odds], "; "),
            hint=remedy_for_failure(failure, self.rehearsal.estimates),
            table=table,
            statement=run.statements[place] if place is not None else None,
        )

    def of_run(self, run: Run) -> Iterator[Finding]:
        """Tell what a run that went through does to others."""
        for place, statement in enumerate(run.statements):
            for work in statement.tables:
                if work.rewritten and not work.new:
                    yield self._rewrite(run, place, work)
        for lock in run.locks:
            if lock.is_upgrade:
                yield self._upgrade(run, lock)
            if grows(run, lock) or lock.seconds >= LONG:
                yield from self._block(run, lock)

    def _rewrite(self, run: Run, place: int, work: TableWork) -> Finding:
        statement = run.statements[place]
        return self._finding(
            "table-rewrite",
            run,
            phrase(
                "%(statement)s writes the whole table anew: %(seconds)s and %(wal)s kB of WAL at %(rows)s rows",
                statement=quoted(statement.sql),
                seconds=seconds_of(statement.seconds),
                wal=number(statement.wal_bytes // 1024),
                rows=number(run.rows),
            ),
            hint=remedy_for_rewrite(statement),
            table=work.table,
            statement=statement,
        )

    def _upgrade(self, run: Run, lock: TableLock) -> Finding:
        assert lock.weaker_statement is not None
        first, second = run.statements[lock.weaker_statement], run.statements[lock.statement]
        return self._finding(
            "lock-upgrade",
            run,
            phrase(
                "one transaction takes %(weaker)s on %(table)s by %(first)s, and then %(lock)s by %(second)s: it "
                "deadlocks with sessions that use the table meanwhile",
                weaker=lock.weaker,
                table=lock.table,
                first=quoted(first.sql),
                lock=lock.lock,
                second=quoted(second.sql),
            ),
            hint=UPGRADE_HINT,
            table=lock.table,
            statement=second,
        )

    def _block(self, run: Run, lock: TableLock) -> Iterator[Finding]:
        statement = run.statements[lock.statement]
        if lock.lock.blocks_readers:
            code, who = "blocks-reads", phrase("whoever reads or writes the table waits")
        elif lock.lock.blocks_writers:
            code, who = "blocks-writes", phrase("whoever writes to the table waits, readers go on")
        elif lock.lock is Lock.ROW_EXCLUSIVE and (changed := _changed(run, lock)):
            changes = number(changed)
            who = phrase("whoever writes one of the %(number)s rows that it changes waits", number=changes)
            code = "blocks-writes"
        else:
            return
        message = phrase(
            "%(statement)s holds %(lock)s on %(table)s for %(seconds)s at %(rows)s rows, up to the end of its "
            "transaction: %(who)s",
            statement=quoted(statement.sql),
            lock=lock.lock,
            table=lock.table,
            seconds=seconds_of(lock.seconds),
            rows=number(run.rows),
            who=who,
        )
        hint = remedy_for_block(run, lock)
        yield self._finding(code, run, message, hint=hint, table=lock.table, statement=statement)

    def _finding(
        self, code: str, run: Run, message: str, *, hint: str | None, table: str | None, statement: Statement | None
    ) -> Finding:
        function = "downgrade" if run.direction is Direction.DOWNGRADE else "upgrade"
        return Finding(
            code=code,
            revision=self.revision.revision,
            direction=run.direction,
            dialect=DIALECT,
            object=f"table {table}" if table else None,
            message=message,
            hint=hint,
            path=shown(self.revision.path),
            line=self.revision.line_of(function),
            detail=f"SQL: {statement.sql}" if statement else None,
        )


def _changed(run: Run, lock: TableLock) -> int:
    """Count the rows of a table that a transaction updates or deletes."""
    works = (each.on(lock.table) for each in run.statements if each.transaction == lock.transaction)
    changed = sum(work.updated + work.deleted for work in works if work is not None)
    return changed if changed >= max(1, run.rows // 2) else 0


def _function(run: Run) -> str:
    return "downgrade()" if run.direction is Direction.DOWNGRADE else "upgrade()"
