"""A template outlives the run that made it, whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine import make_url

from pytest_stairway import databases
from pytest_stairway.databases import Cache, kept, templates
from pytest_stairway.databases.drivers import Administrator
from pytest_stairway.exceptions import DatabaseUnavailable

from .conftest import AS_ROOT, eventually, kill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_stairway.databases import Database, Server

    from .conftest import Foreign

    Spawn = Callable[..., subprocess.Popen[str]]

BUILD = """
import sys, time
from pathlib import Path
from sqlalchemy.engine import make_url
from pytest_stairway import databases
from pytest_stairway.databases import Cache, workplace
from pytest_stairway.databases.drivers import Administrator
workplace.SHARED_MEMORY = Path(sys.argv[1])
workplace._has_room = lambda _: True
cache = Cache(folder=Path(sys.argv[3]) if sys.argv[3] else None)
server = databases.choose("postgresql", named=sys.argv[2], cache=cache).start()
def build(database):
    session = Administrator(make_url(database.url), "psycopg")
    session.execute("CREATE TABLE half ()")
    print("building", flush=True)
    input()
    session.execute("CREATE TABLE whole ()")
    session.close()
template = server.template("key", build)
print("built", flush=True)
input()
server.close()
print("closed", flush=True)
"""


@contextmanager
def started(folder: Path | None, *wanted: str, named: str = "embedded", project: str = "p") -> Iterator[Server]:
    """Start a server with what is kept in a folder."""
    cache = Cache(folder=folder, project=project, wanted=lambda: wanted)
    with databases.choose("postgresql", named=named, cache=cache).start() as server:
        yield server


@contextmanager
def connected(database: Database) -> Iterator[Administrator]:
    session = Administrator(make_url(database.url), "psycopg")
    yield session
    session.close()


def make(server: Server, key: str, *statements: str) -> None:
    def build(database: Database) -> None:
        with connected(database) as session:
            for statement in statements or (f"CREATE TABLE {key} ()",):
                session.execute(statement)

    server.template(key, build)


def tables(server: Server, key: str) -> list[str]:
    """Return the tables of a copy of a template."""
    found = server.kept([key])
    assert found is not None
    with connected(server.clone(found[1])) as session:
        rows = session.rows("SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200 ORDER BY 1")
    return [name for (name,) in rows]


def clusters(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("cluster-*") if path.is_dir())


def unfinished(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(".")]


# -- a server of our own ------------------------------------------------------------------------------------------------


def test_the_next_run_starts_with_the_templates_of_the_last(base: Path, tmp_path: Path) -> None:
    with started(tmp_path) as server:
        make(server, "one")
        make(server, "two")
        assert server.kept(["three", "two", "one"]) is not None
    with started(tmp_path, "two") as server:
        found = server.kept(["three", "two", "one"])
        assert found is not None
        assert found[0] == "two"
        assert tables(server, "one") == ["one"]
        assert tables(server, "two") == ["two"]
    assert len(clusters(tmp_path)) == 1
    assert base


def test_a_run_without_new_templates_keeps_nothing(base: Path, tmp_path: Path) -> None:
    with started(tmp_path) as server:
        server.create()
    assert clusters(tmp_path) == []
    with started(tmp_path) as server:
        make(server, "one")
    (first,) = clusters(tmp_path)
    made = first.stat().st_ctime_ns
    with started(tmp_path, "one") as server:
        tables(server, "one")
    assert clusters(tmp_path) == [first]
    assert json.loads((first / "stairway.json").read_text())["templates"]
    assert base
    assert made


def test_a_stranger_gets_no_templates(base: Path, tmp_path: Path) -> None:
    with started(tmp_path) as server:
        make(server, "one")
    with started(tmp_path, "two", project="another") as server:
        assert server.kept(["one"]) is None
    assert base


def test_what_the_run_did_besides_is_not_kept(base: Path, tmp_path: Path) -> None:
    """Another database and a role that came after the template would be in the next run's way."""
    with started(tmp_path) as server:
        make(server, "one", "CREATE ROLE early", "CREATE TABLE one ()")
        with connected(server.create()) as session:
            session.execute("CREATE ROLE late")
            session.execute("CREATE TABLE late_one ()")
            session.execute("GRANT ALL ON late_one TO late")
    with started(tmp_path, "one") as server, connected(server.create()) as session:
        roles = {name for (name,) in session.rows("SELECT rolname::text FROM pg_roles")}
        assert "early" in roles
        assert "late" not in roles
        names = {name for (name,) in session.rows("SELECT datname::text FROM pg_database")}
        assert len(names) == 5, names
        assert tables(server, "one") == ["one"]
    assert base


def test_nothing_is_kept_where_the_server_cannot_be_brought_back(base: Path, tmp_path: Path) -> None:
    with started(tmp_path) as server:
        make(server, "one", "CREATE ROLE early", "CREATE TABLE one ()")
        with connected(server.create()) as session:
            session.execute("ALTER ROLE early CONNECTION LIMIT 3")
    assert clusters(tmp_path) == []
    assert base


