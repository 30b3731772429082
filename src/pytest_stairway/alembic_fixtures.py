"""Fixtures of pytest-alembic's names, on throwaway databases: its users keep their tests and its API.

One line in a ``conftest.py`` is enough::

    from pytest_stairway.alembic_fixtures import alembic_config, alembic_engine

``alembic_runner`` is pytest-alembic's own, and works with these two.  While it runs `env.py`, every connection leads to
the throwaway database, also where `env.py` does not look at the one that it is handed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_stairway.plugin.fixtures import DATABASE, lent, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

    from pytest_stairway.clones import Clones
    from pytest_stairway.migrated import MigratedDatabase
    from pytest_stairway.project import Project

__all__ = ["alembic_config", "alembic_engine"]


@pytest.fixture
def alembic_config(stairway_project: Project) -> dict[str, Any]:
    """Name the configuration that our own tests use."""
    with told():
        return {"file": str(stairway_project.configuration)}


@pytest.fixture
def alembic_engine(
    request: pytest.FixtureRequest, stairway_clones: Clones, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine | AsyncEngine]:
    """Give an engine on a throwaway database, at base or at the revision that the test is marked with."""
    from alembic.script import ScriptDirectory

    with lent(request, stairway_clones, at="base") as migrated:
        request.node.stash[DATABASE] = migrated
        run_env = ScriptDirectory.run_env

        def guarded(script: ScriptDirectory) -> None:
            with migrated.guarded():
                run_env(script)

        monkeypatch.setattr(ScriptDirectory, "run_env", guarded)
        yield engine_of(migrated)


def engine_of(migrated: MigratedDatabase) -> Engine | AsyncEngine:
    """Give a synchronous engine where a driver for one is installed, and else an async one."""
    from pytest_stairway.exceptions import UsageError

    try:
        return migrated.engine
    except UsageError:
        from sqlalchemy.ext.asyncio import create_async_engine
        from sqlalchemy.pool import NullPool

        return create_async_engine(migrated.url, poolclass=NullPool)
