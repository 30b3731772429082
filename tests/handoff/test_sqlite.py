"""Releases on SQLite, and a clear word where there can be none."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from gauntlet.case import Rev, sql, table
from handoff.release_lab import NOTES, Releases
from handoff.test_proof import BOUND
from offline.lab import env
from pytest_stairway.exceptions import UsageError
from pytest_stairway.sqlite_clients import find_sqlite_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADDED = Rev("b", sql("ALTER TABLE notes ADD more text"), sql("ALTER TABLE notes DROP COLUMN more"))


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path, None)


def state(path: Path) -> list[Any]:
    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY 1").fetchall()
        return [
            tables,
            *(
                connection.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall()
                for name, _ in tables
                if name == "alembic_version"
            ),
        ]


def run(path: Path, file: Path) -> None:
    """Run a file by Python's driver, as a client that stops at the first error does."""
    lines = [line for line in file.read_text().splitlines() if not line.startswith(".")]
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.executescript("\n".join(lines))
    finally:
        connection.close()


def test_a_release_is_proven_and_refuses_what_it_should(releases: Releases, tmp_path: Path) -> None:
    bundle = releases.make(NOTES, ADDED, written="base:head", dialect="sqlite")
    assert bundle.code == 0, bundle.report
    assert "All of it happens in one transaction" in bundle.text("README.md")
    assert "| 1 | refused, or a statement failed: the message says which |" in bundle.text("README.md")
    assert "where the database is not at revision base, and so it refuses a second run" in bundle.text("README.md")
    path = tmp_path / "target.db"
    upgrade, downgrade = bundle.folder / "upgrade.sql", bundle.folder / "downgrade.sql"
    run(path, upgrade)
    after = state(path)
    assert after[1] == [("b",)]
    with pytest.raises(sqlite3.IntegrityError, match="stairway: refused, because this script starts at no revision"):
        run(path, upgrade)
    assert state(path) == after
    run(path, downgrade)
    with pytest.raises(sqlite3.IntegrityError, match="stairway: refused"):
        run(path, downgrade)
    run(path, upgrade)
    assert state(path) == after


def test_what_the_sql_does_otherwise_is_told(releases: Releases) -> None:
    bundle = releases.make(NOTES, Rev("b", BOUND), dialect="sqlite")
    assert bundle.code == 1
    assert ("offline-differs", "b") in bundle.findings


def test_a_batch_that_reads_the_table_cannot_be_written(releases: Releases) -> None:
    up = "with op.batch_alter_table('notes') as batch:\n    batch.alter_column('note', nullable=False)"
    bundle = releases.make(NOTES, Rev("b", up), dialect="sqlite")
    assert bundle.code == 1
    assert bundle.finding("offline-failed")["revision"] == "b"


@pytest.fixture
def old_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Puts a sqlite3 on PATH that is older than Python's own."""
    program = tmp_path / "bin" / "sqlite3"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho '3.7.17 2013-05-20 00:56:22'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    find_sqlite_client.cache_clear()
    yield
    find_sqlite_client.cache_clear()


needs_shell = pytest.mark.skipif(
    find_sqlite_client() is None, reason="there is no sqlite3 shell as new as Python's SQLite"
)


@needs_shell
def test_the_sqlite3_shell_proves_the_files(releases: Releases) -> None:
    bundle = releases.make(NOTES, ADDED, dialect="sqlite")
    assert bundle.code == 0, bundle.report
    assert str(bundle.report["client"]).startswith("sqlite3 3.")
    assert {each["exit_code"] for each in bundle.report["checks"] if each["file"]} == {0, 1}
    assert "run by sqlite3 3." in bundle.text("README.md")
    assert "driver" not in bundle.text("README.md")


def test_an_older_shell_is_passed_over_and_the_readme_says_so(releases: Releases, old_shell: None) -> None:
    bundle = releases.make(NOTES, ADDED, dialect="sqlite")
    assert bundle.code == 0, bundle.report
    assert str(bundle.report["client"]).startswith("Python's sqlite3 3.")
    assert "There was no sqlite3 as new as Python's own SQLite" in bundle.text("README.md")


@needs_shell
@pytest.mark.parametrize("error", ["UPDATE notes SET id = 1", "SELEC 1"], ids=["when it runs", "when it is read"])
def test_the_shell_names_the_statement_that_fails(releases: Releases, error: str) -> None:
    up = "\n".join((sql("ALTER TABLE notes ADD more text"), f"if op.get_context().as_sql:\n    {sql(error)}"))
    finding = releases.make(NOTES, Rev("b", up), dialect="sqlite").finding("offline-failed")
    assert finding["revision"] == "b"
    assert finding["detail"] == f"SQL: {error};"
    assert "near line" not in finding["message"]


@needs_shell
def test_the_sqlite3_shell_stops_at_a_refusal(releases: Releases, tmp_path: Path) -> None:
    bundle = releases.make(NOTES, ADDED, dialect="sqlite")
    words = ["sqlite3", "-bail", str(tmp_path / "target.db"), f".read {bundle.folder / 'upgrade.sql'}"]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 1


def test_elsewhere_it_says_why_not(releases: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    project = releases.project(NOTES, table("b", "two", "id int"), dialect="sqlite")
    monkeypatch.setattr(type(project), "contact", SimpleNamespace(dialect="oracle"))  # its driver is a package more
    with pytest.raises(UsageError, match="proves releases on postgresql, sqlite, mariadb, mysql, not on oracle"):
        releases.of(project, "a:head")
    assert not releases.output.exists()


def test_dumps_of_other_databases_are_refused(releases: Releases, tmp_path: Path) -> None:
    pytest.importorskip("pymysql")
    ini = {"sqlalchemy.url": "mysql+pymysql://app:secret@db.invalid/app"}
    options = {"handoff_from_dump": str(tmp_path / "dump.sql")}
    with pytest.raises(UsageError, match=r"restores PostgreSQL's dumps, and .* connects to mysql"):
        releases.make(NOTES, table("b", "two", "id int"), ini=ini, env=env(), options=options)
