"""Every driver reaches a throwaway database by its socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from pytest_stairway import databases
from pytest_stairway.databases.drivers import usable_driver

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sqlalchemy.engine import Dialect

    from pytest_stairway.databases import Database
    from pytest_stairway.databases.postgresql import PostgresqlServer

DRIVERS = ("psycopg", "psycopg2", "pg8000", "asyncpg")


def rewrite(database: Database) -> Callable[[Dialect, Any, list[Any], dict[str, Any]], None]:
    """Return the listener that the guard around `env.py` uses, in short."""

    def redirect(dialect: Dialect, _record: Any, arguments: list[Any], parameters: dict[str, Any]) -> None:
        arguments[:], new = databases.connect_arguments(dialect, database.url)
        parameters.clear()
        parameters.update(new)

    return redirect


async def _asynchronously(engine: Any, query: str) -> Any:
    async with engine.connect() as connection:
        found = (await connection.execute(sa.text(query))).scalar()
    await engine.dispose()
    return found


def redirected(database: Database, own_url: str, query: str) -> Any:
    """Return what a query finds on an engine of the project's own URL, redirected."""
    if own_url.partition(":")[0].endswith(("asyncpg", "aiosqlite", "psycopg_async", "asyncmy", "aiomysql")):
        engine = create_async_engine(own_url)
        sa.event.listen(engine.sync_engine, "do_connect", rewrite(database))
        return asyncio.run(_asynchronously(engine, query))
    engine = sa.create_engine(own_url)
    sa.event.listen(engine, "do_connect", rewrite(database))
    with engine.connect() as connection:
        found = connection.execute(sa.text(query)).scalar()
    engine.dispose()
    return found


@pytest.mark.parametrize("driver", [*DRIVERS, "psycopg_async"])
def test_a_projects_own_connection_ends_up_in_the_throwaway_database(
    private_server: PostgresqlServer, driver: str
) -> None:
    pytest.importorskip(driver.removesuffix("_async"))
    database = private_server.create(driver)
    own = f"postgresql+{driver}://me:hush@production.example/app"
    assert redirected(database, own, "SELECT current_database()") == database.name


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_the_url_itself_serves_the_drivers_that_read_it_as_it_is(private_server: PostgresqlServer, driver: str) -> None:
    pytest.importorskip(driver)
    database = private_server.create()
    engine = sa.create_engine(sa.make_url(database.url).set(drivername=f"postgresql+{driver}"))
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT current_database()")) == database.name
    engine.dispose()


@pytest.mark.parametrize("driver", ["pysqlite", "aiosqlite"])
def test_a_projects_own_sqlite_connection_is_redirected(driver: str) -> None:
    pytest.importorskip(driver.replace("pysqlite", "sqlite3"))
    with databases.choose("sqlite", named=None).start() as server:
        database = server.create()
        file = redirected(database, f"sqlite+{driver}://", "SELECT file FROM pragma_database_list")
        assert file.endswith(f"{database.name}.db")


@pytest.mark.parametrize("driver", DRIVERS)
def test_administration_works_with_the_projects_own_driver(private_server: PostgresqlServer, driver: str) -> None:
    pytest.importorskip(driver)
    address = private_server.address.replace(private_server._administrator.driver, driver)
    with databases.join(address) as joined:
        assert joined._administrator.driver == driver  # type: ignore[attr-defined]
        first = joined.create("first")
        joined.seal(first)
        second = joined.clone(first)
        assert redirected(second, f"postgresql+{driver}:///", "SELECT current_database()") == second.name
        joined.drop(first)


@pytest.mark.parametrize("driver", DRIVERS)
def test_administration_works_inside_a_running_event_loop(private_server: PostgresqlServer, driver: str) -> None:
    pytest.importorskip(driver)

    async def inside() -> str:
        with databases.join(private_server.address.replace(private_server._administrator.driver, driver)) as joined:
            return joined.create().name

    assert asyncio.run(inside()).startswith("stairway_")


def test_administration_is_not_redirected_by_the_guard(private_server: PostgresqlServer) -> None:
    """The guard listens on the class, so it sees every engine of the process."""
    seen = []

    def listen(*arguments: Any) -> None:
        seen.append(arguments)

    sa.event.listen(sa.Engine, "do_connect", listen)
    try:
        with databases.join(private_server.address) as joined:
            joined.create()
    finally:
        sa.event.remove(sa.Engine, "do_connect", listen)
    assert not seen


def test_a_driver_that_is_none_gives_way_to_one_that_is_installed() -> None:
    assert usable_driver("psycopg2") == "psycopg2"
    assert usable_driver("psycopg_async") == "psycopg"
    assert usable_driver("nonsense") in DRIVERS
    assert usable_driver(None) in DRIVERS


@pytest.mark.parametrize(
    ("driver", "query", "found"),
    [
        ("asyncpg", "sslmode=require", {"ssl": "require"}),
        ("psycopg", "ssl=require", {"sslmode": "require"}),
        ("psycopg2", "sslmode=require", {"sslmode": "require"}),
        ("pg8000", "sslmode=require", {"ssl_context": True}),
        ("pg8000", "sslmode=disable", {"ssl_context": False}),
    ],
)
def test_encryption_is_said_in_the_drivers_own_words(driver: str, query: str, found: dict[str, Any]) -> None:
    dialect = sa.make_url(f"postgresql+{driver}://").get_dialect()()
    parameters = databases.connect_arguments(dialect, f"postgresql://u@h/d?{query}")[1]
    assert found.items() <= parameters.items()
    assert not {"ssl", "sslmode"} & (set(parameters) - set(found))


def test_only_sqlite_is_told_to_hurry() -> None:
    assert databases.on_connect_statements("sqlite") == ("PRAGMA synchronous=OFF",)
    assert databases.on_connect_statements("postgresql") == ()
