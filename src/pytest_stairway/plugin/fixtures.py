"""Fixtures for tests that people write for one migration; each can be overridden by itself.

They need no option: a test that asks for one is enough.  Everything heavy is imported when it does.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stairway.plugin.markers import wanted_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine
    from sqlalchemy.engine import URL

    from pytest_stairway.clones import Clones
    from pytest_stairway.migrated import MigratedDatabase
    from pytest_stairway.project import Project

__all__ = [
    "DATABASE",
    "stairway",
    "stairway_clones",
    "stairway_config",
    "stairway_engine",
    "stairway_of_class",
    "stairway_project",
    "stairway_url",
]

DATABASE: pytest.StashKey[MigratedDatabase] = pytest.StashKey()
"""The database that a test has, for its report."""


@pytest.fixture(scope="session")
def stairway_config() -> str | None:
    """Name Alembic's configuration, from the root directory; None leaves it to the options."""
    return None


@pytest.fixture(scope="session")
def stairway_project(pytestconfig: pytest.Config, stairway_config: str | None) -> Iterator[Project]:
    """Open the history under test and its server: the session's own where ``--stairway`` walks it."""
    from pytest_stairway.plugin.lending import lend_project

    with told(), lend_project(pytestconfig, stairway_config) as project:
        yield project


@pytest.fixture(scope="session")
def stairway_clones(stairway_project: Project) -> Clones:
    """Make databases at any revision: ``stairway_clones.at("14bc8e509acf")``."""
    from pytest_stairway.plugin.lending import clones_of

    with told():
        return clones_of(stairway_project)


@pytest.fixture(scope="class")
def stairway_of_class(request: pytest.FixtureRequest, stairway_clones: Clones) -> Iterator[MigratedDatabase]:
    """Give a class a database at the revision that it is marked with, also for fixtures that fill it once."""
    with lent(request, stairway_clones) as migrated:
        yield migrated


@pytest.fixture
def stairway(request: pytest.FixtureRequest) -> Iterator[MigratedDatabase]:
    """Give a test a throwaway database at the revision that it is marked with."""
    with told():
        shared = wanted_by(request.node).scope == "class"
    if shared:
        request.node.stash[DATABASE] = migrated = request.getfixturevalue("stairway_of_class")
        yield migrated
        return
    with lent(request, request.getfixturevalue("stairway_clones")) as migrated:
        request.node.stash[DATABASE] = migrated
        yield migrated


@pytest.fixture
def stairway_engine(stairway: MigratedDatabase) -> Engine:
    """Give a synchronous SQLAlchemy engine on the test's database."""
    with told():
        return stairway.engine


@pytest.fixture
def stairway_url(stairway: MigratedDatabase) -> URL:
    """Give the address of the test's database, with the driver that `env.py` uses."""
    return stairway.url


@contextlib.contextmanager
def lent(request: pytest.FixtureRequest, clones: Clones, *, at: str = "heads") -> Iterator[MigratedDatabase]:
    """Make a database for a test or a class, and drop it.

    Args:
        request: the fixture's.
        clones: makes it.
        at: the revision, where no marker names one.
    """
    with told():
        migrated = clones.at(wanted_by(request.node, at=at).at, label=request.node.name)
    try:
        yield migrated
    finally:
        clones.drop(migrated)


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Tell what keeps a test from its database in our words, without a traceback."""
    from pytest_stairway.exceptions import HistoryUnusable, StairwayError
    from pytest_stairway.reporters.failure import render_findings

    try:
        yield
    except HistoryUnusable as error:
        raise pytest.fail.Exception(render_findings(error.findings), pytrace=False) from None
    except StairwayError as error:
        raise pytest.fail.Exception(f"stairway: {error}", pytrace=False) from None


def add_story(item: pytest.Item, report: pytest.TestReport) -> None:
    """Name a failed test's database in its report."""
    migrated: Any = item.stash.get(DATABASE, None)
    if report.failed and migrated is not None:
        if report.when != "teardown":
            migrated.reserve(item.name)
        report.sections.append(("stairway", migrated.story))
