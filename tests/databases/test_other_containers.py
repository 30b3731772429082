"""SQL Server, Oracle and CockroachDB: their images are out of reach here, so what is tried is all but their servers."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from pytest_stairway import databases
from pytest_stairway.databases import drivers, other
from pytest_stairway.databases.base import new_session
from pytest_stairway.databases.container_sessions import labels_of
from pytest_stairway.databases.drivers import Administrator
from pytest_stairway.databases.engine import answering_engine
from pytest_stairway.databases.other import KINDS, Kind, OtherServer
from pytest_stairway.databases.other_containers import OtherContainerProvider, container_class
from pytest_stairway.databases.running import Endings, Tenancy
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.databases.postgresql import PostgresqlServer

DIALECTS = sorted(KINDS)
DRIVERS = {"mssql": "pymssql", "oracle": "oracledb", "cockroachdb": "sqlalchemy_cockroachdb"}
IMAGES = {
    "mssql": "mcr.microsoft.com/mssql/server:2022-latest",
    "oracle": "gvenzl/oracle-free:23-slim",
    "cockroachdb": "cockroachdb/cockroach:latest-v24.1",
}
VARIABLES = {
    "mssql": {"SA_PASSWORD": "Pass_1", "ACCEPT_EULA": "Y", "SQLSERVER_USER": "SA"},
    "oracle": {"ORACLE_PASSWORD": "Pass_1"},
    "cockroachdb": {"COCKROACH_PASSWORD": "Pass_1", "COCKROACH_USER": "stairway", "COCKROACH_DATABASE": "stairway"},
}


@pytest.fixture
def engine() -> str:
    """An engine; where there is none, CI fails, and a developer is told what is not tested."""
    try:
        return answering_engine()
    except DatabaseUnavailable as err:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{err}: run .ci/containers")


@pytest.fixture
def driven(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every driver, as far as the choice is concerned."""
    monkeypatch.setattr(drivers, "_is_usable", lambda _backend, _driver: True)


@pytest.mark.usefixtures("engine", "driven")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_container_is_the_way(dialect: str) -> None:
    provider = databases.choose(dialect, named=None)
    assert (provider.name, provider.why) == ("container", f"the first that works for {dialect}")
    named = databases.choose(dialect, named="container")
    assert isinstance(named, OtherContainerProvider)
    assert named.chosen_image == IMAGES[dialect]
    mine = databases.choose(dialect, named="container:registry.example/mine:7")
    assert isinstance(mine, OtherContainerProvider)
    assert mine.chosen_image == "registry.example/mine:7"


@pytest.mark.usefixtures("engine", "driven")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_doctor_tells_what_would_be_started(dialect: str) -> None:
    (line,) = databases.survey(dialect)
    assert (line.name, line.available) == ("container", True)
    assert line.detail == f"{KINDS[dialect].product} in a container of the image {IMAGES[dialect]}"


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_without_a_driver_the_message_says_which_to_install(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers, "_is_usable", lambda _backend, _driver: False)
    with pytest.raises(DatabaseUnavailable, match=f"no driver for {KINDS[dialect].product} is installed .*pip install"):
        databases.choose(dialect, named=None)
    (line,) = databases.survey(dialect)
    assert not line.available
    assert "pip install" in line.detail


@pytest.mark.parametrize("dialect", DIALECTS)
def test_without_an_engine_the_message_says_what_to_do(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    with pytest.raises(DatabaseUnavailable, match="start Docker"):
        databases.choose(dialect, named=None)


def test_a_server_by_url_is_not_served_and_the_message_says_what_is(engine: str) -> None:
    del engine
    with pytest.raises(DatabaseUnavailable, match="servers of mssql are not served yet"):
        databases.choose("mssql", named="mssql://sa@host/x")


@pytest.mark.usefixtures("engine", "driven")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_image_that_is_not_to_be_had_is_told(dialect: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="cannot run stairway/nothing:of-this-name"):
        databases.choose(dialect, named="container:stairway/nothing:of-this-name").start()


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_testcontainers_own_class_gets_the_right_settings(dialect: str) -> None:
    """The container runs another program than the image that it is made for, and ends; its settings are seen."""
    from testcontainers.core.container import DockerContainer

    provider = OtherContainerProvider(dialect=dialect, why="", image="stairway/postgres:test")
    container = provider.container("Pass_1")
    assert type(container) is container_class(dialect)
    container.with_kwargs(labels=labels_of(new_session()))
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("testcontainers.core.config.testcontainers_config.ryuk_disabled", True, raising=False)
            DockerContainer.start(container)  # without waiting for what will never be ready
        settings = container.get_wrapped_container().attrs["Config"]
        found = dict(each.split("=", 1) for each in settings["Env"])
        assert VARIABLES[dialect].items() <= found.items()
        assert any(str(port).split("/")[0] in {"1433", "1521", "26257"} for port in settings["ExposedPorts"])
    finally:
        container.stop()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_addresses_are_what_the_dialect_understands(dialect: str) -> None:
    pytest.importorskip(DRIVERS[dialect])
    url = make_url(f"{dialect}://admin:Pass_1@127.0.0.1:7/stairway_x")
    kind = url.set(drivername=f"{dialect}+{drivers.usable_driver(dialect=dialect)}").get_dialect()
    connect = kind(dbapi=kind.import_dbapi())  # type: ignore[call-arg]
    _, parameters = databases.connect_arguments(connect, url.render_as_string(hide_password=False))
    assert "Pass_1" in str(parameters)


# -- the server, tried on PostgreSQL ------------------------------------------------------------------------------------


@pytest.fixture
def server(private_server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[OtherServer]:
    kind = Kind(
        product="Something",
        version="SELECT version()",
        create=('CREATE DATABASE "{name}"',),
        drop=('DROP DATABASE IF EXISTS "{name}"',),
        client="client {name}",
    )
    monkeypatch.setitem(other.KINDS, "postgresql", kind)
    administrator = Administrator(private_server._administrator.url, "psycopg")
    tenancy = Tenancy(provider="container", place="somewhere", session=new_session(), private=True, container="box")
    with OtherServer(administrator, tenancy, dialect="postgresql", endings=Endings()) as server:
        yield server


def there(server: PostgresqlServer) -> set[str]:
    return {name for (name,) in server._administrator.rows("SELECT datname::text FROM pg_database")}


def test_it_makes_and_drops_databases(server: OtherServer, private_server: PostgresqlServer) -> None:
    assert server.description.startswith("Something 1")
    database = server.create("one")
    engine = create_engine(make_url(database.url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE author (id int)"))
    engine.dispose()
    assert shlex.split(database.client_command) == [
        *("docker", "exec", "-it", "box", "bash", "-c"),
        f"client {database.name}",
    ]
    server.drop(database)
    assert database.name not in there(private_server)


def test_another_process_joins_it_and_leaves_with_its_own(
    server: OtherServer, private_server: PostgresqlServer
) -> None:
    import json

    with other.join(json.loads(server.address), worker="gw1") as joined:
        database = joined.create()
        assert "_gw1_" in database.name
    assert database.name not in there(private_server)


def test_what_would_need_a_copy_is_refused(server: OtherServer) -> None:
    database = server.create()
    for attempt in (server.clone, server.retain, lambda each: server.template("key", lambda _: None)):
        with pytest.raises(DatabaseUnavailable, match="databases of Something are not copied here"):
            attempt(database)
    assert server.kept(["key"]) is None
    server.drop(database)
