"""Finds the revision files and loads each of them once, whatever is wrong with the others."""

from __future__ import annotations

import os
import re
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.runtime.environment import EnvironmentContext
from alembic.script import Script
from alembic.script.revision import RevisionError
from alembic.util import load_python_file

from pytest_stairway.findings import Finding
from pytest_stairway.frames import own_frames, told_frames
from pytest_stairway.paths import real_paths
from pytest_stairway.revisions.source import line_of_name, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from pytest_stairway.revisions.configuration import Configuration

__all__ = ["RevisionFile", "load_files"]

_IDS = "None, a string, or a tuple or list of strings"
_SYMBOLS = frozenset({"head", "heads", "base", "current"})
_ID_IN_FILE_NAME = re.compile(r"([a-f0-9]+)\.py")  # Alembic's oldest histories have no `revision` in the file


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionFile:
    """What a revision file says of itself."""

    path: str
    """As an absolute path, by whatever links lead there."""
    real_path: str
    """Without links, as Alembic keeps it."""
    module: ModuleType
    revision: str
    down_revision: tuple[str, ...]
    depends_on: tuple[str, ...]
    """As written: ids and branch labels."""
    branch_labels: tuple[str, ...]

    def as_script(self) -> Script:
        """Make Alembic's object for it."""
        return Script(self.module, self.revision, self.real_path)


def load_files(configuration: Configuration) -> tuple[list[RevisionFile], list[Finding]]:
    """Load every revision file.

    Returns:
        Those that can be used, and what is wrong with the others.
    """
    files: list[RevisionFile] = []
    faults: list[Finding] = []
    # Some revisions ask `alembic.context` for -x arguments or the configuration while they are imported.
    with EnvironmentContext(configuration.config, configuration.script):
        for real_path, path in _revision_paths(configuration).items():
            try:
                module = load_python_file(*os.path.split(real_path))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - it is the user's file: anything may come
                faults.append(_not_imported(path, real_path, error))
                continue
            wrong = list(_mistakes(path, module))
            faults += wrong
            if not wrong:
                files.append(_declared(path, real_path, module))
    return files, faults


def _revision_paths(configuration: Configuration) -> dict[str, Path]:
    """Map the real paths of what Alembic would load to where it was found.

    The order is Alembic's: each location's own files, then those of its subfolders.
    """
    script = configuration.script
    paths: dict[str, Path] = {}
    for location in configuration.version_locations:
        for folder, subfolders, names in os.walk(location):
            if folder.endswith("__pycache__"):
                continue
            here = sorted(names)
            if script.sourceless:
                here += _without_source(Path(folder), names)
            there = (Path(folder, name) for name in here)
            found = [path for path in there if _is_revision_file(path, sourceless=script.sourceless)]
            for real_path, path in zip(real_paths(found), found, strict=True):
                paths.setdefault(real_path, path)
            subfolders[:] = sorted(subfolders) if script.recursive_version_locations else []
    return paths


def _without_source(folder: Path, names: Iterable[str]) -> list[str]:
    """List what lies in ``__pycache__`` and has no source beside it."""
    stems = {name.split(".")[0] for name in names}
    cached = sorted((folder / "__pycache__").glob("*"))
    return [f"__pycache__/{path.name}" for path in cached if path.name.split(".")[0] not in stems]


def _is_revision_file(path: Path, *, sourceless: bool) -> bool:
    if path.name.startswith((".#", "__init__")):
        return False
    if not sourceless or path.suffix == ".py":
        return path.suffix == ".py"
    better = {".pyc": [".py"], ".pyo": [".py", ".pyc"]}.get(path.suffix)
    return better is not None and not any(path.with_suffix(suffix).exists() for suffix in better)


def _not_imported(path: Path, real_path: str, error: BaseException) -> Finding:
    """Tell why a file cannot be imported, with the user's own frames."""
    frames = own_frames(error)
    lines = [frame.lineno for frame in frames if frame.filename == real_path]
    if isinstance(error, SyntaxError) and error.filename == real_path:
        lines.append(error.lineno)
    reason = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
    return Finding(
        code="unloadable-revision",
        message=f"{path.name} cannot be imported: {type(error).__name__}{f': {reason}' if reason else ''}",
        hint=_remedy(error),
        path=shown(path),
        line=lines[-1] if lines else None,
        detail="\n".join([*told_frames(frames).splitlines(), *_source_of(error)]) or None,
    )