def test_only_the_latest_templates_stay(base: Path, tmp_path: Path) -> None:
    names = [f"t{number}" for number in range(kept.MOST_IN_CLUSTER + 2)]
    with started(tmp_path) as server:
        for name in names:
            make(server, name)
    with started(tmp_path, names[-1]) as server:
        assert [name for name in names if server.kept([name])] == names[2:]
    assert base


def test_the_least_recently_used_cluster_goes(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MOST_CLUSTERS", 2)
    for name in ("one", "two"):
        with started(tmp_path, project=name) as server:
            make(server, name)
    with started(tmp_path, "one", project="one") as server:
        tables(server, "one")
    with started(tmp_path, project="three") as server:
        make(server, "three")
    assert len(clusters(tmp_path)) == 2
    with started(tmp_path, "one", project="one") as server:
        assert tables(server, "one") == ["one"]
    with started(tmp_path, "two", project="two") as server:
        assert server.kept(["two"]) is None
    assert base


def test_what_somebody_cleaned_up_is_not_used(base: Path, tmp_path: Path) -> None:
    with started(tmp_path) as server:
        make(server, "one")
    (entry,) = clusters(tmp_path)
    victim = max(entry.glob("base/*/*"), key=lambda path: path.stat().st_size)
    victim.unlink()
    with started(tmp_path, "one") as server:
        assert server.kept(["one"]) is None
    assert clusters(tmp_path) == []
    assert base


def test_what_does_not_start_is_not_used_again(base: Path, tmp_path: Path) -> None:
    with started(tmp_path) as server:
        make(server, "one")
    (entry,) = clusters(tmp_path)
    control = entry / "global" / "pg_control"
    control.write_bytes(b"\0" * control.stat().st_size)
    with started(tmp_path, "one") as server:
        assert server.kept(["one"]) is None
    assert clusters(tmp_path) == []
    assert base


def test_a_full_disk_is_told_and_leaves_nothing_half_made(base: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if not AS_ROOT or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "none", small], check=False).returncode:
        pytest.skip("needs the right to mount")
    try:
        with started(small) as server:  # its data directory is kept there, too
            make(server, "one")
        assert clusters(small) == []
        assert unfinished(small) == []
        (note,) = server.notes
        assert "cannot be kept for the next one" in note
        assert "No space left on device" in note
    finally:
        subprocess.run(["umount", small], check=True)
    assert base


def test_a_cache_that_is_read_only_is_read(base: Path, tmp_path: Path) -> None:
    with started(tmp_path) as server:
        make(server, "one")
    bind = ["mount", "--bind", tmp_path, tmp_path]
    if not AS_ROOT or subprocess.run(bind, check=False).returncode:
        pytest.skip("needs the right to mount")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", tmp_path], check=True)
        with started(tmp_path, "one") as server:
            assert tables(server, "one") == ["one"]
            make(server, "two")
        assert "Read-only file system" in server.notes[0]
    finally:
        subprocess.run(["umount", tmp_path], check=True)
    assert base


@pytest.mark.parametrize("moment", ["building", "built"])
def test_killed_on_the_way_nothing_is_kept(base: Path, tmp_path: Path, spawn: Spawn, moment: str) -> None:
    process = spawn(BUILD, str(base), "embedded", str(tmp_path))
    assert process.stdout is not None
    assert process.stdin is not None
    while process.stdout.readline().strip() != moment:
        process.stdin.write("\n")
        process.stdin.flush()
    kill(process)
    assert eventually(lambda: not list(base.iterdir()))
    assert clusters(tmp_path) == []
    with started(tmp_path, "key") as server:
        assert server.kept(["key"]) is None


def test_killed_while_keeping_leaves_nothing_that_is_used(base: Path, tmp_path: Path, spawn: Spawn) -> None:
    process = spawn(BUILD, str(base), "embedded", str(tmp_path))
    assert process.stdin is not None
    process.stdin.write("\n\n")
    process.stdin.flush()
    assert eventually(lambda: any(".cluster-" in path.name for path in tmp_path.iterdir()))
    kill(process)
    assert eventually(lambda: not list(base.iterdir()))
    with started(tmp_path, "key") as server:
        found = server.kept(["key"])  # it may have been quicker than we
        assert found is None or tables(server, "key") == ["half", "whole"]


