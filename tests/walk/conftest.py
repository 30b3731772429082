"""Projects of a few revisions, on the run's PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from gauntlet.case import Case, Rev, write
from pytest_stairway.project import Project
from pytest_stairway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_stairway.databases import Server


class MakeProject(Protocol):
    def __call__(self, *revisions: Rev, case: dict[str, Any] | None = None, **settings: Any) -> Project: ...


@pytest.fixture
def make_project(postgresql_server: Server, tmp_path: Path) -> Iterator[MakeProject]:
    """Write revisions into a project, and give what the plugin would ask."""
    made: list[Project] = []

    def make(*revisions: Rev, case: dict[str, Any] | None = None, **settings: Any) -> Project:
        folder = tmp_path / f"project{len(made)}"
        folder.mkdir()
        ini = write(Case("project", "a project", revisions, **(case or {})), folder)
        project = Project(Settings(config=str(ini), **settings), folder, address=postgresql_server.address)
        made.append(project)
        return project

    yield make
    for project in made:
        project.close()
