"""Releases on MariaDB, where nothing can be rolled back: the files refuse, and after a failure one can go on."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import NullPool, create_engine, text

from gauntlet.case import Rev, sql
from handoff.release_lab import NOTES, Bundle, Releases
from handoff.test_proof import BOUND
from pytest_stairway.handoff.mysql import MysqlGuarding
from pytest_stairway.mysql_clients import find_mysql_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_stairway.clients import Ran
    from pytest_stairway.databases import Database, Server

TAGGED = Rev("b", sql("ALTER TABLE notes ADD tag int"), sql("ALTER TABLE notes DROP COLUMN tag"))
UNIQUE = Rev(
    "c",
    "\n".join((sql("ALTER TABLE notes ADD code int"), sql("ALTER TABLE notes ADD UNIQUE INDEX u (tag)"))),
    "\n".join((sql("ALTER TABLE notes DROP INDEX u"), sql("ALTER TABLE notes DROP COLUMN code"))),
)
LAST = Rev("d", sql("ALTER TABLE notes ADD more int"), sql("ALTER TABLE notes DROP COLUMN more"))
TRIGGER = Rev(
    "b",
    sql("CREATE TRIGGER t BEFORE INSERT ON notes FOR EACH ROW BEGIN SET NEW.id = 1; SET NEW.note = 'x'; END"),
    sql("DROP TRIGGER t"),
)


@dataclass
class Target:
    """A database on which files are run."""

    database: Database

    def run(self, *paths: Path) -> Ran:
        client = find_mysql_client("mariadb")
        assert client is not None
        for path in paths:
            ran = client.run(self.database.url, path)
            if not ran.ok:
                break
        return ran

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        url = self.database.url.replace("mysql://", "mysql+pymysql://")
        with create_engine(url, poolclass=NullPool).begin() as connection:
            result = connection.execute(text(query))
            return [tuple(row) for row in result] if result.returns_rows else []

    @property
    def version(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT version_num FROM alembic_version")

    def state(self) -> tuple[Any, ...]:
        names = [name for (name,) in self.rows("SHOW TABLES")]
        return tuple((self.rows(f"SHOW CREATE TABLE {name}"), self.rows(f"SELECT * FROM {name}")) for name in names)


@pytest.fixture
def releases(mariadb_server: Server, tmp_path: Path) -> Releases:
    return Releases(tmp_path, mariadb_server)


@pytest.fixture(scope="module")
def released(mariadb_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A proven release of three revisions."""
    return made(Releases(tmp_path_factory.mktemp("released"), mariadb_server), TAGGED, UNIQUE, LAST)


@pytest.fixture
def target(mariadb_server: Server) -> Iterator[Target]:
    """A database at `a`, with two rows."""
    database = mariadb_server.create("dba")
    target = Target(database)
    target.rows("CREATE TABLE notes (id int PRIMARY KEY, note text)")
    target.rows("CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY)")
    target.rows("INSERT INTO alembic_version VALUES ('a')")
    target.rows("INSERT INTO notes VALUES (1, 'one'), (2, 'two')")
    try:
        yield target
    finally:
        mariadb_server.drop(database)


def made(releases: Releases, *revisions: Rev, **more: Any) -> Bundle:
    bundle = releases.make(NOTES, *revisions, dialect="mysql", **more)
    assert bundle.code == 0, bundle.report
    return bundle


def test_a_release_is_proven_by_the_databases_own_client(released: Bundle) -> None:
    assert re.match(r"(mariadb|mysql) \d", released.report["client"])
    assert released.report["database"]["product"] == "mariadb"
    assert released.report["atomic"] is False
    assert {"upgrade/1_b.sql", "upgrade/2_c.sql", "downgrade/1_d.sql", "downgrade/3_b.sql"} <= released.names
    assert "-- upgrade/2_c.sql: from b to c, 1 revision\n" in released.text("upgrade/2_c.sql")
    names = [each["name"] for each in released.report["checks"]]
    assert names[-2:] == ["same-redowngrade", "refuses-second-downgrade"]
    ran = {each["file"] for each in released.report["checks"]}
    assert ran >= {name for name in released.names if name.endswith(".sql")}


