"""Reads our options from pytest's ini file without pytest, so that the command and the plugin agree.

Which file it is follows pytest's rules: the first of its names, in the current folder or the nearest one above, that
says anything to pytest.
"""

from __future__ import annotations

import importlib
import shlex
import sys
from typing import TYPE_CHECKING, Any

import iniconfig

from pytest_stairway.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_stairway.settings import Option

__all__ = ["IniFile", "find_ini_file"]

INI_SECTIONS = {"pytest.ini": "pytest", ".pytest.ini": "pytest", "tox.ini": "pytest", "setup.cfg": "tool:pytest"}
NAMES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
"""In pytest's order."""


class IniFile:
    """What pytest's ini file says.

    Args:
        path: the file.
        values: all options in it, not only ours.
    """

    def __init__(self, path: Path, values: Mapping[str, Any]) -> None:
        self.path = path
        self._values = values

    def value(self, option: Option) -> Any:
        """Give an option's value as pytest would; None where it is not there."""
        value = self._values.get(option.ini)
        if isinstance(value, str) and option.kind == "list":
            return shlex.split(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return value or None if isinstance(value, str) else value


def find_ini_file(folder: Path) -> IniFile | None:
    """Find pytest's ini file for a folder.

    Raises:
        UsageError: it cannot be read.
    """
    candidates = (each / name for each in (folder, *folder.parents) for name in NAMES)
    return next((found for path in candidates if (found := _read(path)) is not None), None)


def _read(path: Path) -> IniFile | None:
    """Read a file, if it is there and says anything to pytest."""
    if not path.is_file():
        return None
    try:
        values = _read_toml(path) if path.suffix == ".toml" else _read_ini(path)
    except (iniconfig.ParseError, ValueError, OSError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    return None if values is None else IniFile(path, values)


def _read_ini(path: Path) -> Mapping[str, Any] | None:
    config = iniconfig.IniConfig(str(path))
    section = INI_SECTIONS[path.name]
    if section in config:
        return dict(config[section].items())
    return {} if section == "pytest" and path.name.endswith("pytest.ini") else None


def _read_toml(path: Path) -> Mapping[str, Any] | None:
    document = _toml(path.read_text(encoding="utf-8"))
    tables = [document.get("pytest")] if path.name != "pyproject.toml" else list(_pyproject(document))
    return next((table for table in tables if table is not None), None)


def _pyproject(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any] | None]:
    table = document.get("tool", {}).get("pytest")
    yield None if table is None else table.get("ini_options", table)


def _toml(text: str) -> dict[str, Any]:
    name = "tomllib" if sys.version_info >= (3, 11) else "tomli"  # which pytest itself needs on 3.10
    document: dict[str, Any] = importlib.import_module(name).loads(text)
    return document
