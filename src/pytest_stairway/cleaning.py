"""Removes what is kept between runs, and what dead ones have left: ``stairway clean``."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pytest_stairway import databases
from pytest_stairway.databases.janitor import Account
from pytest_stairway.databases.sweeping import clean_cache, sweep_folders
from pytest_stairway.databases.workplace import usable_folders
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.settings import Settings

__all__ = ["clean"]


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
    for left in sweep_folders(usable_folders(Account())):
        yield f"{left}: left by a run that is dead"
    yield from _containers()
    if settings.database is not None and "://" in settings.database:
        yield from _server(settings.database)


def _containers() -> Iterator[str]:
    from pytest_stairway.databases.containers import sweep_containers

    with contextlib.suppress(DatabaseUnavailable):  # no engine, no containers
        for session in sweep_containers():
            yield f"container of session {session}: left by a run that is dead"


def _server(url: str) -> Iterator[str]:
    """Clean a named server; starting a session there sweeps up after dead ones."""
    from sqlalchemy.engine import make_url  # not at pytest's start

    dialect = make_url(url).get_backend_name()
    if dialect == "sqlite":
        return
    with databases.choose(dialect, named=url).start() as server:
        for name in server.forget():
            yield f"{name}: a template on {server.description}"
