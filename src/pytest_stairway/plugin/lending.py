"""Opens the project under test for fixtures: the one that the session walks, or one of their own."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway.clones import Clones
from pytest_stairway.plugin.items import require_database
from pytest_stairway.plugin.options import read_settings
from pytest_stairway.plugin.porter import DOOR, ask_porter
from pytest_stairway.plugin.preparation import ADDRESS
from pytest_stairway.plugin.selection import open_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from pytest_stairway.project import Project

__all__ = ["clones_of", "lend_project"]


@contextlib.contextmanager
def lend_project(config: pytest.Config, configuration: str | None) -> Iterator[Project]:
    """Give the project under test.

    Args:
        config: pytest's.
        configuration: Alembic's, from the root directory; None for what the options say.

    Raises:
        UsageError: an option cannot be used, or there is no configuration.
    """
    session = config.pluginmanager.get_plugin("stairway-session")
    if session is not None and configuration is None:
        yield session.project
        return
    settings = read_settings(config)
    worker = getattr(config, "workerinput", {})
    address = worker.get(ADDRESS)
    if address is None and configuration is None and DOOR in worker:
        address = ask_porter(worker[DOOR])
    if configuration is not None:
        address = None  # the controller's server may speak another dialect
        sources = {**settings.sources, "config": "the fixture stairway_config"}
        settings = replace(settings, config=str(Path(config.rootpath, configuration)), sources=sources)
    project = open_project(config, settings, address=address)
    try:
        yield project
    finally:
        project.close()


def clones_of(project: Project) -> Clones:
    """Make what gives databases at a revision of a project.

    Raises:
        DatabaseUnavailable: there is none to be had.
        HistoryUnusable: the history cannot be loaded.
    """
    history = project.history
    require_database(project)
    return Clones(
        history,
        project.configuration,
        project.lineage,
        project.server,
        project.contact,
        row_settings=project.row_settings,
        keep=project.settings.keep,
    )
