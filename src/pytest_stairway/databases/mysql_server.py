"""A server of MariaDB or MySQL that somebody named by its URL: a guest's manners.

Only databases of ours are ever touched there.  Each process of a run holds a lock as long as it lives; a later run
drops the databases of those whose locks nobody holds.  Connect directly: a proxy that hands connections around breaks
the locks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_stairway.databases.base import database_name, new_session, session_of
from pytest_stairway.databases.binaries import major_of
from pytest_stairway.databases.drivers import Administrator, public_address, usable_driver
from pytest_stairway.databases.mysql import (
    MysqlServer,
    drop_databases,
    hold,
    identifier,
    own_databases,
    release,
    session_lock,
    session_locks,
)
from pytest_stairway.databases.mysql_binaries import is_mariadb
from pytest_stairway.databases.running import Endings, Tenancy
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

__all__ = ["MysqlServerProvider", "sweep"]

_REFUSED = (1044, 1142, 1227)
"""The numbers by which the server says that somebody may not do something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqlServerProvider:
    """A named server of MariaDB or MySQL."""

    url: str = field(repr=False)
    """As the user wrote it; its database is not used."""
    why: str
    dialect: str
    """What the project calls it in its URLs, ``mysql`` or ``mariadb``."""
    driver: str | None = None
    """For administrative statements, unless the URL names one."""
    major: int | None = None
    """The only major version that will do."""
    name: str = "server"

    def start(self) -> MysqlServer:
        """Connect, begin a session, and sweep up after dead ones.

        Raises:
            DatabaseUnavailable: it cannot be reached, or the user may not create databases.
        """
        from sqlalchemy.engine import URL, make_url  # not at pytest's start

        named = make_url(self.url)
        in_url = named.drivername.partition("+")[2]
        place = (named.username, named.password, named.host, named.port)
        url = URL.create(self.dialect, *place, query=named.query)  # no database: of its own it needs none
        administrator = Administrator(url, usable_driver(in_url or self.driver, dialect=self.dialect))
        try:
            self._check_version(administrator, url)
            return self._begin(administrator, url)
        except BaseException:
            administrator.close()
            raise

    def _check_version(self, administrator: Administrator, url: URL) -> None:
        version = administrator.value("SELECT VERSION()")
        if self.dialect == "mariadb" and not is_mariadb(version):
            msg = f"{public_address(url)} is MySQL, which SQLAlchemy's dialect mariadb refuses"
            raise DatabaseUnavailable(msg)
        if self.major is not None and major_of(version) != self.major:
            msg = f"version {self.major} is wanted, and {public_address(url)} is {version}"
            raise DatabaseUnavailable(msg)

    def _begin(self, administrator: Administrator, url: URL) -> MysqlServer:
        session = new_session()
        if not hold(administrator, session_lock(session)):
            msg = f"another run on {public_address(url)} has the same name by chance: try again"
            raise DatabaseUnavailable(msg)
        _check_rights(administrator, url, session)
        sweep(administrator)
        place = f"server {public_address(url).rpartition('/')[0]}"
        tenancy = Tenancy(provider=self.name, place=place, session=session, private=False)
        return MysqlServer(administrator, tenancy, dialect=self.dialect, endings=Endings())


def _check_rights(administrator: Administrator, url: URL, session: str) -> None:
    """Make a database and drop it: what a user may do on names like ours, no grant tells as well.

    Raises:
        DatabaseUnavailable: it may not.
    """
    name = identifier(database_name(session, "main"))
    try:
        administrator.execute(f"CREATE DATABASE {name}")
        administrator.execute(f"DROP DATABASE {name}")
    except DatabaseUnavailable as err:
        if not any(f"({number})" in str(err) for number in _REFUSED):
            raise
        user, _, host = administrator.value("SELECT CURRENT_USER()").rpartition("@")
        msg = (
            f"the user {user}@{host} may not create databases on {public_address(url)}. Let it "
            rf"(GRANT ALL PRIVILEGES ON `stairway\_%`.* TO '{user}'@'{host}'), or name a user who may"
        )
        raise DatabaseUnavailable(msg) from err


def sweep(administrator: Administrator) -> tuple[str, ...]:
    """Drop what dead sessions left, and return the sessions."""
    names = own_databases(administrator)
    swept = []
    for session in dict.fromkeys(filter(None, map(session_of, names))):
        taken = []
        for lock in session_locks(session, names):
            if not hold(administrator, lock):
                break
            taken.append(lock)
        else:
            drop_databases(administrator, session)
            swept.append(session)
        release(administrator, taken)
    return tuple(swept)
