"""Servers in containers, on a real engine with images built here; `.ci/containers` makes both."""

from __future__ import annotations

import importlib.util
import os
import random
import shlex
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from gauntlet.case import Case, Rev, table
from gauntlet.runner import find
from pytest_stairway import databases
from pytest_stairway.databases import container_start
from pytest_stairway.databases.container_sessions import retained_containers, sessions_folder, sweep_containers
from pytest_stairway.databases.engine import answering_engine, engine_address
from pytest_stairway.exceptions import DatabaseUnavailable, DriverUnusable, UsageError
from pytest_stairway.schema import compare_schemas, reader_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_stairway.databases import Server

PREFIX = "stairway/"


@pytest.fixture(scope="module")
def engine() -> str:
    """An engine with the images; where there is none, CI fails, and a developer is told what is not tested."""
    try:
        address = answering_engine()
    except DatabaseUnavailable as err:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{err}: run .ci/containers")
    return address


@pytest.fixture(autouse=True, scope="module")
def _own_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep away from the sessions of others on this machine, as each does who has another temporary folder."""
    folder = str(tmp_path_factory.mktemp("sessions"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(autouse=True)
def _own_images(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    del engine
    monkeypatch.setattr("testcontainers.core.config.testcontainers_config.hub_image_name_prefix", PREFIX, raising=False)
    monkeypatch.setenv("TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX", PREFIX)


@pytest.fixture(scope="module")
def server(engine: str) -> Iterator[Server]:
    del engine
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("testcontainers.core.config.testcontainers_config.hub_image_name_prefix", PREFIX, raising=False)
        with start("postgresql", "postgres:test", "psycopg") as server:
            yield server


def start(dialect: str, image: str, driver: str) -> Server:
    return databases.choose(dialect, named=f"container:{image}", driver=driver).start()


def containers(folder: Path | None = None) -> set[str]:
    """List the containers of the sessions in a folder."""
    known = (folder or sessions_folder()).stat()
    label = f"label=io.pytest-stairway.folder={known.st_dev}-{known.st_ino}"
    listed = subprocess.run(
        ["docker", "ps", "-aq", "--no-trunc", "--filter", label], capture_output=True, text=True, check=True
    )
    return set(listed.stdout.split())


def scalar(url: str, driver: str, query: str) -> object:
    engine = create_engine(make_url(url).set(drivername=driver))
    try:
        with engine.connect() as connection:
            return connection.scalar(text(query))
    finally:
        engine.dispose()


def test_postgresql_in_a_container_makes_copies_and_drops_databases(server: Server) -> None:
    assert "container (postgres:test)" in server.description
    first = server.create("one")
    engine = create_engine(make_url(first.url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE author (id int)"))
    engine.dispose()
    server.seal(first)
    copy = server.clone(first)
    assert scalar(copy.url, "postgresql+psycopg", "SELECT count(*) FROM author") == 0
    server.drop(copy)


def test_its_data_is_in_memory_and_not_synchronised(server: Server) -> None:
    database = server.create()
    assert scalar(database.url, "postgresql+psycopg", "SHOW data_directory") == "/stairway/data"
    assert scalar(database.url, "postgresql+psycopg", "SHOW fsync") == "off"
    server.drop(database)


def test_what_the_servers_newest_version_writes_to_its_catalog_by_itself_is_no_difference(server: Server) -> None:
    database = server.create()
    engine = create_engine(make_url(database.url).set(drivername="postgresql+psycopg"))
    reader = reader_for("postgresql")
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE author (id int, name text)"))
        before = reader.read(connection, thorough=True)
        connection.execute(text("ALTER TABLE author ALTER name TYPE varchar(9)"))
        connection.execute(text("ALTER TABLE author ALTER name TYPE text"))
        assert compare_schemas(before, reader.read(connection, thorough=True)) == ()
        connection.commit()
    engine.dispose()
    server.drop(database)


def test_another_process_joins_it(server: Server) -> None:
    with databases.join(server.address, worker="gw1") as joined:
        database = joined.create()
        assert "_gw1_" in database.name


@pytest.mark.parametrize(("dialect", "product"), [("mariadb", "MariaDB"), ("mysql", "MySQL")])
def test_it_is_removed_at_the_end(dialect: str, product: str) -> None:
    before = containers()
    with start(dialect, f"{dialect}:test", "pymysql") as server:
        assert server.description.startswith(product)
        database = server.create()
        assert scalar(database.url, f"{dialect}+pymysql", "SELECT @@innodb_flush_log_at_trx_commit") == 0
        assert scalar(database.url, f"{dialect}+pymysql", "SELECT @@event_scheduler") == "OFF"
        assert len(containers() - before) == 1
    assert containers() == before


@pytest.fixture(scope="module")
def mysql(engine: str) -> Iterator[Server]:
    """A container of MySQL, which takes some seconds to start."""
    del engine
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("testcontainers.core.config.testcontainers_config.hub_image_name_prefix", PREFIX, raising=False)
        with start("mysql", "mysql:test", "pymysql") as server:
            yield server


def test_a_history_is_walked_on_mysql_in_a_container(mysql: Server, tmp_path: Path) -> None:
    lost = "op.alter_column('author', 'born', server_default='1900')", "op.alter_column('author', 'born')"
    revisions = (
        table("a1", "author", "id int PRIMARY KEY", "born int", "KEY ix_born ((born + 1) DESC) INVISIBLE"),
        Rev("b2", *lost),
    )
    found = find(Case("project", "a project", revisions, dialect="mysql"), tmp_path, address=mysql.address)
    assert [(each.code, each.revision) for each in found] == [("schema-not-restored", "b2")]
    assert "default '1900' after" in found[0].message


@pytest.mark.skipif(importlib.util.find_spec("cryptography") is not None, reason="cryptography is installed")
@pytest.mark.parametrize("driver", ["asyncmy"])
def test_what_a_driver_lacks_for_the_password_is_told_at_once(mysql: Server, driver: str) -> None:
    """It knows no TLS unless it is told of a certificate; PyMySQL was so before 1.2."""
    pytest.importorskip(driver)
    mysql._administrator.execute("CREATE USER newcomer IDENTIFIED BY 'hush!'")  # type: ignore[attr-defined]
    url = make_url(mysql.create().url).set(database=None, username="newcomer", password="hush!")
    with pytest.raises(DatabaseUnavailable, match=r"caching_sha2_password.*python -m pip install cryptography") as told:
        databases.choose("mysql", named=url.render_as_string(hide_password=False), driver=driver).start()
    assert "hush!" not in str(told.value)
    started = time.monotonic()
    with pytest.raises(DriverUnusable, match="pip install cryptography"):
        start("mysql", "mysql:test", driver)
    assert time.monotonic() - started < container_start._START_SECONDS


def test_an_image_that_is_not_to_be_had_is_told() -> None:
    with pytest.raises(DatabaseUnavailable, match="cannot run postgres:nothing"):
        start("postgresql", "postgres:nothing", "psycopg")


def test_a_container_that_dies_is_told_at_once_with_its_last_words() -> None:
    before = containers()
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailable, match="has died; its last words") as raised:
        start("mariadb", "postgres:test", "pymysql")
    assert "POSTGRES_PASSWORD" in str(raised.value)
    assert time.monotonic() - started < 60
    assert containers() == before


LIVE = """
import time
from pytest_stairway import databases
server = databases.choose("postgresql", named="container:postgres:test", driver="psycopg").start()
print("ready", flush=True)
time.sleep(600)
"""


@contextmanager
def live(**environment: str) -> Iterator[subprocess.Popen[str]]:
    """Start a run in another process that goes on until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", LIVE], stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        try:
            yield process
        finally:
            process.kill()


