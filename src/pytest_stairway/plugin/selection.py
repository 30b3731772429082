"""What of ours a pytest run asks for: everything, or what was named on the command line."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stairway.exceptions import UsageError
from pytest_stairway.paths import real_paths
from pytest_stairway.plugin.arguments import is_revision
from pytest_stairway.project import Project, find_configuration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.revisions import Revision
    from pytest_stairway.settings import Settings

__all__ = ["NARROWED", "Selection", "open_project"]

NARROWED = "stairway_narrowed"
"""The key in an xdist worker's input: whether its controller found something of ours named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is asked for."""

    whole: bool
    """Everything: ``--stairway``, and nothing of ours was named."""
    files: frozenset[str] = frozenset()
    """Revision files, and the configuration, that were named, as real paths."""
    folders: frozenset[str] = frozenset()
    """Folders of revisions that were named; they count with ``--stairway`` only."""

    @classmethod
    def of(cls, config: pytest.Config, project: Project) -> Selection:
        """Read pytest's arguments."""
        everything = bool(config.getoption("stairway"))
        paths = _named_paths(config)
        files = frozenset(os.path.realpath(path) for path in paths if _is_ours(project, path))
        folders = frozenset(os.path.realpath(path) for path in paths if everything and _holds_revisions(project, path))
        return cls(whole=everything and not (files or folders), files=files, folders=folders)

    def __bool__(self) -> bool:
        """Tell whether there is anything for us to do."""
        return self.whole or bool(self.files or self.folders)

    def names(self, path: str | Path) -> bool:
        """Tell whether a file was named by itself."""
        return os.path.realpath(path) in self.files

    def unnamed(self, project: Project) -> Iterator[Revision]:
        """Give the revisions that are asked for though their files were not named, in the history's order."""
        wanted = self.whole or self.folders
        selected = project.selected if wanted and project.is_usable else ()
        for path, revision in zip(real_paths(each.path for each in selected), selected, strict=True):
            below = any(path.startswith(folder + os.sep) for folder in self.folders)
            if (self.whole or below) and path not in self.files:
                yield revision


def open_project(config: pytest.Config, settings: Settings, *, address: str | None) -> Project:
    """Find Alembic's configuration: where the settings say; else near the revisions that are named; else near the run.

    Raises:
        UsageError: there is none.
    """
    folder = config.invocation_params.dir
    named = [parent for path in _named_paths(config) if path.suffix == ".py" for parent in path.parents]
    within = [parent for parent in named if config.rootpath in parent.parents]
    beside = [config.inipath.parent] if config.inipath is not None else []
    for root in dict.fromkeys([*within, config.rootpath, *beside, folder, *folder.parents, *named]):
        with contextlib.suppress(UsageError):
            find_configuration(settings, root)
            return Project(settings, root, address=address)
    find_configuration(settings, config.rootpath)
    raise AssertionError("the line above has raised")


def _named_paths(config: pytest.Config) -> list[Path]:
    """Give the paths that somebody wrote on the command line, those of ``testpaths`` left out."""
    worker: dict[str, Any] = getattr(config, "workerinput", {})
    if config.args_source is not pytest.Config.ArgsSource.ARGS or not worker.get(NARROWED, True):
        return []
    names = [argument.partition("::")[0] for argument in config.args]
    return [Path(os.path.normpath(config.invocation_params.dir / name)) for name in names]


def _is_ours(project: Project, path: Path) -> bool:
    """Tell whether what was named is the configuration or a revision of the history."""
    if os.path.realpath(path) == os.path.realpath(project.configuration):
        return True
    return project.history.at_path(path) is not None if project.is_usable else is_revision(path)


def _holds_revisions(project: Project, path: Path) -> bool:
    """Tell whether what was named is a folder of revisions, or one below it."""
    if not (project.is_usable and path.is_dir()):
        return False
    inside = os.path.realpath(path) + os.sep
    return any(inside.startswith(os.path.realpath(place) + os.sep) for place in project.history.version_locations)
