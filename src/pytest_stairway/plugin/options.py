"""Reads our options from pytest's command line, the environment and pytest's ini file; imports nothing heavy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stairway.exceptions import UsageError
from pytest_stairway.settings import FILES, resolve

if TYPE_CHECKING:
    from pytest_stairway.settings import Option, Settings

__all__ = ["read_settings"]


def read_settings(config: pytest.Config) -> Settings:
    """Read the options from pytest's command line, the environment and pytest's ini file.

    Raises:
        UsageError: a value does not read as its kind.
    """
    settings = resolve(lambda option: config.getoption(option.ini), lambda option: _ini(config, option))
    files: dict[str, Any] = {name: _located(config, settings, name) for name in FILES}
    return replace(settings, **files)


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
