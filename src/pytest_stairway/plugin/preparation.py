"""Makes a pytest session ready: its options read, the history found and loaded, and what cannot be used refused.

All of this happens before the session's first line, so that a mistake is one line and not a run.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway.exceptions import DatabaseUnavailable, HistoryUnusable
from pytest_stairway.plugin.options import read_settings
from pytest_stairway.plugin.selection import Selection, open_project
from pytest_stairway.reporters.json import require_writable

if TYPE_CHECKING:
    import pytest

    from pytest_stairway.project import Project

__all__ = ["ADDRESS", "check_settings", "prepare"]

ADDRESS = "stairway_address"
"""The key in an xdist worker's input: where its controller's server is."""


def prepare(config: pytest.Config, *, address: str | None) -> tuple[Project, Selection]:
    """Open the project under test, and see what of it the session asks for.

    Args:
        config: pytest's.
        address: of the server that xdist's controller has started.

    Raises:
        UsageError: an option or a range cannot be used, or there is no configuration.
    """
    project = open_project(config, read_settings(config), address=address)
    selection = Selection.of(config, project)
    if selection and not hasattr(config, "workerinput"):
        check_settings(project, runs=not config.option.collectonly)
    return project, selection


def check_settings(project: Project, *, runs: bool) -> None:
    """Look up whatever an option names, so that a wrong name ends the run before it starts.

    Args:
        project: the project, with its settings.
        runs: the run will walk, so `env.py` may be looked at.

    Raises:
        UsageError: a range, a revision, a database or a file that cannot be used.
    """
    if project.settings.json is not None and runs:
        require_writable(Path(project.settings.json), source=project.settings.source("json"))
    project.baseline  # noqa: B018
    if not project.is_usable:
        return
    project.verify()
    if project.settings.database is not None and runs:
        try:
            project.provider  # noqa: B018
        except (HistoryUnusable, DatabaseUnavailable):
            return  # told by the items
