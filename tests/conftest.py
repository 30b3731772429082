"""A PostgreSQL server for the whole run, and projects on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_stairway import databases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.databases import Server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """One embedded server, started when first wanted."""
    with databases.choose("postgresql", named="embedded", driver="psycopg").start() as server:
        yield server
