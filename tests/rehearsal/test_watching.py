"""What a statement does to a table is seen, whatever the statement is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from pytest_stairway.rehearsal import Lock, Passing
from rehearsal.conftest import ROWS

if TYPE_CHECKING:
    from pytest_stairway.rehearsal import Run, TableLock, TableWork
    from rehearsal.conftest import WatchStatements

BLOCKED, WENT_ON, BLOCKED_ON_ROW = Passing.BLOCKED, Passing.WENT_ON, Passing.BLOCKED_ON_ROW


def only(run: Run, table: str = "author") -> tuple[TableWork, TableLock]:
    """What the run's one statement did to a table, and the lock that it held."""
    assert run.failure is None
    (statement,) = run.statements
    (lock,) = (lock for lock in run.locks if lock.table == table)
    work = statement.on(table)
    assert work is not None
    return work, lock


def test_a_column_with_a_constant_default_neither_rewrites_nor_reads(watched: WatchStatements) -> None:
    work, lock = only(watched("ALTER TABLE author ADD COLUMN age int DEFAULT 5"))
    assert (work.rewritten, work.read, work.written) == (False, 0, 0)
    assert (lock.lock, lock.reader, lock.writer) == (Lock.ACCESS_EXCLUSIVE, BLOCKED, BLOCKED)


@pytest.mark.parametrize(
    "change",
    [
        "ADD COLUMN key uuid DEFAULT gen_random_uuid()",
        "ALTER COLUMN born TYPE bigint",
        "ALTER COLUMN name TYPE varchar(40)",
    ],
)
def test_a_rewrite_is_seen(watched: WatchStatements, change: str) -> None:
    run = watched(f"ALTER TABLE author {change}")
    work, lock = only(run)
    assert work.rewritten
    assert work.read >= ROWS
    assert lock.lock is Lock.ACCESS_EXCLUSIVE
    assert run.statements[0].wal_bytes > 50_000  # though the embedded server itself leaves whole new files out


def test_a_longer_varchar_is_no_rewrite(watched: WatchStatements) -> None:
    work, _ = only(watched("ALTER TABLE author ALTER COLUMN name TYPE varchar(200)"))
    assert (work.rewritten, work.read, work.indexes) == (False, 0, ())


def test_truncating_a_table_is_no_rewrite(watched: WatchStatements) -> None:
    work, lock = only(watched("TRUNCATE author"))
    assert (work.truncated, work.rewritten) == (True, False)
    assert lock.lock is Lock.ACCESS_EXCLUSIVE


def test_a_rewrite_without_the_servers_own_word_is_seen(watched: WatchStatements) -> None:
    run = watched("VACUUM FULL author", autocommit=True)
    work = run.statements[0].on("author")
    assert work is not None
    assert (work.rewritten, work.truncated) == (True, False)


def test_set_not_null_reads_every_row(watched: WatchStatements) -> None:
    work, lock = only(watched("ALTER TABLE author ALTER COLUMN born SET NOT NULL"))
    assert (work.rewritten, work.scans, work.read) == (False, 1, ROWS)
    assert lock.lock is Lock.ACCESS_EXCLUSIVE


def test_set_not_null_after_a_valid_check_reads_none(watched: WatchStatements) -> None:
    watched("ALTER TABLE author ADD CHECK (born IS NOT NULL)")
    work, _ = only(watched("ALTER TABLE author ALTER COLUMN born SET NOT NULL"))
    assert work.read == 0


def test_an_index_blocks_writers_only(watched: WatchStatements) -> None:
    work, lock = only(watched("CREATE INDEX ix_born ON author (born)"))
    assert work.indexes == ("ix_born",)
    assert (lock.lock, lock.reader, lock.writer) == (Lock.SHARE, WENT_ON, BLOCKED)


def test_an_index_that_is_built_concurrently_is_seen_from_outside(watched: WatchStatements) -> None:
    watched("INSERT INTO author (name, born) SELECT 'more', n FROM generate_series(1, 100000) n")
    run = watched("CREATE INDEX CONCURRENTLY ix_born ON author (born)", autocommit=True)
    (lock,) = run.locks
    assert (lock.lock, lock.reader, lock.writer) == (Lock.SHARE_UPDATE_EXCLUSIVE, WENT_ON, WENT_ON)
    assert run.statements[0].is_alone


def test_a_foreign_key_locks_both_tables(watched: WatchStatements) -> None:
    run = watched("ALTER TABLE book ADD FOREIGN KEY (author_id) REFERENCES author (id)")
    for table in ("author", "book"):
        _, lock = only(run, table)
        assert (lock.lock, lock.reader, lock.writer) == (Lock.SHARE_ROW_EXCLUSIVE, WENT_ON, BLOCKED)


