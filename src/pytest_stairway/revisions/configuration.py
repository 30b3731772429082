"""Opens Alembic's configuration, and says with file and line what in it cannot be used.

Alembic reads an ini file, a ``pyproject.toml`` (since 1.16) or both at once, and of what it cannot use it often says no
more than configparser's own exception.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from inspect import signature
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.config import CommandLine, Config
from alembic.script import ScriptDirectory
from alembic.util import coerce_resource_to_filename, pyc_file_from_path

from pytest_stairway.exceptions import HistoryUnusable
from pytest_stairway.findings import Finding
from pytest_stairway.revisions.source import line_of_option, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Configuration", "open_configuration"]

_READS_TOML = "toml_file" in signature(Config).parameters  # Alembic 1.16 and later
_SEPARATORS = {":": ":", ";": ";", " ": "a space", ",": "a comma", "\n": "a line break"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What was opened: Alembic's objects, and the folders with revision files as absolute paths."""

    config: Config
    script: ScriptDirectory
    version_locations: tuple[str, ...]


def open_configuration(path: Path, *, section: str, x_arguments: Sequence[str]) -> Configuration:
    """Open an ini file or ``pyproject.toml`` as ``alembic`` does when it is run in that folder.

    Raises:
        HistoryUnusable: there is no history to be found by it.
    """
    source = _Source(path, section, _open_config(path, section, x_arguments))
    source.require_section()
    location = source.require_script_location()
    script = source.open_script_directory(location)
    source.require_env(script, location)
    source.require_sound_separators(script)
    locations = script.version_locations or [str(Path(script.dir) / "versions")]
    return Configuration(
        config=source.config,
        script=script,
        version_locations=tuple(str(Path(coerce_resource_to_filename(each)).absolute()) for each in locations),
    )


def place_of(config: Config, option: str | None) -> tuple[str, int | None]:
    """Find the file and the line in which an option stands, or the line of the section that it is missing from."""
    section = config.config_ini_section
    places = [(config.config_file_name, section), (getattr(config, "toml_file_name", None), "tool.alembic")]
    files = [(str(file), name) for file, name in places if file is not None]
    for wanted in (option, None):
        for file, name in files:
            if line := line_of_option(file, name, wanted):
                return shown(file), line
    return shown(files[0][0]), None


def _open_config(path: Path, section: str, x_arguments: Sequence[str]) -> Config:
    if not path.is_file():
        raise _unusable(
            f"there is no Alembic configuration {path.absolute()}",
            shown(path),
            hint="Name the ini file or pyproject.toml by --stairway-config; `alembic init` makes a new one",
        )
    is_toml = path.suffix == ".toml"
    if is_toml and not _READS_TOML:
        raise _unusable(
            f"{path.name} cannot be read by this version of Alembic",
            shown(path),
            hint="Upgrade Alembic, which reads pyproject.toml since 1.16, or name an ini file by --stairway-config",
        )
    ini, toml = (path.parent / "alembic.ini", path) if is_toml else (path, path.parent / "pyproject.toml")
    files: dict[str, Any] = {"toml_file": toml} if _READS_TOML and toml.is_file() else {}
    options = CommandLine().parser.parse_args(["--name", section, "upgrade", "heads"])  # env.py may look at any of them
    options.x = list(x_arguments) or None
    return Config(str(ini) if ini.is_file() else None, ini_section=section, cmd_opts=options, **files)


def _unusable(message: str, path: str, line: int | None = None, *, hint: str) -> HistoryUnusable:
    return HistoryUnusable([Finding(code="environment-failed", message=message, path=path, line=line, hint=hint)])