def test_from_base_a_release_is_proven(releases: Releases, mariadb_server: Server) -> None:
    bundle = made(releases, TAGGED, written="base:head")
    database = mariadb_server.create("empty")
    try:
        target = Target(database)
        assert target.run(bundle.folder / "upgrade.sql").ok
        assert target.version == [("b",)]
        ran = target.run(bundle.folder / "upgrade.sql")
        assert "starts at no revision and the database is at b" in ran.words
    finally:
        mariadb_server.drop(database)


@pytest.mark.parametrize("name", ["upgrade.sql", "upgrade/2_c.sql"])
def test_a_wrong_start_is_refused_and_changes_nothing(released: Bundle, target: Target, name: str) -> None:
    target.rows("UPDATE alembic_version SET version_num = 'z'")
    before = target.state()
    ran = target.run(released.folder / name)
    start = "a" if name == "upgrade.sql" else "b"
    assert f"stairway: refused, because this script starts at {start} and the database is at z" in ran.words
    assert (ran.code, target.state()) == (1, before)


def test_branches_and_what_merges_them_are_proven(releases: Releases) -> None:
    one, other = (Rev(name, sql(f"CREATE TABLE {name} (id int)"), sql(f"DROP TABLE {name}")) for name in ("b1", "b2"))
    merge = Rev("m", down_revision=("b1", "b2"))
    bundle = made(releases, replace(one, down_revision="a"), replace(other, down_revision="a"), merge)
    assert "the version update should have changed one row, and it changed " in bundle.text("upgrade.sql")
    assert "and left b1, b2, not " in bundle.text("upgrade.sql")


def test_the_case_of_a_revision_matters(released: Bundle, target: Target) -> None:
    target.rows("UPDATE alembic_version SET version_num = 'A'")
    assert "the database is at A" in target.run(released.folder / "upgrade.sql").words


def test_second_runs_are_refused_and_change_nothing(released: Bundle, target: Target) -> None:
    for name in ("upgrade.sql", "downgrade.sql"):
        ran = target.run(released.folder / name)
        assert ran.ok, ran.said
        before = target.state()
        assert "stairway: refused" in target.run(released.folder / name).words
        assert target.state() == before


def test_a_client_that_goes_on_after_a_refusal_changes_nothing(released: Bundle, target: Target) -> None:
    target.rows("UPDATE alembic_version SET version_num = 'z'")
    before = target.state()
    client = find_mysql_client("mariadb")
    assert client is not None
    socket = re.sub("%2F", "/", target.database.url.rpartition("unix_socket=")[2])
    command = [client.path, "--no-defaults", "--force", f"--socket={socket}", "--user=root", target.database.name]
    with (released.folder / "upgrade.sql").open() as file:
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, check=False)
    assert "READ ONLY" in done.stderr
    assert target.state() == before


def test_two_runs_at_once_do_not_meet(released: Bundle, target: Target) -> None:
    url = target.database.url.replace("mysql://", "mysql+pymysql://")
    with create_engine(url, poolclass=NullPool).connect() as other:
        assert other.scalar(text("SELECT GET_LOCK(CONCAT('stairway ', LEFT(SHA2(DATABASE(), 256), 32)), 0)")) == 1
        assert "another run is under way here" in target.run(released.folder / "upgrade.sql").words
    assert target.run(released.folder / "upgrade.sql").ok


def test_a_version_update_that_hits_no_row_is_noticed(released: Bundle, target: Target) -> None:
    target.rows(
        "CREATE TRIGGER hide BEFORE UPDATE ON alembic_version FOR EACH ROW SET NEW.version_num = OLD.version_num"
    )
    ran = target.run(released.folder / "upgrade.sql")
    assert "the version update should have changed one row and left b, not 0 and a" in ran.words


