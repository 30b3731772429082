"""Databases of items that failed outlive their run, wherever they are, and go when they are cleaned up."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from pytest_stairway import databases
from pytest_stairway.databases import Cache, binaries
from pytest_stairway.databases.base import retained_by, session_of
from pytest_stairway.databases.sweeping import remove_retained, retained_folders, sweep_folders
from pytest_stairway.exceptions import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_stairway.databases import Database, Server

    from .conftest import Foreign, ForeignMysql

DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql", "sqlite": "pysqlite"}
CLIENTS = {"postgresql": "-tAc", "mysql": "-Ne", "sqlite": ""}


def start(dialect: str, named: str, **options: object) -> Server:
    return databases.choose(dialect, named=named, driver=DRIVERS[dialect], **options).start()  # type: ignore[arg-type]


def run(database: Database, dialect: str, *statements: str) -> None:
    engine = create_engine(make_url(database.url).set(drivername=f"{dialect}+{DRIVERS[dialect]}"))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def opened(database: Database, dialect: str, query: str) -> str:
    """Run the command that a person is told, with a query."""
    command = [*shlex.split(database.client_command), *([CLIENTS[dialect]] if CLIENTS[dialect] else []), query]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("dialect", "named"),
    [("postgresql", "embedded"), ("postgresql", "binaries"), ("mysql", "binaries"), ("sqlite", "sqlite")],
)
def test_a_server_of_our_own_goes_on_until_it_is_cleaned_up(
    base: Path, request: pytest.FixtureRequest, dialect: str, named: str
) -> None:
    if dialect == "mysql":
        request.getfixturevalue("mariadb_programs")
    if (dialect, named) == ("postgresql", "binaries") and not binaries.on_this_machine():
        pytest.skip("no PostgreSQL server programs on this machine")
    server = start(dialect, named)
    database = server.create("b2")
    run(database, dialect, "CREATE TABLE author (id integer)", "INSERT INTO author VALUES (1)")
    other = server.create("other")
    kept = server.retain(database, "b2")
    server.close()

    assert session_of(kept.name) is None
    assert kept.name.endswith("_b2")
    (folder,) = base.iterdir()
    assert any(str(folder) in note and "stairway clean" in note for note in server.notes)
    assert sweep_folders([base]) == ()
    with start(dialect, named) as later:  # which sweeps, too
        assert later.create()
    if shutil.which(shlex.split(kept.client_command)[0]):
        assert opened(kept, dialect, "SELECT count(*) FROM author") == "1"
    if dialect == "postgresql":
        assert opened(kept, dialect, f"SELECT count(*) FROM pg_database WHERE datname = '{other.name}'") == "0"
    assert retained_folders([base]) == {str(folder): [kept.name]}
    assert remove_retained([base]) == {str(folder): [kept.name]}
    assert not list(base.iterdir())


def test_a_run_that_retains_nothing_leaves_nothing(base: Path) -> None:
    with start("postgresql", "embedded") as server:
        database = server.create()
        kept = server.retain(database)
        server.drop(kept)
        assert server.notes == ()
    assert not list(base.iterdir())


def test_templates_are_kept_only_by_runs_whose_server_ends(base: Path, tmp_path: Path) -> None:
    cache = Cache(folder=tmp_path)
    with start("postgresql", "embedded", cache=cache) as server:
        server.template("key", lambda _: None)
        server.retain(server.create())
    assert not list(tmp_path.glob("cluster-*"))
    assert len(remove_retained([base])) == 1


def test_another_process_retains_on_the_runs_server(base: Path) -> None:
    server = start("postgresql", "embedded")
    with databases.join(server.address, worker="gw1") as joined:
        kept = joined.retain(joined.create(), "a1")
    assert "_gw1_" in kept.name
    server.close()
    assert list(remove_retained([base]).values()) == [[kept.name]]


def test_whoever_is_connected_does_not_keep_a_database_from_being_retained(base: Path) -> None:
    with start("postgresql", "embedded") as server:
        database = server.create()
        engine = create_engine(make_url(database.url).set(drivername="postgresql+psycopg"))
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
            server.drop(server.retain(database))
            connection.invalidate()
        engine.dispose()


def test_only_a_runs_own_can_be_dropped(private_server: Server) -> None:
    stranger = databases.Database(name="stairway_failed_0123456789ab_main_1", url="", client_command="")
    assert retained_by(stranger.name) == "0123456789ab"
    with pytest.raises(UsageError, match="is not a database of this run"):
        private_server.drop(stranger)


def test_on_a_named_server_they_stay_until_somebody_cleans_up(foreign: Foreign) -> None:
    with start("postgresql", foreign.url()) as server:
        database = server.create()
        run(database, "postgresql", "CREATE TABLE author (id integer)")
        kept = server.retain(database, "b2")
        with start("postgresql", foreign.url()) as cleaning:
            assert cleaning.forget_retained() == ()  # its run is alive
    assert kept.name in foreign.databases()
    assert database.name not in foreign.databases()
    with start("postgresql", foreign.url()):
        pass
    assert kept.name in foreign.databases()
    with start("postgresql", foreign.url()) as cleaning:
        assert cleaning.forget_retained() == (kept.name,)


def test_on_a_named_mariadb_server_they_stay_until_somebody_cleans_up(foreign_mysql: ForeignMysql) -> None:
    with start("mysql", foreign_mysql.url()) as server:
        database = server.create()
        run(database, "mysql", "CREATE TABLE author (id integer)")
        kept = server.retain(database, "b2")
        with start("mysql", foreign_mysql.url()) as cleaning:
            assert cleaning.forget_retained() == ()
    assert kept.name in foreign_mysql.databases()
    assert database.name not in foreign_mysql.databases()
    with start("mysql", foreign_mysql.url()) as cleaning:
        assert cleaning.forget_retained() == (kept.name,)
