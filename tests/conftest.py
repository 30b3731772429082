"""Servers for the whole run."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import mysql_image
from pytest_stairway import databases
from pytest_stairway.databases import mysql_binaries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.databases import Server
    from pytest_stairway.databases.mysql_binaries import MysqlInstallation


@pytest.fixture(autouse=True, scope="session")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep away from the developer's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STAIRWAY_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """One embedded server, started when first wanted."""
    with databases.choose("postgresql", named="embedded", driver="psycopg").start() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_programs() -> MysqlInstallation:
    """MariaDB's server programs, which no wheel carries."""
    found = mysql_binaries.on_this_machine()
    if not found:
        told = pytest.fail if os.environ.get("CI") else pytest.skip
        told("these tests need MariaDB's server programs, and .ci/mariadb installs them")
    return mysql_binaries.newest(found, "mariadb")[0]


@pytest.fixture(scope="session")
def mariadb_server(mariadb_programs: MysqlInstallation) -> Iterator[Server]:
    """One MariaDB server, started when first wanted."""
    named = f"binaries:{mariadb_programs.server.parent}"
    with databases.choose("mysql", named=named, driver="pymysql").start() as server:
        yield server


@pytest.fixture(scope="session")
def mysql_programs() -> Iterator[MysqlInstallation]:
    """MySQL's own server programs, which few systems have packages of."""
    installed = mysql_image.on_this_system()
    if installed is not None:
        yield installed
        return
    if not mysql_image.is_there():
        told = pytest.fail if os.environ.get("CI") else pytest.skip
        told(f"these tests need MySQL's server programs, or the image {mysql_image.IMAGE}: run .ci/containers")
    folder = Path(tempfile.mkdtemp(prefix="mysql", dir="/tmp"))
    folder.chmod(0o755)
    yield mysql_image.unpack(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def mysql_server(mysql_programs: MysqlInstallation) -> Iterator[Server]:
    """One server of MySQL itself, started when first wanted."""
    named = f"binaries:{mysql_programs.server.parent}"
    with databases.choose("mysql", named=named, driver="pymysql").start() as server:
        yield server


@pytest.fixture(scope="session", params=["mariadb", "mysql"])
def either_server(request: pytest.FixtureRequest) -> Server:
    """A server of MariaDB, then one of MySQL."""
    return request.getfixturevalue(f"{request.param}_server")  # type: ignore[no-any-return]
