"""Every way in which an env.py connects leads to the throwaway database."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from environment.lab import AUTHOR, WALKED, own_rows
from pytest_stairway.exceptions import ConnectionRefused

if TYPE_CHECKING:
    from environment.lab import Lab

ASYNC_ENV = """\
import asyncio
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    engine = create_async_engine({url!r})
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    {end}

asyncio.run(main())
"""

APP_ENV = """\
from alembic import context
from shop_db import engine

with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


def test_a_url_of_env_pys_own(lab: Lab) -> None:
    lab.write()
    assert lab.walk() == WALKED


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
def test_drivers(lab: Lab, driver: str) -> None:
    lab.write(lab.plain(driver=driver))
    assert lab.environment().probe().driver == driver
    assert lab.walk() == WALKED


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_an_async_engine(lab: Lab, driver: str) -> None:
    lab.write(ASYNC_ENV.format(url=lab.url(driver), end="await engine.dispose()"))
    assert lab.walk() == WALKED


def test_an_async_engine_on_sqlite(sqlite_lab: Lab) -> None:
    sqlite_lab.write(ASYNC_ENV.format(url=sqlite_lab.url("aiosqlite"), end="await engine.dispose()"))
    assert sqlite_lab.walk() == WALKED


def test_sqlite(sqlite_lab: Lab) -> None:
    sqlite_lab.write()
    assert sqlite_lab.walk() == WALKED


def test_sqlite_in_memory(sqlite_lab: Lab) -> None:
    sqlite_lab.write(sqlite_lab.plain().replace(sqlite_lab.url(), "sqlite://"))
    assert sqlite_lab.walk() == WALKED


def test_an_async_env_py_beside_a_running_event_loop(lab: Lab) -> None:
    lab.write(ASYNC_ENV.format(url=lab.url("asyncpg"), end="await engine.dispose()"))

    async def test() -> list[set[str]]:
        return lab.walk()

    assert asyncio.run(test()) == WALKED


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_an_async_engine_of_the_application_that_is_never_disposed_of(lab: Lab, driver: str) -> None:
    """Its pool keeps a connection of an event loop that is closed when env.py runs again."""
    lab.file(
        "shop_db.py",
        f"from sqlalchemy.ext.asyncio import create_async_engine\nengine = create_async_engine({lab.url(driver)!r})\n",
    )
    env = ASYNC_ENV.format(url="", end="pass").replace(
        "    engine = create_async_engine('')\n", "    from shop_db import engine\n"
    )
    lab.write(env)
    assert lab.walk() == WALKED
    lab.watcher.seen.clear()
    assert lab.walk() == WALKED


def test_an_engine_that_the_application_makes_at_import(lab: Lab) -> None:
    lab.file("shop_db.py", f"from sqlalchemy import create_engine\nengine = create_engine({lab.url()!r})\n")
    lab.write(APP_ENV)
    assert lab.walk() == WALKED