@dataclass(frozen=True, slots=True)
class _Source:
    """A configuration that is being opened."""

    path: Path
    section: str
    config: Config

    def fail(self, message: str, option: str | None = None, *, hint: str) -> HistoryUnusable:
        """Make the finding that points to an option."""
        path, line = place_of(self.config, option)
        return _unusable(message, path, line, hint=hint)

    def option(self, name: str) -> Any:
        """Read an option from wherever Alembic would."""
        return getattr(self.config, "get_alembic_option", self.config.get_main_option)(name)

    def require_section(self) -> None:
        """See that the files can be read at all, and say something about Alembic."""
        sections = self._read(self.config.config_file_name, "file_config").sections()
        toml = getattr(self.config, "toml_file_name", None)
        table = self._read(toml, "toml_alembic_config") if toml else None
        in_ini = self.config.config_file_name is not None and self.section in sections
        if not in_ini and not table:
            header = "tool.alembic" if self.path.suffix == ".toml" else self.section
            there = f"; there are {', '.join(f'[{name}]' for name in sections)}" if self.config.config_file_name else ""
            raise _unusable(
                f"{self.path.name} has no [{header}] section{there}",
                shown(self.path),
                hint=f"Alembic expects [{header}] with script_location in it; --stairway-section names another section",
            )

    def _read(self, path: str | None, attribute: str) -> Any:
        """Let Alembic read a file, which it does when the attribute is first asked for."""
        try:
            return getattr(self.config, attribute)
        except Exception as error:
            raise _unusable(
                f"{Path(path or self.path).name} cannot be read: {' '.join(str(error).split())}",
                shown(path or self.path),
                _line_of(error),
                hint="Mend the line that it names",
            ) from error

    def require_script_location(self) -> str:
        try:
            location = self.option("script_location")
        except Exception as error:
            raise self._unreadable(error) from error
        if not location:
            raise self.fail(
                f"{self.path.name} says no script_location",
                hint="Alembic expects there the folder with env.py: script_location = %(here)s/migrations",
            )
        return str(location)

    def open_script_directory(self, location: str) -> ScriptDirectory:
        """Open what `location` names."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # older spellings of options, which still work
                script = ScriptDirectory.from_config(self.config)
        except ImportError as error:
            raise self.fail(
                f"script_location = {location} names a package that cannot be imported: {error}",
                "script_location",
                hint="Install the package, or put its folder into prepend_sys_path; a plain path holds no colon",
            ) from error
        except Exception as error:
            if _folder(location) is None:
                raise self._no_folder(location) from error
            raise self._unreadable(error) from error
        if not Path(script.dir).is_dir():
            raise self._no_folder(location)
        return script

    def require_env(self, script: ScriptDirectory, location: str) -> None:
        env = Path(script.dir) / "env.py"
        if not env.exists() and pyc_file_from_path(str(env)) is None:
            raise self.fail(
                f"script_location = {location} has no env.py in it",
                "script_location",
                hint="Name the folder that `alembic init` made, not the one with the revision files",
            )

    def require_sound_separators(self, script: ScriptDirectory) -> None:
        """Find folders in ``version_locations`` that come apart at the separator, or that stick together."""
        written = self.option("version_locations")
        if not isinstance(written, str):
            return
        option = next(
            (each for each in ("path_separator", "version_path_separator") if self.config.get_main_option(each)), None
        )
        separator = f"{option} = {self.config.get_main_option(option)}" if option else "no path_separator is set"
        for what in _torn(script.version_locations, written) or _stuck(script.version_locations):
            raise self.fail(
                f"version_locations is not read as it is meant: {separator}, and {what}",
                option or "version_locations",
                hint="Alembic expects path_separator to be what stands between the folders and in none of their names: "
                "os, space, newline, ':' or ';'",
            )

    def _no_folder(self, location: str) -> HistoryUnusable:
        hint = "Alembic expects there the folder with env.py, best from the file's own folder: %(here)s/migrations"
        if (self.path.parent / location).is_dir():
            hint = (
                f"Write script_location = %(here)s/{location}, which begins where the file lies; a relative path "
                "begins where the command is run"
            )
        return self.fail(
            f"there is no folder {Path(location).absolute()}, which script_location names",
            "script_location",
            hint=hint,
        )

    def _unreadable(self, error: Exception) -> HistoryUnusable:
        """Say what Alembic or configparser said, at the option that it is about."""
        option = getattr(error, "option", None) or self._culprit(str(error))
        words = " ".join(str(error).split())
        return self.fail(
            f"{self.path.name} cannot be used: {option or type(error).__name__}: {words}",
            option,
            hint="Write %% for a percent sign in an ini file" if "%" in words else "Mend the option that it names",
        )

    def _culprit(self, message: str) -> str | None:
        """Find the option that an error speaks of by its name, or by its value."""
        options = dict(self.config.file_config.items(self.section, raw=True)) if self._in_ini() else {}
        named = sorted((name for name in options if name in message), key=len)
        valued = [name for name, value in options.items() if repr(value) in message]
        return next(iter([*named[::-1], *valued]), None)

    def _in_ini(self) -> bool:
        return self.config.file_config.has_section(self.section)


def _line_of(error: Exception) -> int | None:
    """Find the line that configparser or tomllib speaks of."""
    errors = getattr(error, "errors", None)  # configparser's, as pairs of line number and line
    if errors:
        return int(errors[0][0])
    match = re.search(r"at line (\d+)", str(error))
    line = getattr(error, "lineno", None) or (match and match[1])
    return int(line) if line else None


def _torn(pieces: Sequence[str], written: str) -> list[str]:
    """Tell of neighbours that are no folders, but were one before they were split."""
    return [
        f"that splits {joined!r}, which exists, into {first!r} and {second!r}"
        for first, second in pairwise(pieces)
        for joined in (f"{first}{separator}{second}" for separator in _SEPARATORS)
        if joined in written and not (_folder(first) and _folder(second)) and _folder(joined)
    ]


def _stuck(pieces: Sequence[str]) -> Iterator[str]:
    """Tell of what is no folder, but would be several if it were split elsewhere."""
    for piece in pieces:
        for separator, name in _SEPARATORS.items():
            parts = [part.strip() for part in piece.split(separator) if part.strip()]
            if len(parts) > 1 and _folder(piece) is None and all(map(_folder, parts)):
                yield f"that leaves {piece!r} in one piece, which would be {len(parts)} folders if {name} parted them"
                break


def _folder(location: str) -> Path | None:
    """Find the folder that a location names, as a path or as ``package:folder``."""
    try:
        folder = Path(coerce_resource_to_filename(location))
    except Exception:  # noqa: BLE001 - whatever a package raises on import, it is no folder
        return None
    return folder if folder.is_dir() else None
