"""A server's folder is begun by a guess, and a guess that was wrong does no harm."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pytest_stairway import databases
from pytest_stairway.databases import Cache
from pytest_stairway.databases.head_start import HeadStart

from .test_templates import clusters, make, started, tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_stairway.databases import Server


@pytest.fixture
def revision(tmp_path: Path) -> Path:
    """Return a file of a project whose cluster is kept."""
    with started(tmp_path / "cache", project=str(tmp_path / "alembic.ini")) as server:
        make(server, "one")
    return tmp_path / "versions" / "one.py"


def begin(revision: Path) -> HeadStart:
    begun = HeadStart.on([revision], folder=revision.parent.parent / "cache")
    assert begun is not None
    return begun


@contextmanager
def served(begun: HeadStart, revision: Path, *wanted: str) -> Iterator[Server]:
    """Start a server with what was begun."""
    folder = revision.parent.parent
    project = str(folder / "alembic.ini")
    cache = Cache(folder=folder / "cache", project=project, wanted=lambda: wanted, head_start=begun)
    with databases.choose("postgresql", named="embedded", cache=cache).start() as server:
        yield server


def test_the_server_starts_in_the_folder_that_was_begun(base: Path, revision: Path) -> None:
    begun = begin(revision)
    (folder,) = base.iterdir()
    with served(begun, revision, "one") as server:
        assert tables(server, "one") == ["one"]
        assert list(base.iterdir()) == [folder]
    begun.close()


def test_what_is_used_counts_as_used(base: Path, revision: Path) -> None:
    (entry,) = clusters(revision.parent.parent / "cache")
    os.utime(entry, (1, 1))
    with served(begin(revision), revision, "one"):
        assert entry.stat().st_mtime > 1
    assert base


def test_a_run_that_wants_something_else_gets_that(base: Path, revision: Path) -> None:
    begun = begin(revision)
    with started(revision.parent.parent / "cache", project="another") as server:
        make(server, "two")
    with served(begun, revision, "two") as server:
        assert tables(server, "two") == ["two"]
        assert server.kept(["one"]) is None
    assert base


def test_a_cluster_without_all_its_files_is_not_used(base: Path, revision: Path) -> None:
    (entry,) = clusters(revision.parent.parent / "cache")
    (entry / "global" / "pg_control").unlink()
    with served(begin(revision), revision, "one") as server:
        assert server.kept(["one"]) is None
    assert base


def test_what_nobody_uses_goes(base: Path, revision: Path) -> None:
    begun = begin(revision)
    assert list(base.iterdir())
    begun.close()
    assert not list(base.iterdir())


@pytest.mark.usefixtures("base")
def test_nothing_is_begun_for_another_project(revision: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "one.py"
    assert HeadStart.on([elsewhere], folder=revision.parent.parent / "cache") is None
    assert HeadStart.on([], folder=revision.parent.parent / "cache") is None
