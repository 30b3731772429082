"""Databases of MariaDB and MySQL are made, used by every driver, and dropped."""

from __future__ import annotations

import asyncio
import re
import subprocess
import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from pytest_stairway import databases
from pytest_stairway.databases.drivers import Administrator, usable_driver
from pytest_stairway.exceptions import DatabaseUnavailable, UsageError
from pytest_stairway.schema import compare_schemas, reader_for
from schema.mysql_lab import MYSQL_SCRIPT, SCRIPT

from .test_drivers import redirected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_stairway.databases import Database
    from pytest_stairway.databases.mysql import MysqlServer

MODULES = {
    "pymysql": "pymysql",
    "mysqldb": "MySQLdb",
    "mysqlconnector": "mysql.connector",
    "mariadbconnector": "mariadb",
    "asyncmy": "asyncmy",
    "aiomysql": "aiomysql",
}
"""SQLAlchemy's names of the drivers, and what they are imported as; the second and the fourth need a compiler."""


@pytest.fixture(scope="session")
def server(either_server: MysqlServer) -> MysqlServer:
    return either_server


@contextmanager
def connected(database: Database) -> Iterator[Administrator]:
    administrator = Administrator(make_url(database.url), "pymysql")
    try:
        yield administrator
    finally:
        administrator.close()


def is_mariadb(server: MysqlServer) -> bool:
    return "mariadb" in server._administrator.value("SELECT VERSION()").lower()


def names(server: MysqlServer) -> set[str]:
    return {name for (name,) in server._administrator.rows("SHOW DATABASES")}


def with_driver(server: MysqlServer, driver: str) -> str:
    return server.address.replace(f'"{server._administrator.driver}"', f'"{driver}"')


def test_the_server_says_what_it_is(server: MysqlServer) -> None:
    assert re.fullmatch(r"\d+(\.\d+)+", server.version)
    product = "MariaDB" if is_mariadb(server) else "MySQL"
    assert server.description.startswith(f"{product} {server.version}, binaries in /")
    assert server.dialect == "mysql"


def test_a_new_database_holds_every_character(server: MysqlServer) -> None:
    with connected(server.create()) as session:
        assert session.value("SELECT @@character_set_database") == "utf8mb4"


@pytest.mark.parametrize("driver", MODULES)
def test_a_projects_own_connection_ends_up_in_the_throwaway_database(server: MysqlServer, driver: str) -> None:
    pytest.importorskip(MODULES[driver])
    database = server.create(driver)
    own = f"mysql+{driver}://me:hush@production.example/app?charset=utf8mb4"
    assert redirected(database, own, "SELECT DATABASE()") == database.name
    server.drop(database)


@pytest.mark.parametrize("driver", [driver for driver in MODULES if driver != "aiomysql"])
def test_administration_works_with_the_projects_own_driver(server: MysqlServer, driver: str) -> None:
    pytest.importorskip(MODULES[driver])

    async def inside() -> str:
        with databases.join(with_driver(server, driver)) as joined:
            assert joined._administrator.driver == driver  # type: ignore[attr-defined]
            return joined.create().name

    name = asyncio.run(inside())
    assert name.startswith("stairway_")
    assert name not in names(server)


@pytest.mark.parametrize("driver", [driver for driver in MODULES if driver != "aiomysql"])
def test_the_servers_own_words_are_told(server: MysqlServer, driver: str) -> None:
    pytest.importorskip(MODULES[driver])
    with (
        databases.join(with_driver(server, driver)) as joined,
        pytest.raises(DatabaseUnavailable, match=r"refused `DROP TABLE nowhere\.x`: .*Unknown table 'nowhere\.x'"),
    ):
        joined._administrator.execute("DROP TABLE nowhere.x")  # type: ignore[attr-defined]


def test_a_driver_that_needs_an_event_loop_brings_another() -> None:
    assert usable_driver("aiomysql", dialect="mysql") == "pymysql"
    assert usable_driver("psycopg", dialect="mariadb") in MODULES
    assert usable_driver(None, dialect="mariadb") in MODULES


def test_dropping_disconnects_whoever_is_still_there(server: MysqlServer) -> None:
    database = server.create()
    with connected(database) as session:
        session.execute("CREATE TABLE thing (number INTEGER)")
        session.execute("LOCK TABLES thing WRITE")
        server.drop(database)
        assert database.name not in names(server)
        with pytest.raises(DatabaseUnavailable):
            session.value("SELECT 1")
    server.drop(database)  # what is gone is gone


@pytest.mark.parametrize("name", ["mysql", "stairway_000000000000_main_1", "stairway_x"])
def test_only_this_runs_databases_are_dropped(server: MysqlServer, name: str) -> None:
    stranger = databases.Database(name=name, url="mysql://", client_command="")
    with pytest.raises(UsageError, match="not a database of this run"):
        server.drop(stranger)


