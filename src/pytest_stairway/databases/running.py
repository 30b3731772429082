"""What every server that speaks SQL to an administrator has in common: its address for others, and how it ends.

What a server is, its subclasses know.  Databases of items that failed get names of their own (`retained_name`): no run
and no sweep drops them, and a server of our own lives on for them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_stairway.databases.base import (
    database_name,
    retained_by,
    retained_name,
    session_of,
    template_name,
)
from pytest_stairway.databases.drivers import Administrator
from pytest_stairway.exceptions import DatabaseUnavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from pytest_stairway.databases.base import Beginning, Database

__all__ = ["Endings", "RunningServer", "Tenancy", "admission"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    """Whose server it is, and how it is reached; the same in every process of a run."""

    provider: str
    place: str
    """What the description says after the version."""
    session: str
    """The run."""
    private: bool
    """The server is ours alone: leave nothing behind but the server itself."""
    keeps: bool = False
    """Templates stay for later runs."""
    client: str = ""
    """The client to name in commands; empty for the usual one."""
    container: str = ""
    """The container that it runs in, where it does: the client is run inside, where no password is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endings:
    """What becomes of a server of our own when the run that started it ends."""

    stop: Callable[[], None] = field(default=lambda: None)
    """Stop the server."""
    keep: Callable[[Administrator], None] | None = None
    """Keep the server's data with its templates, before it is stopped."""
    leave: Callable[[tuple[str, ...]], str] | None = None
    """Let the server go on for the databases of these names, and say what must be known of that."""


class RunningServer(ABC):
    """A server, seen by one process of one run; see `Server` for what it does.

    Args:
        administrator: a connection that may create databases.
        tenancy: whose it is.
        worker: tells this process's databases from those of the run's other processes.
        endings: what becomes of it; None where this process joined it.
    """

    dialect: str
    version: str

    def __init__(
        self,
        administrator: Administrator,
        tenancy: Tenancy,
        *,
        worker: str = "main",
        endings: Endings | None = None,
    ) -> None:
        self.provider = tenancy.provider
        self.session = tenancy.session
        self.notes: tuple[str, ...] = ()
        self.beginning: Beginning | None = None
        self._administrator = administrator
        self._tenancy = tenancy
        self._private = tenancy.private
        self._worker = worker
        self._endings = endings
        self._building = threading.RLock()  # the server lets one connection take its lock twice
        self._made: dict[str, bool] = {}  # name: sealed
        self._process = os.getpid()
        self._closed = False

    @property
    def address(self) -> str:
        """What another process needs to join, as JSON; it may hold a password."""
        url = self._administrator.url.render_as_string(hide_password=False)
        values = {"dialect": self.dialect, "url": url, "driver": self._administrator.driver}
        return json.dumps({**values, "tenancy": asdict(self._tenancy)})

    @abstractmethod
    def clone(self, template: Database | str, label: str = "") -> Database:
        """Copy a database that nobody is connected to."""

    @abstractmethod
    def _database(self, name: str) -> Database:
        """Give the address of a database."""

    @abstractmethod
    def _copy_to(self, source: str, name: str) -> Database:
        """Copy a database under this name."""

    @abstractmethod
    def _drop(self, name: str, *, sealed: bool = False) -> None:
        """Drop a database of ours."""

    @abstractmethod
    def _drop_session(self) -> None:
        """Drop every database of this run."""

    @abstractmethod
    def _disconnect(self, name: str) -> None:
        """Disconnect whoever is connected to a database."""

    @abstractmethod
    def _retained_names(self) -> list[str]:
        """Give the names of all retained databases that we may drop."""

    @abstractmethod
    def _is_over(self, session: str) -> bool:
        """Tell whether a session, which may be another one, has ended."""

    def _new_name(self, label: str) -> str:
        return database_name(self.session, self._worker, label)

    def _run_name(self, key: str) -> str:
        """Name the template for a key in this run."""
        return template_name(self.session, hashlib.sha256(key.encode()).hexdigest())

    def reserve(self, label: str = "") -> Database:
        """Give a name that outlives the run to a database that `retain` will make."""
        return self._database(retained_name(self.session, self._worker, label))

    def retain(self, database: Database, label: str = "", *, reserved: Database | None = None) -> Database:
        """Copy a database under a name that outlives the run; whoever is still connected to it is disconnected.

        Args:
            database: the database.
            label: becomes part of the name.
            reserved: what `reserve` gave, instead of a new name.

        Raises:
            DatabaseUnavailable: it cannot be copied.
        """
        self._disconnect(database.name)
        copied = self._copy_to(database.name, (reserved or self.reserve(label)).name)
        self._made.pop(copied.name, None)
        return copied

    def drop(self, database: Database) -> None:
        """Drop a database of this run; whoever is still connected is disconnected where the server can do that.

        Raises:
            UsageError: the database is not one of this run's.
        """
        if self.session not in {session_of(database.name), retained_by(database.name)}:
            msg = f"{database.name} is not a database of this run ({self.session}), so it is not dropped"
            raise UsageError(msg)
        self._drop(database.name, sealed=self._made.get(database.name, False))
        self._made.pop(database.name, None)

    def forget_retained(self) -> tuple[str, ...]:
        """Drop the databases that runs which are over have retained on a named server; give their names."""
        names = self._retained_names()
        over = {session for session in set(map(retained_by, names)) if session and self._is_over(session)}
        for name in (dropped := [name for name in names if retained_by(name) in over]):
            self._drop(name)
        return tuple(dropped)

    def close(self) -> None:
        """Drop what is left, disconnect, and stop the server where it is ours; a second call does nothing.

        In a process forked from the one that made it, nothing happens either: the server is the parent's.
        """
        if self._closed or os.getpid() != self._process:
            return
        self._closed = True
        stop = self._endings.stop if self._endings is not None else None
        try:
            if self._endings is None:
                self._drop_made()
            elif not self._private:
                self._drop_session()
            elif self._leave():
                stop = None
            elif self._endings.keep is not None:
                self._keep_all(self._endings.keep)
        finally:
            self._administrator.close()
            if stop is not None:
                stop()

    def _drop_made(self) -> None:
        for name, sealed in self._made.items():
            with contextlib.suppress(DatabaseUnavailable):  # the owner may have stopped the server
                self._drop(name, sealed=sealed)

    def _leave(self) -> bool:
        """Leave the server to go on, where databases are retained on it; tell whether it does."""
        assert self._endings is not None
        if self._endings.leave is None:
            return False
        with contextlib.suppress(DatabaseUnavailable):  # it is gone already
            names = self._retained_names()
            if names:
                self._drop_session()
                self.notes += (self._endings.leave(tuple(names)),)
                return True
        return False

    def _keep_all(self, keep: Callable[[Administrator], None]) -> None:
        """Keep the templates for the next run; where that fails, this one is none the worse."""
        try:
            keep(self._administrator)
        except DatabaseUnavailable as err:
            self.notes += (str(err),)

    def __enter__(self) -> Self:
        """Return the server itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close."""
        self.close()


def admission(values: dict[str, Any]) -> tuple[Administrator, Tenancy]:
    """Read what `RunningServer.address` wrote, and connect.

    Raises:
        DatabaseUnavailable: the server is gone.
    """
    from sqlalchemy.engine import make_url  # not at pytest's start

    return Administrator(make_url(values["url"]), values["driver"]), Tenancy(**values["tenancy"])