def test_a_session_whose_lock_cannot_be_seen_here_is_left_alone(tmp_path: Path) -> None:
    """Another temporary folder has other locks: nobody can tell whether that session lives."""
    with live(TMPDIR=str(tmp_path)):
        (folder,) = tmp_path.glob("pytest-stairway-sessions-*")
        (container,) = containers(folder)
        assert sweep_containers() == ()
        assert containers(folder) == {container}
    assert sweep_containers() == ()
    subprocess.run(["docker", "kill", container], capture_output=True, check=True)  # as the machine's end does
    assert len(sweep_containers()) == 1
    assert containers(folder) == set()


@pytest.mark.parametrize("reaper", ["", "true"])
def test_what_a_killed_run_leaves_is_swept_by_the_next_and_a_live_one_stays(server: Server, reaper: str) -> None:
    mine = containers()
    with live(**({"TESTCONTAINERS_RYUK_DISABLED": reaper} if reaper else {})):
        pass
    left = containers() - mine
    assert len(left) == 1
    assert len(sweep_containers()) == 1
    assert containers() == mine
    assert server.create().name


@pytest.mark.parametrize(
    ("dialect", "image", "driver"),
    [
        ("postgresql", "postgres:test", "psycopg"),
        ("mariadb", "mariadb:test", "pymysql"),
        ("mysql", "mysql:test", "pymysql"),
    ],
    ids=["postgresql", "mariadb", "mysql"],
)
def test_a_container_goes_on_for_what_is_retained_until_it_is_cleaned_up(
    server: Server, dialect: str, image: str, driver: str
) -> None:
    mine = containers()
    with start(dialect, image, driver) as begun:
        database = begun.create()
        kept = begun.retain(database, "b2")
    (note,) = begun.notes
    assert "`docker rm --force --volumes" in note
    assert sweep_containers() == ()
    assert len(containers() - mine) == 1
    assert any(told.startswith(f"{note.split()[2]}: ") and kept.name in told for told in retained_containers())
    words = shlex.split(kept.client_command)
    assert words[:3] == ["docker", "exec", "-it"]
    done = subprocess.run(
        ["docker", "exec", "-i", *words[3:]], input="SELECT 41 + 1;", capture_output=True, text=True, check=True
    )
    assert "42" in done.stdout
    assert len(sweep_containers(retained=True)) == 1
    assert containers() == mine
    assert server.create().name


