"""The files refuse to run where they do not belong, and then the database is as it was and the exit code says so."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from gauntlet.case import Rev, sql, table
from handoff.lab import files, psql, step_files
from offline.lab import OfflineLab, env, sample
from pytest_stairway.clients import connection_variables
from pytest_stairway.databases.drivers import Administrator, usable_driver
from pytest_stairway.exceptions import DatabaseUnavailable
from pytest_stairway.handoff.pieces import Kind

if TYPE_CHECKING:
    from pathlib import Path

    from handoff.lab import Files, Target

SCRIPT_ERROR, CONNECTION_LOST = 3, 2
"""psql's exit codes."""


def test_the_files_go_up_down_and_up_again(at_start: Target, ref_code: Files) -> None:
    start = at_start.state("author")
    assert at_start.run(ref_code.upgrade).ok
    assert at_start.rows("SELECT version_num FROM alembic_version") == [("a5390146783a",)]
    assert at_start.rows("SELECT count(*) FROM author WHERE length(ref_code) = 6") == [(20,)]
    assert at_start.run(ref_code.downgrade).ok
    assert at_start.state("author") == start
    assert at_start.run(ref_code.upgrade).ok


def test_from_base_the_files_go_up_down_and_up_again(target: Target, tmp_path: Path) -> None:
    whole = files(sample(), "base:heads", tmp_path)
    assert target.run(whole.upgrade).ok
    assert target.run(whole.downgrade).ok
    assert target.rows("SELECT count(*) FROM alembic_version") == [(0,)]
    assert target.run(whole.upgrade).ok
    ran = target.run(whole.upgrade)
    assert ran.code == SCRIPT_ERROR
    assert "starts at no revision and the database is at" in ran.words


def test_the_upgrade_refuses_another_start(at_start: Target, ref_code: Files) -> None:
    at_start.execute("UPDATE alembic_version SET version_num = '14bc8e509acf'")
    before = at_start.state("author")
    ran = at_start.run(ref_code.upgrade)
    assert ran.code == SCRIPT_ERROR
    assert "this script starts at faa4416c842b and the database is at 14bc8e509acf" in ran.words
    assert at_start.state("author") == before


def test_the_upgrade_refuses_a_second_run(at_start: Target, ref_code: Files) -> None:
    at_start.run(ref_code.upgrade)
    before = at_start.state("author")
    ran = at_start.run(ref_code.upgrade)
    assert ran.code == SCRIPT_ERROR
    assert "the database is at a5390146783a" in ran.words
    assert at_start.state("author") == before


def test_the_downgrade_refuses_to_run_before_the_upgrade_and_twice(at_start: Target, ref_code: Files) -> None:
    before = at_start.state("author")
    assert at_start.run(ref_code.downgrade).code == SCRIPT_ERROR
    at_start.run(ref_code.upgrade)
    at_start.run(ref_code.downgrade)
    assert at_start.run(ref_code.downgrade).code == SCRIPT_ERROR
    assert at_start.state("author") == before


@pytest.mark.parametrize(
    "tampered",
    [
        "INSERT INTO alembic_version VALUES ('d3a7f518c96e')",
        "DELETE FROM alembic_version",
        "ALTER TABLE alembic_version DROP CONSTRAINT alembic_version_pkc; INSERT INTO alembic_version VALUES ('faa4416c842b')",
        "DROP TABLE alembic_version",
    ],
    ids=["another head", "no row", "the row twice", "no version table"],
)
def test_the_version_table_must_hold_exactly_the_start(at_start: Target, ref_code: Files, tampered: str) -> None:
    at_start.execute(tampered)
    assert at_start.run(ref_code.upgrade).code == SCRIPT_ERROR
    assert at_start.rows("SELECT count(*) FROM information_schema.columns WHERE column_name = 'ref_code'") == [(0,)]


