"""Runs a server of MariaDB or MySQL of our own, for one run: made to be fast, and to be thrown away.

Nobody else reaches it: a Unix socket in a folder that only we may enter, and no TCP.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import shutil
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.databases.base import new_session
from pytest_stairway.databases.drivers import Administrator, usable_driver
from pytest_stairway.databases.janitor import Account, server_account
from pytest_stairway.databases.mysql import MysqlServer
from pytest_stairway.databases.mysql_binaries import is_mariadb, short_version
from pytest_stairway.databases.mysql_kept import kept_templates, leave_only
from pytest_stairway.databases.running import Endings, Tenancy
from pytest_stairway.databases.templates import Clusters
from pytest_stairway.databases.workplace import Workplace
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pytest_stairway.databases.cache import Cache
    from pytest_stairway.databases.mysql_binaries import MysqlInstallation
    from pytest_stairway.databases.templates import Cluster

__all__ = ["MysqlPrivateProvider", "start"]

_START_SECONDS = 60
_STOP_SECONDS = 20
_SPARE = ("mysqld-auto.cnf",)
"""What a migration has set for good on MySQL is not for the next run."""
_USER = "root"
_SOCKET_LENGTH = 103  # the shortest limit of any system, without the final zero
_FORMAT = 1  # of the cached data directory: raise it when the options change

_SIZES = {"innodb-log-file-size": "16M"}
"""A fourth of a data directory of the usual size: quick to copy."""
_SIZES_OF_MYSQL = {"loose-innodb-redo-log-capacity": "16M", "loose-innodb-log-file-size": "16M"}
"""The first since 8.0.30, the second until 9."""
_SETTINGS = {
    "skip-networking": "ON",
    "skip-name-resolve": "ON",
    "character-set-server": "utf8mb4",
    "default-time-zone": "+00:00",
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "OFF",
    "innodb-buffer-pool-load-at-startup": "OFF",
    "innodb-stats-persistent": "OFF",  # two rows to write for each new index
    "loose-performance-schema": "OFF",
    "event-scheduler": "OFF",  # as MariaDB has it: what is made is not to act by itself
}
_OF_MYSQL = {"mysqlx": "OFF", "disable-log-bin": "ON"}
_OF_MYSQL_ALWAYS = {
    "secure-file-priv": "",  # the usual folder need not be there, nor be ours to enter
    "innodb-doublewrite": "OFF",
    "auto-generate-certs": "OFF",  # nobody connects by TCP
    "loose-sha256-password-auto-generate-rsa-keys": "OFF",
    "loose-caching-sha2-password-auto-generate-rsa-keys": "OFF",
}
"""What its server is told already when it makes the data directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqlPrivateProvider:
    """A server of our own, from programs on this machine."""

    why: str
    installation: MysqlInstallation
    version: str
    """What the server says of its version."""
    dialect: str
    """What the project calls it in its URLs, ``mysql`` or ``mariadb``."""
    driver: str | None = None
    """For administrative statements."""
    cache: Cache | None = None
    """What is kept between runs; None keeps an initialised data directory."""
    name: str = "binaries"

    @property
    def description(self) -> str:
        """What would be started."""
        product = "MariaDB" if is_mariadb(self.version) else "MySQL"
        return f"{product} {short_version(self.version)}, {self.installation.place}"

    def start(self) -> MysqlServer:
        """Start the server; a warm start takes half a second, the first one one more."""
        return start(self.installation, dialect=self.dialect, driver=self.driver, cache=self.cache)


def start(
    installation: MysqlInstallation, *, dialect: str, driver: str | None = None, cache: Cache | None = None
) -> MysqlServer:
    """Start a server; when a cached data directory proves to be of no use, once more with another one.

    Raises:
        DatabaseUnavailable: it does not start; the message ends with the server's own last words.
    """
    driver = usable_driver(driver, dialect=dialect)
    while True:
        try:
            return _Start(installation, dialect, driver, cache).server()
        except _CacheUnusable as unusable:
            unusable.forget()


class _CacheUnusable(Exception):
    def __init__(self, forget: Callable[[], None]) -> None:
        self.forget = forget


