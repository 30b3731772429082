"""``--stairway-keep``: the database of an item that fails stays, as it was there, and is told."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from .conftest import FAILS, Project

if TYPE_CHECKING:
    from pathlib import Path

MODELS = """\
from sqlalchemy import Column, Integer, MetaData, Table

metadata = MetaData()
Table("t_zz", metadata, Column("id", Integer))
"""


@pytest.fixture
def folder(project: Project) -> Path:
    """Where the run's files go."""
    folder = project.root / "files"
    folder.mkdir()
    return folder


def keep(project: Project, folder: Path, *more: str, spawn: bool = False) -> pytest.RunResult:
    run = project.spawn if spawn else project.run
    return run("--stairway", "--stairway-keep", f"--stairway-database=sqlite:///{folder}", *more)


def kept(folder: Path, label: str) -> Path:
    """The one file that is kept for a revision or an item."""
    (file,) = folder.glob(f"stairway-*/stairway_failed_*_{label}.db")
    return file


def contents(file: Path) -> tuple[list[str], set[str]]:
    """At which revisions a database stands, and its tables."""
    with closing(sqlite3.connect(file)) as connection:
        at = [name for (name,) in connection.execute("SELECT version_num FROM alembic_version")]
        return at, {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE name LIKE 't%'")}


def test_nothing_is_kept_when_all_is_well(project: Project, folder: Path) -> None:
    result = keep(project.chain("a1", "b2"), folder)
    assert result.ret == 0
    result.stdout.no_fnmatch_line("kept:*")
    assert not list(folder.iterdir())


def test_nothing_is_kept_unless_somebody_asks_for_it(project: Project, folder: Path) -> None:
    project.chain("a1").add("b2", FAILS)
    assert project.run("--stairway", f"--stairway-database=sqlite:///{folder}").ret == 1
    assert not list(folder.iterdir())


def test_a_failed_upgrade_leaves_the_state_before_it(project: Project, folder: Path) -> None:
    project.chain("a1", "b2").add("c3", FAILS)
    result = keep(project, folder)
    file = kept(folder, "c3")
    assert contents(file) == (["b2"], {"t_a1", "t_b2"})
    result.stdout.fnmatch_lines(
        [
            "upgrade-failed: upgrade() raised *",
            "kept: the database, at b2: the upgrade of c3 failed there*",
            f"    sqlite3 {file}",
            f"    sqlite:///{file}",
            "*= stairway =*",
            f"kept: the database of c3, sqlite3 {file}",
            f"note: the kept databases are in {file.parent}: `stairway clean` removes them",
        ]
    )
    assert {path.name for path in file.parent.iterdir()} == {"alive", "retained", file.name}


def test_a_failed_downgrade_leaves_the_revision_applied(project: Project, folder: Path) -> None:
    project.chain("a1").add("b2", 'op.execute("CREATE TABLE t_b2 (id INTEGER)")', FAILS)
    keep(project, folder, "migrations/versions/b2_make.py")
    assert contents(kept(folder, "b2")) == (["b2"], {"t_a1", "t_b2"})


def test_what_is_not_restored_can_be_seen(project: Project, folder: Path) -> None:
    project.chain("a1").add("b2", 'op.execute("CREATE TABLE IF NOT EXISTS t_b2 (id INTEGER)")', "pass")
    result = keep(project, folder, "migrations/versions/b2_make.py")
    result.stdout.fnmatch_lines(["schema-not-restored:*", "kept: the database, at a1, after the downgrade of b2"])
    assert contents(kept(folder, "b2")) == (["a1"], {"t_a1", "t_b2"})


def test_rows_that_are_lost_can_be_seen(project: Project, folder: Path) -> None:
    project.add(
        "a1", 'op.execute("CREATE TABLE t_a1 (id INTEGER PRIMARY KEY, n INTEGER)")', 'op.execute("DROP TABLE t_a1")'
    )
    project.add("b2", 'op.execute("UPDATE t_a1 SET n = 1")', 'op.execute("DELETE FROM t_a1")')
    result = keep(project, folder, "migrations/versions/b2_make.py")
    result.stdout.fnmatch_lines(["rows-lost:*", "kept: the database, at a1, after the downgrade of b2"])
    with closing(sqlite3.connect(kept(folder, "b2"))) as connection:
        assert connection.execute("SELECT count(*) FROM t_a1").fetchone() == (0,)


def test_what_is_accepted_is_not_kept(project: Project, folder: Path) -> None:
    path = project.chain("a1").add("b2", 'op.execute("CREATE TABLE IF NOT EXISTS t_b2 (id INTEGER)")', "pass")
    path.write_text(path.read_text() + "\n# stairway: accept schema-not-restored: it stays\n")
    keep(project, folder, "migrations/versions/b2_make.py")
    assert not list(folder.iterdir())


def test_the_history_as_a_whole(project: Project, folder: Path) -> None:
    project.write("models.py", MODELS)
    env = (project.root / "migrations" / "env.py").read_text()
    project.write(
        "migrations/env.py",
        env.replace("connection=connection", "connection=connection, target_metadata=metadata")
        .replace(
            "config = ", "import sys; sys.path.insert(0, config_folder); from models import metadata\nconfig = ", 1
        )
        .replace("import sys;", f"config_folder = {str(project.root)!r}\nimport sys;"),
    )
    result = keep(project.chain("a1"), folder)
    result.stdout.fnmatch_lines(["model-drift:*", "kept: the database, at the heads, as the migrations make them"])
    assert contents(kept(folder, "models")) == (["a1"], {"t_a1"})


def test_spread_over_two_workers(project: Project, folder: Path) -> None:
    project.chain("a1").add("b2", FAILS)
    project.add("c3", down=FAILS, down_revision="a1")
    result = keep(project, folder, "-n", "2", "--stairway-max-heads=2", spawn=True)
    files = [kept(folder, "b2"), kept(folder, "c3")]
    result.stdout.fnmatch_lines_random([f"kept: the database of {file.stem[-2:]}, sqlite3 {file}" for file in files])
    assert len(list(folder.iterdir())) == 1


def test_the_json_names_them(project: Project, folder: Path) -> None:
    project.chain("a1").add("b2", FAILS)
    report = project.report("--stairway-keep", f"--stairway-database=sqlite:///{folder}")
    (told,) = report["kept_databases"]
    assert told["about"] == "b2"
    assert told["command"] == f"sqlite3 {kept(folder, 'b2')}"
    assert told["state"].startswith("a1: the upgrade of b2 failed there")


def test_the_command_keeps_and_cleans_up(project: Project, folder: Path) -> None:
    project.chain("a1").add("b2", FAILS)
    where = ("--database", f"sqlite:///{folder}")
    checked = project.command("check", "--keep", *where)
    file = kept(folder, "b2")
    assert f"    sqlite3 {file}\n" in checked.stdout
    assert "`stairway clean` removes them" in checked.stderr
    assert f"{file.parent}: kept for the database {file.stem}" in project.command("doctor", *where).stdout
    cleaned = project.command("clean", *where)
    assert f"removed {file.parent}: kept for the database {file.stem} of items that failed" in cleaned.stdout
    assert not list(folder.iterdir())


def test_the_database_of_somebodys_own_test(project: Project, folder: Path) -> None:
    project.chain("a1", "b2").write(
        "tests/test_own.py",
        """
        import pytest

        @pytest.mark.stairway(at="a1")
        def test_fails(stairway):
            stairway.insert("t_a1", {"id": 7})
            stairway.upgrade("b2")
            assert stairway.count("t_a1") == 8

        @pytest.mark.stairway(at="a1")
        def test_passes(stairway):
            pass

        @pytest.mark.stairway(at="b2", scope="class")
        class TestTogether:
            def test_passes(self, stairway):
                pass

            def test_fails(self, stairway):
                assert not stairway.heads

            def test_fails_too(self, stairway):
                assert not stairway.heads
        """,
    )
    where = ("--stairway-keep", f"--stairway-database=sqlite:///{folder}")
    result = project.run("tests/test_own.py", *where)
    result.assert_outcomes(passed=2, failed=3)
    files = sorted(folder.glob("stairway-*/*.db"))
    assert [contents(file) for file in files] == [(["b2"], {"t_a1", "t_b2"})] * 2
    told = [line for line in result.outlines if line.startswith("kept: sqlite3 ")]
    assert {line.removeprefix("kept: sqlite3 ") for line in told} == {str(file) for file in files}
    assert len(told) == 3


def test_an_environment_with_several_databases_keeps_each(project: Project, folder: Path) -> None:
    project.write(
        "migrations/env.py",
        """
        from alembic import context
        from sqlalchemy import create_engine, pool

        for name in ("one", "two"):
            with create_engine(f"sqlite:///{name}.db", poolclass=pool.NullPool).connect() as connection:
                context.configure(connection=connection)
                with context.begin_transaction():
                    context.run_migrations()
        """,
    )
    project.chain("a1").add("b2", FAILS)
    result = keep(project, folder)
    files = {str(path) for path in folder.glob("stairway-*/*.db")}
    assert len(files) == 2
    told = [line for line in result.outlines if line.startswith("kept: the database for ")]
    assert sorted(line.split()[4].rstrip(",").rpartition("/")[2] for line in told) == ["one.db", "two.db"]
