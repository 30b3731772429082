"""The ways to get a throwaway database; the one table that a new provider is added to.

Each way imports what only it needs: most runs take the first that serves them.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway.databases.binaries import WELL_KNOWN, Installation, embedded, newest, on_this_machine, within
from pytest_stairway.databases.drivers import usable_driver
from pytest_stairway.databases.extensions import lacking
from pytest_stairway.databases.janitor import server_account
from pytest_stairway.databases.private import PrivateProvider
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_stairway.databases.base import Provider
    from pytest_stairway.databases.cache import Cache

__all__ = ["MYSQL", "WAYS", "LacksExtensions", "NotThere", "Way", "Wish", "ways_for"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for."""

    dialect: str
    why: str
    driver: str | None = None
    major: int | None = None
    rest: str = ""
    """What follows the name: a folder, an image, a URL."""
    cache: Cache | None = None
    extensions: tuple[str, ...] = ()
    """What the server must be able to create."""


class NotThere(DatabaseUnavailable):
    """What a way needs is missing, so its remedy is to get it; other reasons say themselves what to do."""


class LacksExtensions(DatabaseUnavailable):
    """A server would do, had it the extensions that migrations create."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to get a database."""

    name: str
    dialects: tuple[str, ...]
    find: Callable[[Wish], Provider]
    """Return the provider, or raise `DatabaseUnavailable` with the reason alone."""
    detail: str
    """What it is, where it works."""
    remedy: str = ""
    """How to get what it needs."""
    takes: str = ""
    """What may follow its name after a colon."""


def _embedded(wish: Wish) -> Provider:
    found = embedded()
    if not found:
        msg = "no wheel that carries PostgreSQL is installed"
        raise NotThere(msg)
    return _private("embedded", found, wish)


def _binaries(wish: Wish) -> Provider:
    found = within(Path(wish.rest).expanduser()) if wish.rest else on_this_machine()
    if not found:
        where = wish.rest or f"PATH or in {', '.join(WELL_KNOWN[:2])} and the like"
        msg = f"no initdb and postgres {'in' if wish.rest else 'on'} {where}"
        raise NotThere(msg)
    return _private("binaries", found, wish)


def _private(name: str, found: Sequence[Installation], wish: Wish) -> Provider:
    server_account()
    usable_driver(wish.driver)
    installation, version = newest(found, wish.major)
    if lacks := lacking(installation.bin, wish.extensions):
        msg = f"it has no {_extensions(lacks)}"
        raise LacksExtensions(msg)
    return PrivateProvider(
        name=name,
        why=wish.why,
        installation=installation,
        version=version,
        driver=wish.driver,
        cache=wish.cache,
    )


def _mysql_binaries(wish: Wish) -> Provider:
    from pytest_stairway.databases import mysql_binaries
    from pytest_stairway.databases.mysql_private import MysqlPrivateProvider

    found = mysql_binaries.within(Path(wish.rest).expanduser()) if wish.rest else mysql_binaries.on_this_machine()
    if not found:
        where = (
            f"in {wish.rest}" if wish.rest else f"on PATH or in {', '.join(mysql_binaries.WELL_KNOWN[:3])} and the like"
        )
        msg = f"no mariadbd and no mysqld {where}"
        raise NotThere(msg)
    usable_driver(wish.driver, dialect=wish.dialect)
    installation, version = mysql_binaries.newest(found, wish.dialect, wish.major)
    return MysqlPrivateProvider(
        why=wish.why,
        installation=installation,
        version=version,
        dialect=wish.dialect,
        driver=wish.driver,
        cache=wish.cache,
    )


def _container(wish: Wish) -> Provider:
    from pytest_stairway.databases.containers import ContainerProvider

    _require_containers()
    usable_driver(wish.driver, dialect=wish.dialect)
    return ContainerProvider(dialect=wish.dialect, image=wish.rest, why=wish.why, driver=wish.driver, major=wish.major)


