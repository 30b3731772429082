"""Reads what somebody writes for ``--stairway-database``: the name of a way, or a URL."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_stairway.databases.ways import MYSQL, WAYS
from pytest_stairway.exceptions import UsageError

__all__ = ["NAMES", "read_name"]

NAMES = "embedded, binaries[:DIR], container[:IMAGE], sqlite, or the URL of a server"


def read_name(named: str) -> tuple[str, str]:
    """Return the way that is named, and what it needs to know; another backend's name as it is.

    Raises:
        UsageError: it names none.
    """
    return _by_url(named) if "://" in named else _by_word(named)


def _by_word(named: str) -> tuple[str, str]:
    """Return the way that a word names, and what follows the word."""
    name, colon, rest = named.partition(":")
    way = next((way for way in WAYS if way.name == name), None)
    if way is None or name == "server":
        msg = f"--stairway-database {name}: there is no such way to get a database; use {NAMES}"
        raise UsageError(msg)
    if colon and not (way.takes and rest):
        msg = f"--stairway-database {name}: takes {f'{way.takes} after the colon' if way.takes else 'nothing more'}"
        raise UsageError(msg)
    return name, rest


def _by_url(named: str) -> tuple[str, str]:
    """Return the way that a URL names, and what it needs to know; another backend's name as it is.

    A URL of SQLite names a folder to put files in: a file that is there already is somebody's.
    """
    from sqlalchemy.engine import make_url  # not at pytest's start
    from sqlalchemy.exc import ArgumentError

    named = re.sub("^postgres(?=[+:])", "postgresql", named)  # libpq's short form
    try:
        url = make_url(named)
    except (ArgumentError, ValueError):
        msg = "--stairway-database: the URL cannot be read; its form is postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        raise UsageError(msg) from None  # the original repeats the password
    backend = url.get_backend_name()
    if backend in {"postgresql", *MYSQL}:
        return "server", named
    if backend != "sqlite":
        return backend, named
    if not url.database or not Path(url.database).is_dir():
        msg = (
            f"--stairway-database {named}: not a folder. No file that is there already is ever used; "
            "say sqlite, or sqlite:///FOLDER for where the files go"
        )
        raise UsageError(msg)
    return "sqlite", str(Path(url.database).absolute())
