"""The throwaway databases of one walk: one for each place that `env.py` connects to.

Most environments connect to one place, and get one database.  One that configures several engines (Alembic's multidb
template) gets one for each address, so that their version tables do not meet.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pytest_stairway.databases.base import new_database
from pytest_stairway.exceptions import ConnectionRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_stairway.contacts import Contact
    from pytest_stairway.databases import Database, Server

__all__ = ["Sandbox"]

FAMILIES = {"mariadb": "mysql"}
"""Dialects that go by two names."""


class Sandbox:
    """Gives each contact its throwaway database, made when it is first asked for.

    Args:
        acquire: gives the server for the dialect of a contact; called once, at the first contact.
        label: becomes part of the databases' names.
        given: databases that are there already, by the address that each stands in for; they stay when this one goes.
    """

    def __init__(
        self,
        acquire: Callable[[Contact], Server],
        *,
        label: str = "",
        given: Mapping[str, Database] | None = None,
    ) -> None:
        self._acquire = acquire
        self._label = label
        self._given = dict(given or {})
        self._server: Server | None = None
        self._databases: dict[str, Database] = dict(self._given)
        self._addresses: dict[str, None] = {}
        self._migrated: dict[str, None] = {}

    @property
    def server(self) -> Server | None:
        """The server in use; None before the first contact."""
        return self._server

    @property
    def databases(self) -> tuple[Database, ...]:
        """The databases that exist now, in the order in which they were asked for."""
        return tuple(self._databases.values())

    def locate(self, contact: Contact) -> str:
        """Give the URL of the database that stands in for a contact.

        Raises:
            ConnectionRefused: the contact speaks another dialect than the throwaway databases.
            DatabaseUnavailable: no database can be had.
        """
        if self._server is None:
            self._server = self._acquire(contact)
        if _family(contact.dialect) != _family(self._server.dialect):
            raise ConnectionRefused(
                f"refused a connection to {contact.dialect}: the throwaway databases are {self._server.dialect}",
                address=str(contact),
                remedy=f"Name a {contact.dialect} database by --stairway-database, or keep migrations from using it",
            )
        self._addresses[contact.address] = None
        if contact.address not in self._databases:
            self._databases[contact.address] = new_database(self._server, self._label)
        return self._databases[contact.address].url

    def note_migrated(self, url: str) -> None:
        """Note that migrations run on a database of ours, rather than that somebody only connects to it."""
        self._migrated |= dict.fromkeys(self._addresses_of(url))

    def name_of(self, url: str) -> str:
        """Name a database of ours the way `env.py` addresses it; empty where migrations run on one database only."""
        return next(self._addresses_of(url), "") if len(self._migrated) > 1 else ""

    def address_of(self, url: str) -> str | None:
        """Tell by which address `env.py` comes to a database of ours; None for any other."""
        return next(self._addresses_of(url), None)

    def reset(self) -> None:
        """Drop the databases but those that were given; whoever connects next gets new, empty ones.

        Raises:
            DatabaseUnavailable: one of them could not be dropped.
        """
        with contextlib.ExitStack() as stack:
            while self._databases:
                address, database = self._databases.popitem()
                if address not in self._given:
                    assert self._server is not None  # who else has made it
                    stack.callback(self._server.drop, database)
            self._databases.update(self._given)

    def fill(self, template: Database) -> None:
        """Put a copy of a template in the place of the one database that there is.

        Raises:
            DatabaseUnavailable: it cannot be copied.
        """
        self.reset()
        assert self._server is not None
        (address,) = self._addresses
        self._databases[address] = self._server.clone(template, self._label)

    @property
    def is_single(self) -> bool:
        """Whether everybody who has connected so far got the same database."""
        return len(self._addresses) == 1

    def _addresses_of(self, url: str) -> Iterator[str]:
        return (address for address, database in self._databases.items() if database.url == url)


def _family(dialect: str) -> str:
    return FAMILIES.get(dialect, dialect)
