"""A template of a MariaDB server of our own outlives the run that made it, whole or not at all."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine import make_url

from pytest_stairway import databases
from pytest_stairway.databases import Cache, kept, templates
from pytest_stairway.databases.drivers import Administrator
from pytest_stairway.exceptions import DatabaseUnavailable

from .conftest import AS_ROOT, eventually, kill
from .test_templates import clusters, unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_stairway.databases import Database, Server

    from .conftest import ForeignMysql

    Spawn = Callable[..., subprocess.Popen[str]]

pytestmark = pytest.mark.usefixtures("mariadb_programs", "base")

BUILD = """
import sys
from pathlib import Path
from sqlalchemy.engine import make_url
from pytest_stairway import databases
from pytest_stairway.databases import Cache, workplace
from pytest_stairway.databases.drivers import Administrator
workplace.SHARED_MEMORY = Path(sys.argv[1])
workplace._has_room = lambda _: True
server = databases.choose("mysql", named="binaries", driver="pymysql", cache=Cache(folder=Path(sys.argv[2]))).start()
def build(database):
    session = Administrator(make_url(database.url), "pymysql")
    session.execute("CREATE TABLE half (id INT)")
    print("building", flush=True)
    input()
    session.execute("CREATE TABLE whole (id INT)")
    session.close()