def test_a_version_update_that_hits_no_row_is_noticed(at_start: Target, ref_code: Files) -> None:
    at_start.execute("CREATE RULE deaf AS ON UPDATE TO alembic_version DO INSTEAD NOTHING")
    before = at_start.state("author")
    ran = at_start.run(ref_code.upgrade)
    assert ran.code == SCRIPT_ERROR
    assert "the version table should hold 14bc8e509acf now, and holds faa4416c842b" in ran.words
    assert at_start.state("author") == before


def test_a_statement_that_fails_undoes_all_of_it(at_start: Target, ref_code: Files) -> None:
    at_start.execute("CREATE VIEW ref_codes AS SELECT 1 AS one; ALTER TABLE author ADD ref_code text")
    before = at_start.state("author")
    assert at_start.run(ref_code.upgrade).code == SCRIPT_ERROR
    assert at_start.state("author") == before


def slow(ref_code: Files) -> None:
    """Let the release take its time before it ends."""
    text = ref_code.upgrade.read_text().replace(
        "ALTER TABLE author ALTER COLUMN", "SELECT pg_sleep(30);\n\nALTER TABLE author ALTER COLUMN"
    )
    ref_code.upgrade.write_text(text)


def wait_until_asleep(target: Target) -> int:
    deadline = time.monotonic() + 20
    query = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND state = 'active' AND datname = current_database() AND pid <> pg_backend_pid()"
    while time.monotonic() < deadline:
        if found := target.rows(query):
            return int(found[0][0])
        time.sleep(0.05)
    raise AssertionError("the release did not come to its middle")


@pytest.mark.parametrize("victim", ["psql", "server process"])
def test_killed_in_the_middle_the_database_is_as_it_was(at_start: Target, ref_code: Files, victim: str) -> None:
    before = at_start.state("author")
    slow(ref_code)
    url = at_start.database.url
    command = [psql().path, "-X", "-q", "-f", str(ref_code.upgrade)]
    with subprocess.Popen(command, env=connection_variables(url), stderr=subprocess.DEVNULL) as process:
        pid = wait_until_asleep(at_start)
        if victim == "psql":
            process.kill()
        at_start.rows(f"SELECT pg_terminate_backend({pid})")  # which a server notices by itself, but later
    assert process.returncode == (-9 if victim == "psql" else CONNECTION_LOST)
    assert at_start.state("author") == before


def test_a_second_run_beside_the_first_is_refused(at_start: Target, ref_code: Files) -> None:
    slow(ref_code)
    quick = ref_code.upgrade.with_name("quick.sql")
    quick.write_text(ref_code.upgrade.read_text().replace("lock_timeout = '5s'", "lock_timeout = '200ms'"))
    command = [psql().path, "-X", "-q", "-f", str(ref_code.upgrade)]
    with subprocess.Popen(
        command, env=connection_variables(at_start.database.url), stderr=subprocess.DEVNULL
    ) as process:
        pid = wait_until_asleep(at_start)
        ran = at_start.run(quick)
        at_start.rows(f"SELECT pg_terminate_backend({pid})")
        process.wait()
    assert ran.code == SCRIPT_ERROR
    assert "lock timeout" in ran.words


def test_timeouts_are_set_for_the_transaction_alone(at_start: Target, tmp_path: Path) -> None:
    release = files(sample(), "faa4416c842b:a5390146783a", tmp_path, lock_timeout="3s", statement_timeout="0")
    told = [piece.text for piece in release.up if piece.kind is Kind.GUARD]
    assert told[:2] == ["SET LOCAL lock_timeout = '3s';", "SET LOCAL statement_timeout = '0';"]
    ran = psql().run(
        at_start.database.url,
        [
            "-X",
            "-q",
            "-f",
            str(release.upgrade),
            "-c",
            "DO $$ BEGIN ASSERT current_setting('lock_timeout') = '0'; END $$",
        ],
    )
    assert ran.ok, ran.said