def test_a_retained_container_that_somebody_removes_leaves_no_note_of_itself(tmp_path: Path) -> None:
    with start("postgresql", "postgres:test", "psycopg") as begun:
        begun.retain(begun.create())
    name = begun.notes[0].split()[2]
    subprocess.run(["docker", "rm", "--force", "--volumes", name], check=True, capture_output=True)
    assert sweep_containers(retained=True) == ()
    assert not (sessions_folder() / begun.session).exists()


RUN = """
import sys
from pytest_stairway import databases
with databases.choose(sys.argv[1], named=f"container:{sys.argv[2]}", driver=sys.argv[3]).start() as server:
    server.template("key", lambda database: None)
    server.create()
"""
KINDS = (("postgresql", "postgres:test", "psycopg"), ("mariadb", "mariadb:test", "pymysql"))
RUNS = 7
"""The last one runs alone."""
AT_ONCE = 2
LONGEST = 4.0
"""Seconds until the latest kill: about as long as a run takes."""


@pytest.mark.parametrize("reaper", [False, True], ids=["without a reaper", "with one that was there first"])
def test_after_runs_of_which_half_are_killed_nothing_is_left(server: Server, reaper: bool) -> None:
    """Testcontainers' own reaper is an image that cannot be had everywhere; what it does is done here by its label."""
    mine, sessions = containers(), set(sessions_folder().iterdir())
    chance = random.Random(3)
    left: set[str] = set()
    waiting = [(KINDS[number // 2 % 2], number % 2 == 0) for number in range(RUNS)]
    for start_at in range(0, RUNS, AT_ONCE):
        running = [
            crash(kind, chance.uniform(0.8, LONGEST) if killed else None)
            for kind, killed in waiting[start_at:][:AT_ONCE]
        ]
        for run, moment in running:
            if moment is not None:
                time.sleep(max(0.0, moment - time.monotonic()))
                while start_at + 1 == RUNS and run.poll() is None and not containers() - mine - left:
                    time.sleep(
                        0.05
                    )  # so that one at least is killed while its container is there, however slow this is
                run.kill()
        for run, moment in running:
            assert run.wait(100) == 0 or moment is not None
        left |= containers() - mine
    assert left, "nobody was killed while a container of its was there"
    if reaper:
        for each in containers() - mine:  # of which the engine may be removing one already, and refuse
            subprocess.run(["docker", "rm", "--force", "--volumes", each], check=False, capture_output=True)
    time.sleep(1)  # the engine may still be at what a dead run has asked of it
    with start("postgresql", "postgres:test", "psycopg"):
        pass
    assert containers() == mine
    assert set(sessions_folder().iterdir()) == sessions
    assert server.create().name


def crash(kind: tuple[str, str, str], moment: float | None) -> tuple[subprocess.Popen[bytes], float | None]:
    """Begin a run, and say when it is to be killed."""
    run = subprocess.Popen([sys.executable, "-c", RUN, *kind])
    return run, None if moment is None else time.monotonic() + moment


def test_an_engine_that_cannot_publish_a_port_runs_the_server_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    before = containers()
    monkeypatch.setattr(container_start, "LOOPBACK", "203.0.113.9")  # of nobody's machine
    with start("postgresql", "postgres:test", "psycopg") as server:
        host = make_url(server.create().url).host
        assert host != "203.0.113.9"
    assert containers() == before


def test_the_published_port_comes_first(server: Server) -> None:
    assert make_url(server.create().url).host == "127.0.0.1"


# -- where the engine is ----------------------------------------------------------------------------------------------


def test_the_engine_is_where_docker_host_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    with pytest.raises(DatabaseUnavailable, match=r"nothing\.sock does not answer"):
        answering_engine()


def test_the_engine_is_where_the_chosen_context_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import hashlib
    import json

    folder = tmp_path / "contexts" / "meta" / hashlib.sha256(b"mine").hexdigest()
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"Endpoints": {"docker": {"Host": "tcp://build:2375"}}}))
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "mine"}))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert engine_address() == "tcp://build:2375"


def test_without_an_engine_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    with pytest.raises(DatabaseUnavailable, match="start Docker"):
        databases.choose("mariadb", named="container", driver="pymysql")


def test_a_container_serves_no_sqlite() -> None:
    with pytest.raises(UsageError, match="container, which serves postgresql and mysql and mariadb"):
        databases.choose("sqlite", named="container")
