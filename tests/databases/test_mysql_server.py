"""On somebody's MariaDB server only our own leftovers are touched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine import make_url

from pytest_stairway import databases
from pytest_stairway.databases.drivers import Administrator
from pytest_stairway.databases.mysql import session_lock
from pytest_stairway.exceptions import DatabaseUnavailable

from .conftest import PASSWORD, eventually, kill
from .test_mysql import MODULES

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from .conftest import ForeignMysql

    Spawn = Callable[..., subprocess.Popen[str]]

SESSION = """
import sys
from pytest_stairway import databases
server = databases.choose("mysql", named=sys.argv[1], driver=sys.argv[2]).start()
server.template("half", lambda _: None)
print(server.create("open").name, flush=True)
input()
"""
DRIVERS = [driver for driver in MODULES if driver != "aiomysql"]


def named(url: str, driver: str | None = "pymysql", dialect: str = "mysql") -> databases.Server:
    return databases.choose(dialect, named=url, driver=driver).start()


def session(spawn: Spawn, url: str, driver: str = "pymysql") -> tuple[subprocess.Popen[str], str]:
    """Start a session in another process, and return it and the name of a database of its."""
    process = spawn(SESSION, url, driver)
    assert process.stdout is not None
    assert process.stderr is not None
    name = process.stdout.readline().strip()
    assert name, process.stderr.read()
    return process, name


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_named_server_serves_and_is_left_as_it_was(foreign_mysql: ForeignMysql, driver: str) -> None:
    pytest.importorskip(MODULES[driver])
    before = foreign_mysql.databases()
    with named(foreign_mysql.url(), driver) as server:
        assert server.provider == "server"
        assert server.description == f"MariaDB {server.version}, server creator@127.0.0.1:{foreign_mysql.port}"
        one = server.create()
        assert one.name in foreign_mysql.databases()
        server.template("key", lambda _: None)
    assert foreign_mysql.databases() == before


def test_the_projects_dialect_is_kept_to_whatever_the_url_says(foreign_mysql: ForeignMysql) -> None:
    with named(foreign_mysql.url(), dialect="mariadb") as server:
        assert server.dialect == "mariadb"
        assert server.create().url.startswith("mariadb://")


def test_the_urls_own_driver_comes_first(foreign_mysql: ForeignMysql) -> None:
    url = foreign_mysql.url().replace("mysql:", "mysql+mysqlconnector:")
    with named(url, "pymysql") as server:
        assert json.loads(server.address)["driver"] == "mysqlconnector"
        assert server.create().url.startswith("mysql://")


def test_a_database_holds_every_character_whatever_the_servers_default(foreign_mysql: ForeignMysql) -> None:
    assert foreign_mysql.administrator.value("SELECT @@character_set_server") == "latin1"
    with named(foreign_mysql.url()) as server:
        administrator = Administrator(make_url(server.create().url), "pymysql")
        assert administrator.value("SELECT @@character_set_database") == "utf8mb4"
        administrator.close()


def test_the_password_is_in_the_url_and_nowhere_else(foreign_mysql: ForeignMysql) -> None:
    provider = databases.choose("mysql", named=foreign_mysql.url())
    with provider.start() as server:
        database = server.create()
        assert make_url(database.url).password == PASSWORD
        shown = f"{database!r} {database} {database.client_command} {server.description} {provider!r}"
        assert "--password " in database.client_command
    assert "s3cret" not in shown


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("fault", ["password", "port", "host"])
def test_what_cannot_be_reached_is_named_without_the_password(
    foreign_mysql: ForeignMysql, driver: str, fault: str
) -> None:
    pytest.importorskip(MODULES[driver])
    url = make_url(foreign_mysql.url())
    wrong = {"password": "hushhush", "port": 1, "host": "nowhere.invalid"}
    url = url.set(**{fault: wrong[fault]})  # type: ignore[arg-type]
    with pytest.raises(DatabaseUnavailable) as caught:
        named(url.render_as_string(hide_password=False), driver)
    message = str(caught.value)
    assert f"cannot connect to creator@{url.host}:{url.port}/" in message
    assert "hushhush" not in message
    assert "s3cret" not in message


def test_a_user_who_may_not_create_databases_gets_a_clear_word(foreign_mysql: ForeignMysql) -> None:
    expected = r"reader@127.0.0.1 may not create.*GRANT ALL PRIVILEGES ON `stairway\\_%`\.\* TO 'reader'@'127.0.0.1'"
    with pytest.raises(DatabaseUnavailable, match=expected):
        named(foreign_mysql.url("reader"))


def test_another_major_version_gets_a_clear_word(foreign_mysql: ForeignMysql) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"version 9 is wanted, and creator@"):
        databases.choose("mysql", named=foreign_mysql.url(), major=9).start()


def test_a_killed_sessions_leftovers_go(foreign_mysql: ForeignMysql, spawn: Spawn) -> None:
    process, name = session(spawn, foreign_mysql.url())
    kill(process)
    assert name in foreign_mysql.databases()
    assert eventually(lambda: not _is_there(foreign_mysql, name))


def _is_there(foreign: ForeignMysql, name: str) -> bool:
    with named(foreign.url()):
        return name in foreign.databases()


@pytest.mark.parametrize("driver", ["pymysql", "asyncmy"])
def test_a_live_sessions_databases_stay(foreign_mysql: ForeignMysql, spawn: Spawn, driver: str) -> None:
    pytest.importorskip(MODULES[driver])
    process, name = session(spawn, foreign_mysql.url(), driver)
    for _ in range(2):
        with named(foreign_mysql.url()):
            assert name in foreign_mysql.databases()
    kill(process)
    assert eventually(lambda: not _is_there(foreign_mysql, name))


def test_a_worker_that_outlives_its_run_keeps_its_databases(foreign_mysql: ForeignMysql, spawn: Spawn) -> None:
    code = SESSION.replace("print(", "print(server.address, ").replace("input()", "input(); import os; os._exit(9)")
    process = spawn(code, foreign_mysql.url(), "pymysql")
    assert process.stdout is not None
    address, name = process.stdout.readline().rsplit(maxsplit=1)
    with databases.join(address) as joined:
        mine = joined.create()
        kill(process)
        with named(foreign_mysql.url()):
            assert {mine.name, name} < foreign_mysql.databases()
    assert eventually(lambda: not _is_there(foreign_mysql, name))


def test_two_that_join_under_one_name_each_keep_their_databases(foreign_mysql: ForeignMysql) -> None:
    with named(foreign_mysql.url()) as server:
        first, second = (databases.join(server.address, worker="gw0") for _ in range(2))
        mine = second.create()
        first.close()
        assert json.loads(server.address)["tenancy"]["session"] in mine.name
        held = foreign_mysql.administrator.value(
            f"SELECT IS_USED_LOCK('{session_lock(server.session, mine.name.split('_')[2])}')"  # type: ignore[attr-defined]
        )
        assert held is not None
        second.close()


@pytest.mark.parametrize(
    "name",
    [
        "stairway",
        "stairway_0123456789ab",
        "stairway_0123456789ab_main",
        "stairway_0123456789abc_main_1",
        "my_stairway_0123456789ab_main_1",
        "stairway_0123456789ab_main_1 copy",
        "stairway_0123456789ab_main_x",
    ],
)
def test_what_only_looks_like_ours_stays(foreign_mysql: ForeignMysql, name: str) -> None:
    foreign_mysql.administrator.execute(f"CREATE DATABASE `{name}`")
    try:
        with named(foreign_mysql.url()):
            assert name in foreign_mysql.databases()
    finally:
        foreign_mysql.administrator.execute(f"DROP DATABASE `{name}`")


def test_two_sessions_side_by_side_end_each_on_their_own(foreign_mysql: ForeignMysql) -> None:
    first, second = named(foreign_mysql.url()), named(foreign_mysql.url())
    one, two = first.create(), second.create()
    first.close()
    assert one.name not in foreign_mysql.databases()
    assert two.name in foreign_mysql.databases()
    second.close()
    assert two.name not in foreign_mysql.databases()


def test_a_workers_databases_go_with_the_run_even_when_it_died(foreign_mysql: ForeignMysql) -> None:
    server = named(foreign_mysql.url())
    worker = databases.join(server.address, worker="gw0")
    name = worker.create().name
    worker._administrator.close()  # type: ignore[attr-defined]
    server.close()
    assert name not in foreign_mysql.databases()


def test_joining_a_run_that_has_ended_is_refused(foreign_mysql: ForeignMysql) -> None:
    with named(foreign_mysql.url()) as server:
        values = json.loads(server.address)
        values["tenancy"]["session"] = "0123456789ab"
    with pytest.raises(DatabaseUnavailable, match=r"has ended"):
        databases.join(json.dumps(values))
