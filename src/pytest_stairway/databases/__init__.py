"""Where a throwaway database comes from.

`choose` says which provider serves a dialect, its `start` gives a server, and that makes and drops databases.  The
project's own database is never among them: a server is used only when somebody names it.

Importing this package is cheap, because the pytest plugin does so at every start: the providers are imported when one
is asked for, SQLAlchemy when a server is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.databases.base import Availability, Database, Provider, Server
from pytest_stairway.databases.cache import Cache, cache_folder
from pytest_stairway.databases.drivers import connect_arguments, on_connect_statements

if TYPE_CHECKING:
    from pytest_stairway.databases.choice import choose, join, survey

__all__ = [
    "Availability",
    "Cache",
    "Database",
    "Provider",
    "Server",
    "cache_folder",
    "choose",
    "connect_arguments",
    "join",
    "on_connect_statements",
    "survey",
]


def __getattr__(name: str) -> object:
    """Import what needs the providers only when it is wanted."""
    if name in {"choose", "join", "survey"}:
        from pytest_stairway.databases import choice

        return getattr(choice, name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