def test_a_migrations_own_limits_are_told(releases: Releases) -> None:
    own = sql("SET SESSION innodb_lock_wait_timeout = 60")
    readme = made(releases, Rev("b", f"{own}\n{TAGGED.up}", TAGGED.down)).text("README.md")
    assert "- `b`: `SET SESSION innodb_lock_wait_timeout = 60`" in readme


def test_rows_are_compared(releases: Releases, released: Bundle) -> None:
    assert released.report["rows_compared"]
    assert released.report["population"]["populated"] == ["notes"]
    assert "- table `notes`, column `tag`: dropped with all its values" in released.text("README.md")
    bundle = releases.make(NOTES, Rev("b", BOUND), dialect="mysql")
    assert bundle.code == 1
    assert ("offline-differs", "b") in bundle.findings


def test_values_drawn_by_lot_are_the_same_on_both_sides(releases: Releases) -> None:
    made(releases, Rev("b", sql("UPDATE notes SET note = RAND()")))


def test_rows_that_cannot_be_compared_are_not_said_to_be(releases: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_stairway.offline.site.DIALECTS", frozenset({"postgresql"}))
    bundle = made(releases, TAGGED)
    assert not bundle.report["rows_compared"]
    readme = bundle.text("README.md")
    assert "Rows were neither made nor compared" in readme
    assert "the same schema and rows after both" not in readme
    assert "the same schema after both" in readme


def test_a_release_is_proven_on_mysql_itself(mysql_server: Server, tmp_path: Path) -> None:
    drawn = sql("UPDATE notes SET note = RAND()")
    both = Rev("b", f"{TRIGGER.up}\n{TAGGED.up}\n{drawn}", f"{TRIGGER.down}\n{TAGGED.down}")
    bundle = made(Releases(tmp_path, mysql_server), both, LAST)
    assert bundle.report["database"]["product"] == "mysql"
    assert "`max_execution_time = 900000` (milliseconds; it ends statements that only read" in bundle.text("README.md")
    assert "SET SESSION transaction_read_only = " in bundle.text("upgrade.sql")


def test_after_a_failure_in_the_middle_one_can_go_on(released: Bundle, target: Target) -> None:
    files = [released.folder / name for name in ("upgrade/1_b.sql", "upgrade/2_c.sql", "upgrade/3_d.sql")]
    assert target.run(files[0]).ok
    target.rows("UPDATE notes SET tag = 7")  # no UNIQUE any more
    ran = target.run(files[1])
    assert (ran.code, target.version) == (1, [("b",)])
    (line,) = re.findall(r"ERROR 1062 .* at line (\d+)", ran.words)
    assert "code" in str(target.state())  # the statement before stays
    target.rows("UPDATE notes SET tag = id")
    (recipe,) = re.findall(r"^ *({ sed .*) \| mariadb", released.text("README.md"), re.MULTILINE)
    command = recipe.replace("FILE", str(files[1])).replace("LINE", line)
    rest = released.folder.parent / "rest.sql"
    rest.write_text(subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout)
    assert target.run(rest, files[2]).ok
    assert target.version == [("d",)]
    assert target.run(released.folder / "downgrade.sql").ok


def test_a_whole_file_that_failed_refuses_to_run_again(released: Bundle, target: Target) -> None:
    target.rows("ALTER TABLE notes ADD code int")  # in the way of c
    assert not target.run(released.folder / "upgrade.sql").ok
    assert target.version == [("b",)]
    assert "starts at a and the database is at b" in target.run(released.folder / "upgrade.sql").words


def test_what_a_file_has_changed_when_it_fails_in_the_proof_is_told(releases: Releases) -> None:
    failing = Rev("c", "\n".join((sql("ALTER TABLE notes ADD code int"), sql("ALTER TABLE nowhere ADD x int"))))
    bundle = releases.make(NOTES, TAGGED, failing, dialect="mysql")
    assert bundle.code == 1
    assert "NOT PROVEN" in bundle.text("README.md")
    assert bundle.text("upgrade.sql").startswith("-- NOT PROVEN")
    finding = bundle.finding("offline-failed")
    assert (finding["revision"], finding["detail"]) == ("c", "SQL: ALTER TABLE nowhere ADD x int;")
    assert "the database is left at b; these objects were already changed: " in finding["message"]
    assert "column notes.code (added)" in finding["message"]


def test_a_trigger_with_semicolons_in_it_is_kept_whole(releases: Releases, target: Target) -> None:
    bundle = made(releases, TRIGGER)
    lines = bundle.text("upgrade.sql").splitlines()
    place = lines.index("DELIMITER $$")
    assert lines[place - 1].startswith("-- The next line is for the client programs")
    assert target.run(bundle.folder / "upgrade.sql").ok


def test_without_a_client_a_driver_proves_the_files_and_the_readme_says_so(
    releases: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_stairway.handoff.runner.find_mysql_client", lambda _product: None)
    bundle = made(releases, TRIGGER, Rev("c", TAGGED.up, TAGGED.down))
    assert bundle.report["client"] in {"pymysql", "mysqldb"}
    assert "so a driver ran them without the client's own lines" in bundle.text("README.md")


def test_the_readme_says_what_does_not_apply(released: Bundle) -> None:
    readme = released.text("README.md")
    assert "commits each statement by itself, and nothing can be rolled back: make a backup" in readme
    assert "observed on PostgreSQL only" in readme
    assert "- `lock_wait_timeout = 5` (seconds)" in readme
    assert "- `max_statement_time = 900` (seconds)" in readme
    assert "for file in upgrade/*.sql; do" in readme
    assert 'mariadb "$DATABASE" < "$file"' in readme


@pytest.mark.parametrize(
    ("product", "options", "limits"),
    [
        ("mariadb", {"lock_timeout": "500ms", "statement_timeout": "1500"}, ["1", "1", "1.5"]),
        ("mariadb", {"lock_timeout": "0", "statement_timeout": "0"}, ["31536000", "31536000", "0"]),
        ("mysql", {"lock_timeout": "2min", "statement_timeout": "1 d"}, ["120", "120", "86400000"]),
    ],
)
def test_limits_are_what_the_options_mean(product: str, options: dict[str, str], limits: list[str]) -> None:
    guarding = MysqlGuarding(version_table="alembic_version", product=product, **options)
    assert list(guarding.limits.values()) == limits


def test_limits_hold_while_a_file_runs(releases: Releases, target: Target) -> None:
    slow = Rev(
        "b",
        sql("INSERT INTO notes SELECT 9, SLEEP(1) FROM notes WHERE note = 'one'"),
        sql("DELETE FROM notes WHERE id = 9"),
    )
    bundle = made(releases, slow, options={"handoff_statement_timeout": "200ms"})
    ran = target.run(bundle.folder / "upgrade.sql")
    assert "max_statement_time exceeded" in ran.words
    assert target.version == [("a",)]


@pytest.mark.parametrize(
    ("says", "product", "version"),
    [
        ("mariadb  Ver 15.1 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)", "mariadb", "10.11.19"),
        ("mysql from 11.8.2-MariaDB, client 15.2 for debian-linux-gnu (x86_64)", "mariadb", "11.8.2"),
        ("mysql  Ver 9.7.4-2 for Linux on x86_64 ((Debian))", "mysql", "9.7.4"),
        ("mysql  Ver 8.0.43 for Linux on x86_64 (MySQL Community Server - GPL)", "mysql", "8.0.43"),
    ],
)
def test_a_client_is_known_by_what_it_says(
    says: str, product: str, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / product
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    find_mysql_client.cache_clear()
    client = find_mysql_client(product)
    find_mysql_client.cache_clear()
    assert str(client) == f"{product} {version}"
