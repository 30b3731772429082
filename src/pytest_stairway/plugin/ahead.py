"""Begins what a run for named revisions will need, before SQLAlchemy and Alembic are imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway.databases import cache_folder
from pytest_stairway.databases.head_start import HeadStart
from pytest_stairway.exceptions import UsageError
from pytest_stairway.plugin.options import read_settings

if TYPE_CHECKING:
    import pytest

__all__ = ["begin"]


def begin(config: pytest.Config) -> HeadStart | None:
    """Begin to fill the folder of a server of our own, where the run will probably want one.

    Args:
        config: pytest's.
    """
    try:
        settings = read_settings(config)
    except UsageError:  # told when they are read for good
        return None
    elsewhere = settings.database is not None and settings.database.partition(":")[0] not in {"embedded", "binaries"}
    if elsewhere or settings.no_cache or config.option.collectonly or hasattr(config, "workerinput"):
        return None
    folder = cache_folder(settings.cache_dir)
    here = config.invocation_params.dir
    files = [Path(here, argument.partition("::")[0]).absolute() for argument in config.args]
    return None if folder is None else HeadStart.on([file for file in files if file.is_file()], folder=folder)