server.template("key", build)
print("built", flush=True)
input()
server.close()
"""


@contextmanager
def started(folder: Path | None, *wanted: str, project: str = "p") -> Iterator[Server]:
    """Start a server with what is kept in a folder."""
    cache = Cache(folder=folder, project=project, wanted=lambda: wanted)
    with databases.choose("mysql", named="binaries", driver="pymysql", cache=cache).start() as server:
        yield server


@contextmanager
def connected(database: Database) -> Iterator[Administrator]:
    session = Administrator(make_url(database.url), "pymysql")
    yield session
    session.close()


def make(server: Server, key: str, *statements: str) -> Database:
    """Migrate a database, and keep it as a template."""
    database = server.create()
    with connected(database) as session:
        for statement in statements or (f"CREATE TABLE {key} (id INT PRIMARY KEY AUTO_INCREMENT, n INT)",):
            session.execute(statement)
    server.keep(key, database)
    return database


def tables(server: Server, key: str) -> list[str]:
    """Return the tables of a copy of a template."""
    found = server.kept([key])
    assert found is not None
    with connected(server.clone(found[1])) as session:
        return [name for (name,) in session.rows("SHOW TABLES")]


def test_the_next_run_starts_with_the_templates_of_the_last(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        make(server, "one")
        server.template("two", lambda database: None)
        found = server.kept(["three", "two", "one"])
        assert found is not None
        assert found[0] == "two"
    with started(tmp_path, "two") as server:
        assert tables(server, "one") == ["one"]
        assert tables(server, "two") == []
        assert server.kept(["three"]) is None
    assert len(clusters(tmp_path)) == 1


def test_a_run_without_new_templates_keeps_nothing(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        server.create()
    assert clusters(tmp_path) == []
    with started(tmp_path) as server:
        make(server, "one")
    (first,) = clusters(tmp_path)
    with started(tmp_path, "one") as server:
        tables(server, "one")
    assert clusters(tmp_path) == [first]


def test_without_a_cache_a_template_lives_as_long_as_the_run(tmp_path: Path) -> None:
    with started(None) as server:
        make(server, "one")
        assert tables(server, "one") == ["one"]
        with databases.join(server.address, worker="gw1") as joined:
            assert tables(joined, "one") == ["one"]
    with started(None, "one") as server:
        assert server.kept(["one"]) is None
    assert clusters(tmp_path) == []


def test_what_the_run_did_besides_is_not_kept(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        make(server, "one", "CREATE USER early@localhost", "CREATE TABLE one (id INT)")
        make(server, "other", "CREATE USER late@localhost", "CREATE DATABASE elsewhere")
        other = server.kept(["other"])[1]  # type: ignore[index]
        with connected(other) as session:
            session.execute(f"DROP DATABASE `{other.name}_sealed`")
            session.execute(f"DROP DATABASE `{other.name}`")
    with started(tmp_path, "one") as server, connected(server.create()) as session:
        users = {name for (name,) in session.rows("SELECT user FROM mysql.user")}
        assert "early" in users
        assert "late" not in users
        assert "elsewhere" not in {name for (name,) in session.rows("SHOW DATABASES")}
        assert tables(server, "one") == ["one"]


def test_nothing_is_kept_where_the_server_cannot_be_brought_back(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        database = make(server, "one", "CREATE USER early@localhost", "CREATE TABLE one (id INT)")
        with connected(database) as session:
            session.execute("GRANT PROCESS ON *.* TO early@localhost")
    assert clusters(tmp_path) == []


def test_only_the_latest_templates_stay(tmp_path: Path) -> None:
    names = [f"t{number}" for number in range(kept.MOST_IN_CLUSTER + 2)]
    with started(tmp_path) as server:
        for name in names:
            make(server, name)
    with started(tmp_path, names[-1]) as server:
        assert [name for name in names if server.kept([name])] == names[2:]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("GRANT SELECT ON t TO reader@localhost", "a copy would not have what is granted there"),
        ("CREATE TABLE price (amount INT) WITH SYSTEM VERSIONING", "is the same: table price"),
    ],
)
def test_what_a_copy_would_not_have_is_no_template(statement: str, reason: str) -> None:
    with started(None) as server:
        with pytest.raises(DatabaseUnavailable, match=reason):
            make(server, "one", "CREATE TABLE t (id INT)", "CREATE USER IF NOT EXISTS reader@localhost", statement)
        assert server.kept(["one"]) is None


def test_a_template_on_which_something_is_granted_is_not_kept(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        make(server, "one")

        def build(database: Database) -> None:
            with connected(database) as session:
                session.execute("CREATE TABLE t (id INT)")
                session.execute("CREATE USER reader@localhost")
                session.execute("GRANT SELECT ON t TO reader@localhost")

        server.template("two", build)
    with started(tmp_path, "one") as server:
        assert server.kept(["two"]) is None


def test_what_does_not_start_is_not_used_again(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        make(server, "one")
    (entry,) = clusters(tmp_path)
    control = entry / "ibdata1"
    control.write_bytes(b"\1" * control.stat().st_size)
    with started(tmp_path, "one") as server:
        assert server.kept(["one"]) is None
    assert clusters(tmp_path) == []


def test_what_somebody_cleaned_up_is_not_used(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        make(server, "one")
    (entry,) = clusters(tmp_path)
    next(entry.glob("stairway_kept_*/one.ibd")).unlink()
    with started(tmp_path, "one") as server:
        assert server.kept(["one"]) is None
    assert clusters(tmp_path) == []


def test_the_least_recently_used_cluster_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MOST_CLUSTERS", 1)
    for name in ("one", "two"):
        with started(tmp_path, project=name) as server:
            make(server, name)
    assert len(clusters(tmp_path)) == 1
    with started(tmp_path, "two", project="two") as server:
        assert tables(server, "two") == ["two"]


def test_a_full_disk_is_told_and_leaves_nothing_half_made(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if not AS_ROOT or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=50m", "none", small], check=False).returncode:
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


@pytest.mark.parametrize("moment", ["building", "built"])
def test_killed_on_the_way_nothing_is_kept(base: Path, tmp_path: Path, spawn: Spawn, moment: str) -> None:
    process = spawn(BUILD, str(base), str(tmp_path))
    assert process.stdout is not None
    assert process.stdin is not None
    while process.stdout.readline().strip() != moment:
        process.stdin.write("\n")
        process.stdin.flush()
    kill(process)
    assert eventually(lambda: not list(base.iterdir()))
    assert clusters(tmp_path) == []


def test_two_runs_at_once_keep_one(base: Path, tmp_path: Path, spawn: Spawn) -> None:
    processes = [spawn(BUILD, str(base), str(tmp_path)) for _ in range(2)]
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


def test_on_a_named_server_templates_go_with_the_run(foreign_mysql: ForeignMysql) -> None:
    with databases.choose("mysql", named=foreign_mysql.url(), driver="pymysql").start() as server:
        make(server, "one")
        assert tables(server, "one") == ["one"]
