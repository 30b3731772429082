"""Runs SQL the way a DBA does: by the database's own client program; by a driver where there is none.

A driver is no full stand-in.  psql reads a file line by line, has commands and variables of its own, and tells by its
exit code how it ended; so it is looked for everywhere, newest first: a dump of one version may need a client as new.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway.databases.binaries import WELL_KNOWN, embedded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Client", "Ran", "connection_variables", "find_client"]

_SECONDS = 20
_VERSION = re.compile(r"\) (\d+)(?:\.(\d+))?")
_VARIABLES = {"host": "PGHOST", "port": "PGPORT", "sslmode": "PGSSLMODE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How one run of a client ended."""

    code: int
    """Its exit code; negative where a signal ended it."""
    said: str
    """What it wrote to standard error."""

    @property
    def ok(self) -> bool:
        """Whether all of it was done."""
        return self.code == 0

    @property
    def words(self) -> str:
        """The error in one line."""
        lines = [line.strip() for line in self.said.splitlines() if line.strip()]
        errors = [line for line in lines if re.search(r"\b(?:ERROR|FATAL|PANIC):|\berror:", line)]
        told = errors[:1] + [line for line in lines if line.startswith("DETAIL:")][:1]
        return " ".join(told or lines[-1:]) or f"exit code {self.code}"


@dataclass(frozen=True, slots=True)
class Client:
    """A client program of PostgreSQL's: psql, pg_restore, pg_dump."""

    path: str
    version: tuple[int, int]

    def __str__(self) -> str:
        """Tell it as ``psql 18.4``."""
        return f"{Path(self.path).name} {'.'.join(map(str, self.version))}"

    def run(
        self, url: str, arguments: Sequence[str], *, folder: Path | None = None, seconds: float | None = None
    ) -> Ran:
        """Run it on a database.

        Args:
            url: the database.
            arguments: after the program's name; the connection is not among them.
            folder: where it is started.
            seconds: how long it may take.

        Raises:
            subprocess.TimeoutExpired: it took longer, and was killed.
        """
        done = subprocess.run(  # noqa: S603 - a program that somebody installed
            [self.path, *arguments],
            capture_output=True,
            cwd=folder,
            env=connection_variables(url),
            stdin=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
        return Ran(code=done.returncode, said=done.stderr.decode("utf-8", "replace"))


def connection_variables(url: str) -> dict[str, str]:
    """Give the process's environment with libpq's variables for a database, and no others of libpq's."""
    from sqlalchemy.engine import make_url  # not at pytest's start

    parsed = make_url(url)
    query: Mapping[str, object] = parsed.query
    found = {"host": parsed.host, "port": parsed.port, **{name: query[name] for name in _VARIABLES if name in query}}
    own = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    own |= {_VARIABLES[name]: str(value) for name, value in found.items() if value}
    own |= {"PGUSER": parsed.username or "", "PGDATABASE": parsed.database or ""}
    if parsed.password is not None:
        own["PGPASSWORD"] = str(parsed.password)
    return {name: value for name, value in own.items() if value}


@functools.cache
def find_client(name: str) -> Client | None:
    """Find the newest program of this name: on PATH, where systems put it, or in a wheel; None where there is none."""
    found = (_asked(path) for path in dict.fromkeys(_candidates(name)))
    return max((client for client in found if client), key=lambda client: client.version, default=None)


def _candidates(name: str) -> Iterator[str]:
    if on_path := shutil.which(name):
        yield on_path
    for pattern in WELL_KNOWN:
        yield from (str(path) for path in sorted(Path("/").glob(f"{pattern[1:]}/{name}")))
    for installation in embedded():
        if (installation.bin / name).is_file():
            yield str(installation.bin / name)


def _asked(path: str) -> Client | None:
    """Ask a program for its version; None where it does not run."""
    try:
        done = subprocess.run(  # noqa: S603 - a program that somebody installed
            [path, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(done.stdout)
    return Client(path, (int(match[1]), int(match[2] or 0))) if match and done.returncode == 0 else None
