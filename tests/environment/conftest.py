"""Real projects on a real server, which has a real database of the project's own: that one must stay as it is."""

from __future__ import annotations

import gc
import sqlite3
import sys
import warnings
from typing import TYPE_CHECKING

import pytest

from environment.lab import Lab
from pytest_stairway import databases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_stairway.databases import Server


@pytest.fixture(autouse=True)
def _modules_of_this_test(tmp_path: Path) -> Iterator[None]:
    """Forget the application modules that a project's env.py imports, and its folders on sys.path."""
    paths = list(sys.path)
    yield
    sys.path[:] = paths
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def _rubbish() -> Iterator[None]:
    """Collect what a broken project leaves open before the next test is blamed for it."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


@pytest.fixture
def lab(postgresql_server: Server, tmp_path: Path) -> Iterator[Lab]:
    """A project on PostgreSQL; its own database must be as empty afterwards as it was."""
    own = postgresql_server.create("own")
    lab = Lab(tmp_path, postgresql_server, own)
    try:
        with lab.stack:
            yield lab
        assert lab.own_tables() == set(), "the project's own database was reached"
    finally:
        postgresql_server.drop(own)


@pytest.fixture
def sqlite_lab(tmp_path: Path) -> Iterator[Lab]:
    """A project on SQLite; its own file must be as empty afterwards as it was."""
    with databases.choose("sqlite", named="sqlite").start() as server:
        lab = Lab(tmp_path, server, None)
        sqlite3.connect(lab.own_file).close()
        with lab.stack:
            yield lab
        assert lab.own_file.stat().st_size == 0, "the project's own database was reached"
