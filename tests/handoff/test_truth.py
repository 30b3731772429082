"""What the README says of a release is so, also where the migrations go their own ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gauntlet.case import Rev, sql, table
from handoff.release_lab import NOTES

if TYPE_CHECKING:
    from handoff.release_lab import Releases

CONCURRENTLY = """
op.execute("SET lock_timeout = 4000")
with op.get_context().autocommit_block():
    op.execute("CREATE INDEX CONCURRENTLY ix ON notes (note)")
"""


def test_timeouts_of_the_migrations_own_are_told(releases: Releases) -> None:
    up = "\n".join((sql("SET statement_timeout = 11000"), sql("ALTER TABLE notes ADD more int")))
    readme = releases.make(NOTES, Rev("b", up, sql("ALTER TABLE notes DROP more"))).text("README.md")
    assert "Some revisions set timeouts of their own" in readme
    assert "- `b`: `SET statement_timeout = 11000`" in readme


def test_without_an_upgrade_nothing_is_told_of_its_limits(releases: Releases) -> None:
    readme = releases.make(NOTES, Rev("b", "op.get_bind().commit()")).text("README.md")
    assert "There is no upgrade.sql: it could not be written.\n\n## How to check" in readme
    assert "lock_timeout" not in readme


def test_without_such_there_is_nothing_to_tell(releases: Releases) -> None:
    readme = releases.make(NOTES, table("b", "two", "id int")).text("README.md")
    assert "timeouts of their own" not in readme
    assert "CONCURRENTLY" not in readme
    assert "another each time" not in readme


def test_timeouts_of_the_migrations_own_hold_outside_of_transactions_as_by_alembic(releases: Releases) -> None:
    block = "with op.get_context().autocommit_block():\n    "
    seen = sql("INSERT INTO notes SELECT 7, current_setting('lock_timeout')")
    revision = Rev(
        "b", "\n".join((sql("SET lock_timeout = 4000"), block + seen)), sql("DELETE FROM notes WHERE id = 7")
    )
    bundle = releases.make(NOTES, revision)
    assert bundle.code == 0, bundle.report["findings"]


def test_what_comes_after_a_commit_in_between_is_told(releases: Releases) -> None:
    revisions = (table("b", "two", "id int"), Rev("c", CONCURRENTLY, sql("DROP INDEX ix")))
    bundle = releases.make(NOTES, *revisions, options={"handoff_rehearse": 10})
    assert bundle.code == 0, bundle.report["findings"]
    readme = bundle.text("README.md")
    assert "leaves an invalid index behind. Drop it" in readme
    assert "`CREATE INDEX CONCURRENTLY` waits for the transactions that are running" in readme
    assert "In upgrade.sql and downgrade.sql one transaction may hold several revisions" in readme
    assert "go on as it says below" in readme
    assert "Choose a quieter moment then, and run the file again" not in readme


@pytest.mark.parametrize("ends", ["COMMIT", "INSERT INTO notes (note) VALUES (';'); commit; SELECT 1"])
def test_a_migration_that_commits_by_itself_makes_nothing_atomic(releases: Releases, ends: str) -> None:
    up = "\n".join((sql("ALTER TABLE notes ADD more int"), sql(ends)))
    bundle = releases.make(NOTES, Rev("b", up, sql("ALTER TABLE notes DROP more")))
    assert not bundle.report["atomic"]
    assert "either everything, or nothing" not in bundle.text("README.md")


def test_words_in_literals_and_bodies_end_no_transaction(releases: Releases) -> None:
    body = "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN /* ; COMMIT */ RETURN 1; ROLLBACK; END $$"
    up = "\n".join((sql(body), sql("INSERT INTO notes (note) VALUES ('; COMMIT')")))
    down = "\n".join((sql("DELETE FROM notes WHERE note = '; COMMIT'"), sql("DROP FUNCTION f()")))
    assert releases.make(NOTES, Rev("b", up, down)).report["atomic"]


def test_what_is_lost_by_going_back_is_not_said_where_nobody_went_back(releases: Releases) -> None:
    readme = releases.make(NOTES, Rev("b", "op.get_bind().execute(sa.text('SELECT 1')).scalar() + 1", "pass")).text(
        "README.md"
    )
    assert "No rows and no values are lost" not in readme


def test_a_column_that_is_still_empty_is_lost_by_going_back_too(releases: Releases) -> None:
    up, down = sql("ALTER TABLE notes ADD later text"), sql("ALTER TABLE notes DROP later")
    readme = releases.make(NOTES, Rev("b", up, down)).text("README.md")
    assert "table `notes`, column `later`: dropped with all its values" in readme
    assert "No rows and no values are lost" not in readme


def test_a_row_in_the_place_of_another_is_told_as_deleted_and_inserted(releases: Releases) -> None:
    made = (sql("CREATE TABLE flags (name text PRIMARY KEY, says text)"), sql("INSERT INTO flags VALUES ('old', 'x')"))
    flags = Rev("b", "\n".join(made), sql("DROP TABLE flags"))
    up, down = (
        "\n".join((sql(f"DELETE FROM flags WHERE name = '{gone}'"), sql(f"INSERT INTO flags VALUES ('{new}', 'x')")))
        for gone, new in (("old", "new"), ("new", "old"))
    )
    readme = releases.make(flags, Rev("c", up, down), written="b:c").text("README.md")
    assert readme.count("table `flags`: rows are deleted") == 2
    assert readme.count("table `flags`: rows are inserted") == 1
    assert "values are changed" not in readme


def test_what_no_proof_can_compare_is_named(releases: Releases) -> None:
    up, down = sql("ALTER TABLE notes ADD made timestamp DEFAULT now()"), sql("ALTER TABLE notes DROP made")
    bundle = releases.make(NOTES, Rev("b", up, down))
    assert bundle.code == 0
    assert "apart from what is another each time, by alembic too: `table notes, column made`" in bundle.text(
        "README.md"
    )


def test_nothing_is_told_of_a_way_back_where_there_is_none(releases: Releases) -> None:
    bundle = releases.make(NOTES, Rev("b", sql("ALTER TABLE notes ADD more int"), "raise NotImplementedError"))
    readme = bundle.text("README.md")
    assert "**PROVEN.** The upgrade was run by" in readme
    assert "the same schema and the same rows as `alembic upgrade`." in readme
    assert "alembic downgrade" not in readme