def test_what_a_do_block_does_counts_as_one_statement(watched: WatchStatements) -> None:
    work, lock = only(
        watched("DO $$ BEGIN EXECUTE 'ALTER TABLE author ALTER COLUMN born TYPE text USING born::text'; END $$")
    )
    assert work.rewritten
    assert lock.lock is Lock.ACCESS_EXCLUSIVE


def test_an_update_of_all_rows_blocks_whoever_writes_one_of_them(watched: WatchStatements) -> None:
    run = watched("UPDATE author SET born = born + 1")
    work, lock = only(run)
    assert (work.updated, run.statements[0].rows) == (ROWS, ROWS)
    assert (lock.lock, lock.reader, lock.writer) == (Lock.ROW_EXCLUSIVE, WENT_ON, BLOCKED_ON_ROW)
    assert run.wal_bytes > 100_000


@pytest.mark.parametrize("change", ["UPDATE author SET born = 0", "DELETE FROM author"])
def test_a_change_of_some_rows_blocks_whoever_writes_one_of_them(watched: WatchStatements, change: str) -> None:
    _, lock = only(watched(f"{change} WHERE id > {ROWS - 5}"))
    assert (lock.reader, lock.writer) == (WENT_ON, BLOCKED_ON_ROW)


def test_a_change_of_no_row_keeps_no_writer_waiting(watched: WatchStatements) -> None:
    _, lock = only(watched("UPDATE author SET born = 0 WHERE id < 0"))
    assert (lock.reader, lock.writer) == (WENT_ON, WENT_ON)


def test_a_stronger_lock_after_a_weaker_one_is_an_upgrade(watched: WatchStatements) -> None:
    run = watched("UPDATE author SET code = id::text", "ALTER TABLE author ALTER COLUMN code SET NOT NULL")
    (lock,) = run.locks
    assert (lock.weaker, lock.weaker_statement, lock.lock, lock.statement) == (
        Lock.ROW_EXCLUSIVE,
        0,
        Lock.ACCESS_EXCLUSIVE,
        1,
    )
    assert lock.is_upgrade
    assert lock.seconds < run.seconds


def test_the_stronger_lock_first_is_no_upgrade(watched: WatchStatements) -> None:
    run = watched("ALTER TABLE author ADD COLUMN age int", "UPDATE author SET age = 5")
    assert [(lock.lock, lock.is_upgrade) for lock in run.locks] == [(Lock.ACCESS_EXCLUSIVE, False)]


def test_reading_before_a_change_is_no_upgrade_that_deadlocks_with_traffic(watched: WatchStatements) -> None:
    run = watched("SELECT count(*) FROM author", "ALTER TABLE author ADD COLUMN age int")
    assert [(lock.weaker, lock.is_upgrade) for lock in run.locks] == [(Lock.ACCESS_SHARE, False)]


def test_a_lock_that_another_transaction_had_is_no_upgrade(watched: WatchStatements) -> None:
    run = watched("UPDATE author SET born = 1", "ALTER TABLE author ADD COLUMN age int", autocommit=True)
    assert not any(lock.is_upgrade for lock in run.locks)
    assert {each.transaction for each in run.statements} == {0, 1}


def test_a_new_table_keeps_nobody_waiting(watched: WatchStatements) -> None:
    run = watched("CREATE TABLE shelf (id int)", "INSERT INTO shelf VALUES (1), (2)")
    assert run.locks == ()
    work = run.statements[1].on("shelf")
    assert work is not None
    assert (work.new, work.inserted) == (True, 2)


def test_a_failed_statement_is_told_with_what_was_seen_before_it(watched: WatchStatements) -> None:
    run = watched("UPDATE author SET born = 1", "UPDATE author SET code = 'same'")
    assert [each.failed for each in run.statements] == [False, True]
    assert run.failure is not None
    assert (run.failure.statement, run.failure.constraint) == (1, "author_code_key")
    assert run.failure.is_collision
    assert [lock.lock for lock in run.locks] == [Lock.ROW_EXCLUSIVE]


def test_a_statement_that_fails_in_a_savepoint_ends_nothing(watched: WatchStatements) -> None:
    run = watched(
        "SAVEPOINT here",
        "DO $$ BEGIN RAISE 'no'; EXCEPTION WHEN OTHERS THEN NULL; END $$",
        "ROLLBACK TO SAVEPOINT here",
        "UPDATE author SET born = 1",
    )
    assert run.failure is None
    assert run.statements[-1].rows == ROWS


def test_passwords_are_not_shown(watched: WatchStatements) -> None:
    run = watched("SELECT 'host=x password=secret'")
    assert "secret" not in run.statements[0].sql


def test_a_percent_sign_is_shown_as_it_was_written(watched: WatchStatements) -> None:
    statement = "UPDATE author SET born = id % 50 WHERE name LIKE 'a%'"
    assert watched(sa.text(statement)).statements[0].sql == statement
