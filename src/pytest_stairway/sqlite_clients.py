"""Runs SQL by SQLite's own shell, as somebody does who has no Python.

The shell brings its own SQLite along.  One that is older than Python's may not read what Python's has written, so it is
passed over.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SqliteClient", "SqliteRan", "find_sqlite_client"]

_SECONDS = 20
_ERROR = re.compile(r"^(?:[A-Z][a-z]+ )?[Ee]rror:? near line (\d+): ")


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteRan:
    """How one run of the shell ended."""

    code: int
    """Its exit code."""
    said: str = ""
    """The error in one line."""
    line: int | None = None
    """Where the statement that failed begins."""

    @property
    def ok(self) -> bool:
        """Whether all of it was done."""
        return self.code == 0


@dataclass(frozen=True, slots=True)
class SqliteClient:
    """The program sqlite3."""

    path: str
    version: tuple[int, ...]

    def __str__(self) -> str:
        """Tell it as ``sqlite3 3.40.1``."""
        return f"{Path(self.path).name} {'.'.join(map(str, self.version))}"

    def run(self, database: str, file: Path) -> SqliteRan:
        """Run a file on a database, up to the first error.

        Args:
            database: the database's own file.
            file: what it reads.
        """
        with file.open("rb") as script:
            done = subprocess.run(  # noqa: S603 - a program that somebody installed
                [self.path, "-bail", "-init", os.devnull, database],
                stdin=script,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                check=False,
            )
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        first = next((each for each in said if _ERROR.match(each)), (said or [f"exit code {done.returncode}"])[0])
        match = _ERROR.match(first)
        if not done.returncode:
            return SqliteRan(code=0)
        return SqliteRan(code=done.returncode, said=_ERROR.sub("", first), line=int(match[1]) if match else None)


@functools.cache
def find_sqlite_client() -> SqliteClient | None:
    """Find sqlite3 on PATH; None where there is none that is as new as Python's own library."""
    path = shutil.which("sqlite3")
    client = _asked(path) if path else None
    return client if client is not None and client.version >= sqlite3.sqlite_version_info else None


def _asked(path: str) -> SqliteClient | None:
    """Ask a program for its version; None where it does not run."""
    try:
        done = subprocess.run(  # noqa: S603 - a program that somebody installed
            [path, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.match(r"(\d+)\.(\d+)\.(\d+)", done.stdout)
    return SqliteClient(path, tuple(map(int, match.groups()))) if match and done.returncode == 0 else None
