"""Runs a PostgreSQL server of our own, for one run: made to be fast, and to be thrown away.

Nobody else reaches it: a Unix socket in a folder that only we may enter, and no TCP.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway.databases.base import new_session
from pytest_stairway.databases.binaries import major_of
from pytest_stairway.databases.drivers import Administrator, usable_driver
from pytest_stairway.databases.janitor import server_account
from pytest_stairway.databases.kept import kept_templates, leave_only
from pytest_stairway.databases.postgresql import PostgresqlServer
from pytest_stairway.databases.running import Endings, Tenancy
from pytest_stairway.databases.templates import Clusters
from pytest_stairway.databases.workplace import Workplace, new_folder, usable_folders
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_stairway.databases.binaries import Installation
    from pytest_stairway.databases.cache import Cache
    from pytest_stairway.databases.templates import Cluster

__all__ = ["PrivateProvider", "start"]

_START_SECONDS = 60
_STOP_SECONDS = 20
_USER = "postgres"  # what migrations that grant to somebody expect
_PORT = 5432
_SOCKET_LENGTH = 103  # the shortest limit of any system, without the final zero
_COPY_LIMIT = 400 << 20
_FORMAT = 1  # of the cached data directory: raise it when `_initdb_options` changes

_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
    "dynamic_shared_memory_type": "mmap",  # in the folder that is removed, not in memory that somebody must free
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "max_locks_per_transaction": "256",  # a whole schema in one transaction
}
_INITDB_SINCE = {
    11: "--wal-segsize=1",  # MB: the smallest is the quickest to copy
    14: "--no-instructions",
    18: "--no-data-checksums",
}
_BUILTIN_LOCALE = 17  # first version whose Unicode does not depend on the system
_STATUS_LINE = 7  # of postmaster.pid, from 0; `pg_ctl` reads it, too
_SETTINGS_SINCE = {18: {"io_method": "sync"}}  # no worker processes for a server that one client uses


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateProvider:
    """A server of our own, from programs on this machine."""

    name: str
    why: str
    installation: Installation
    version: str
    driver: str | None = None
    """For administrative statements."""
    cache: Cache | None = None
    """What is kept between runs; None keeps an initialised data directory only."""

    @property
    def description(self) -> str:
        """What would be started."""
        return f"PostgreSQL {self.version}, {self.installation.place}"

    def start(self) -> PostgresqlServer:
        """Start the server; a warm start takes half a second, the first one two more."""
        return start(self.installation, provider=self.name, driver=self.driver, cache=self.cache)


def start(
    installation: Installation, *, provider: str, driver: str | None = None, cache: Cache | None = None
) -> PostgresqlServer:
    """Start a server; when a cached data directory proves to be of no use, once more with another one.

    Raises:
        DatabaseUnavailable: it does not start; the message ends with the server's own last words.
    """
    driver = usable_driver(driver)
    while True:
        try:
            return _Start(installation, provider, driver, cache).server()
        except _CacheUnusable as unusable:
            unusable.forget()


class _CacheUnusable(Exception):
    def __init__(self, forget: Callable[[], None]) -> None:
        self.forget = forget


class _Start:
    """The steps of one start, and what they share."""

    def __init__(self, installation: Installation, provider: str, driver: str, cache: Cache | None) -> None:
        self._account = server_account()
        self._provider = provider
        self._driver = driver
        self._begun = cache.head_start if cache is not None else None
        taken = self._begun.take() if self._begun is not None else None
        self._begun = self._begun if taken is not None else None
        self._place = taken or Workplace(self._account)
        self._data = self._place.data
        self._log = self._place.log
        self._janitor = self._place.janitor
        self._original = self._installation = installation
        self._cache = cache
        self._cluster: Cluster | None = None

    def server(self) -> PostgresqlServer:
        """Take all steps; when one fails, nothing is left."""
        try:
            version = self._make_reachable()
            key = _cache_key(self._installation, version)
            clusters = Clusters(self._cache, key, version)
            filled = clusters.fill(self._data, lambda: self._initialise(version), begun=self._begun)
            self._cluster = filled.cluster
            self._account.own(self._data)
            socket = self._place.socket_folder(_fits_socket)
            if not self._serves(socket, version):
                if filled.forget is not None:
                    raise _CacheUnusable(filled.forget)
                raise DatabaseUnavailable(self._failure(f"PostgreSQL {version} does not start"))
            return self._connected(socket, clusters)
        except BaseException as err:
            self._janitor.close()
            if isinstance(err, OSError):  # a full disk
                msg = f"no server can be set up in {self._place.folder.parent}: {err}"
                raise DatabaseUnavailable(msg) from err
            raise

    def _make_reachable(self) -> str:
        """Copy the programs where the server's account cannot run them, and return their version."""
        try:
            return self._original.version(self._account)
        except DatabaseUnavailable as err:
            if self._account.uid is None:
                raise
            reason = str(err)
        _refuse_huge(self._original, reason)
        for base in usable_folders(self._account):  # memory is often mounted without the right to execute
            folder = new_folder(base, self._account)
            self._janitor.add(folder)
            self._installation = self._original.copy_to(folder)
            self._account.own(folder)
            try:
                return self._installation.version(self._account)
            except DatabaseUnavailable as err:
                reason = str(err)
        raise DatabaseUnavailable(reason)

    def _initialise(self, version: str) -> None:
        command = [self._installation.initdb, "-D", str(self._data)]
        for locale in _locales(version):
            if self._janitor.run([*command, *_initdb_options(version), *locale], self._log):
                return
            shutil.rmtree(self._data, ignore_errors=True)
        raise DatabaseUnavailable(self._failure("initdb failed"))

    def _serves(self, socket: Path, version: str) -> bool:
        settings = {**_SETTINGS, "unix_socket_directories": str(socket)}
        for major, newer in _SETTINGS_SINCE.items():
            settings |= newer if major_of(version) >= major else {}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._janitor.serve([self._installation.postgres, "-D", str(self._data), *options], self._log)
        return self._janitor.wait_until(self._is_ready, _START_SECONDS)

    def _is_ready(self) -> bool:
        """Say whether the server itself says so."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return "ready" in "".join(lines[_STATUS_LINE:])

    def _connected(self, socket: Path, clusters: Clusters) -> PostgresqlServer:
        from sqlalchemy.engine import URL  # not at pytest's start

        url = URL.create("postgresql", _USER, port=_PORT, database="postgres", query={"host": str(socket)})
        tenancy = Tenancy(
            provider=self._provider,
            place=self._original.place,
            session=new_session(),
            private=True,
            keeps=clusters.usable,
            client=self._original.psql,
        )
        endings = Endings(
            stop=self._janitor.close,
            keep=functools.partial(self._keep, clusters) if clusters.usable else None,
            leave=self._place.leave,
        )
        return PostgresqlServer(Administrator(url, self._driver), tenancy, endings=endings)

    def _keep(self, clusters: Clusters, administrator: Administrator) -> None:
        """Keep the data directory, where there are templates in it that the cache does not have.

        Raises:
            DatabaseUnavailable: they could not be kept; the run itself is over and done.
        """
        known = self._cluster.templates if self._cluster is not None else ()
        if {each.name for each in kept_templates(administrator)} <= set(known):
            return
        templates = leave_only(administrator)
        last = administrator.value("SELECT pg_walfile_name(pg_current_wal_lsn())")
        administrator.close()
        if not templates or not self._janitor.stop_server(_STOP_SECONDS):
            return
        log = sorted(path.name for path in (self._data / "pg_wal").iterdir() if path.is_file())
        spare = [name for name in log if name < last] + [name for name in log if name > last][1:]
        clusters.keep(self._data, templates, instead_of=self._cluster, without=spare)

    def _failure(self, what: str) -> str:
        return self._place.last_words(f"{what} ({self._original.bin})")


def _fits_socket(folder: Path) -> bool:
    """Say whether a socket's address in this folder is short enough, and free of what libpq takes for a list."""
    address = os.fsencode(folder / f".s.PGSQL.{_PORT}")
    return len(address) <= _SOCKET_LENGTH and re.fullmatch(rb"[\w./+-]+", address) is not None


