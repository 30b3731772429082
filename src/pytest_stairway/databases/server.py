"""A PostgreSQL server that somebody named by its URL: a guest's manners.

Only databases of ours are ever touched there.  Each session holds an advisory lock as long as it lives; a later one
drops the databases of those whose lock nobody holds.  Connect directly: a pooler that hands connections around breaks
the lock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_stairway.databases.base import new_session, session_of
from pytest_stairway.databases.binaries import major_of
from pytest_stairway.databases.drivers import Administrator, public_address, usable_driver
from pytest_stairway.databases.postgresql import PostgresqlServer, drop_databases, own_databases
from pytest_stairway.databases.postgresql_sessions import hold_session, is_dead
from pytest_stairway.databases.running import Endings, Tenancy
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from pytest_stairway.databases.cache import Cache

__all__ = ["ServerProvider", "sweep"]

_MAY_CREATE = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProvider:
    """A named PostgreSQL server."""

    url: str = field(repr=False)
    """As the user wrote it; its database is only connected to, ``postgres`` where it names none."""
    why: str
    driver: str | None = None
    """For administrative statements, unless the URL names one."""
    major: int | None = None
    """The only major version that will do."""
    cache: Cache | None = None
    """What is kept between runs: templates stay on the server; None for nothing."""
    name: str = "server"

    def start(self) -> PostgresqlServer:
        """Connect, begin a session, and sweep up after dead ones.

        Raises:
            DatabaseUnavailable: it cannot be reached, or the role may not create databases.
        """
        from sqlalchemy.engine import make_url  # not at pytest's start

        url = make_url(self.url)
        in_url = url.drivername.partition("+")[2]
        url = url.set(drivername="postgresql")
        if url.database is None and "service" not in url.query:
            url = url.set(database="postgres")
        administrator = Administrator(url, usable_driver(in_url or self.driver))
        try:
            server = _begin(administrator, url, keeps=self.cache is not None and self.cache.on_servers)
            if self.major is not None and major_of(server.version) != self.major:
                msg = f"PostgreSQL {self.major} is wanted, and {public_address(url)} is {server.version}"
                raise DatabaseUnavailable(msg)
        except BaseException:
            administrator.close()
            raise
        return server


def _begin(administrator: Administrator, url: URL, *, keeps: bool) -> PostgresqlServer:
    if not administrator.value(_MAY_CREATE):
        role = administrator.value("SELECT current_user::text")
        msg = (
            f"the role {role} may not create databases on {public_address(url)}. "
            f'Let it (ALTER ROLE "{role}" CREATEDB), or name a role that may'
        )
        raise DatabaseUnavailable(msg)
    session = new_session()
    administrator.execute(f"SET application_name = 'pytest-stairway {session}'")
    if not hold_session(administrator, session):
        msg = f"another run on {public_address(url)} has the same name by chance: try again"
        raise DatabaseUnavailable(msg)
    sweep(administrator)
    place = f"server {public_address(url).rpartition('/')[0]}"
    tenancy = Tenancy(provider="server", place=place, session=session, private=False, keeps=keeps)
    return PostgresqlServer(administrator, tenancy, endings=Endings())


def sweep(administrator: Administrator) -> tuple[str, ...]:
    """Drop what dead sessions of our role left, and return the sessions."""
    sessions = dict.fromkeys(session_of(name) for name, _ in own_databases(administrator))
    swept = []
    for session in filter(None, sessions):
        with is_dead(administrator, session) as dead:
            if dead:
                drop_databases(administrator, session)
                swept.append(session)
    return tuple(swept)
