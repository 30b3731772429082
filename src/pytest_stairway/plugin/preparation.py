"""Makes a pytest session ready: its options read, the history found and loaded, and what cannot be used refused.

All of this happens before the session's first line, so that a mistake is one line and not a run.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stairway.exceptions import DatabaseUnavailable, HistoryUnusable, UsageError
from pytest_stairway.plugin.selection import Selection, open_project
from pytest_stairway.reporters.json import require_writable
from pytest_stairway.settings import FILES, resolve

if TYPE_CHECKING:
    from pytest_stairway.project import Project
    from pytest_stairway.settings import Option, Settings

__all__ = ["ADDRESS", "check_settings", "prepare", "read_settings"]

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


def read_settings(config: pytest.Config) -> Settings:
    """Read the options from pytest's command line, the environment and pytest's ini file.

    Raises:
        UsageError: a value does not read as its kind.
    """
    settings = resolve(lambda option: config.getoption(option.ini), lambda option: _ini(config, option))
    files: dict[str, Any] = {name: _located(config, settings, name) for name in FILES}
    return replace(settings, **files)


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


def _ini(config: pytest.Config, option: Option) -> Any:
    """Give an option's value in the ini file; None where it is not there, whatever this version of pytest gives."""
    try:
        value = config.getini(option.ini)
    except (TypeError, ValueError, pytest.UsageError) as error:  # pytest's own objections to a value
        raise UsageError(f"{option.ini}: {error}") from error
    return None if value in ("", [], None) else value


def _located(config: pytest.Config, settings: Settings, name: str) -> str | None:
    """Write a file's name in full: from where pytest was started, or from where the ini file that names it lies."""
    value: str | None = getattr(settings, name)
    if value is None:
        return None
    in_ini = settings.source(name) == f"stairway_{name}" and config.inipath is not None
    folder = config.inipath.parent if in_ini and config.inipath is not None else config.invocation_params.dir
    return str(folder / value)