def _refuse_huge(installation: Installation, reason: str) -> None:
    size = sum(path.lstat().st_size for part in installation.parts for path in part.rglob("*"))
    if size > _COPY_LIMIT:
        msg = (
            f"{reason}; they are too large to be copied for nobody: run as an ordinary user, or install them elsewhere"
        )
        raise DatabaseUnavailable(msg)


def _cache_key(installation: Installation, version: str) -> str:
    """Stand for what shapes a data directory: the build of the server, and our options."""
    size = Path(installation.postgres).stat().st_size
    shape = repr((_FORMAT, version, size, platform.machine(), _initdb_options(version), _locales(version)))
    return f"{version}-{hashlib.sha256(shape.encode()).hexdigest()[:12]}"


def _initdb_options(version: str) -> list[str]:
    newer = [option for major, option in _INITDB_SINCE.items() if major_of(version) >= major]
    return [f"--username={_USER}", "--auth=trust", "--encoding=UTF8", "--no-sync", *newer]


def _locales(version: str) -> Sequence[list[str]]:
    """Return locales to try: the same order on every machine, and Unicode's letters where there are any."""
    if major_of(version) >= _BUILTIN_LOCALE:
        return [["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]]
    return [["--locale=C", "--lc-ctype=C.UTF-8"], ["--locale=C"]]
