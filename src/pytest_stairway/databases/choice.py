"""Which provider serves which dialect; the one table that a new provider is added to."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_stairway.databases import mysql, mysql_binaries, postgresql, sqlite
from pytest_stairway.databases.base import NOT_USED, Availability
from pytest_stairway.databases.binaries import WELL_KNOWN, Installation, embedded, newest, on_this_machine, within
from pytest_stairway.databases.containers import ContainerProvider
from pytest_stairway.databases.drivers import usable_driver
from pytest_stairway.databases.engine import answering_engine
from pytest_stairway.databases.extensions import lacking
from pytest_stairway.databases.janitor import server_account
from pytest_stairway.databases.mysql_private import MysqlPrivateProvider
from pytest_stairway.databases.mysql_server import MysqlServerProvider
from pytest_stairway.databases.private import PrivateProvider
from pytest_stairway.databases.server import ServerProvider
from pytest_stairway.databases.sqlite import SqliteProvider
from pytest_stairway.exceptions import DatabaseUnavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pytest_stairway.databases.base import Provider, Server
    from pytest_stairway.databases.cache import Cache

__all__ = ["choose", "join", "survey"]

_NAMED = "named by --stairway-database"
_NAMES = "embedded, binaries[:DIR], container[:IMAGE], sqlite, or the URL of a server"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
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


class _NotThere(DatabaseUnavailable):
    """What a way needs is missing, so its remedy is to get it; other reasons say themselves what to do."""


class _LacksExtensions(DatabaseUnavailable):
    """A server would do, had it the extensions that migrations create."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """One way to get a database."""

    name: str
    dialects: tuple[str, ...]
    find: Callable[[_Wish], Provider]
    """Return the provider, or raise `DatabaseUnavailable` with the reason alone."""
    detail: str
    """What it is, where it works."""
    remedy: str = ""
    """How to get what it needs."""
    takes: str = ""
    """What may follow its name after a colon."""


def _embedded(wish: _Wish) -> Provider:
    found = embedded()
    if not found:
        msg = "no wheel that carries PostgreSQL is installed"
        raise _NotThere(msg)
    return _private("embedded", found, wish)


def _binaries(wish: _Wish) -> Provider:
    found = within(Path(wish.rest).expanduser()) if wish.rest else on_this_machine()
    if not found:
        where = wish.rest or f"PATH or in {', '.join(WELL_KNOWN[:2])} and the like"
        msg = f"no initdb and postgres {'in' if wish.rest else 'on'} {where}"
        raise _NotThere(msg)
    return _private("binaries", found, wish)


def _private(name: str, found: Sequence[Installation], wish: _Wish) -> Provider:
    server_account()
    usable_driver(wish.driver)
    installation, version = newest(found, wish.major)
    if lacks := lacking(installation.bin, wish.extensions):
        msg = f"it has no {_extensions(lacks)}"
        raise _LacksExtensions(msg)
    return PrivateProvider(
        name=name,
        why=wish.why,
        installation=installation,
        version=version,
        driver=wish.driver,
        cache=wish.cache,
    )


def _mysql_binaries(wish: _Wish) -> Provider:
    found = mysql_binaries.within(Path(wish.rest).expanduser()) if wish.rest else mysql_binaries.on_this_machine()
    if not found:
        where = (
            f"in {wish.rest}" if wish.rest else f"on PATH or in {', '.join(mysql_binaries.WELL_KNOWN[:3])} and the like"
        )
        msg = f"no mariadbd and no mysqld {where}"
        raise _NotThere(msg)
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


def _container(wish: _Wish) -> Provider:
    try:
        answering_engine()
    except DatabaseUnavailable as err:
        raise _NotThere(str(err)) from err
    if find_spec("testcontainers") is None:
        msg = "testcontainers is not installed"
        raise _NotThere(msg)
    usable_driver(wish.driver, dialect=wish.dialect)
    return ContainerProvider(dialect=wish.dialect, image=wish.rest, why=wish.why, driver=wish.driver, major=wish.major)


def _server(wish: _Wish) -> Provider:
    if not wish.rest:
        msg = "none was named"
        raise _NotThere(msg)
    return ServerProvider(url=wish.rest, why=wish.why, driver=wish.driver, major=wish.major, cache=wish.cache)


def _mysql_server(wish: _Wish) -> Provider:
    if not wish.rest:
        msg = "none was named"
        raise _NotThere(msg)
    return MysqlServerProvider(url=wish.rest, why=wish.why, dialect=wish.dialect, driver=wish.driver, major=wish.major)


def _sqlite(wish: _Wish) -> Provider:
    return SqliteProvider(why=wish.why, folder=Path(wish.rest) if wish.rest else None, cache=wish.cache)


_MYSQL = ("mysql", "mariadb")
_WAYS = (
    _Way(name="sqlite", dialects=("sqlite",), find=_sqlite, detail="files"),
    _Way(
        name="embedded",
        dialects=("postgresql",),
        find=_embedded,
        detail="a server from a wheel",
        remedy="python -m pip install 'pytest-stairway[embedded]'",
    ),
    _Way(
        name="binaries",
        dialects=("postgresql",),
        find=_binaries,
        detail="a server from this machine's programs",
        remedy="apt-get install postgresql (or your system's like), or --stairway-database binaries:DIR",
        takes="DIR",
    ),
    _Way(
        name="binaries",
        dialects=_MYSQL,
        find=_mysql_binaries,
        detail="a server from this machine's programs",
        remedy="apt-get install mariadb-server (or your system's like), or --stairway-database binaries:DIR",
        takes="DIR",
    ),
    _Way(
        name="container",
        dialects=("postgresql", *_MYSQL),
        find=_container,
        detail="a server in a container",
        remedy="start Docker (DOCKER_HOST says where it is), and python -m pip install 'pytest-stairway[container]'",
        takes="IMAGE",
    ),
    _Way(
        name="server",
        dialects=("postgresql",),
        find=_server,
        detail="a server of yours",
        remedy="--stairway-database postgresql://USER@HOST/postgres",
    ),
    _Way(
        name="server",
        dialects=_MYSQL,
        find=_mysql_server,
        detail="a server of yours",
        remedy="--stairway-database mysql://USER@HOST",
    ),
)
"""In the order in which they are tried; a name that serves several dialects may stand here several times."""


def choose(
    dialect: str,
    *,
    named: str | None,
    driver: str | None = None,
    major: int | None = None,
    cache: Cache | None = None,
    extensions: Sequence[str] = (),
) -> Provider:
    """Return the provider that serves a dialect: the named one, never another, else the first that works.

    The first that has all extensions comes before one that has not; where none has, the migrations will say so.

    Args:
        dialect: SQLAlchemy's name of what the project's `env.py` connects to.
        named: what the user wrote: ``embedded``, ``binaries[:DIR]``, ``container[:IMAGE]``, ``sqlite``, or a URL.
        driver: the project's own, for administrative statements.
        major: the only major version of the server that will do.
        cache: what is kept for later runs; None keeps no templates.
        extensions: what migrations create, where PostgreSQL is meant.

    Raises:
        DatabaseUnavailable: none works; the message lists each way, why it did not work, and what mends it.
        UsageError: the name is none, or cannot serve this dialect.
    """
    if named is not None:
        return _named(dialect, named, _Wish(dialect=dialect, why=_NAMED, driver=driver, major=major, cache=cache))
    why = f"the first that works for {dialect}"
    wish = _Wish(dialect=dialect, why=why, driver=driver, major=major, cache=cache)
    found, failed = _look(replace(wish, extensions=tuple(extensions)))
    if not found and any(isinstance(err, _LacksExtensions) for _, err in failed):
        found, failed = _look(wish)
    elif passed_over := _passed_over(found, failed):
        found, failed = _look(replace(wish, extensions=tuple(extensions), why="; ".join([why, *passed_over])))
    if not found:
        raise DatabaseUnavailable(_message(dialect, failed))
    return _FirstThatWorks(dialect, tuple(found), tuple(failed))


def _look(wish: _Wish) -> tuple[list[Provider], list[tuple[str, DatabaseUnavailable]]]:
    """Find what works for a dialect, and why the others do not."""
    found: list[Provider] = []
    failed: list[tuple[str, DatabaseUnavailable]] = []
    for way in _ways(wish.dialect):
        try:
            found.append(way.find(wish))
        except DatabaseUnavailable as err:
            failed.append((way.name, err))
    return found, failed


def _passed_over(found: Sequence[Provider], failed: Sequence[tuple[str, DatabaseUnavailable]]) -> list[str]:
    """Say which ways would come before the first that works, had they the extensions."""
    names = [way.name for way in _WAYS]
    first = names.index(found[0].name) if found else 0
    return [f"{name}: {err}" for name, err in failed if isinstance(err, _LacksExtensions) and names.index(name) < first]


def _extensions(names: Sequence[str]) -> str:
    return f"extension{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _named(dialect: str, named: str, wish: _Wish) -> Provider:
    name, rest = _by_url(named) if "://" in named else _by_word(named)
    serves = tuple(each for way in _WAYS if way.name == name for each in way.dialects) or (name,)
    if dialect not in serves:
        msg = f"--stairway-database names {name}, which serves {' and '.join(serves)}; env.py connects to {dialect}"
        raise UsageError(msg)
    way = next((way for way in _ways(dialect) if way.name == name), None)
    try:
        if way is None:
            msg = f"servers of {dialect} are not served yet; use {_NAMES}"
            raise DatabaseUnavailable(msg)
        provider = way.find(replace(wish, rest=rest))
    except DatabaseUnavailable as err:
        raise DatabaseUnavailable(_message(dialect, ((name, err),), named=True)) from err
    return _NamedServer(dialect, provider) if name == "server" else provider


def _ways(dialect: str) -> list[_Way]:
    return [way for way in _WAYS if dialect in way.dialects]


def _by_word(named: str) -> tuple[str, str]:
    """Return the way that a word names, and what follows the word."""
    name, colon, rest = named.partition(":")
    way = next((way for way in _WAYS if way.name == name), None)
    if way is None or name == "server":
        msg = f"--stairway-database {name}: there is no such way to get a database; use {_NAMES}"
        raise UsageError(msg)
    if colon and not (way.takes and rest):
        msg = f"--stairway-database {name}: takes {f'{way.takes} after the colon' if way.takes else 'nothing more'}"
        raise UsageError(msg)
    return name, rest


def _by_url(named: str) -> tuple[str, str]:
    """Return the way that a URL names, and what it needs to know; another backend's name as it is.

    A URL of SQLite names a folder to put files in: a file that is there already is somebody's.
    """
    from sqlalchemy.engine import make_url  # not at pytest's start
    from sqlalchemy.exc import ArgumentError

    named = re.sub("^postgres(?=[+:])", "postgresql", named)  # libpq's short form
    try:
        url = make_url(named)
    except (ArgumentError, ValueError):
        msg = "--stairway-database: the URL cannot be read; its form is postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        raise UsageError(msg) from None  # the original repeats the password
    backend = url.get_backend_name()
    if backend in {"postgresql", *_MYSQL}:
        return "server", named
    if backend != "sqlite":
        return backend, named
    if not url.database or not Path(url.database).is_dir():
        msg = (
            f"--stairway-database {named}: not a folder. No file that is there already is ever used; "
            "say sqlite, or sqlite:///FOLDER for where the files go"
        )
        raise UsageError(msg)
    return "sqlite", str(Path(url.database).absolute())


class _NamedServer:
    """A server that was named: whether it can be reached shows only at the start, and nothing else is tried."""

    def __init__(self, dialect: str, provider: Provider) -> None:
        self._dialect = dialect
        self._provider = provider
        self.name = provider.name
        self.why = provider.why

    def start(self) -> Server:
        """Connect to it."""
        try:
            return self._provider.start()
        except DatabaseUnavailable as err:
            raise DatabaseUnavailable(_message(self._dialect, ((self.name, err),), named=True)) from err


class _FirstThatWorks:
    """Providers that looked well; the first whose server starts is it."""

    def __init__(
        self, dialect: str, found: tuple[Provider, ...], failed: tuple[tuple[str, DatabaseUnavailable], ...]
    ) -> None:
        self._dialect = dialect
        self._found = found
        self._failed = failed
        self.name = found[0].name
        self.why = found[0].why

    def start(self) -> Server:
        """Start the first that starts."""
        failed = list(self._failed)
        for provider in self._found:
            try:
                return provider.start()
            except DatabaseUnavailable as err:
                failed.append((provider.name, err))
        raise DatabaseUnavailable(_message(self._dialect, failed))


def _message(dialect: str, failed: Sequence[tuple[str, DatabaseUnavailable]], *, named: bool = False) -> str:
    """Say of each way why it does not work, and what mends it."""
    what = "the named way does not work, and nothing else is tried" if named else "no way works"
    lines = [f"no throwaway database for {dialect}: {what}"]
    for name, reason in failed:
        lines.append(f"  {name}: {reason}")
        remedy = _remedy(dialect, name, reason)
        lines += [f"    -> {remedy}"] if remedy else []
    if not failed:
        lines.append("  nothing here serves this dialect yet")
    if named:
        lines += _other_ways(dialect, {name for name, _ in failed})
    return "\n".join([*lines, NOT_USED])


def _other_ways(dialect: str, tried: Collection[str]) -> list[str]:
    """Say what else could be named, and whether it would work."""
    others = [way for way in survey(dialect) if way.name not in tried and (way.available or way.remedy)]
    told = [f"  {way.name}: {'works here' if way.available else way.remedy}" for way in others]
    return ["what else could be named:", *told] if told else []


def _remedy(dialect: str, name: str, reason: DatabaseUnavailable) -> str:
    if not isinstance(reason, _NotThere):
        return ""
    return next(way.remedy for way in _ways(dialect) if way.name == name)


def survey(dialect: str | None = None) -> tuple[Availability, ...]:
    """Say of each way to get a database whether it works here; of those for one dialect, if one is given."""
    return tuple(_availability(way, dialect) for way in _WAYS if dialect is None or dialect in way.dialects)


def _availability(way: _Way, dialect: str | None) -> Availability:
    try:
        provider = way.find(_Wish(dialect=dialect or way.dialects[0], why=""))
    except DatabaseUnavailable as err:
        remedy = way.remedy if isinstance(err, _NotThere) else ""
        return Availability(name=way.name, dialects=way.dialects, available=False, detail=str(err), remedy=remedy)
    detail = getattr(provider, "description", way.detail)  # of a server that would be ours
    return Availability(name=way.name, dialects=way.dialects, available=True, detail=detail)


def join(address: str, *, worker: str | None = None) -> Server:
    """Return another process's server (its `Server.address`); closing it drops only this process's databases.

    Args:
        address: as the process that began the run gave it.
        worker: tells this process's databases from the others'; else what xdist calls it.

    Raises:
        DatabaseUnavailable: the server is gone.
        UsageError: that is no address.
    """
    joins: dict[str, Callable[[dict[str, Any], str | None], Server]]
    joins = {"postgresql": postgresql.join, "sqlite": sqlite.join, "mysql": mysql.join, "mariadb": mysql.join}
    try:
        values = json.loads(address)
        joined = joins[values["dialect"]]
    except (ValueError, LookupError, TypeError):
        msg = "that is not the address of a server that this version can join"
        raise UsageError(msg) from None  # it may hold a password
    return joined(values, worker)
