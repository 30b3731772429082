"""Databases on which a DBA's files are run."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from handoff.lab import Target, files
from handoff.release_lab import Releases
from offline.lab import sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handoff.lab import Files
    from pytest_stairway.databases import Server


@pytest.fixture
def target(postgresql_server: Server) -> Iterator[Target]:
    """An empty database."""
    database = postgresql_server.create("dba")
    try:
        yield Target(database)
    finally:
        postgresql_server.drop(database)


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Files]:
    """The sample's files, written once."""
    folder = tmp_path_factory.mktemp("sample")
    environment = sample()
    ranges = ("base:faa4416c842b", "faa4416c842b:a5390146783a")
    return {written: files(environment, written, folder / written.replace(":", "-")) for written in ranges}


@pytest.fixture
def ref_code(rendered: dict[str, Files], tmp_path: Path) -> Files:
    """The sample's release of the author's ref_code, in files of one's own."""
    release = rendered["faa4416c842b:a5390146783a"]
    copies = [Path(shutil.copy(path, tmp_path)) for path in (release.upgrade, release.downgrade)]
    return replace(release, upgrade=copies[0], downgrade=copies[1])


@pytest.fixture
def at_start(target: Target, rendered: dict[str, Files]) -> Target:
    """A database where that release starts, with rows."""
    assert target.run(rendered["base:faa4416c842b"].upgrade).ok
    target.execute("INSERT INTO author SELECT n, 'author ' || n FROM generate_series(1, 20) AS n")
    return target


@pytest.fixture
def releases(postgresql_server: Server, tmp_path: Path) -> Releases:
    """Makes releases on PostgreSQL."""
    return Releases(tmp_path, postgresql_server)
