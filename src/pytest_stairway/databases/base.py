"""What every source of throwaway databases has in common: the protocols, the plain data, and the names.

A provider says where databases come from, its server makes and drops them, and a database is nothing but an address.
A new source (containers, MariaDB) implements the two protocols and is added to the table in the package's `__init__`.
"""

from __future__ import annotations

import itertools
import os
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from typing_extensions import Self

__all__ = [
    "NAME_PATTERN",
    "NOT_USED",
    "RETAINED_PATTERN",
    "Availability",
    "Beginning",
    "Database",
    "Provider",
    "Server",
    "current_worker",
    "database_name",
    "new_database",
    "new_session",
    "retained_by",
    "retained_name",
    "session_of",
    "template_name",
    "worker_of",
    "worker_word",
]

NOT_USED = (
    "The project's own URL was not used, on purpose: migrations go up and down here, "
    "and only a database that somebody names may suffer that (--stairway-database URL)."
)
"""Ends every message that says no database is to be had."""

NAME_PATTERN = "^stairway_[0-9a-f]{12}_[a-z0-9]+_[0-9a-f]+(_[a-z0-9]+)*$"
"""Every name that we give, for Python and PostgreSQL alike; nothing that does not match is ever dropped."""

RETAINED_PATTERN = NAME_PATTERN.replace("^stairway_", "^stairway_failed_")
"""Every name of a database that outlives its run, because what was seen of it failed; it matches no `NAME_PATTERN`."""

_LABEL_LENGTH = 16  # PostgreSQL cuts names at 63 bytes
_numbers = itertools.count(1)  # per process, not per server: two servers joined in one process never collide


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Whether one way to get a database works here; a line of ``stairway doctor``."""

    name: str
    """The word that names it in ``--stairway-database``."""
    dialects: tuple[str, ...]
    """SQLAlchemy's names of the dialects that it serves."""
    available: bool
    detail: str
    """What would be used, or why it does not work."""
    remedy: str = ""
    """The command that mends it; empty where nothing needs mending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One throwaway database: an address, no connection."""

    name: str
    url: str = field(repr=False)
    """For SQLAlchemy, without a driver (``postgresql://…``); on a named server it holds the password."""
    client_command: str
    """A shell command that opens it, without a password: ``psql 'host=… dbname=…'``."""


class Beginning(Protocol):
    """What a database holds before the first revision, where a history is younger than its database."""

    @property
    def key(self) -> str:
        """Stand for all of it, in the key of a template."""

    def load(self, database: Database) -> None:
        """Put it into an empty database.

        Raises:
            DatabaseUnavailable: the database does not take it.
        """


class Server(Protocol):
    """What makes and drops databases: one per run, and one per other process that joined it."""

    provider: str
    """The provider's name: ``embedded``, ``binaries``, ``server``, ``sqlite``."""
    dialect: str
    version: str
    """The server's own version, ``18.4``."""

    notes: tuple[str, ...]
    """What somebody should know though nothing failed: templates that could not be kept."""
    beginning: Beginning | None
    """What is there before the first revision; None for nothing.  See `new_database`."""

    @property
    def description(self) -> str:
        """A line for the report's header."""

    @property
    def address(self) -> str:
        """What `join` needs in another process (JSON); it may hold a password, so it is not for showing."""

    def create(self, label: str = "") -> Database:
        """Make an empty database; `label` becomes part of its name."""

    def clone(self, template: Database | str, label: str = "") -> Database:
        """Copy a database that nobody is connected to."""

    def seal(self, database: Database) -> None:
        """Let nobody connect any more, so that copies of it never wait and never differ."""

    def template(self, key: str, build: Callable[[Database], None]) -> Database:
        """Return the sealed template for `key`, which `build` fills when nobody has done so yet."""

    def kept(self, keys: Sequence[str]) -> tuple[str, Database] | None:
        """Return the first key that has a template, made in this run or kept by an earlier one, with the template."""

    def keep(self, key: str, database: Database) -> None:
        """Keep a copy of a database that nobody is connected to as the template for `key`."""

    def forget(self) -> tuple[str, ...]:
        """Drop the templates that are kept on a server that somebody named; give their names."""

    def reserve(self, label: str = "") -> Database:
        """Give a name that outlives the run to a database that `retain` will make."""

    def retain(self, database: Database, label: str = "", *, reserved: Database | None = None) -> Database:
        """Copy a database under a name that outlives the run: nothing drops it but `drop` and ``stairway clean``."""

    def forget_retained(self) -> tuple[str, ...]:
        """Drop what runs that are over have retained on a server that somebody named; give the databases' names."""

    def drop(self, database: Database) -> None:
        """Drop a database of this run, also one that is retained."""

    def close(self) -> None:
        """Drop what this object made and, where it owns the server, stop that too; a second call does nothing."""

    def __enter__(self) -> Self:
        """Return the server itself."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """Close."""


class Provider(Protocol):
    """Where a server comes from."""

    @property
    def name(self) -> str:
        """The word that names it in ``--stairway-database``."""

    @property
    def why(self) -> str:
        """Why it was taken: ``named by --stairway-database``, ``the first that works for postgresql``."""

    def start(self) -> Server:
        """Start or reach the server.

        Raises:
            DatabaseUnavailable: it does not start, or cannot be reached.
        """


def new_session() -> str:
    """Return the name of a run: twelve random hexadecimal digits."""
    return secrets.token_hex(6)


def current_worker() -> str:
    """Return what tells this process's databases from those of the run's other processes."""
    return os.environ.get("PYTEST_XDIST_WORKER") or f"p{os.getpid()}"


def worker_word(worker: str) -> str:
    """Return what stands for a worker in the names of its databases."""
    return (re.sub("[^a-z0-9]", "", worker.lower()) or "main")[:12]


def database_name(session: str, worker: str, label: str = "") -> str:
    """Return a name that this process has not used yet; it matches `NAME_PATTERN`."""
    words = re.sub("[^a-z0-9]+", "_", label.lower())[:_LABEL_LENGTH].strip("_")
    name = f"stairway_{session}_{worker_word(worker)}_{next(_numbers)}"
    return f"{name}_{words}" if words else name


def retained_name(session: str, worker: str, label: str = "") -> str:
    """Return a name for a database that outlives the run; it matches `RETAINED_PATTERN`."""
    return database_name(session, worker, label).replace("stairway_", "stairway_failed_", 1)


def retained_by(name: str) -> str | None:
    """Return the session that a retained database was made by, or None for any other database."""
    return name.split("_")[2] if re.search(RETAINED_PATTERN, name) else None


def new_database(server: Server, label: str = "") -> Database:
    """Make a database as it is before the first revision.

    Args:
        server: where, with what it says of the beginning.
        label: becomes part of the name.

    Raises:
        DatabaseUnavailable: none can be made.
    """
    beginning = server.beginning
    if beginning is None:
        return server.create(label)
    return server.clone(server.template(beginning.key, beginning.load), label)


def template_name(session: str, digest: str) -> str:
    """Return the one name in this run for what `digest` (hexadecimal) stands for; it matches `NAME_PATTERN`."""
    return f"stairway_{session}_template_{digest[:24]}"


def session_of(name: str) -> str | None:
    """Return the session that a database belongs to, or None for a database that is not ours."""
    return name.split("_")[1] if re.search(NAME_PATTERN, name) else None


def worker_of(name: str) -> str:
    """Return what stands for a worker in the name of a database of ours."""
    return name.split("_")[2]