def test_an_engine_whose_pool_has_an_open_connection_from_before(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another test of the same run has used the application's engine."""
    lab.file("shop_db.py", f"from sqlalchemy import create_engine\nengine = create_engine({lab.url()!r})\n")
    lab.write(APP_ENV)
    monkeypatch.syspath_prepend(lab.folder)
    engine = importlib.import_module("shop_db").engine
    with engine.connect() as connection:
        own = connection.scalar(text("SELECT current_database()"))
    assert engine.pool.checkedin() == 1
    assert lab.walk() == WALKED
    with engine.connect() as connection:  # and the next test gets the application's own database again
        assert connection.scalar(text("SELECT current_database()")) == own
    engine.dispose()


def test_a_connection_that_the_application_never_closes_leads_home_afterwards(lab: Lab) -> None:
    lab.file(
        "shop_db.py",
        f"""
        from sqlalchemy import create_engine, text
        engine = create_engine({lab.url()!r})
        connection = None
        """,
    )
    head = "import shop_db, sqlalchemy\nshop_db.connection = shop_db.connection or shop_db.engine.connect()\n"
    lab.write(head + "shop_db.connection.scalar(sqlalchemy.text('SELECT 1'))\n" + APP_ENV)
    assert lab.walk() == WALKED
    import shop_db  # type: ignore[import-not-found]

    assert shop_db.connection.scalar(text("SELECT current_database()")) == lab.own.name
    shop_db.connection.close()
    shop_db.engine.dispose()


def test_other_threads_and_the_waiting_test_use_their_own_databases_between_two_steps(lab: Lab) -> None:
    lab.file("shop_db.py", f"from sqlalchemy import create_engine\nengine = create_engine({lab.url()!r})\n")
    lab.write(
        APP_ENV,
        a1=AUTHOR,
        b2=("from shop_db import engine\nwith engine.connect() as c: c.execute(sa.text('SELECT 1'))", "pass"),
    )
    session = lab.session()
    session.step("a1", upgrade=True)
    session.step("b2", upgrade=True)
    import shop_db

    with shop_db.engine.connect() as connection:  # its pool holds a throwaway connection, of the migration
        assert connection.scalar(text("SELECT current_database()")) == lab.own.name
    session.step("b2", upgrade=False)
    assert lab.watcher.seen[-1][1] >= {"author"}
    session.close()
    shop_db.engine.dispose()


def test_a_ready_connection_of_env_pys_own(lab: Lab) -> None:
    lab.write(
        f"""
        from alembic import context
        from sqlalchemy import create_engine, pool
        config = context.config
        if config.attributes.get("connection") is None:
            config.attributes["connection"] = create_engine({lab.url()!r}, poolclass=pool.NullPool).connect()
        with config.attributes["connection"] as connection:
            context.configure(connection=connection)
            with context.begin_transaction():
                context.run_migrations()
        """
    )
    assert lab.walk() == WALKED


def test_a_second_engine_of_the_same_url_in_a_migration_sees_the_same_database(lab: Lab) -> None:
    count = f"""
    engine = sa.create_engine({lab.url("psycopg2")!r}, poolclass=sa.NullPool)
    with engine.begin() as other:
        other.execute(sa.text("CREATE TABLE other (id int)"))
    """
    lab.write(None, a1=AUTHOR, b2=(count, "op.drop_table('other')"))
    assert lab.walk()[3:] == [{"author", "other"}, {"author"}, {"author", "other"}]


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "localhost:5432", "LOCALHOST"])
def test_one_place_written_in_several_ways_is_one_database(lab: Lab, address: str) -> None:
    migration = f"""
    with sa.create_engine("postgresql+psycopg://else@{address}/shop", poolclass=sa.NullPool).begin() as other:
        other.execute(sa.text("CREATE TABLE other (id int)"))
    """
    env = lab.plain().replace(lab.url(), "postgresql+psycopg2://app:secret@localhost/shop")
    lab.write(env, a1=(migration, "op.drop_table('other')"))
    assert lab.walk() == [{"other"}, set(), {"other"}]


def test_a_second_engine_of_another_address_gets_a_database_of_its_own(lab: Lab) -> None:
    migration = """
    with sa.create_engine("postgresql+psycopg://app:secret@elsewhere/warehouse", poolclass=sa.NullPool).begin() as other:
        other.execute(sa.text("CREATE TABLE IF NOT EXISTS stock (id int)"))
    """
    lab.write(None, a1=AUTHOR, b2=(migration, "pass"))
    environment = lab.environment()
    assert lab.walk(environment)[3:] == [{"author"}] * 3
    assert len(environment.sandbox.databases) == 2
    other = environment.sandbox.databases[1].url.replace("postgresql:", "postgresql+psycopg:")
    assert own_rows(other, "SELECT relname::text FROM pg_class WHERE relname = 'stock'") == [("stock",)]
    assert {environment.sandbox.name_of(url) for url, _tables in lab.watcher.seen} == {""}


def test_a_do_connect_listener_that_fetches_a_token_is_not_asked(lab: Lab) -> None:
    head = """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine
    """
    env = lab.plain(head).replace(
        "with engine.connect",
        "@event.listens_for(engine, 'do_connect')\n"
        "def token(dialect, record, cargs, cparams):\n"
        "    raise AssertionError('asked for a token')\n"
        "with engine.connect",
    )
    lab.write(env)
    assert lab.walk() == WALKED


