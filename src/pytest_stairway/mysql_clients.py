"""Runs SQL by the client program of MariaDB or MySQL, as a DBA there does.

Each product has its own, and neither is a full stand-in for the other: MariaDB's does not know how MySQL asks for
passwords since version 8.
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

from pytest_stairway.clients import Ran
from pytest_stairway.databases.mysql import client_options
from pytest_stairway.databases.mysql_binaries import WELL_KNOWN, is_mariadb

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MysqlClient", "delimiter_for", "find_mysql_client", "uncut"]

_SECONDS = 20
_DELIMITERS = ("$$", "//", "$stairway$")
_NAMES = ("mariadb", "mysql")
_VERSION = re.compile(r"(?:Distrib|from|Ver) ([\d.]+\d)(?=-MariaDB|[-\w]* for )")
_OF_PRODUCT = {
    "mariadb": ("--loose-skip-ssl-verify-server-cert",),
    "mysql": ("--loose-get-server-public-key",),
}
"""How to trust a throwaway server."""


@dataclass(frozen=True, slots=True)
class MysqlClient:
    """A client program of one of the two."""

    path: str
    product: str
    version: str

    def __str__(self) -> str:
        """Tell it as ``mariadb 10.11.19``."""
        return f"{Path(self.path).name} {self.version}"

    def run(self, url: str, file: Path, *, before: str = "") -> Ran:
        """Run a file on a database, up to the first error.

        Args:
            url: the database.
            file: what it reads.
            before: a statement that is run first.
        """
        from sqlalchemy.engine import make_url  # not at pytest's start

        parsed = make_url(url)
        options = [each for each in client_options(parsed) if each != "--password"]
        if parsed.host and "unix_socket" not in parsed.query:
            options.append("--protocol=TCP")  # else `localhost` is a socket
        first = [f"--init-command={before}"] if before else []
        command = [self.path, "--no-defaults", *_OF_PRODUCT[self.product], *options, *first, parsed.database or ""]
        with file.open("rb") as script:
            done = subprocess.run(  # noqa: S603 - a program that somebody installed
                command, stdin=script, capture_output=True, env=_environment(parsed.password), check=False
            )
        return Ran(code=done.returncode, said=done.stderr.decode("utf-8", "replace"))


def uncut(statement: str) -> str:
    """Write a statement so that the clients do not cut a trigger or a procedure at the semicolons inside it."""
    delimiter = delimiter_for(statement)
    return statement if delimiter is None else f"DELIMITER {delimiter}\n{statement}\n{delimiter}\nDELIMITER ;"


def delimiter_for(statement: str) -> str | None:
    """Choose what ends a statement that holds semicolons itself; None where it holds none."""
    if ";" not in statement.rstrip().removesuffix(";"):
        return None
    return next(each for each in _DELIMITERS if each not in statement)


def _environment(password: object) -> dict[str, str]:
    """Give the process's environment with this password, and nothing else that the clients read."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MYSQL_", "MARIADB_"))}
    return own if password is None else {**own, "MYSQL_PWD": str(password)}


@functools.cache
def find_mysql_client(product: str) -> MysqlClient | None:
    """Find a product's own client, on PATH first; None where there is none.

    Args:
        product: ``mariadb`` or ``mysql``.
    """
    found = (_asked(path) for path in dict.fromkeys(_candidates()))
    return next((client for client in found if client is not None and client.product == product), None)


def _candidates() -> Iterator[str]:
    for name in _NAMES:
        if on_path := shutil.which(name):
            yield on_path
    for pattern in ("/usr/bin", *WELL_KNOWN):
        for folder in sorted(Path("/").glob(pattern[1:])):
            yield from (str(folder / name) for name in _NAMES if (folder / name).is_file())


def _asked(path: str) -> MysqlClient | None:
    """Ask a program which it is; None where it does not run."""
    try:
        done = subprocess.run(  # noqa: S603 - a program that somebody installed
            [path, "--no-defaults", "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(done.stdout)
    if match is None or done.returncode:
        return None
    return MysqlClient(path, "mariadb" if is_mariadb(done.stdout) else "mysql", match[1])