def test_two_runs_at_once_keep_one(base: Path, tmp_path: Path, spawn: Spawn) -> None:
    processes = [spawn(BUILD, str(base), "embedded", str(tmp_path)) for _ in range(2)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert len(clusters(tmp_path)) == 1
    assert unfinished(tmp_path) == []
    with started(tmp_path, "key") as server:
        assert tables(server, "key") == ["half", "whole"]


# -- a server by URL ----------------------------------------------------------------------------------------------------


@pytest.fixture
def guest(foreign: Foreign) -> Iterator[Foreign]:
    """Return somebody's server; what is kept there goes in the end."""
    yield foreign
    kept.prune(foreign.administrator, [kept.Kept(name) for name in stay(foreign)])


def stay(foreign: Foreign) -> list[str]:
    return sorted(name for name in foreign.databases() if name.startswith("stairway_"))


def test_templates_stay_on_a_named_server_and_nothing_else(guest: Foreign) -> None:
    with started(None, named=guest.url()) as server:
        make(server, "one")
        server.create()
    assert len(stay(guest)) == 1
    with started(None, named=guest.url()) as server:
        assert tables(server, "one") == ["one"]
    assert len(stay(guest)) == 1


def test_nothing_stays_unless_it_may(guest: Foreign) -> None:
    cache = Cache(folder=None, on_servers=False)
    with databases.choose("postgresql", named=guest.url(), cache=cache).start() as server:
        make(server, "one")
        assert tables(server, "one") == ["one"]
    assert stay(guest) == []


def test_another_roles_templates_are_not_ours(guest: Foreign) -> None:
    with started(None, named=guest.url("creator")) as server:
        make(server, "one")
    with started(None, named=guest.url("other")) as server:
        assert server.kept(["one"]) is None


def test_the_least_recently_used_template_on_a_server_goes(guest: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_stairway.databases.postgresql.MOST_ON_SERVER", 2)
    with started(None, named=guest.url()) as server:
        make(server, "one")
        make(server, "two")
        tables(server, "one")
        make(server, "three")
        assert [name for name in ("one", "two", "three") if server.kept([name])] == ["one", "three"]


def test_killed_while_building_on_a_server_the_next_run_builds_again(
    guest: Foreign, tmp_path: Path, spawn: Spawn
) -> None:
    process = spawn(BUILD, str(tmp_path), guest.url(), "")
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "building"
    kill(process)

    def is_swept() -> bool:
        with started(None, named=guest.url()) as server:
            assert server.kept(["key"]) is None
        return stay(guest) == []

    assert eventually(is_swept)
    with started(None, named=guest.url()) as server:
        make(server, "key")
        assert tables(server, "key") == ["key"]


def test_two_runs_at_once_leave_one_template_on_a_server(guest: Foreign) -> None:
    def want() -> None:
        with started(None, named=guest.url()) as server:
            make(server, "one", "CREATE TABLE one ()", "SELECT pg_sleep(0.2)")

    threads = [threading.Thread(target=want) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stay(guest)) == 1


# -- SQLite ---------------------------------------------------------------------------------------------------------------


def files(server: Server, key: str) -> list[str]:
    found = server.kept([key])
    assert found is not None
    path = make_url(server.clone(found[1]).url).database
    assert path is not None
    with sqlite3.connect(path) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM sqlite_schema ORDER BY 1")]


def create_table(database: Database) -> None:
    path = make_url(database.url).database
    assert path is not None
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE one (id)")
    connection.close()


@contextmanager
def sqlite(folder: Path | None) -> Iterator[Server]:
    with databases.choose("sqlite", named="sqlite", cache=Cache(folder=folder)).start() as server:
        yield server


def test_a_file_is_kept_for_the_next_run_and_its_workers(tmp_path: Path) -> None:
    with sqlite(tmp_path) as server:
        server.template("one", create_table)
    with sqlite(tmp_path) as server:
        assert files(server, "one") == ["one"]
        with databases.join(server.address, worker="gw1") as joined:
            assert files(joined, "one") == ["one"]
            joined.template("two", create_table)
    with sqlite(tmp_path) as server:
        assert files(server, "two") == ["one"]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_copy_of_a_database_is_kept(tmp_path: Path) -> None:
    with sqlite(tmp_path) as server:
        database = server.create()
        create_table(database)
        server.keep("one", database)
        server.drop(database)
    with sqlite(tmp_path) as server:
        assert files(server, "one") == ["one"]


def test_without_a_folder_a_template_serves_its_own_run() -> None:
    with sqlite(None) as server:
        server.template("one", create_table)
        assert files(server, "one") == ["one"]
    with sqlite(None) as server:
        assert server.kept(["one"]) is None


def test_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MOST_FILES", 2)
    with sqlite(tmp_path) as server:
        for number in range(4):
            server.template(str(number), create_table)
            for age, path in enumerate(sorted(tmp_path.iterdir(), key=os.path.getmtime)):
                with suppress(OSError):
                    os.utime(path, (age, path.stat().st_mtime - 1))
    assert len(list(tmp_path.iterdir())) == 2
    with sqlite(tmp_path) as server:
        assert [key for key in "0123" if server.kept([key])] == ["2", "3"]


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    with sqlite(folder) as server:
        shutil.rmtree(folder)
        server.template("one", create_table)
        assert files(server, "one") == ["one"]
    assert "cannot be kept for the next one" in server.notes[0]


def test_a_template_that_cannot_be_built_is_none(tmp_path: Path) -> None:
    def fail(_database: Database) -> None:
        raise DatabaseUnavailable("no")

    with sqlite(tmp_path) as server:
        with pytest.raises(DatabaseUnavailable):
            server.template("one", fail)
        assert server.kept(["one"]) is None
    assert list(tmp_path.iterdir()) == []
