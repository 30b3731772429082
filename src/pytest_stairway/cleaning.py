"""Removes what is kept between runs, and what dead ones have left: ``stairway clean``."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway import databases
from pytest_stairway.databases.janitor import Account
from pytest_stairway.databases.sweeping import clean_cache, remove_retained, retained_folders, sweep_folders
from pytest_stairway.databases.workplace import SHARED_MEMORY, usable_folders
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.settings import Settings

__all__ = ["clean", "describe_retained"]


def clean(settings: Settings) -> Iterator[str]:
    """Remove everything of ours that no live run uses, and tell what it was.

    Args:
        settings: where the cache is; a server that is named there is cleaned, too.

    Raises:
        UsageError: what is named as a database cannot be used.
        DatabaseUnavailable: the server that is named cannot be reached.
    """
    folder = databases.cache_folder(settings.cache_dir)
    if folder is not None:
        yield from clean_cache(folder)
    bases = _working_folders(settings.database)
    for left in sweep_folders(bases):
        yield f"{left}: left by a run that is dead"
    for left, names in remove_retained(bases).items():
        yield f"{left}: kept for {_databases(names)}"
    yield from _containers()
    if settings.database is not None and "://" in settings.database:
        yield from _server(settings.database)


def describe_retained(settings: Settings) -> Iterator[str]:
    """Tell what is kept on this machine for databases of items that failed."""
    for folder, names in retained_folders(_working_folders(settings.database)).items():
        yield f"{folder}: kept for {_databases(names)}"
    from pytest_stairway.databases.container_sessions import retained_containers

    for told in retained_containers():
        name, _, databases_told = told.partition(": ")
        yield f"container {name}: kept for {_databases(databases_told.split(', '))}"


def _working_folders(named: str | None) -> list[Path]:
    """Give the folders in which runs make theirs; memory too where it is full, maybe of what is to be removed."""
    from sqlalchemy.engine import make_url  # not at pytest's start

    own = named is not None and named.startswith("sqlite:") and make_url(named).database
    return [*([Path(own)] if own else []), SHARED_MEMORY, *usable_folders(Account())]


def _containers() -> Iterator[str]:
    from pytest_stairway.databases.container_sessions import sweep_containers

    with contextlib.suppress(DatabaseUnavailable):  # no engine, no containers
        for session in sweep_containers():
            yield f"container of session {session}: left by a run that is dead"
        for session in sweep_containers(retained=True):
            yield f"container of session {session}: kept for databases of items that failed"


def _server(url: str) -> Iterator[str]:
    """Clean a named server; starting a session there sweeps up after dead ones."""
    from sqlalchemy.engine import make_url  # not at pytest's start

    dialect = make_url(url).get_backend_name()
    if dialect == "sqlite":
        return
    with databases.choose(dialect, named=url).start() as server:
        for name in server.forget():
            yield f"{name}: a template on {server.description}"
        for name in server.forget_retained():
            yield f"{name}: kept for an item that failed, on {server.description}"


def _databases(names: list[str]) -> str:
    return f"the database{'s' if len(names) > 1 else ''} {', '.join(names)} of items that failed"
