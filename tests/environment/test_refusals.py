"""What cannot be redirected is refused before it connects, in clear words and without a password."""

from __future__ import annotations

import sqlite3
import sys
import threading
from typing import TYPE_CHECKING

import psycopg
import psycopg2
import pytest
from sqlalchemy import NullPool, StaticPool, create_engine, text

from environment.lab import AUTHOR, BOOK, WALKED
from pytest_stairway import databases
from pytest_stairway.environment.sandbox import Sandbox
from pytest_stairway.exceptions import ConnectionRefused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from environment.lab import Lab

pytestmark = [
    pytest.mark.usefixtures("_rubbish"),
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
    ),
]

CREATOR_ENV = """\
import psycopg2
from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine("postgresql+psycopg2://", creator={creator}, poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

HANDED_OVER_ENV = """\
from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
"""

RAW = {
    "psycopg": "import psycopg; psycopg.connect({dsn!r})",
    "psycopg-class": "import psycopg; psycopg.Connection.connect({dsn!r})",
    "psycopg-arguments": "import psycopg; psycopg.connect(host={host!r}, dbname='app', user='postgres', password='secret')",
    "psycopg-async": "import asyncio, psycopg; asyncio.run(psycopg.AsyncConnection.connect({dsn!r}))",
    "psycopg-by-name": "from psycopg import connect; connect({dsn!r})",
    "psycopg2": "import psycopg2; psycopg2.connect({dsn!r})",
    "psycopg2-by-name": "from psycopg2 import connect; connect({dsn!r})",
    "psycopg2-pool": "import psycopg2.pool; psycopg2.pool.SimpleConnectionPool(1, 1, {dsn!r})",
    "asyncpg": "import asyncio, asyncpg; asyncio.run(asyncpg.connect(host={host!r}, database='app', user='postgres', password='secret'))",
    "asyncpg-by-name": "import asyncio; from asyncpg import connect; asyncio.run(connect('postgresql://postgres:secret@db.invalid/app'))",
    "asyncpg-pool": "import asyncio, asyncpg\nasync def pool(): await asyncpg.create_pool(host={host!r}, database='app', password='secret')\nasyncio.run(pool())",
    "dialect": "sa.make_url('postgresql+psycopg2://').get_dialect()(); import psycopg2; d = sa.make_url('postgresql+psycopg2://').get_dialect()(dbapi=psycopg2); d.connect({dsn!r})",
    "thread": "import threading, psycopg\nfrom concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor() as e: e.submit(psycopg.connect, {dsn!r}).result()",
    "pymysql": "import pymysql; pymysql.connect(host='db.invalid', user='app', password='secret', database='shop')",
    "pymysql-by-name": "from pymysql.connections import Connection; Connection(host='db.invalid', password='secret')",
    "mysql-connector": "import mysql.connector; mysql.connector.connect(host='db.invalid', password='secret')",
    "aiomysql": "import asyncio, aiomysql\nasync def go(): await aiomysql.connect(host='db.invalid', password='secret')\nasyncio.run(go())",
    "aiomysql-pool": "import asyncio, aiomysql\nasync def go(): await aiomysql.create_pool(host='db.invalid', password='secret')\nasyncio.run(go())",
    "asyncmy": "import asyncio, asyncmy\nasync def go(): await asyncmy.connect(host='db.invalid', password='secret')\nasyncio.run(go())",
    "mariadb-client": "import subprocess; subprocess.run(['mariadb', '--password=secret', 'shop', '-e', 'DROP TABLE x'])",
    "psql": "import subprocess; subprocess.run(['psql', 'postgresql://postgres:secret@db.invalid/app', '-c', 'DROP TABLE x'])",
    "psql-shell": "import os; os.system('PGPASSWORD=secret /usr/bin/psql app < dump.sql')",
    "psql-popen": "import subprocess; subprocess.check_call('cat dump.sql | psql app', shell=True)",
}


def raw_line(lab: Lab, way: str) -> str:
    return RAW[way].format(dsn=f"{lab.libpq} password=secret", host=lab.libpq.split("host=")[1].split()[0])


@pytest.mark.parametrize("way", RAW)
def test_a_connection_past_sqlalchemy_in_a_migration(lab: Lab, way: str) -> None:
    lab.write(None, a1=(raw_line(lab, way), "pass"))
    failure = lab.fails()
    assert failure.stage == "migration"
    assert isinstance(failure.error, ConnectionRefused)
    assert "past SQLAlchemy" in str(failure.error)
    assert "secret" not in str(failure.error)


@pytest.mark.parametrize("way", ["psycopg", "psycopg2-by-name", "asyncpg", "psycopg-async", "psql"])
def test_a_connection_past_sqlalchemy_in_env_py(lab: Lab, way: str) -> None:
    lab.write(lab.plain(f"import sqlalchemy as sa\n{raw_line(lab, way)}"))
    finding = lab.finding()
    assert finding.message.startswith("env.py cannot be run safely: refused ")
    assert finding.line is not None
    assert "create_engine()" in finding.hint


def test_the_refusal_names_the_address(lab: Lab) -> None:
    lab.write(
        lab.plain("import psycopg2; psycopg2.connect(host='db.example', dbname='shop', user='app', password='secret')")
    )
    assert "db.example" in lab.finding().message
    assert "shop" in lab.finding().message


def test_a_migration_that_lives_without_what_it_is_refused_goes_on(lab: Lab) -> None:
    up = f"import psycopg\ntry: psycopg.connect({lab.libpq!r})\nexcept Exception: pass\n{AUTHOR[0]}"
    lab.write(None, a1=(up, AUTHOR[1]))
    assert lab.walk() == WALKED[:3]


def test_a_driver_that_is_imported_while_env_py_runs(lab: Lab) -> None:
    """A stand-in for one that is not installed here, with the same structure."""
    lab.file("oracledb.py", "def connect(**kwargs): raise AssertionError('connected')\n")
    lab.write(None, a1=("import oracledb; oracledb.connect(host='legacy', passwd='secret')", "pass"))
    assert "refused oracledb.connect()" in str(lab.fails().error)
    import oracledb  # type: ignore[import-not-found]

    with pytest.raises(AssertionError, match="connected"):
        oracledb.connect()


@pytest.mark.parametrize(
    "line",
    [
        "import sqlite3; sqlite3.connect({own!r})",
        "import sqlite3, pathlib; sqlite3.connect(pathlib.Path({own!r}))",
        "from sqlite3 import Connection; Connection({own!r})",
        "import sqlite3; sqlite3.connect('file:' + {own!r} + '?mode=rw', uri=True)",
        "import asyncio, aiosqlite\nasync def main():\n    try:\n        async with aiosqlite.connect({own!r}): pass\n    finally: await asyncio.sleep(0.1)\nasyncio.run(main())",
        "import subprocess; subprocess.run(['sqlite3', {own!r}, 'CREATE TABLE x (y)'])",
    ],
)
def test_sqlites_own_file(sqlite_lab: Lab, line: str) -> None:
    sqlite_lab.write(None, a1=(line.format(own=str(sqlite_lab.own_file)), "pass"))
    failure = sqlite_lab.fails()
    assert isinstance(failure.error, ConnectionRefused)


def test_sqlite_in_memory_is_nobodys(sqlite_lab: Lab) -> None:
    up = "import sqlite3; sqlite3.connect(':memory:').close(); sqlite3.connect('').close()"
    sqlite_lab.write(None, a1=(up, "pass"))
    assert sqlite_lab.walk() == [set()] * 3


@pytest.mark.parametrize(
    "statement",
    [
        "op.execute(\"ATTACH DATABASE '{own}' AS other\")",
        "op.get_bind().exec_driver_sql('ATTACH DATABASE ? AS other', ('{own}',))",
        "op.get_bind().connection.cursor().execute(\"ATTACH 'file:{own}' AS other\")",
    ],
)
def test_sqlite_attaches_no_file(sqlite_lab: Lab, statement: str) -> None:
    up = "op.get_bind().commit() if op.get_bind().in_transaction() else None\n" + statement.format(
        own=sqlite_lab.own_file
    )
    sqlite_lab.write(None, a1=(up, "pass"))
    finding = sqlite_lab.project().check_revision(sqlite_lab.project().history["a1"]).findings[0]
    assert finding.code == "upgrade-failed"
    assert "not authorized" in finding.message
    assert "ATTACH" in (finding.hint or "")


def test_aiosqlite_attaches_no_file(sqlite_lab: Lab) -> None:
    env = f"""
    import asyncio
    from alembic import context
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine

    async def main():
        engine = create_async_engine({sqlite_lab.url("aiosqlite")!r})
        try:
            async with engine.connect() as connection:
                await connection.execute(text("ATTACH '{sqlite_lab.own_file}' AS other"))
        finally:
            await engine.dispose()
    asyncio.run(main())
    """
    sqlite_lab.write(env)
    assert "not authorized" in sqlite_lab.finding().message


def test_sqlite_attaches_memory_and_is_vacuumed(sqlite_lab: Lab) -> None:
    up = "with op.get_context().autocommit_block():\n    op.execute(\"ATTACH ':memory:' AS scratch\")\n    op.execute('DETACH scratch')\n    op.execute('VACUUM')"
    sqlite_lab.write(None, a1=(up, "pass"))
    assert sqlite_lab.walk() == [set()] * 3


@pytest.mark.parametrize("creator", ["lambda: psycopg2.connect({dsn!r})", "__import__('shop_connect').connect"])
def test_a_creator_function(lab: Lab, creator: str) -> None:
    lab.file(
        "shop_connect.py",
        f"from psycopg2 import connect as real\ndef connect(): return real({lab.libpq!r} + ' password=secret')\n",
    )
    lab.write(CREATOR_ENV.format(creator=creator.format(dsn=f"{lab.libpq} password=secret")))
    finding = lab.finding()
    assert "refused" in finding.message
    assert "creator=" in finding.hint


def test_a_creator_function_that_gives_what_was_open_before(lab: Lab) -> None:
    lab.file("shop_connect.py", "connection = None\n")
    lab.write(CREATOR_ENV.format(creator="lambda: __import__('shop_connect').connection"))
    sys.path.insert(0, str(lab.folder))
    import shop_connect  # type: ignore[import-not-found]

    shop_connect.connection = psycopg2.connect(lab.libpq)
    assert "refused a connection that a creator function made" in lab.finding().message


def test_a_ready_connection_from_before(lab: Lab) -> None:
    lab.write(HANDED_OVER_ENV)
    with create_engine(lab.url(), poolclass=NullPool).connect() as connection:
        environment = lab.environment(attributes={"connection": connection})
        with pytest.raises(ConnectionRefused, match=r"refused a connection \(postgresql\) that was open before"):
            environment.survey()
        assert connection.scalar(text("SELECT 1")) == 1  # it is still its owner's


def test_a_ready_connection_from_before_in_a_migration(lab: Lab) -> None:
    lab.file("shop_db.py", "connection = None\n")
    lab.write(None, a1=("import shop_db; shop_db.connection.execute(sa.text('CREATE TABLE x (id int)'))", "pass"))
    sys.path.insert(0, str(lab.folder))
    import shop_db  # type: ignore[import-not-found]

    with create_engine(lab.url(), poolclass=NullPool).connect() as shop_db.connection:
        assert isinstance(lab.fails().error, ConnectionRefused)


def test_a_memory_database_in_a_pool_from_before_is_neither_used_nor_lost(sqlite_lab: Lab) -> None:
    sqlite_lab.file("shop_db.py", "engine = None\n")
    sqlite_lab.write(
        sqlite_lab.plain().replace("engine = create_engine", "from shop_db import engine\nother = create_engine")
    )
    sys.path.insert(0, str(sqlite_lab.folder))
    import shop_db

    shop_db.engine = engine = create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE precious (id int)"))
    with pytest.raises(ConnectionRefused, match="open before"):
        sqlite_lab.environment().survey()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT name FROM sqlite_master")).scalar() == "precious"
    engine.dispose()


def test_another_dialect(lab: Lab) -> None:
    lab.write(None, a1=("sa.create_engine('sqlite:///other.db').connect()", "pass"))
    error = lab.fails().error
    assert isinstance(error, ConnectionRefused)
    assert "refused a connection to sqlite: the throwaway databases are postgresql" in str(error)


def test_what_is_refused_again_and_again_ends_env_py(lab: Lab) -> None:
    """A loop that waits for its database would wait for ever."""
    for body in ("except Exception: time.sleep(0.05)", "except: time.sleep(0.05)"):
        env = f"import time, psycopg2\nwhile True:\n    try:\n        psycopg2.connect({lab.libpq!r}); break\n    {body}\n"
        lab.write(env)
        assert "refused psycopg2.connect()" in lab.finding().message


def test_what_is_refused_again_and_again_ends_a_migration(lab: Lab) -> None:
    up = f"import time, psycopg2\nwhile True:\n    try:\n        psycopg2.connect({lab.libpq!r}); break\n    except: time.sleep(0.05)"
    lab.write(None, a1=(up, "pass"))
    with pytest.raises(ConnectionRefused):
        lab.session().step("a1", upgrade=True)


@pytest.mark.parametrize("attempts", ["range(5)", "iter(int, 1)"])
@pytest.mark.parametrize("clause", ["except Exception", "except BaseException", "except"])
def test_a_loop_that_waits_for_the_database_does_not_hang_the_probe(lab: Lab, attempts: str, clause: str) -> None:
    env = lab.plain().replace(
        "with engine.connect",
        f"import time\nfor attempt in {attempts}:\n    try:\n        engine.connect().close(); break\n    {clause}: time.sleep(0.1)\nwith engine.connect",
    )
    lab.write(env)
    assert lab.environment().probe().dialect == "postgresql"
    assert lab.walk() == WALKED


# -- nobody else is concerned -------------------------------------------------------------------------------------------


def everything_works(lab: Lab, tmp_path: Path) -> Callable[[], None]:
    def connect() -> None:
        psycopg.connect(lab.libpq).close()
        psycopg2.connect(lab.libpq).close()
        sqlite3.connect(tmp_path / "mine.db").close()
        with create_engine(lab.url(), poolclass=NullPool).connect() as connection:
            assert connection.scalar(text("SELECT current_database()")) == lab.own.name

    return connect


def test_everybody_connects_as_usual_before_between_and_after(lab: Lab, tmp_path: Path) -> None:
    connect = everything_works(lab, tmp_path)
    connect()
    lab.write()
    session = lab.session()
    connect()
    for revision in ("a1", "b2"):
        session.step(revision, upgrade=True)
        connect()
        thread = threading.Thread(target=connect)
        thread.start()
        thread.join()
    session.close()
    connect()


def test_the_thread_that_waits_connects_as_usual_even_then(lab: Lab, tmp_path: Path) -> None:
    """A signal handler of the test runner's, say, while a step runs."""
    connect = everything_works(lab, tmp_path)
    started, ended = threading.Event(), threading.Event()
    lab.file("shop_events.py", "started = ended = None\n")
    lab.write(None, a1=("import shop_events; shop_events.started.set(); assert shop_events.ended.wait(10)", "pass"))
    session = lab.session()
    import_path = str(lab.folder)
    sys.path.insert(0, import_path)
    import shop_events  # type: ignore[import-not-found]

    shop_events.started, shop_events.ended = started, ended
    session.look(lambda _url, _connection: None)  # the run is there, and waits
    run = session._current
    assert run is not None
    from pytest_stairway.walk.stepping import Command

    run._commands.put(Command(revision="a1", observed=False))
    assert started.wait(10)
    connect()
    ended.set()
    assert run._replies.get(timeout=10).error is None


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_a_server_is_started_and_asked_while_env_py_connects(lab: Lab, driver: str) -> None:
    """Administrative connections go straight through a driver, and are ours."""
    started = []

    def acquire(_contact: object) -> databases.Server:
        started.append(databases.choose("postgresql", named="embedded", driver=driver).start())
        return started[0]

    lab.write()
    environment = lab.environment()
    environment.sandbox = Sandbox(acquire)
    environment.guard._locate = environment.sandbox.locate
    try:
        environment.survey()
        assert len(environment.sandbox.databases) == 1
    finally:
        environment.sandbox.reset()
        started[0].close()


def test_two_revisions_of_the_usual_project_still_work(lab: Lab) -> None:
    lab.write(None, a1=AUTHOR, b2=BOOK)
    assert lab.walk() == WALKED