def _source_of(error: BaseException) -> list[str]:
    """Show the line that is not Python."""
    if not isinstance(error, SyntaxError) or not error.filename or not error.text:
        return []
    return [f"{shown(error.filename)}:{error.lineno}:", f"    {error.text.strip()}"]


def _remedy(error: BaseException) -> str | None:
    if isinstance(error, SyntaxError):
        is_conflict = (error.text or "").lstrip().startswith(("<<<<<<<", "=======", ">>>>>>>"))
        return "Resolve the merge: the file still holds its conflict markers" if is_conflict else None
    if isinstance(error, ModuleNotFoundError):
        return (
            f"Install {error.name}, or put its folder into prepend_sys_path of Alembic's configuration; where the "
            "application has dropped it, write into the revision what it needs of it"
        )
    if isinstance(error, ImportError):
        return "Write into the revision what it needs (sa.table(…) for a model): the application has moved on"
    modules = {frame.f_globals.get("__name__") for frame, _ in traceback.walk_tb(error.__traceback__)}
    if "alembic.op" in modules:  # its words are a NameError at first, and an AttributeError once something was migrated
        return "Move it into upgrade() or downgrade(): op works only there, not while the file is imported"
    return None


def _mistakes(path: Path, module: ModuleType) -> Iterator[Finding]:
    """Find what Alembic needs in a revision file and is not there, or is not of the right type."""
    revision = _revision_id(path, module)
    checks = (
        ("revision", _revision_mistake(revision)),
        ("down_revision", _ids_mistake(module, "down_revision", required=True)),
        ("depends_on", _ids_mistake(module, "depends_on")),
        ("branch_labels", _ids_mistake(module, "branch_labels")),
        ("upgrade", None if callable(getattr(module, "upgrade", None)) else ("it defines no upgrade()", None)),
    )
    for name, mistake in checks:
        if mistake is not None:
            yield Finding(
                code="unloadable-revision",
                message=f"{path.name} cannot be used as a revision: {mistake[0]}",
                hint=mistake[1]
                or f"Alembic takes every Python file in {path.parent.name}/ for a revision; "
                "move it elsewhere if it is none",
                revision=revision if isinstance(revision, str) else None,
                path=shown(path),
                line=line_of_name(path, name),
            )
            if revision is None:
                return  # no revision at all: what else it lacks says nothing


def _revision_id(path: Path, module: ModuleType) -> Any:
    match = _ID_IN_FILE_NAME.fullmatch(path.name)
    return getattr(module, "revision", match[1] if match else None)


def _revision_mistake(revision: Any) -> tuple[str, str | None] | None:
    if revision is None:
        return "it declares no revision", None
    if not isinstance(revision, str) or not revision:
        return f"revision is {revision!r}", "Alembic expects a string that is not empty"
    if revision in _SYMBOLS:
        return f"revision is {revision!r}, which means something else to Alembic", "Give it another id"
    try:
        Script.verify_rev_id(revision)
    except RevisionError as error:
        return str(error), "Give it another id, here and wherever down_revision or depends_on names it"
    return None


def _ids_mistake(module: ModuleType, name: str, *, required: bool = False) -> tuple[str, str | None] | None:
    if required and not hasattr(module, name):
        return f"it declares no {name}", f"Alembic expects {_IDS}; a base says {name} = None"
    value = getattr(module, name, None)
    ids = [value] if isinstance(value, str) else value
    if ids is None or (isinstance(ids, (tuple, list, set, frozenset)) and all(isinstance(e, str) and e for e in ids)):
        return None
    return f"{name} is {value!r}", f"Alembic expects {_IDS}"


def _declared(path: Path, real_path: str, module: ModuleType) -> RevisionFile:
    def ids(name: str) -> tuple[str, ...]:
        value = getattr(module, name, None) or ()
        if isinstance(value, (set, frozenset)):
            value = sorted(value)
        return (value,) if isinstance(value, str) else tuple(dict.fromkeys(value))

    return RevisionFile(
        path=str(path),
        real_path=real_path,
        module=module,
        revision=_revision_id(path, module),
        down_revision=ids("down_revision"),
        depends_on=ids("depends_on"),
        branch_labels=ids("branch_labels"),
    )