def test_any_other_client_runs_the_files_without_psqls_lines(at_start: Target, ref_code: Files) -> None:
    from sqlalchemy.engine import make_url

    def run() -> None:
        administrator = Administrator(make_url(at_start.database.url), usable_driver())
        try:
            for piece in ref_code.up:
                if piece.is_sql:
                    administrator.execute(piece.text)
        finally:
            administrator.close()

    run()
    assert at_start.rows("SELECT version_num FROM alembic_version") == [("a5390146783a",)]
    with pytest.raises(DatabaseUnavailable, match="stairway: refused"):
        run()


def test_a_client_that_goes_on_after_an_error_changes_nothing_either(at_start: Target, ref_code: Files) -> None:
    at_start.run(ref_code.upgrade)
    before = at_start.state("author")
    deaf = ref_code.upgrade.with_name("deaf.sql")
    lines = [line for line in ref_code.upgrade.read_text().splitlines() if not line.startswith("\\")]
    deaf.write_text("\n".join(lines))
    assert at_start.run(deaf).code == 0
    assert at_start.state("author") == before


def test_each_transaction_has_its_own_guard_and_each_step_its_own_file(target: Target, tmp_path: Path) -> None:
    paths = step_files(sample(), "base:c2f4f1e0a6d8", tmp_path)
    assert [target.run(path).code for path in paths[:2]] == [0, 0]
    assert target.run(paths[3]).code == SCRIPT_ERROR  # not its turn
    assert target.run(paths[1]).code == SCRIPT_ERROR  # done already
    assert [target.run(path).code for path in paths[2:]] == [0, 0]
    assert target.rows("SELECT version_num FROM alembic_version") == [("c2f4f1e0a6d8",)]


def test_what_runs_outside_a_transaction_says_so_and_is_guarded_on_both_sides(target: Target, tmp_path: Path) -> None:
    up = f"with op.get_context().autocommit_block():\n    {sql('CREATE INDEX CONCURRENTLY i ON one (id)')}"
    environment = OfflineLab(tmp_path).environment(table("a", "one", "id int"), Rev("b", up, "op.drop_index('i')"))
    release = files(environment, "base:b", tmp_path / "release")
    outside = [piece.text for piece in release.up if "no transaction is open" in piece.text]
    assert len(outside) == 1
    assert "SET lock_timeout = '5s';" in release.upgrade.read_text()  # which holds outside as well
    assert target.run(release.upgrade).ok
    assert target.run(release.downgrade).ok
    assert target.run(release.upgrade).ok


def test_where_env_py_wants_no_transactions_the_guard_has_one_of_its_own(target: Target, tmp_path: Path) -> None:
    environment = OfflineLab(tmp_path).environment(
        table("a", "one", "id int"),
        Rev("b", sql("CREATE INDEX CONCURRENTLY i ON one (id)"), sql("DROP INDEX i")),
        env=env("transactional_ddl=False"),
    )
    release = files(environment, "base:b", tmp_path / "release")
    assert target.run(release.upgrade).ok
    assert target.run(release.upgrade).code == SCRIPT_ERROR
    assert target.run(release.downgrade).ok
    assert target.run(release.upgrade).ok


@pytest.mark.parametrize("table_name", ["Versions", "order"])
def test_the_version_table_is_quoted_where_it_must_be(target: Target, tmp_path: Path, table_name: str) -> None:
    from handoff.lab import PostgresqlGuarding, as_text, guarded
    from offline.lab import both, env

    environment = OfflineLab(tmp_path).environment(
        table("a", "one", "id int"), table("b", "two", "id int"), env=env(f"version_table={table_name!r}")
    )
    guarding = PostgresqlGuarding(version_table=f'"{table_name}"')
    for written in ("base:a", "a:b"):
        path = tmp_path / "up.sql"
        path.write_text(as_text(guarded(both(environment, written)[0], guarding, title=["up"])))
        ran = target.run(path)
        assert ran.ok, ran.said