class _Start:
    """The steps of one start, and what they share."""

    def __init__(self, installation: MysqlInstallation, dialect: str, driver: str, cache: Cache | None) -> None:
        self._account = server_account() if os.geteuid() == 0 else Account()
        self._installation = installation
        self._cache = cache
        self._dialect = dialect
        self._driver = driver
        self._cluster: Cluster | None = None
        self._place = Workplace(self._account, stop="KILL")  # nobody will read what it would still write

    def server(self) -> MysqlServer:
        """Take all steps; when one fails, nothing is left."""
        try:
            version = self._installation.version(self._account)
            key = _cache_key(self._installation, version)
            clusters = Clusters(self._cache, key, short_version(version))
            filled = clusters.fill(self._place.data, lambda: self._initialise(version))
            self._cluster = filled.cluster
            self._account.own(self._place.data)
            address = self._place.socket_folder(_fits_socket) / "s"
            if not self._serves(address, version):
                if filled.forget is not None:
                    raise _CacheUnusable(filled.forget)
                raise DatabaseUnavailable(self._failure(f"{version} does not start"))
            return self._connected(address, clusters)
        except BaseException as err:
            self._place.janitor.close()
            if isinstance(err, OSError):  # a full disk
                msg = f"no server can be set up in {self._place.folder.parent}: {err}"
                raise DatabaseUnavailable(msg) from err
            raise

    def _initialise(self, version: str) -> None:
        command = self._mariadb_installer() if is_mariadb(version) else self._mysql_installer()
        if not self._place.janitor.run([*command, f"--datadir={self._place.data}"], self._place.log):
            shutil.rmtree(self._place.data, ignore_errors=True)
            raise DatabaseUnavailable(self._failure("the data directory cannot be made"))

    def _mariadb_installer(self) -> list[str]:
        installer = self._installation.installer
        if installer is None:
            msg = f"mariadb-install-db is neither beside {self._installation.server} nor on PATH"
            raise DatabaseUnavailable(msg)
        command = [installer, "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]
        return [*command, "--skip-name-resolve", *_options(_SIZES)]

    def _mysql_installer(self) -> list[str]:
        options = _options({**_SIZES_OF_MYSQL, **_OF_MYSQL_ALWAYS})
        return [str(self._installation.server), "--no-defaults", "--initialize-insecure", *options]

    def _serves(self, address: Path, version: str) -> bool:
        places = {
            "datadir": self._place.data,
            "socket": address,
            "pid-file": self._place.folder / "server.pid",
            "tmpdir": self._place.folder,
        }
        own = _SIZES if is_mariadb(version) else {**_SIZES_OF_MYSQL, **_OF_MYSQL_ALWAYS, **_OF_MYSQL}
        options = _options({**own, **_SETTINGS, **places})
        self._place.janitor.serve([str(self._installation.server), "--no-defaults", *options], self._place.log)
        return self._place.janitor.wait_until(lambda: _greets(address), _START_SECONDS)

    def _connected(self, address: Path, clusters: Clusters) -> MysqlServer:
        from sqlalchemy.engine import URL  # not at pytest's start

        url = URL.create(self._dialect, _USER, query={"unix_socket": str(address)})
        tenancy = Tenancy(
            provider="binaries",
            place=self._installation.place,
            session=new_session(),
            private=True,
            keeps=clusters.usable,
            client=self._installation.client,
        )
        endings = Endings(
            stop=self._place.janitor.close,
            keep=functools.partial(self._keep, clusters) if clusters.usable else None,
            leave=self._place.leave,
        )
        return MysqlServer(Administrator(url, self._driver), tenancy, dialect=self._dialect, endings=endings)

    def _keep(self, clusters: Clusters, administrator: Administrator) -> None:
        """Keep the data directory, where there are templates in it that the cache does not have.

        Raises:
            DatabaseUnavailable: they could not be kept; the run itself is over and done.
        """
        known = self._cluster.templates if self._cluster is not None else ()
        if {each.name for each in kept_templates(administrator)} <= set(known):
            return
        templates = leave_only(administrator)
        administrator.close()
        if templates and self._place.janitor.stop_server(_STOP_SECONDS, signal="TERM"):
            clusters.keep(self._place.data, templates, instead_of=self._cluster, without=_SPARE)

    def _failure(self, what: str) -> str:
        return self._place.last_words(f"{what} ({self._installation.server})")


def _options(settings: Mapping[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in settings.items()]


def _greets(address: Path) -> bool:
    """Tell whether the server speaks to whoever connects, as it does when it is ready."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(address))
            return bool(connection.recv(1))
        except OSError:  # not there yet, or not answering yet
            return False


def _fits_socket(folder: Path) -> bool:
    """Tell whether a socket's address in this folder is short enough."""
    return len(os.fsencode(folder / "s")) <= _SOCKET_LENGTH


def _cache_key(installation: MysqlInstallation, version: str) -> str:
    """Stand for what shapes a data directory: the build of the server, and our options."""
    product, sizes = ("mariadb", _SIZES) if is_mariadb(version) else ("mysql", _SIZES_OF_MYSQL)
    shape = repr((_FORMAT, version, installation.server.stat().st_size, platform.machine(), _options(sizes)))
    return f"{product}-{short_version(version)}-{hashlib.sha256(shape.encode()).hexdigest()[:12]}"