def test_a_do_connect_listener_on_every_engine_that_connects_itself_is_refused(lab: Lab) -> None:
    """SQLAlchemy asks it before ours from the second run on; it goes past SQLAlchemy, to a driver."""
    lab.file(
        "shop_db.py",
        f"""
        import psycopg
        from sqlalchemy import create_engine, event
        from sqlalchemy.engine import Engine

        def connect(dialect, record, cargs, cparams):
            return psycopg.connect({lab.libpq!r})

        engine = create_engine("postgresql+psycopg://app@db.invalid/app")
        event.listen(Engine, "do_connect", connect)
        """,
    )
    lab.write(APP_ENV)
    try:
        with pytest.raises(ConnectionRefused, match=r"refused psycopg.connect\(\)"):
            lab.walk()
    finally:
        import shop_db
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        event.remove(Engine, "do_connect", shop_db.connect)


def test_connect_args_are_kept_but_for_where_and_as_whom(lab: Lab) -> None:
    arguments = {
        "options": "-csearch_path=shop,public -cstatement_timeout=54321",
        "application_name": "shop",
        "sslmode": "verify-full",
        "sslrootcert": "/nowhere/root.crt",
        "sslcert": "/nowhere/client.crt",
        "target_session_attrs": "read-only",
        "password": "secret",
        "hostaddr": "192.0.2.1",
        "channel_binding": "require",
        "require_auth": "none,scram-sha-256",
    }
    env = lab.plain().replace("poolclass", f"connect_args={arguments!r}, poolclass")
    lab.write(env)
    seen = []
    lab.watcher.look = lambda connection: seen.append(
        connection.exec_driver_sql(
            "SELECT current_setting('search_path'), current_setting('statement_timeout'), current_setting('application_name')"
        ).one()
    )
    assert lab.walk() == WALKED
    assert set(seen) == {("shop,public", "54321ms", "shop")}


def test_the_query_of_a_url_is_kept_likewise(lab: Lab) -> None:
    url = "postgresql+psycopg2://app:secret@db.invalid/app?sslmode=require&options=-csearch_path%3Dshop,public&connect_timeout=3"
    lab.write(lab.plain().replace(lab.url(), url))
    seen = []
    lab.watcher.look = lambda connection: seen.append(connection.exec_driver_sql("SHOW search_path").scalar())
    assert lab.walk() == WALKED
    assert set(seen) == {"shop,public"}


def test_asyncpgs_settings_and_encryption(lab: Lab) -> None:
    env = ASYNC_ENV.format(
        url="postgresql+asyncpg://app:secret@db.invalid/app?ssl=require", end="await engine.dispose()"
    )
    env = env.replace(
        "app?ssl=require')",
        "app?ssl=require', connect_args={'server_settings': {'search_path': 'shop,public'}, 'ssl': True, 'timeout': 9})",
    )
    lab.write(env)
    seen = []
    lab.watcher.look = lambda connection: seen.append(connection.exec_driver_sql("SHOW search_path").scalar())
    assert lab.walk() == WALKED
    assert set(seen) == {"shop,public"}


def test_sqlites_connect_args_are_kept(sqlite_lab: Lab) -> None:
    lab = sqlite_lab
    url = f"sqlite:///file:{lab.own_file}?uri=true&mode=rw"
    lab.write(
        lab.plain()
        .replace(lab.url(), url)
        .replace("poolclass", "connect_args={'isolation_level': 'IMMEDIATE'}, poolclass")
    )
    seen = []
    lab.watcher.look = lambda connection: seen.append(connection.connection.dbapi_connection.isolation_level)
    assert lab.walk() == WALKED
    assert set(seen) == {"IMMEDIATE"}


def test_nothing_of_the_guard_is_left_behind(lab: Lab) -> None:
    import psycopg
    import psycopg2
    from sqlalchemy import pool
    from sqlalchemy.engine import Engine

    before = [psycopg.Connection.__mro__[1].__dict__["_connect_gen"], psycopg2._connect]
    lab.write()
    lab.walk()
    assert [psycopg.Connection.__mro__[1].__dict__["_connect_gen"], psycopg2._connect] == before
    for target, name in (
        (Engine, "before_cursor_execute"),
        (Engine, "engine_connect"),
        (pool.Pool, "checkout"),
        (pool.Pool, "connect"),
    ):
        assert not [fn for fn in getattr(target.dispatch, name)._clslevel.get(target, ()) if "stairway" in str(fn)]
    with create_engine(lab.url(), poolclass=pool.NullPool).connect() as connection:
        assert connection.scalar(text("SELECT current_database()")) == lab.own.name