def test_the_client_command_opens_the_database(server: MysqlServer) -> None:
    database = server.create()
    command = database.client_command.replace(" ", " --no-defaults ", 1)
    done = subprocess.run(
        f"{command} -BNe 'select database()'",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == database.name


@pytest.mark.parametrize("joining", [True, False], ids=["processes", "threads"])
def test_a_template_is_built_once_for_all(server: MysqlServer, joining: bool) -> None:
    built, found = [], []

    def build(database: Database) -> None:
        built.append(database.name)
        with connected(database) as session:
            session.execute("CREATE TABLE thing (number INTEGER)")
            session.rows("SELECT SLEEP(0.3)")

    def want() -> None:
        with databases.join(server.address) if joining else nullcontext(server) as asked:
            found.append(asked.template(f"digest {joining}", build).name)

    threads = [threading.Thread(target=want) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert found == built * 4


def test_a_half_built_template_is_built_again(server: MysqlServer) -> None:
    def fail(database: Database) -> None:
        with connected(database) as session:
            session.execute("CREATE TABLE half (number INTEGER)")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        server.template("half", fail)
    with connected(server.template("half", lambda _: None)) as session:
        assert session.rows("SHOW TABLES") == []


SPOT = "ST_GeomFromText('POINT(1 2)', 4326)"


def test_a_copy_is_the_same_with_its_rows(server: MysqlServer) -> None:
    template = server.create()
    with connected(template) as session:
        for statement in (SCRIPT if is_mariadb(server) else MYSQL_SCRIPT).split(";\n"):
            session.execute(statement)
        session.execute("CREATE VIEW a_view AS SELECT id FROM adults WHERE twice(id) > 1")
        session.execute("INSERT INTO team (id, code) VALUES (0 + 7, 'x')")
        session.execute("INSERT INTO author (name, place, team_id) VALUES ('someone', POINT(1, 2), 7)")
        session.execute("DELETE FROM team WHERE id = 8")
        session.execute("ALTER TABLE team AUTO_INCREMENT = 50")
        if is_mariadb(server):
            session.rows("SELECT NEXTVAL(numbers)")
        else:
            session.execute(f"INSERT INTO book (title, spot, tags) VALUES ('A', {SPOT}, 'a')")
        session.execute(f"ALTER DATABASE `{template.name}` COLLATE utf8mb4_unicode_ci")
    copy = server.clone(template, "copy")
    schemas = []
    for database in (template, copy):
        engine = sa.create_engine(make_url(database.url).set(drivername="mysql+pymysql"), poolclass=sa.NullPool)
        with engine.connect() as connection:
            schemas.append(reader_for("mysql").read(connection))
    assert not compare_schemas(*schemas)
    with connected(copy) as session:
        assert session.rows("SELECT name, team_id, score, hidden, ST_AsText(place) FROM author") == [
            ("someone", 7, 2, 7, "POINT(1 2)")
        ]
        if is_mariadb(server):
            assert session.value("SELECT NEXTVAL(numbers)") > 5
        else:
            assert session.rows("SELECT title, upper_title, tags FROM book") == [("A", "A", "a")]
        session.execute("INSERT INTO team (code) VALUES ('new')")
        assert session.value("SELECT max(id) FROM team") == 50
        session.execute("SET foreign_key_checks = 1")
        with pytest.raises(DatabaseUnavailable, match="foreign key"):
            session.execute("UPDATE author SET team_id = 1")
    with connected(template) as session:
        assert session.rows("SELECT code FROM team") == [("x",)]


def test_a_copy_that_cannot_be_made_leaves_nothing(server: MysqlServer) -> None:
    template = server.create()
    with connected(template) as session:
        session.execute("CREATE TABLE gone (id INT)")
        session.execute("CREATE VIEW broken AS SELECT id FROM gone")
        session.execute("DROP TABLE gone")
    before = names(server)
    with pytest.raises(DatabaseUnavailable, match=r"gone"):
        server.clone(template)
    assert names(server) == before


def test_another_process_joins_and_leaves_with_its_own(
    server: MysqlServer, spawn: Callable[..., subprocess.Popen[str]]
) -> None:
    mine = server.create("mine")
    code = (
        "import sys; from pytest_stairway import databases\n"
        "with databases.join(sys.argv[1]) as server:\n"
        "    print(server.create('theirs').name, flush=True)\n"
        "    input()\n"
    )
    process = spawn(code, server.address, PYTEST_XDIST_WORKER="gw3")
    assert process.stdout is not None
    theirs = process.stdout.readline().strip()
    assert re.fullmatch(rf"stairway_{server.session}_gw3_\d+_theirs", theirs)
    assert theirs in names(server)
    process.communicate("\n")
    assert process.returncode == 0
    assert theirs not in names(server)
    assert mine.name in names(server)


def test_many_threads_may_use_one_server(server: MysqlServer) -> None:
    made: list[Any] = []

    def work() -> None:
        for _ in range(3):
            database = server.create()
            made.append(database.name)
            server.drop(database)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 12
