"""Restores a dump of PostgreSQL's, so that a throwaway database begins with what is really there.

Roles are not in a dump, and a throwaway server has none of them: owners and grants are left out.  Of what else fails,
only a setting that this server does not know is overlooked.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway.clients import find_client
from pytest_stairway.exceptions import UsageError

if TYPE_CHECKING:
    from pytest_stairway.clients import Client, Ran
    from pytest_stairway.databases import Database

__all__ = ["require_dump", "restore_dump"]

FROM_DUMP = "--from-dump"

_CUSTOM, _TAR_AT, _TAR = b"PGDMP", 257, b"ustar"
_CONTENTS = "toc.dat"
"""What is in each folder that ``pg_dump -Fd`` writes."""
_OVERLOOKED = re.compile(
    r'role "[^"]*" does not exist|unrecognized configuration parameter|must be member of role'
    r'|schema "public" already exists'
)
_ERROR = re.compile(r"\b(?:ERROR|FATAL|error): +(.*)")


def require_dump(path: Path, *, source: str = FROM_DUMP) -> None:
    """See that there is a dump to read, and a program that reads it.

    Args:
        path: the dump.
        source: the option that names it.

    Raises:
        UsageError: there is not.
    """
    if not path.is_file() and not (path / _CONTENTS).is_file():
        raise UsageError(f"{source} names {path}, which is neither a file nor a folder of pg_dump's")
    name = _program(path)
    if find_client(name) is None:
        raise UsageError(f"{source} needs {name}, which is nowhere on this machine: install PostgreSQL's client")


def restore_dump(path: Path, database: Database, *, source: str = FROM_DUMP) -> None:
    """Restore a dump into an empty database.

    Args:
        path: the dump.
        database: the database.
        source: the option that names the dump.

    Raises:
        UsageError: it cannot be restored; in the server's words.
    """
    name = _program(path)
    client = find_client(name)
    assert client is not None  # see `require_dump`
    ran = _restore(client, path, database)
    failures = [said for said in _ERROR.findall(ran.said) if not _OVERLOOKED.search(said)]
    failures = [said for said in failures if not said.startswith("could not execute query")] or failures
    if failures:
        raise UsageError(f"{source}: {path} cannot be restored by {client}: {failures[0]}")
    if not ran.ok and not _ERROR.search(ran.said):
        raise UsageError(f"{source}: {path} cannot be restored by {client}: {ran.words}")


def _restore(client: Client, path: Path, database: Database) -> Ran:
    full = str(path.absolute())
    if Path(client.path).name == "psql":
        return client.run(database.url, ["-X", "-q", "-o", "/dev/null", "-f", full])
    name = database.name
    return client.run(database.url, ["--no-owner", "--no-privileges", "--dbname", name, full])


def _program(path: Path) -> str:
    """Tell a plain dump from one that only pg_restore reads."""
    if path.is_dir():
        return "pg_restore"
    with path.open("rb") as file:
        head = file.read(_TAR_AT + len(_TAR))
    return "pg_restore" if head.startswith(_CUSTOM) or head[_TAR_AT:] == _TAR else "psql"
