"""On somebody's server only our own leftovers are touched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine import make_url

from pytest_stairway import databases
from pytest_stairway.databases.drivers import Administrator
from pytest_stairway.exceptions import DatabaseUnavailable

from .conftest import PASSWORD, eventually, kill

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from .conftest import Foreign

    Spawn = Callable[..., subprocess.Popen[str]]

SESSION = """
import sys
from pytest_stairway import databases
server = databases.choose("postgresql", named=sys.argv[1], driver=sys.argv[2]).start()
server.seal(server.create("sealed"))
print(server.create("open").name, flush=True)
input()
"""
DRIVERS = ("psycopg", "psycopg2", "pg8000", "asyncpg")


def named(url: str, driver: str | None = None) -> databases.Server:
    return databases.choose("postgresql", named=url, driver=driver).start()


def session(spawn: Spawn, url: str, driver: str = "psycopg") -> tuple[subprocess.Popen[str], str]:
    """Start a session in another process, and return it and the name of a database of its."""
    process = spawn(SESSION, url, driver)
    assert process.stdout is not None
    assert process.stderr is not None
    name = process.stdout.readline().strip()
    assert name, process.stderr.read()
    return process, name


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_named_server_serves_and_is_left_as_it_was(foreign: Foreign, driver: str) -> None:
    pytest.importorskip(driver)
    before = foreign.databases()
    with named(foreign.url(), driver) as server:
        assert server.provider == "server"
        assert server.description == f"PostgreSQL {server.version}, server creator@127.0.0.1:{foreign.port}"
        template = server.create()
        server.seal(template)
        copy = server.clone(template)
        assert {template.name, copy.name} < foreign.databases()
        server.template("key", lambda _: None)
    assert foreign.databases() == before


def test_the_urls_own_driver_comes_first(foreign: Foreign) -> None:
    with named(foreign.url().replace("postgresql:", "postgresql+psycopg2:"), "asyncpg") as server:
        assert json.loads(server.address)["driver"] == "psycopg2"
        assert server.create().url.startswith("postgresql://")


def test_the_short_form_of_the_url_will_do(foreign: Foreign) -> None:
    with named(foreign.url().replace("postgresql:", "postgres:")) as server:
        assert server.create().url.startswith("postgresql://")


def test_without_a_database_the_maintenance_database_is_used(foreign: Foreign) -> None:
    with named(foreign.url().removesuffix("/postgres")) as server:
        assert make_url(json.loads(server.address)["url"]).database == "postgres"


def test_the_password_is_in_the_url_and_nowhere_else(foreign: Foreign) -> None:
    provider = databases.choose("postgresql", named=foreign.url())
    with provider.start() as server:
        database = server.create()
        assert make_url(database.url).password == PASSWORD
        shown = f"{database!r} {database} {database.client_command} {server.description} {provider!r}"
    assert "s3cret" not in shown


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("fault", ["password", "port", "host", "database"])
def test_what_cannot_be_reached_is_named_without_the_password(foreign: Foreign, driver: str, fault: str) -> None:
    pytest.importorskip(driver)
    url = make_url(foreign.url())
    wrong = {"password": "hushhush", "port": 1, "host": "nowhere.invalid", "database": "missing"}
    url = url.set(**{fault: wrong[fault]})  # type: ignore[arg-type]
    with pytest.raises(DatabaseUnavailable) as caught:
        named(url.render_as_string(hide_password=False), driver)
    message = str(caught.value)
    assert f"creator@{url.host}:{url.port}/{url.database}" in message
    assert "hushhush" not in message
    assert "s3cret" not in message


def test_a_role_that_may_not_create_databases_gets_a_clear_word(foreign: Foreign) -> None:
    with pytest.raises(DatabaseUnavailable, match=r'reader may not create.*ALTER ROLE "reader" CREATEDB'):
        named(foreign.url("reader"))


def test_another_major_version_gets_a_clear_word(foreign: Foreign) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"PostgreSQL 9 is wanted, and creator@"):
        databases.choose("postgresql", named=foreign.url(), major=9).start()


def test_a_killed_sessions_leftovers_go(foreign: Foreign, spawn: Spawn) -> None:
    process, name = session(spawn, foreign.url())
    kill(process)
    assert name in foreign.databases()
    assert eventually(lambda: not _is_there(foreign, name))


def _is_there(foreign: Foreign, name: str) -> bool:
    with named(foreign.url()):
        return name in foreign.databases()


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("database", ["postgres", "precious"])
def test_a_live_sessions_databases_stay(foreign: Foreign, spawn: Spawn, driver: str, database: str) -> None:
    """Even when the two are connected to different databases, where locks do not meet."""
    pytest.importorskip(driver)
    process, name = session(spawn, foreign.url(), driver)
    for _ in range(2):
        with named(foreign.url(database=database)):
            assert name in foreign.databases()
    kill(process)
    assert eventually(lambda: not _is_there(foreign, name))


def test_a_worker_that_outlives_its_run_keeps_its_databases(foreign: Foreign, spawn: Spawn) -> None:
    code = SESSION.replace("print(", "print(server.address, ").replace("input()", "input(); import os; os._exit(9)")
    process = spawn(code, foreign.url(), "psycopg")
    assert process.stdout is not None
    address, name = process.stdout.readline().rsplit(maxsplit=1)
    with databases.join(address) as joined:
        mine = joined.create()
        kill(process)
        with named(foreign.url()):
            assert {mine.name, name} < foreign.databases()
    assert eventually(lambda: not _is_there(foreign, name))


@pytest.mark.parametrize(
    "name",
    [
        "stairway",
        "stairway_0123456789ab",
        "stairway_0123456789ab_main",
        "stairway_0123456789abc_main_1",
        "stairway_0123456789AB_main_1",
        "my_stairway_0123456789ab_main_1",
        "stairway_0123456789ab_main_1 copy",
        "stairway_0123456789ab_main_x",
    ],
)
def test_what_only_looks_like_ours_stays(foreign: Foreign, name: str) -> None:
    foreign.administrator.execute(f'CREATE DATABASE "{name}" OWNER creator')
    try:
        with named(foreign.url()):
            assert name in foreign.databases()
    finally:
        foreign.administrator.execute(f'DROP DATABASE "{name}"')


def test_another_roles_leftovers_stay(foreign: Foreign, spawn: Spawn) -> None:
    process, name = session(spawn, foreign.url("other"))
    kill(process)
    for role in ("creator", "owner"):
        with named(foreign.url(role)):
            assert name in foreign.databases()

    def is_there() -> bool:
        with named(foreign.url("other")):
            return name in foreign.databases()

    assert eventually(lambda: not is_there())


def test_a_new_database_is_empty_whatever_template1_holds(foreign: Foreign) -> None:
    template = Administrator(make_url(foreign.url("owner", database="template1")), "psycopg")
    template.execute("CREATE TABLE IF NOT EXISTS junk ()")
    template.close()
    with named(foreign.url()) as server:
        fresh = Administrator(make_url(server.create().url), "psycopg")
        assert fresh.value("SELECT count(*) FROM pg_class WHERE relname = 'junk'") == 0
        fresh.close()


def test_two_sessions_side_by_side_end_each_on_their_own(foreign: Foreign) -> None:
    first, second = named(foreign.url()), named(foreign.url())
    one, two = first.create(), second.create()
    first.close()
    assert one.name not in foreign.databases()
    assert two.name in foreign.databases()
    second.close()
    assert two.name not in foreign.databases()


def test_a_workers_databases_go_with_the_run_even_when_it_died(foreign: Foreign) -> None:
    server = named(foreign.url())
    worker = databases.join(server.address, worker="gw0")
    name = worker.create().name
    worker._administrator.close()  # type: ignore[attr-defined]
    server.close()
    assert name not in foreign.databases()


def test_joining_a_run_that_is_being_swept_is_refused(foreign: Foreign) -> None:
    from pytest_stairway.databases.postgresql_sessions import lock_number

    with named(foreign.url()) as server:
        values = json.loads(server.address)
        values["tenancy"]["session"] = "0123456789ab"
    foreign.administrator.rows(f"SELECT pg_advisory_lock({lock_number('0123456789ab')})")
    with pytest.raises(DatabaseUnavailable, match=r"has ended"):
        databases.join(json.dumps(values))
    foreign.administrator.rows("SELECT pg_advisory_unlock_all()")
