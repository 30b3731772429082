"""Databases are made, copied, sealed and dropped."""

from __future__ import annotations

import re
import subprocess
import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine import make_url

from pytest_stairway import databases
from pytest_stairway.databases.base import NAME_PATTERN, database_name, session_of
from pytest_stairway.databases.drivers import Administrator
from pytest_stairway.exceptions import DatabaseUnavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_stairway.databases import Database
    from pytest_stairway.databases.postgresql import PostgresqlServer


@contextmanager
def connected(database: Database) -> Iterator[Administrator]:
    administrator = Administrator(make_url(database.url), "psycopg")
    try:
        yield administrator
    finally:
        administrator.close()


def names(server: PostgresqlServer) -> set[str]:
    return {name for (name,) in server._administrator.rows("SELECT datname::text FROM pg_database")}


def test_the_server_says_what_it_is(server: PostgresqlServer) -> None:
    assert re.fullmatch(r"\d+(\.\d+)+", server.version)
    assert server.description.startswith(f"PostgreSQL {server.version}, ")
    assert server.dialect == "postgresql"


def test_a_new_database_is_empty_whatever_template1_holds(server: PostgresqlServer) -> None:
    polluted = make_url(server.create().url).set(database="template1")
    administrator = Administrator(polluted, "psycopg")
    administrator.execute("CREATE TABLE junk ()")
    administrator.close()
    with connected(server.create()) as session:
        assert session.value("SELECT count(*) FROM pg_class WHERE relname = 'junk'") == 0


def test_a_new_database_is_the_same_on_every_machine(server: PostgresqlServer) -> None:
    with connected(server.create()) as session:
        assert session.value("SHOW server_encoding") == "UTF8"
        assert session.value("SHOW timezone") == "UTC"
        assert session.value("SELECT 'a' < 'B'") is False  # by code point
        assert session.value("SELECT upper('ä')") == "Ä"


def test_a_server_of_our_own_is_made_to_be_thrown_away(server: PostgresqlServer) -> None:
    for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
        assert server._administrator.value(f"SHOW {setting}") == "off"
    assert server._administrator.value("SHOW listen_addresses") == ""


def test_a_name_tells_whose_it_is_and_what_for(server: PostgresqlServer) -> None:
    database = server.create("Ein Übermäßig LANGER label; DROP")
    assert re.search(NAME_PATTERN, database.name)
    assert session_of(database.name) == server.session
    assert "ein_berm" in database.name


@pytest.mark.parametrize("label", ["", "a", "___", "x" * 100, "schema at 3f2a"])
@pytest.mark.parametrize("worker", ["main", "gw12", "", "Strange-Worker-With-A-Long-Name"])
def test_every_name_matches_our_pattern_and_fits(label: str, worker: str) -> None:
    name = database_name("0123456789ab", worker, label)
    assert re.search(NAME_PATTERN, name)
    assert len(name) <= 63


def test_a_copy_holds_what_the_template_held(server: PostgresqlServer) -> None:
    template = server.create()
    with connected(template) as session:
        session.execute("CREATE TABLE thing AS SELECT 7 AS number")
        session.execute(f'ALTER DATABASE "{template.name}" SET search_path = other, "My Schema", public')
        session.execute(f'REVOKE CONNECT ON DATABASE "{template.name}" FROM PUBLIC')
    for source in (template, template.name):
        with connected(server.clone(source)) as session:
            assert session.value("SELECT number FROM public.thing") == 7
            assert session.value("SHOW search_path") == 'other, "My Schema", public'
            rights = session.value("SELECT datacl::text FROM pg_database WHERE datname = current_database()")
            assert rights == "{=T/postgres,postgres=CTc/postgres}"


def test_a_template_that_is_open_is_said_to_be(private_server: PostgresqlServer) -> None:
    """PostgreSQL waits five seconds first."""
    template = private_server.create()
    with connected(template), pytest.raises(DatabaseUnavailable, match="being accessed by other users"):
        private_server.clone(template)


def test_a_sealed_template_lets_nobody_in_and_can_be_dropped(server: PostgresqlServer) -> None:
    template = server.create()
    server.seal(template)
    with pytest.raises(DatabaseUnavailable, match="not currently accepting connections"):
        Administrator(make_url(template.url), "psycopg")
    copy = server.clone(template)
    with connected(copy) as session:
        assert session.value("SELECT current_database()") == copy.name
    server.drop(template)
    assert template.name not in names(server)


def test_dropping_disconnects_whoever_is_still_there(server: PostgresqlServer) -> None:
    database = server.create()
    with connected(database) as session:
        server.drop(database)
        assert database.name not in names(server)
        with pytest.raises(DatabaseUnavailable):
            session.value("SELECT 1")
    server.drop(database)  # what is gone is gone


@pytest.mark.parametrize("name", ["postgres", "template1", "stairway_000000000000_main_1", "stairway_x"])
def test_only_this_runs_databases_are_dropped(server: PostgresqlServer, name: str) -> None:
    stranger = databases.Database(name=name, url="postgresql://", client_command="")
    with pytest.raises(UsageError, match="not a database of this run"):
        server.drop(stranger)


def test_the_client_command_opens_the_database(server: PostgresqlServer) -> None:
    database = server.create()
    done = subprocess.run(
        f"{database.client_command} -Atc 'select current_database()'",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == database.name


@pytest.mark.parametrize("joining", [True, False], ids=["processes", "threads"])
def test_a_template_is_built_once_for_all(server: PostgresqlServer, joining: bool) -> None:
    built, found = [], []

    def build(database: Database) -> None:
        built.append(database.name)
        with connected(database) as session:
            session.execute("CREATE TABLE thing ()")
            session.execute("SELECT pg_sleep(0.3)")

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
    with connected(server.clone(found[0])) as session:
        assert session.value("SELECT count(*) FROM pg_class WHERE relname = 'thing'") == 1


def test_a_half_built_template_is_built_again(server: PostgresqlServer) -> None:
    def fail(database: Database) -> None:
        with connected(database) as session:
            session.execute("CREATE TABLE half ()")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        server.template("half", fail)
    whole = server.template("half", lambda _: None)
    with connected(server.clone(whole)) as session:
        assert session.value("SELECT count(*) FROM pg_class WHERE relname = 'half'") == 0


def test_another_key_is_another_template(server: PostgresqlServer) -> None:
    first = server.template("one", lambda _: None)
    assert server.template("two", lambda _: None) != first


def test_another_process_joins_and_leaves_with_its_own(
    server: PostgresqlServer, spawn: Callable[..., subprocess.Popen[str]]
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


def test_many_threads_may_use_one_server(server: PostgresqlServer) -> None:
    made: list[str] = []

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
