"""SQLite databases are files in a folder that goes away."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from pytest_stairway import databases
from pytest_stairway.exceptions import DatabaseUnavailable, UsageError

from .conftest import eventually, kill

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_stairway.databases import Database, Server

    Spawn = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Server]:
    with databases.choose("sqlite", named=f"sqlite:///{tmp_path}").start() as server:
        yield server
    assert not list(tmp_path.iterdir())


def file(database: Database) -> str:
    name = make_url(database.url).database
    assert name
    return name


def scalar(database: Database, query: str) -> object:
    engine = sa.create_engine(database.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return connection.scalar(sa.text(query))


def tables(database: Database) -> list[str]:
    with closing(sqlite3.connect(file(database))) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM sqlite_schema")]


def fill(database: Database) -> None:
    connection = sqlite3.connect(file(database))
    connection.execute("CREATE TABLE thing (x)")
    connection.close()


def test_a_database_is_an_empty_file(sqlite: Server) -> None:
    database = sqlite.create("first")
    assert tables(database) == []
    assert scalar(database, "SELECT 1") == 1
    assert sqlite.version == sqlite3.sqlite_version
    assert sqlite.description.startswith(f"SQLite {sqlite3.sqlite_version}, files in ")


def test_a_copy_holds_what_the_template_held_and_is_its_own(sqlite: Server) -> None:
    template = sqlite.create()
    fill(template)
    sqlite.seal(template)
    copy = sqlite.clone(template)
    assert tables(copy) == ["thing"]
    with closing(sqlite3.connect(file(copy))) as connection:
        connection.execute("CREATE TABLE more (x)")
    assert tables(template) == ["thing"]
    assert tables(sqlite.clone(template.name)) == ["thing"]


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_file_that_is_open_is_not_copied(sqlite: Server, mode: str) -> None:
    template = sqlite.create()
    connection = sqlite3.connect(file(template), isolation_level=None)
    connection.execute(f"PRAGMA journal_mode={mode}")
    connection.execute("BEGIN")
    connection.execute("CREATE TABLE thing (x)")
    if mode == "wal":
        connection.execute("COMMIT")
    with pytest.raises(DatabaseUnavailable, match="while it is open"):
        sqlite.clone(template)
    connection.close()
    assert sqlite.clone(template).name


def test_dropping_removes_what_sqlite_keeps_beside_the_file(sqlite: Server, tmp_path: Path) -> None:
    database = sqlite.create()
    connection = sqlite3.connect(file(database))
    connection.execute("PRAGMA journal_mode=wal")
    connection.execute("CREATE TABLE thing (x)")
    sqlite.drop(database)
    assert [path.name for path in tmp_path.glob("*/*")] == ["alive"]
    connection.close()
    sqlite.drop(database)


def test_a_file_elsewhere_is_not_ours(sqlite: Server, tmp_path: Path) -> None:
    precious = tmp_path / "precious.db"
    precious.touch()
    for name in ("../precious", str(tmp_path / "precious")):
        with pytest.raises(UsageError):
            sqlite.drop(databases.Database(name=name, url="", client_command=""))
    with pytest.raises(DatabaseUnavailable, match="cannot be copied"):
        sqlite.clone("missing")
    precious.unlink()


def test_a_template_is_built_once(sqlite: Server) -> None:
    built = []

    def build(database: Database) -> None:
        built.append(database)
        fill(database)

    first = sqlite.template("key", build)
    with databases.join(sqlite.address, worker="gw1") as joined:
        assert joined.template("key", build) == first
        assert tables(joined.clone(first)) == ["thing"]
    assert len(built) == 1
    assert tables(sqlite.clone(first)) == ["thing"]


def test_a_template_whose_building_failed_is_built_again(sqlite: Server) -> None:
    def fail(database: Database) -> None:
        fill(database)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        sqlite.template("key", fail)
    assert tables(sqlite.template("key", lambda _: None)) == []


def test_another_process_joins_and_leaves_with_its_own(sqlite: Server) -> None:
    mine = sqlite.create()
    with databases.join(sqlite.address, worker="gw1") as joined:
        theirs = joined.create()
        assert "_gw1_" in theirs.name
        assert file(theirs).rpartition("/")[0] == file(mine).rpartition("/")[0]
    with pytest.raises(DatabaseUnavailable, match="cannot be copied"):
        sqlite.clone(theirs)
    assert sqlite.clone(mine)


def test_joining_a_run_that_has_ended_says_so(tmp_path: Path) -> None:
    server = databases.choose("sqlite", named=f"sqlite:///{tmp_path}").start()
    server.close()
    server.close()
    with pytest.raises(DatabaseUnavailable, match="has ended"):
        databases.join(server.address)


def test_after_kill_9_nothing_is_left(spawn: Spawn, tmp_path: Path) -> None:
    code = (
        "import sys; from pytest_stairway import databases\n"
        "server = databases.choose('sqlite', named=sys.argv[1]).start()\n"
        "print(server.create().name, flush=True); input()"
    )
    process = spawn(code, f"sqlite:///{tmp_path}")
    assert process.stdout is not None
    assert process.stdout.readline()
    assert [path for path in tmp_path.iterdir() if path.is_dir()]
    kill(process)
    assert eventually(lambda: not [path for path in tmp_path.iterdir() if path.is_dir()])


@pytest.mark.parametrize("name", ["with space", "quo'te", "per%20cent", "ques?tion", "ha#sh", "ünï"])
def test_a_folder_with_a_strange_name_will_do(tmp_path: Path, name: str) -> None:
    from pytest_stairway.databases.sqlite import SqliteProvider

    folder = tmp_path / name
    folder.mkdir()
    with SqliteProvider(why="", folder=folder).start() as server:
        database = server.create()
        fill(database)
        assert tables(database) == ["thing"]
        assert scalar(database, "SELECT count(*) FROM thing") == 0
    assert not list(folder.iterdir())


def test_a_url_names_a_folder_and_never_a_file(tmp_path: Path) -> None:
    precious = tmp_path / "app.db"
    precious.touch()
    for url in (f"sqlite:///{precious}", f"sqlite:///{tmp_path}/missing", "sqlite://", "sqlite:///:memory:"):
        with pytest.raises(UsageError, match="No file that is there already is ever used"):
            databases.choose("sqlite", named=url)
    with databases.choose("sqlite", named=f"sqlite:///{tmp_path}").start() as server:
        assert file(server.create()).startswith(str(tmp_path))