def _other_container(wish: Wish) -> Provider:
    from pytest_stairway.databases.other_containers import OtherContainerProvider

    _require_containers()
    usable_driver(wish.driver, dialect=wish.dialect)
    return OtherContainerProvider(
        dialect=wish.dialect, image=wish.rest, why=wish.why, driver=wish.driver, major=wish.major
    )


def _require_containers() -> None:
    from pytest_stairway.databases.engine import answering_engine

    try:
        answering_engine()
    except DatabaseUnavailable as err:
        raise NotThere(str(err)) from err
    if find_spec("testcontainers") is None:
        msg = "testcontainers is not installed"
        raise NotThere(msg)


def _server(wish: Wish) -> Provider:
    from pytest_stairway.databases.server import ServerProvider

    if not wish.rest:
        msg = "none was named"
        raise NotThere(msg)
    return ServerProvider(url=wish.rest, why=wish.why, driver=wish.driver, major=wish.major, cache=wish.cache)


def _mysql_server(wish: Wish) -> Provider:
    from pytest_stairway.databases.mysql_server import MysqlServerProvider

    if not wish.rest:
        msg = "none was named"
        raise NotThere(msg)
    return MysqlServerProvider(url=wish.rest, why=wish.why, dialect=wish.dialect, driver=wish.driver, major=wish.major)


def _sqlite(wish: Wish) -> Provider:
    from pytest_stairway.databases.sqlite import SqliteProvider

    return SqliteProvider(why=wish.why, folder=Path(wish.rest) if wish.rest else None, cache=wish.cache)


MYSQL = ("mysql", "mariadb")
OTHERS = ("mssql", "oracle", "cockroachdb")
"""Those of `other.KINDS`."""
WAYS = (
    Way(name="sqlite", dialects=("sqlite",), find=_sqlite, detail="files"),
    Way(
        name="embedded",
        dialects=("postgresql",),
        find=_embedded,
        detail="a server from a wheel",
        remedy="python -m pip install 'pytest-stairway[embedded]'",
    ),
    Way(
        name="binaries",
        dialects=("postgresql",),
        find=_binaries,
        detail="a server from this machine's programs",
        remedy="apt-get install postgresql (or your system's like), or --stairway-database binaries:DIR",
        takes="DIR",
    ),
    Way(
        name="binaries",
        dialects=MYSQL,
        find=_mysql_binaries,
        detail="a server from this machine's programs",
        remedy="apt-get install mariadb-server (or your system's like), or --stairway-database binaries:DIR",
        takes="DIR",
    ),
    Way(
        name="container",
        dialects=("postgresql", *MYSQL),
        find=_container,
        detail="a server in a container",
        remedy="start Docker (DOCKER_HOST says where it is), and python -m pip install 'pytest-stairway[container]'",
        takes="IMAGE",
    ),
    Way(
        name="container",
        dialects=OTHERS,
        find=_other_container,
        detail="a server in a container",
        remedy="start Docker (DOCKER_HOST says where it is), and python -m pip install 'pytest-stairway[container]'",
        takes="IMAGE",
    ),
    Way(
        name="server",
        dialects=("postgresql",),
        find=_server,
        detail="a server of yours",
        remedy="--stairway-database postgresql://USER@HOST/postgres",
    ),
    Way(
        name="server",
        dialects=MYSQL,
        find=_mysql_server,
        detail="a server of yours",
        remedy="--stairway-database mysql://USER@HOST",
    ),
)
"""In the order in which they are tried; a name that serves several dialects may stand here several times."""


def ways_for(dialect: str) -> list[Way]:
    """Return the ways that serve a dialect, in the order in which they are tried."""
    return [way for way in WAYS if dialect in way.dialects]


def _extensions(names: Sequence[str]) -> str:
    return f"extension{'s' if len(names) > 1 else ''} {', '.join(names)}"
